//! The documents that a schema leans on: fetched as far as something reachable refers to them, and no further.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use serde_json::Value;

use super::told;

/// Where a chart's own schema counts as being.
pub(super) const OWN: &str = "file:///values.schema.json";
/// Schemas nest no deeper.
const MAX_DEPTH: usize = 100;
/// Nobody's schema leans on more documents.
const MAX_DOCUMENTS: usize = 100;

/// Keywords of which each has a schema, or a list of them.
const INNER: [&str; 19] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "extends",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "disallow",
    "divisibleBy",
];
/// Keywords of which each has schemas by names.
const NAMED: [&str; 4] = ["dependencies", "dependentSchemas", "patternProperties", "properties"];
/// Keywords that refer to schemas.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// How a document is had.
pub(super) type Fetch<'a> = &'a dyn Fn(&str) -> Result<Value, String>;

/// A schema and what it leans on, by their addresses.
pub(super) struct Library {
    documents: BTreeMap<String, Value>,
    /// Where schemas are that have an address of their own: in which document, and where in it.
    embedded: BTreeMap<String, (String, String)>,
    seen: BTreeSet<(String, String)>,
}

impl Library {
    /// A schema with all that is reachable from it.
    ///
    /// # Errors
    /// Where something that is referred to is not to be had.
    pub(super) fn of(schema: &Value, fetch: Fetch<'_>) -> Result<Self, String> {
        let mut library = Self { documents: BTreeMap::new(), embedded: BTreeMap::new(), seen: BTreeSet::new() };
        library.add(OWN.to_owned(), schema.clone(), fetch)?;
        let mut waiting = vec![(OWN.to_owned(), String::new())];
        while let Some(place) = waiting.pop() {
            if library.seen.insert(place.clone()) {
                for (address, fragment) in library.references(&place) {
                    waiting.push(library.place(&address, &fragment, fetch)?);
                }
            }
        }
        Ok(library)
    }

    /// What was fetched, by its address.
    pub(super) fn others(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.documents.iter().filter(|(address, _)| *address != OWN).map(|(address, value)| (&**address, value))
    }

    /// One schema that says the same and leans on nothing: all that was fetched is in it, and what refers to something
    /// says where from anywhere.
    pub(super) fn bundled(&self) -> Value {
        let mut whole = self.documents.get(OWN).cloned().unwrap_or_default();
        absolute(&mut whole, OWN, 0);
        for (address, document) in self.others() {
            let mut part = document.clone();
            absolute(&mut part, address, 0);
            if let Value::Object(fields) = &mut part {
                fields.insert("$id".to_owned(), address.into());
            }
            whole["$defs"][address] = part;
        }
        whole
    }

    /// Each document that was fetched, with references that say where from anywhere.
    pub(super) fn absolute(&self) -> impl Iterator<Item = (&str, Value)> {
        self.others().map(|(address, document)| {
            let mut document = document.clone();
            absolute(&mut document, address, 0);
            (address, document)
        })
    }

    fn add(&mut self, address: String, document: Value, fetch: Fetch<'_>) -> Result<(), String> {
        if self.documents.len() >= MAX_DOCUMENTS {
            return Err(format!("failing loading {address:?}: the schema leans on too many others"));
        }
        self.embed(&document, &address, &address, String::new(), 0);
        let language = document["$schema"].as_str().filter(|name| !told::is_known(name)).map(str::to_owned);
        if address != OWN && told::language_at(&address).is_none() {
            told::check(&address, &document)?;
        }
        self.documents.insert(address, document);
        match language {
            Some(name) => self.load(name.split('#').next().unwrap_or_default(), fetch),
            None => Ok(()),
        }
    }

    /// Notes the schemas in a document that have addresses of their own.
    fn embed(&mut self, value: &Value, document: &str, base: &str, pointer: String, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let own = id_of(value).and_then(|id| join(base, id));
        let base = own.as_deref().unwrap_or(base);
        if own.is_some() {
            self.embedded.insert(base.to_owned(), (document.to_owned(), pointer.clone()));
        }
        let mut go = |name: &str, inner: &Value| {
            self.embed(inner, document, base, format!("{pointer}/{}", escaped(name)), depth + 1);
        };
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, inner)| go(name, inner)),
            Value::Array(items) => items.iter().enumerate().for_each(|(at, inner)| go(&at.to_string(), inner)),
            _ => {}
        }
    }

    /// What the schema at a place refers to, by address and fragment; the schemas within it, too.
    fn references(&self, (document, pointer): &(String, String)) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let Some(mut value) = self.documents.get(document) else { return found };
        let mut base = document.clone();
        for name in std::iter::once("").chain(pointer.split('/').skip(1)) {
            if !name.is_empty() {
                let Some(inner) = value.pointer(&format!("/{name}")) else { return found };
                value = inner;
            }
            base = id_of(value).and_then(|id| join(&base, id)).unwrap_or(base);
        }
        collect(value, &base, 0, &mut found);
        found
    }

    /// Which place a reference means.
    fn place(&mut self, address: &str, fragment: &str, fetch: Fetch<'_>) -> Result<(String, String), String> {
        if !self.documents.contains_key(address) && !self.embedded.contains_key(address) {
            self.load(address, fetch)?;
        }
        let own = || (address.to_owned(), String::new());
        let (document, pointer) = self.embedded.get(address).cloned().unwrap_or_else(own);
        let document = if self.documents.contains_key(address) { address.to_owned() } else { document };
        let pointer = if document == address { String::new() } else { pointer };
        let decoded = told::decoded(fragment);
        let root = self.documents.get(&document).and_then(|value| value.pointer(&pointer)).unwrap_or(&Value::Null);
        if decoded.is_empty() {
            return Ok((document, pointer));
        }
        if decoded.starts_with('/') {
            return match root.pointer(&decoded) {
                Some(_) => Ok((document, pointer + &decoded)),
                None if root.is_boolean() => Ok((document, pointer)),
                None => Err(format!("json-pointer in \"{address}#{fragment}\" not found")),
            };
        }
        match anchor(root, &decoded, String::new(), 0) {
            Some(below) => Ok((document, pointer + &below)),
            None if root.is_boolean() => Ok((document, pointer)),
            None => Err(format!("anchor in \"{address}#{fragment}\" not found in schema {address:?}")),
        }
    }

    fn load(&mut self, address: &str, fetch: Fetch<'_>) -> Result<(), String> {
        if self.documents.contains_key(address) {
            return Ok(());
        }
        let document = match told::language_at(address) {
            Some(language) => language.clone(),
            None => fetch(address).map_err(|why| format!("failing loading {address:?}: {why}"))?,
        };
        self.add(address.to_owned(), document, fetch)
    }
}

fn collect(value: &Value, base: &str, depth: usize, found: &mut Vec<(String, String)>) {
    let Value::Object(fields) = value else { return };
    if depth > MAX_DEPTH {
        return;
    }
    let own = id_of(value).filter(|_| depth > 0).and_then(|id| join(base, id));
    let base = own.as_deref().unwrap_or(base);
    for reference in REFERENCES.iter().filter_map(|name| fields.get(*name)?.as_str()) {
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let address = if address.is_empty() { Some(base.to_owned()) } else { join(base, address) };
        found.extend(address.map(|address| (address, fragment.to_owned())));
    }
    for inner in INNER.iter().filter_map(|name| fields.get(*name)) {
        match inner {
            Value::Array(items) => items.iter().for_each(|item| collect(item, base, depth + 1, found)),
            inner => collect(inner, base, depth + 1, found),
        }
    }
    for named in NAMED.iter().filter_map(|name| fields.get(*name)?.as_object()) {
        named.values().for_each(|inner| collect(inner, base, depth + 1, found));
    }
}

/// Completes the references in a schema. Those within a chart's own schema are left as they are.
fn absolute(value: &mut Value, base: &str, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    let own = id_of(value).and_then(|id| join(base, id));
    let base = own.as_deref().unwrap_or(base);
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                match inner {
                    Value::String(text) if REFERENCES.contains(&name.as_str()) => {
                        let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
                        let within = address.is_empty() && base == OWN;
                        let whole = if address.is_empty() { Some(base.to_owned()) } else { join(base, address) };
                        if let Some(whole) = whole.filter(|_| !within) {
                            *text = if fragment.is_empty() { whole } else { format!("{whole}#{fragment}") };
                        }
                    }
                    inner => absolute(inner, base, depth + 1),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| absolute(inner, base, depth + 1)),
        _ => {}
    }
}

/// The address that a schema gives itself.
fn id_of(value: &Value) -> Option<&str> {
    let id = value.get("$id").or_else(|| value.get("id"))?.as_str()?;
    (!id.starts_with('#')).then(|| id.trim_end_matches('#'))
}

fn join(base: &str, reference: &str) -> Option<String> {
    let bare = reference.split('#').next().unwrap_or_default();
    let url = Url::parse(bare).or_else(|_| Url::parse(base).and_then(|base| base.join(bare))).ok()?;
    // As it is written, where it stands for itself.
    Some(if bare.contains(':') { bare.to_owned() } else { url.into() })
}

/// Where below a schema an anchor is; schemas with addresses of their own keep theirs to themselves.
fn anchor(value: &Value, name: &str, pointer: String, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH || (depth > 0 && id_of(value).is_some()) {
        return None;
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let old = ["$id", "id"].into_iter().filter_map(text).any(|id| id.strip_prefix('#') == Some(name));
    if old || text("$anchor") == Some(name) || text("$dynamicAnchor") == Some(name) {
        return Some(pointer);
    }
    let go = |key: &str, inner: &Value| anchor(inner, name, format!("{pointer}/{}", escaped(key)), depth + 1);
    match value {
        Value::Object(fields) => fields.iter().find_map(|(key, inner)| go(key, inner)),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, inner)| go(&at.to_string(), inner)),
        _ => None,
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
