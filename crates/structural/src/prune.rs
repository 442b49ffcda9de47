//! Pruning: what the schema does not name goes, and is told if the client asks for strictness.

use crate::{Additional, Node, is_meta_field};
use object::{Map, Value};
use std::fmt::Write;

impl Node {
    /// Drops fields that the schema does not name from a whole object. Tells their paths, sorted.
    pub fn prune(&self, object: &mut Value) -> Vec<String> {
        self.prune_value(object, true)
    }

    /// Prunes a value at this node; `embedded`: its `apiVersion`, `kind` and `metadata` stay.
    pub(crate) fn prune_value(&self, value: &mut Value, embedded: bool) -> Vec<String> {
        let mut walk = Walk::default();
        match value {
            Value::Object(map) if self.preserves => walk.keep_fields(map, self, embedded),
            Value::Object(map) => walk.fields(map, self, embedded),
            value => walk.value(value, Some(self)),
        }
        walk.unknown.sort();
        walk.unknown
    }

    /// Drops nulls that stand for nothing: those of fields that are neither nullable nor have a default.
    pub fn drop_nulls(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|name, value| match self.field(name) {
                    Some(node) if value.is_null() && !node.nullable && node.default.is_none() => false,
                    Some(node) => {
                        node.drop_nulls(value);
                        true
                    }
                    None => true,
                });
            }
            Value::Array(items) => {
                if let Some(node) = &self.items {
                    items.iter_mut().for_each(|item| node.drop_nulls(item));
                }
            }
            _ => {}
        }
    }
}

#[derive(Default)]
struct Walk {
    path: String,
    unknown: Vec<String>,
}

impl Walk {
    fn value(&mut self, value: &mut Value, node: Option<&Node>) {
        match (value, node) {
            (value, Some(node)) if node.preserves => self.keep(value, node),
            (Value::Object(map), None) => {
                map.keys().for_each(|name| self.tell(name));
                map.clear();
            }
            (Value::Object(map), Some(node)) => self.fields(map, node, node.embedded),
            (Value::Array(items), node) => {
                let inner = node.and_then(|node| node.items.as_deref());
                for (index, item) in items.iter_mut().enumerate() {
                    self.at_index(index, |walk| walk.value(item, inner));
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, map: &mut Map, node: &Node, embedded: bool) {
        map.retain(|name, value| {
            if embedded && is_meta_field(name) {
                return true;
            }
            if let Some(property) = node.properties.get(name.as_str()) {
                self.at_key(name, |walk| walk.value(value, Some(property)));
                return true;
            }
            match &node.additional {
                Additional::Absent => {
                    if !is_meta_field(name) || !self.path.is_empty() {
                        self.tell(name);
                    }
                    false
                }
                Additional::Allowed(_) => {
                    self.at_key(name, |walk| walk.value(value, None));
                    true
                }
                Additional::Schema(inner) => {
                    self.at_key(name, |walk| walk.value(value, Some(inner)));
                    true
                }
            }
        });
    }

    /// Everything stays here, but what the schema names is pruned itself.
    fn keep(&mut self, value: &mut Value, node: &Node) {
        match value {
            Value::Object(map) => self.keep_fields(map, node, node.embedded),
            Value::Array(items) => {
                let Some(inner) = &node.items else { return };
                for (index, item) in items.iter_mut().enumerate() {
                    self.at_index(index, |walk| walk.keep(item, inner));
                }
            }
            _ => {}
        }
    }

    fn keep_fields(&mut self, map: &mut Map, node: &Node, embedded: bool) {
        for (name, value) in map {
            if embedded && is_meta_field(name) {
                continue;
            }
            if let Some(property) = node.properties.get(name.as_str()) {
                self.at_key(name, |walk| walk.value(value, Some(property)));
            } else {
                match &node.additional {
                    Additional::Absent => {}
                    Additional::Allowed(_) => self.at_key(name, |walk| walk.value(value, None)),
                    Additional::Schema(inner) => self.at_key(name, |walk| walk.value(value, Some(inner))),
                }
            }
        }
    }

    fn tell(&mut self, name: &str) {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.unknown.push(format!("{}{dot}{name}", self.path));
    }

    fn at_key(&mut self, name: &str, then: impl FnOnce(&mut Walk)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        then(self);
        self.path.truncate(length);
    }

    fn at_index(&mut self, index: usize, then: impl FnOnce(&mut Walk)) {
        let length = self.path.len();
        write!(self.path, "[{index}]").expect("writing to a String does not fail");
        then(self);
        self.path.truncate(length);
    }
}
