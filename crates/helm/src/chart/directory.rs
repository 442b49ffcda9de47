//! Charts in directories.

use std::fs;
use std::path::{Path, PathBuf};

use gotemplate::format::quote;

use super::{Chart, File, MAX_FILE_SIZE, Rules};
use crate::Error;

/// How deep directories are followed, so that a link to a parent ends.
const MAX_DEPTH: usize = 64;

/// Loads a chart from a directory; `.helmignore` says what does not belong to it.
///
/// # Errors
/// Where a file cannot be read, or it is no chart.
pub fn load_directory(path: &Path) -> Result<Chart, Error> {
    let ignore = path.join(".helmignore");
    let mut rules = match fs::read(&ignore) {
        Ok(text) => Rules::parse(&String::from_utf8_lossy(&text)).map_err(Error::Chart)?,
        Err(_) => Rules::default(),
    };
    rules.add_defaults();
    let mut found = Found::default();
    walk(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()), "", &rules, &mut found, 0)?;
    let mut chart = super::load_files(found.files)?;
    chart.notices = found.notices;
    Ok(chart)
}

/// What a directory holds, and the links that led out of it.
#[derive(Default)]
struct Found {
    files: Vec<File>,
    notices: Vec<String>,
}

fn walk(directory: &Path, prefix: &str, rules: &Rules, into: &mut Found, depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::Chart(format!("directories are nested too deep at {}", directory.display())));
    }
    let failed = |source| Error::file(directory, source);
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    for path in entries {
        let Some(base) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        let name = if prefix.is_empty() { base.clone() } else { format!("{prefix}/{base}") };
        into.notices.extend(super::links::followed(&path)?);
        let found = fs::metadata(&path).map_err(|source| Error::file(&path, source))?;
        if rules.ignore(&name, found.is_dir()) {
            continue;
        }
        if found.is_dir() {
            walk(&path, &name, rules, into, depth + 1)?;
        } else {
            into.files.push(read(&path, name, &found)?);
        }
    }
    Ok(())
}

fn read(path: &Path, name: String, found: &fs::Metadata) -> Result<File, Error> {
    if !found.is_file() {
        let path = path.display();
        return Err(Error::Chart(format!("cannot load irregular file {path} as it has file mode type bits set")));
    }
    if found.len() > MAX_FILE_SIZE {
        let base = quote(&path.file_name().unwrap_or_default().to_string_lossy().into_owned().into());
        return Err(Error::Chart(format!("chart file {base} is larger than the maximum file size {MAX_FILE_SIZE}")));
    }
    let data = fs::read(path).map_err(|error| Error::Chart(format!("error reading {name}: {error}")))?;
    let modified = found.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    Ok(File { name, data: super::archive::without_mark(data), modified })
}
