//! Finding nodes by field names.

use super::{Content, Kind, Node};
use crate::error::{Error, Result};

impl Node {
    /// The value under `key`: the first, if it stands there more than once.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }

    /// As [`Node::get`], to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.content {
            Content::Map(entries) => entries.iter_mut().find(|entry| &*entry.key == key).map(|entry| &mut entry.value),
            _ => None,
        }
    }

    /// Follows field names; nulls on the way end the search.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// As upstream's `Lookup`: names, list indexes, `-` for the last item, `[field=value]`.
    pub(crate) fn lookup(&self, path: &[String]) -> Result<Option<&Node>> {
        let mut node = self;
        for part in path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
            match node.step(part)? {
                Some(next) => node = next,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// As [`Node::lookup`], to be changed.
    pub(crate) fn lookup_mut(&mut self, path: &[String]) -> Result<Option<&mut Node>> {
        let mut node = self;
        for part in path {
            match node.part_mut(part)? {
                Some(child) => node = child,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// As [`Node::lookup_mut`] with a path of one part.
    pub(crate) fn part_mut(&mut self, part: &str) -> Result<Option<&mut Node>> {
        let part = part.trim();
        if part.is_empty() {
            return Ok(Some(self));
        }
        Ok(self.step_index(part)?.and_then(|index| self.child_mut(index)))
    }

    fn step(&self, part: &str) -> Result<Option<&Node>> {
        Ok(self.step_index(part)?.and_then(|index| match &self.content {
            Content::Map(entries) => entries.get(index).map(|entry| &entry.value),
            Content::Seq(items) => items.get(index),
            Content::Scalar(_) => None,
        }))
    }

    fn child_mut(&mut self, index: usize) -> Option<&mut Node> {
        match &mut self.content {
            Content::Map(entries) => entries.get_mut(index).map(|entry| &mut entry.value),
            Content::Seq(items) => items.get_mut(index),
            Content::Scalar(_) => None,
        }
    }

    /// Where the child that `part` names stands.
    fn step_index(&self, part: &str) -> Result<Option<usize>> {
        if let Ok(index) = part.parse::<i64>() {
            if index < 0 {
                return Err(Error::new(format!("array index {index} cannot be negative")));
            }
            self.expect(Kind::Seq)?;
            return Ok((index < self.items().len() as i64).then_some(index as usize));
        }
        match part {
            "-" => {
                self.expect(Kind::Seq)?;
                Ok(self.items().len().checked_sub(1))
            }
            "*" => Err(Error::new("wildcard is not supported in PathGetter")),
            _ if is_list_index(part) => {
                let (field, value) = split_list_index(part)?;
                self.expect(Kind::Seq)?;
                Ok(self.items().iter().position(|item| item.has(field, value)))
            }
            _ => {
                if self.is_null() {
                    return Ok(None);
                }
                self.expect(Kind::Map)?;
                Ok(self.entries().iter().position(|entry| &*entry.key == part))
            }
        }
    }

    /// True if the map has `field` with the text `value`; with an empty field, if the scalar is `value`.
    pub(crate) fn has(&self, field: &str, value: &str) -> bool {
        if field.is_empty() {
            return self.as_text() == value;
        }
        self.get(field).is_some_and(|node| node.as_text() == value)
    }

    /// Refuses a node of another kind; null passes for any.
    pub(crate) fn expect(&self, kind: Kind) -> Result<()> {
        if self.is_null() || self.kind() == kind {
            return Ok(());
        }
        Err(Error::new(format!(
            "wrong node kind: expected {} but got {}: node contents:\n{}",
            kind.name(),
            self.kind().name(),
            self.show()
        )))
    }
}

/// `[…]`
pub(crate) fn is_list_index(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

/// The two sides of `[field=value]`.
pub(crate) fn split_list_index(part: &str) -> Result<(&str, &str)> {
    let inside = part.strip_suffix(']').unwrap_or(part);
    let inside = inside.strip_prefix('[').unwrap_or(inside);
    inside
        .split_once('=')
        .ok_or_else(|| Error::new("list path element must contain fieldName=fieldValue for element to match"))
}

/// Splits at `delimiter`, where `\` before it keeps it, and a leading one does not count.
pub(crate) fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut pieces: Vec<&str> = path.split(delimiter).collect();
    if pieces.len() > 1 && pieces[0].is_empty() {
        pieces.remove(0);
    }
    for piece in pieces {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    parts
}

/// As [`split_path`] at dots, but what stands in brackets stays together.
pub(crate) fn split_dotted(path: &str) -> Vec<String> {
    let pieces = split_path(path, '.');
    let mut parts = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let piece = &pieces[at];
        at += 1;
        if !piece.starts_with('[') || piece.ends_with(']') {
            parts.push(piece.clone());
            continue;
        }
        let mut joined = piece.clone();
        while at < pieces.len() {
            joined.push('.');
            joined.push_str(&pieces[at]);
            at += 1;
            if pieces[at - 1].ends_with(']') {
                break;
            }
        }
        parts.push(if joined.contains('=') { joined } else { joined.trim_matches(['[', ']']).to_owned() });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_split_where_upstream_splits_them() {
        for (path, want) in
            [("", vec![""]), ("/a/b[]/c", vec!["a", "b[]", "c"]), (r"a/b\/c/d\/e/f", vec!["a", "b/c", "d/e", "f"])]
        {
            assert_eq!(split_path(path, '/'), want, "{path}");
        }
        for (path, want) in [
            ("spec.data.[name=f.i.r.s.t.].key", vec!["spec", "data", "[name=f.i.r.s.t.]", "key"]),
            ("metadata.annotations.[a.b.c/d.e.f-g.]", vec!["metadata", "annotations", "a.b.c/d.e.f-g."]),
            ("spec.data.[name=f.i.[r.s.t..key", vec!["spec", "data", "[name=f.i.[r.s.t..key"]),
            (r"spec\.replicas", vec!["spec.replicas"]),
        ] {
            assert_eq!(split_dotted(path), want, "{path}");
        }
    }
}
