//! A tree as plain JSON, as `sigs.k8s.io/yaml` (go-yaml 2) and go-yaml 3 read into untyped values.

mod key;

use crate::error::Error;
use crate::number::json_number;
use crate::resolve::{LONG_TAG, Scalar, resolve, resolve_tagged};
use crate::tree::{Budget, MAX_TREE_DEPTH, Node, NodeId, NodeKind, Stream};
use crate::{Dialect, Style};
use std::collections::{HashMap, HashSet};
use value::{Map, Value};

/// What to do about a key that stands twice in one mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// The last one counts; the findings are listed.
    LastWins,
    /// The first one counts; the findings are listed.
    FirstWins,
}

/// A value and the keys that stood twice on the way, each as go-yaml reports it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The document.
    pub value: Value,
    /// E.g. `line 5: key "name" already set in map`.
    pub duplicates: Vec<String>,
}

/// Reads one document of `stream`.
///
/// # Errors
/// For values that JSON has no form for, wrong explicit tags, bad merges and excessive aliasing.
pub fn read(stream: &Stream, root: NodeId, dialect: Dialect, duplicates: Duplicates) -> Result<Reading, Error> {
    let mut reader = Reader { stream, dialect, keep_first: duplicates == Duplicates::FirstWins, ..Reader::new(stream) };
    let value = reader.value(root, 0)?;
    Ok(Reading { value, duplicates: reader.duplicates })
}

/// The meaning of a scalar node: the value it resolves to, or `Str` for its text.
///
/// # Errors
/// When it carries a tag that its text does not fit.
pub fn scalar(node: &Node, dialect: Dialect) -> Result<Scalar, Error> {
    let NodeKind::Scalar { value, style } = &node.kind else { return Ok(Scalar::Str) };
    match node.tag.as_deref() {
        None if *style == Style::Plain => Ok(resolve(value, dialect)),
        Some("!") if *style == Style::Plain && dialect == Dialect::V3 => Ok(resolve(value, dialect)),
        None | Some("!") => Ok(Scalar::Str),
        Some(tag) => resolve_tagged(tag, value, dialect),
    }
}

/// How many repetitions of one key are listed.
const MAX_REPORTED: usize = 100;

/// A mapping under construction.
#[derive(Default)]
struct Entries {
    map: Map,
    /// Keys that were no text, by their text: they do not clash with a text of the same letters.
    other: HashSet<String>,
}

struct Reader<'a> {
    stream: &'a Stream,
    dialect: Dialect,
    keep_first: bool,
    duplicates: Vec<String>,
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn new(stream: &'a Stream) -> Self {
        Self { stream, dialect: Dialect::V2, keep_first: false, duplicates: Vec::new(), budget: Budget::default() }
    }

    fn value(&mut self, id: NodeId, depth: usize) -> Result<Value, Error> {
        self.budget.visit()?;
        if depth > MAX_TREE_DEPTH {
            return Err(Error::Syntax(format!("exceeded max depth of {MAX_TREE_DEPTH}")));
        }
        let node = &self.stream[id];
        match &node.kind {
            NodeKind::Alias { name, target } => {
                self.budget.enter(id, name)?;
                let value = self.value(*target, depth + 1)?;
                self.budget.leave();
                Ok(value)
            }
            NodeKind::Scalar { value, .. } => self.scalar(node, value),
            NodeKind::Sequence { items, .. } => {
                let items: Result<Vec<Value>, Error> = items.iter().map(|item| self.value(*item, depth + 1)).collect();
                Ok(Value::Array(items?))
            }
            NodeKind::Mapping { .. } => {
                let mut entries = Entries::default();
                self.mapping(id, &mut entries, depth)?;
                Ok(Value::Object(entries.map))
            }
        }
    }

    fn scalar(&self, node: &Node, text: &str) -> Result<Value, Error> {
        if node.tag.as_deref().and_then(|tag| tag.strip_prefix(LONG_TAG)) == Some("binary") {
            return key::decode_base64(text).map(Value::String);
        }
        Ok(match scalar(node, self.dialect)? {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Int(value) => value.into(),
            Scalar::Uint(value) => value.into(),
            Scalar::Float(value) => match json_number(value) {
                Some(number) => Value::Number(number),
                None => return Err(Error::NotJson(format!("json: unsupported value: {}", key::go_float(value)))),
            },
            Scalar::Timestamp(date) if self.dialect == Dialect::V3 => Value::String(date.into()),
            Scalar::Timestamp(_) | Scalar::Str | Scalar::Merge => Value::String(text.to_owned()),
        })
    }

    fn mapping(&mut self, id: NodeId, into: &mut Entries, depth: usize) -> Result<(), Error> {
        let NodeKind::Mapping { entries, .. } = &self.stream[id].kind else { return Ok(()) };
        match self.dialect {
            Dialect::V2 => self.mapping_v2(entries, into, depth),
            Dialect::V3 => self.mapping_v3(entries, into, depth),
        }
    }

    /// Merges stand in line with the other entries: whichever comes later counts.
    fn mapping_v2(&mut self, entries: &[(NodeId, NodeId)], into: &mut Entries, depth: usize) -> Result<(), Error> {
        for &(key, value) in entries {
            if self.is_merge(key) {
                self.merge(value, into, depth)?;
                continue;
            }
            let (name, is_text) = self.key(key, value, depth)?;
            let found = self.value(value, depth + 1)?;
            let known = into.map.contains_key(&name) && into.other.contains(&name) != is_text;
            if known {
                let line = self.stream[value].line;
                let shown = if is_text { key::go_quote(&name) } else { name.clone() };
                self.duplicates.push(format!("line {line}: key {shown} already set in map"));
                if self.keep_first {
                    continue;
                }
            }
            if !is_text {
                into.other.insert(name.clone());
            }
            into.map.insert(name, found);
        }
        Ok(())
    }

    /// Merges come last and never override.
    fn mapping_v3(&mut self, entries: &[(NodeId, NodeId)], into: &mut Entries, depth: usize) -> Result<(), Error> {
        if self.find_repeated(entries) && self.keep_first {
            return Ok(());
        }
        let mut merge = None;
        for &(key, value) in entries {
            if self.is_merge(key) {
                merge = Some(value);
                continue;
            }
            let (name, is_text) = self.key(key, value, depth)?;
            if !is_text {
                return Err(Error::NotJson("json: unsupported type: map[interface {}]interface {}".to_owned()));
            }
            let found = self.value(value, depth + 1)?;
            if !into.map.contains_key(&name) || !self.keep_first {
                into.map.insert(name, found);
            }
        }
        let Some(merge) = merge else { return Ok(()) };
        let mut merged = Entries::default();
        self.merge(merge, &mut merged, depth)?;
        for (name, value) in merged.map {
            into.map.entry(name).or_insert(value);
        }
        Ok(())
    }

    /// Notes the keys that stand more than once; true if there are any.
    fn find_repeated(&mut self, entries: &[(NodeId, NodeId)]) -> bool {
        let mut seen: HashMap<&str, Vec<u32>> = HashMap::with_capacity(entries.len());
        for &(key, _) in entries {
            if let NodeKind::Scalar { value, .. } = &self.stream[key].kind {
                seen.entry(value).or_default().push(self.stream[key].line);
            }
        }
        if seen.values().all(|lines| lines.len() == 1) {
            return false;
        }
        for &(key, _) in entries {
            let NodeKind::Scalar { value, .. } = &self.stream[key].kind else { continue };
            let (line, name) = (self.stream[key].line, key::go_quote(value));
            let later = seen.get_mut(value.as_str()).map(|lines| lines.split_off(1)).unwrap_or_default();
            for &again in later.iter().take(MAX_REPORTED) {
                self.duplicates.push(format!("line {again}: mapping key {name} already defined at line {line}"));
            }
            seen.insert(value, if later.is_empty() { vec![line] } else { later });
        }
        true
    }

    fn is_merge(&self, id: NodeId) -> bool {
        let node = &self.stream[id];
        let NodeKind::Scalar { value, style } = &node.kind else { return false };
        let tagged = |tag: &str| tag == "!" || tag.strip_prefix(LONG_TAG) == Some("merge");
        value == "<<" && node.tag.as_deref().map_or(*style == Style::Plain, tagged)
    }

    fn merge(&mut self, id: NodeId, into: &mut Entries, depth: usize) -> Result<(), Error> {
        let sources = match &self.stream[id].kind {
            NodeKind::Sequence { items, .. } => match self.dialect {
                Dialect::V2 => items.iter().rev().copied().collect(),
                Dialect::V3 => items.clone(),
            },
            _ => vec![id],
        };
        for source in sources {
            let target = self.stream.follow(source);
            if !matches!(self.stream[target].kind, NodeKind::Mapping { .. }) || depth > MAX_TREE_DEPTH {
                let text = "map merge requires map or sequence of maps as the value";
                return Err(Error::Syntax(text.to_owned()));
            }
            self.budget.visit()?;
            self.budget.enter(source, "<<")?;
            if self.dialect == Dialect::V3 {
                let mut one = Entries::default();
                self.mapping(target, &mut one, depth + 1)?;
                for (name, value) in one.map {
                    into.map.entry(name).or_insert(value);
                }
            } else {
                self.mapping(target, into, depth + 1)?;
            }
            self.budget.leave();
        }
        Ok(())
    }
}
