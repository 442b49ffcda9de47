//! Files that stand in memory only.

use super::{Host, Place};
use crate::path;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Files by absolute path; directories are there where files are below them.
#[derive(Debug, Default)]
pub struct Memory {
    files: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl Memory {
    /// Files with their texts; paths count from `/`.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter().map(|(path, text)| (absolute(path), text.as_bytes().to_vec()));
        Self { files: RefCell::new(files.collect()) }
    }

    fn is_dir(&self, dir: &str) -> bool {
        let below = if dir == "/" { "/".to_owned() } else { format!("{dir}/") };
        dir == "/"
            || self.files.borrow().range(below.clone()..).next().is_some_and(|(path, _)| path.starts_with(&below))
    }
}

fn absolute(path: &str) -> String {
    path::join("/", path)
}

impl Host for Memory {
    fn resolve(&self, path: &str) -> Result<Place, String> {
        let path = absolute(path);
        if self.is_dir(&path) {
            return Ok(Place { dir: path, file: String::new() });
        }
        if !self.files.borrow().contains_key(&path) {
            return Err(format!("'{path}' doesn't exist"));
        }
        let (dir, file) = path.rsplit_once('/').unwrap_or(("", &path));
        Ok(Place { dir: absolute(dir), file: file.to_owned() })
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let path = absolute(path);
        self.files.borrow().get(&path).cloned().ok_or_else(|| format!("open {path}: no such file or directory"))
    }

    fn write(&self, path: &str, content: &[u8]) -> Result<(), String> {
        self.files.borrow_mut().insert(absolute(path), content.to_vec());
        Ok(())
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, String> {
        let dir = absolute(dir);
        if !self.is_dir(&dir) {
            return Err(format!("open {dir}: no such file or directory"));
        }
        let below = if dir == "/" { dir } else { format!("{dir}/") };
        let mut names: Vec<String> = self
            .files
            .borrow()
            .keys()
            .filter_map(|path| path.strip_prefix(&below))
            .map(|rest| rest.split('/').next().unwrap_or(rest).to_owned())
            .collect();
        names.dedup();
        Ok(names)
    }
}
