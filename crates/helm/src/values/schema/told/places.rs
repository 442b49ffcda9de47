//! Places in a schema that its references name.

use std::collections::HashMap;

use serde_json::Value;

/// Schemas nest no deeper.
const MAX_DEPTH: usize = 100;

/// The schemas within a schema, by the names that references have for them.
pub(super) struct Places<'s> {
    root: &'s Value,
    /// By `$id`, and by `$id#anchor`; the root's anchors are `#anchor`.
    named: HashMap<String, &'s Value>,
}

/// The year of the language that a schema is written in; of the old drafts their number.
pub(super) fn draft(schema: &Value) -> u16 {
    let name = schema["$schema"].as_str().unwrap_or_default();
    let known = [("draft-04", 4), ("draft-06", 6), ("draft-07", 7), ("2019-09", 2019)];
    known.into_iter().find(|(part, _)| name.contains(part)).map_or(2020, |(_, draft)| draft)
}

impl<'s> Places<'s> {
    pub(super) fn of(root: &'s Value) -> Self {
        let mut places = Self { root, named: HashMap::new() };
        places.collect(root, "", 0);
        places
    }

    fn collect(&mut self, value: &'s Value, base: &str, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let mut base = base.to_owned();
        if let Value::Object(fields) = value {
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            match text("$id").or_else(|| text("id")) {
                Some(anchor) if anchor.starts_with('#') => drop(self.named.insert(format!("{base}{anchor}"), value)),
                Some(id) => {
                    base = id.trim_end_matches('#').to_owned();
                    self.named.insert(base.clone(), value);
                }
                None => {}
            }
            for anchor in ["$anchor", "$dynamicAnchor"].into_iter().filter_map(text) {
                self.named.insert(format!("{base}#{anchor}"), value);
                self.named.entry(format!("#{anchor}")).or_insert(value);
            }
        }
        match value {
            Value::Object(fields) => fields.values().for_each(|inner| self.collect(inner, &base, depth + 1)),
            Value::Array(items) => items.iter().for_each(|inner| self.collect(inner, &base, depth + 1)),
            _ => {}
        }
    }

    /// The schema that a reference names, where it is in this one.
    pub(super) fn find(&self, reference: &str) -> Option<&'s Value> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let root = match base {
            "" => self.root,
            base => self.named.get(base).copied().or_else(|| {
                // A relative one names the schema whose address ends like it.
                let ending = format!("/{}", base.trim_start_matches('/'));
                self.named.iter().find(|(id, _)| id.ends_with(&ending)).map(|(_, schema)| *schema)
            })?,
        };
        if fragment.is_empty() {
            return Some(root);
        }
        if fragment.starts_with('/') {
            return root.pointer(&decoded(fragment));
        }
        let full = self.named.get(&format!("{base}#{fragment}"));
        full.or_else(|| self.named.get(&format!("#{fragment}"))).copied()
    }
}

/// A fragment without its percent signs.
pub(in crate::values::schema) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let byte = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
