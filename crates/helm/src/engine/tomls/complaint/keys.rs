//! Which keys there are already.

use std::collections::HashMap;

use super::{Read, Reader, is_bare};

/// What is behind a key.
pub(super) enum Node {
    /// A value that holds no keys.
    Leaf,
    /// A table.
    Table(HashMap<String, Node>),
    /// A list of tables, each under a header of its own.
    Tables(Vec<HashMap<String, Node>>),
}

impl Default for Node {
    fn default() -> Self {
        Self::Table(HashMap::new())
    }
}

/// A part of a key as it is written.
pub(super) fn shown(part: &str) -> String {
    match !part.is_empty() && part.chars().all(is_bare) {
        true => part.to_owned(),
        false => format!("\"{}\"", part.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

fn path(parts: &[String]) -> String {
    parts.iter().map(|part| shown(part)).collect::<Vec<_>>().join(".")
}

impl Reader {
    /// The table of a path; of lists, their last one. The length of the path that leads to no table, where it does not.
    fn table_at(&mut self, path: &[String]) -> Result<&mut HashMap<String, Node>, usize> {
        let mut node = &mut self.root;
        for (at, part) in path.iter().enumerate() {
            let map = match node {
                Node::Table(map) => map,
                Node::Tables(list) => list.last_mut().ok_or(at)?,
                Node::Leaf => return Err(at),
            };
            node = map.entry(part.clone()).or_default();
        }
        match node {
            Node::Table(map) => Ok(map),
            Node::Tables(list) => list.last_mut().ok_or(path.len()),
            Node::Leaf => Err(path.len()),
        }
    }

    /// Goes into a table, which is made where it is not there.
    pub(super) fn add_context(&mut self, key: Vec<String>, list: bool) -> Read {
        let Some((last, parent)) = key.split_last() else { return Ok(()) };
        for length in 1..=parent.len() {
            let above = &parent[..length];
            let is_new = self.table_at(&above[..length - 1]).is_ok_and(|map| !map.contains_key(&above[length - 1]));
            if is_new {
                self.implicit.insert(above.to_vec());
            }
            if self.table_at(above).is_err() {
                let words = format!("Key '{}' was already created as a hash.", path(above));
                return self.fail_at(self.key_line, words);
            }
        }
        self.context = parent.to_vec();
        if list {
            let line = self.key_line;
            let Ok(map) = self.table_at(parent) else { return Ok(()) };
            match map.entry(last.clone()).or_insert_with(|| Node::Tables(Vec::new())) {
                Node::Tables(tables) => tables.push(HashMap::new()),
                _ => {
                    let words = format!("Key '{}' was already created and cannot be used as an array.", path(&key));
                    return self.fail_at(line, words);
                }
            }
        } else {
            self.set(last, Node::default())?;
        }
        self.context = key;
        Ok(())
    }

    /// Sets the key that was read.
    pub(super) fn set_value(&mut self, node: Node) -> Read {
        self.set(&self.key.clone(), node)
    }

    fn set(&mut self, key: &str, node: Node) -> Read {
        let context = self.context.clone();
        let mut whole = context.clone();
        whole.push(key.to_owned());
        let defined = |parts: &[String]| format!("Key '{}' has already been defined.", path(parts));
        let known = match self.table_at(&context) {
            Err(length) => return self.fail_at(self.key_line, defined(&context[..length])),
            Ok(map) if map.contains_key(key) => true,
            Ok(map) => {
                map.insert(key.to_owned(), node);
                false
            }
        };
        if known && !self.implicit.remove(&whole) {
            return self.fail_at(self.key_line, defined(&whole));
        }
        Ok(())
    }
}
