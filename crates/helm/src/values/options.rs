//! The flags that give values, in their order of precedence.

use std::io::Read;

use value::Value;

use super::{SetKind, Values, merge_over, read_documents, set};
use crate::Error;
use crate::error::of_file;
use crate::json::with_floats;
use crate::repository::{Places, getters};

/// What the flags said, each in its order.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `-f`, `--values`
    pub files: Vec<String>,
    /// `--set-json`
    pub json: Vec<String>,
    /// `--set`
    pub set: Vec<String>,
    /// `--set-string`
    pub strings: Vec<String>,
    /// `--set-file`
    pub from_files: Vec<String>,
    /// `--set-literal`
    pub literals: Vec<String>,
}

impl Options {
    /// The values that all flags together give.
    ///
    /// # Errors
    /// Where a file cannot be read or got, or a flag does not follow its form.
    pub fn merge(&self, places: &Places) -> Result<Values, Error> {
        let mut values = Values::new();
        for path in &self.files {
            let data = read(path, places)?;
            let map =
                read_documents(&data).map_err(|error| Error::Values(format!("failed to parse {path}: {error}")))?;
            merge_over(&mut values, map);
        }
        for line in &self.json {
            merge_json(line, &mut values)?;
        }
        let failed = |flag: &str, error: String| Error::Values(format!("failed parsing {flag} data: {error}"));
        for line in &self.set {
            set(line, &mut values, &SetKind::Typed).map_err(|error| failed("--set", error))?;
        }
        for line in &self.strings {
            set(line, &mut values, &SetKind::Text).map_err(|error| failed("--set-string", error))?;
        }
        let text = |path: &str| read(path, places).map(|data| gotemplate::carry(&data));
        for line in &self.from_files {
            set(line, &mut values, &SetKind::File(&text)).map_err(|error| failed("--set-file", error))?;
        }
        for line in &self.literals {
            set(line, &mut values, &SetKind::Literal).map_err(|error| failed("--set-literal", error))?;
        }
        Ok(values)
    }
}

fn merge_json(line: &str, values: &mut Values) -> Result<(), Error> {
    if !line.trim().starts_with('{') {
        let failed = |_| Error::Values(format!("failed parsing --set-json data {line}"));
        return set(line, values, &SetKind::Json).map_err(failed);
    }
    match serde_json::from_str(line.trim()).map(with_floats) {
        Ok(Value::Object(map)) => {
            merge_over(values, map);
            Ok(())
        }
        _ => Err(Error::Values(format!("failed parsing --set-json data JSON: {line}"))),
    }
}

/// A file, what is at an address, or standard input for a hyphen.
fn read(path: &str, places: &Places) -> Result<Vec<u8>, Error> {
    if path.trim() == "-" {
        let mut data = Vec::new();
        std::io::stdin().read_to_end(&mut data).map_err(|source| Error::file("-", source))?;
        return Ok(data);
    }
    if let Some(data) = getters::get(places, path)? {
        return Ok(data);
    }
    std::fs::read(path).map_err(|error| Error::Values(of_file(path, &error)))
}
