//! Objects out of files, directories, standard input, URLs and kustomizations.

use crate::error::{Error, Result};
use kustomize::{Disk, FetchError, Host as _};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use value::Value;

/// Where objects come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Files, directories, URLs, or `-` (`-f`).
    pub files: Vec<String>,
    /// A directory with a kustomization (`-k`).
    pub kustomize: Option<String>,
    /// Directories below directories, too (`-R`).
    pub recursive: bool,
}

/// An object out of a file.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The object.
    pub object: Value,
    /// The file, as errors name it.
    pub source: String,
}

impl Sources {
    /// Whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.kustomize.is_none()
    }

    /// All objects, lists taken apart.
    ///
    /// # Errors
    /// Where something cannot be read, or is no object.
    pub fn load(&self) -> Result<Vec<Manifest>> {
        let mut found = Vec::new();
        if let Some(dir) = &self.kustomize {
            let built = kustomize::build(&Disk, dir, &kustomize::Options::default())?;
            built.warnings.iter().for_each(|warning| crate::text::warn(warning));
            parse(&built.into_yaml()?, dir, &mut found)?;
        }
        for file in &self.files {
            self.load_one(file, &mut found)?;
        }
        Ok(found)
    }

    fn load_one(&self, file: &str, found: &mut Vec<Manifest>) -> Result<()> {
        if file == "-" {
            let mut text = String::new();
            let failed = |source| Error::File { path: "standard input".into(), source };
            std::io::stdin().read_to_string(&mut text).map_err(failed)?;
            return parse(&text, "STDIN", found);
        }
        if file.starts_with("http://") || file.starts_with("https://") {
            return parse(&fetch(file)?, file, found);
        }
        let path = Path::new(file);
        if !path.exists() {
            return Err(Error::usage(format!("the path {file:?} does not exist")));
        }
        for path in self.expand(path)? {
            let text = std::fs::read_to_string(&path).map_err(|source| Error::File { path: path.clone(), source })?;
            parse(&text, &path.display().to_string(), found)?;
        }
        Ok(())
    }

    /// The files that a path means: itself, or what a directory holds.
    fn expand(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let mut waiting = vec![path.to_owned()];
        while let Some(next) = waiting.pop() {
            if !next.is_dir() {
                files.push(next);
                continue;
            }
            let failed = |source| Error::File { path: next.clone(), source };
            let mut entries = Vec::new();
            for entry in std::fs::read_dir(&next).map_err(failed)? {
                entries.push(entry.map_err(failed)?.path());
            }
            let known = |path: &PathBuf| {
                path.extension()
                    .is_some_and(|extension| ["json", "yaml", "yml"].iter().any(|known| extension == *known))
            };
            entries.retain(|path| if path.is_dir() { self.recursive } else { known(path) });
            // The last one waiting is taken first.
            entries.sort_by(|a, b| b.cmp(a));
            waiting.extend(entries);
        }
        Ok(files)
    }
}

fn fetch(url: &str) -> Result<String> {
    let bytes = Disk.fetch(url).map_err(|error| match error {
        FetchError::Status(code) => {
            Error::usage(format!("unable to read URL {url:?}, server reported {code}, status code={code}"))
        }
        FetchError::Failed(why) => Error::usage(why),
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(text: &str, source: &str, found: &mut Vec<Manifest>) -> Result<()> {
    let documents = yaml::documents(text)
        .map_err(|error| Error::usage(format!("error parsing {source}: error converting YAML to JSON: {error}")))?;
    for document in documents {
        match document {
            Value::Null => {}
            Value::Object(mut list) if is_list(&list) => {
                let Some(Value::Array(items)) = list.remove("items") else { continue };
                for item in items {
                    push(item, source, found)?;
                }
            }
            object => push(object, source, found)?,
        }
    }
    Ok(())
}

fn is_list(object: &value::Map) -> bool {
    object.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"))
        && object.get("items").is_some_and(Value::is_array)
}

fn push(object: Value, source: &str, found: &mut Vec<Manifest>) -> Result<()> {
    let missing = |what: &str| {
        let json = crate::text::escaped(&object);
        Err(Error::usage(format!("unable to decode {source:?}: Object '{what}' is missing in '{json}'")))
    };
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    if !object.is_object() {
        let kind = if object.is_array() { "array" } else { "string" };
        return Err(Error::usage(format!(
            "error parsing {source}: json: cannot unmarshal {kind} into Go value of type unstructured.detector"
        )));
    }
    if text("kind").is_empty() {
        return missing("Kind");
    }
    if text("apiVersion").is_empty() {
        return missing("apiVersion");
    }
    found.push(Manifest { object, source: source.to_owned() });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> std::result::Result<Vec<String>, String> {
        let mut found = Vec::new();
        parse(text, "x.yaml", &mut found).map_err(|error| error.to_string())?;
        Ok(found.iter().map(|one| crate::text::name(&one.object).to_owned()).collect())
    }

    #[test]
    fn lists_are_taken_apart() {
        let text = "kind: List\napiVersion: v1\nitems:\n- {kind: A, apiVersion: v1, metadata: {name: a}}\n- {kind: B, \
                    apiVersion: v1, metadata: {name: b}}\n---\n---\nkind: C\napiVersion: v1\nmetadata: {name: c}\n";
        assert_eq!(load(text).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let error = load("apiVersion: v1\nmetadata: {name: a}\n").unwrap_err();
        assert!(error.contains("Object 'Kind' is missing in '{\"apiVersion\":\"v1\""), "{error}");
        let error = load("a: b: c").unwrap_err();
        assert!(error.starts_with("error: error parsing x.yaml: error converting YAML to JSON: yaml: "), "{error}");
    }

    #[test]
    fn directories_are_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let object = |name: &str| format!("kind: A\napiVersion: v1\nmetadata: {{name: {name}}}\n");
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        write("b.yaml", &object("b"));
        write("a.yml", &object("a"));
        write("note.txt", "no object");
        write("sub/c.json", &object("c"));
        let names = |recursive: bool| -> Vec<String> {
            let files = vec![folder.path().display().to_string()];
            let sources = Sources { files, recursive, ..Sources::default() };
            sources.load().unwrap().iter().map(|one| crate::text::name(&one.object).to_owned()).collect()
        };
        assert_eq!(names(false), ["a", "b"]);
        assert_eq!(names(true), ["a", "b", "c"]);
    }
}
