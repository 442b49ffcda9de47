//! What a schema declares of values, for expressions.

use crate::node::{Additional, Kind, ListType, Node};
use cel::{Decl, DeclKind, ListOf, MAX_REQUEST, ObjectDecl, escape};
use object::Value;

/// Sizes in JSON of the shortest values.
const MIN_TEXT: u64 = 2;
const MIN_BOOL: u64 = 4;
const MIN_NUMBER: u64 = 1;
const MIN_DURATION: u64 = 3;
const DATE: u64 = 12;
const MIN_DATE_TIME: u64 = 21;
/// Sizes of the longest moments and lengths of time.
const MAX_TIME: u64 = 32;

/// What a schema declares; `None` where expressions see nothing of it. At the root of a resource, its kind and name are
/// always seen.
pub fn declare(node: &Node, is_root: bool) -> Option<Decl> {
    if node.int_or_string {
        let most = node.checks.max_length.map_or(MAX_REQUEST - 2, |length| positive(length).saturating_mul(4));
        return Some(decl(DeclKind::Dyn, most, 1));
    }
    match node.kind {
        Kind::Array => list(node),
        Kind::Object => object(node, is_root),
        Kind::String => Some(text(node)),
        Kind::Boolean => Some(decl(DeclKind::Bool, 0, MIN_BOOL)),
        Kind::Number => Some(decl(DeclKind::Double, 0, MIN_NUMBER)),
        Kind::Integer => Some(decl(DeclKind::Int, 0, MIN_NUMBER)),
        Kind::Any => None,
    }
}

fn decl(kind: DeclKind, max_elements: u64, min_size: u64) -> Decl {
    Decl { kind, max_elements, min_size }
}

fn positive(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn list(node: &Node) -> Option<Decl> {
    let items = node.items.as_deref()?;
    let items = declare(items, items.embedded)?;
    let most = node.checks.max_items.map_or((MAX_REQUEST - 2) / (items.min_size + 1), positive);
    let of = match node.list_type {
        ListType::Atomic => ListOf::Atomic,
        ListType::Set => ListOf::Set,
        ListType::Map => ListOf::Map(node.map_keys.iter().filter_map(|key| escape(key)).collect()),
    };
    Some(decl(DeclKind::List(Box::new(items), of), most, 2))
}

fn object(node: &Node, is_root: bool) -> Option<Decl> {
    if let Additional::Schema(values) = &node.additional {
        let values = declare(values, values.embedded)?;
        let most = node.checks.max_properties.map_or((MAX_REQUEST - 2) / (values.min_size + 6), positive);
        return Some(decl(DeclKind::Map(Box::new(values)), most, 2));
    }
    let mut fields = ObjectDecl::default();
    let mut min_size = 2;
    for (name, property) in &node.properties {
        let Some(field) = declare(property, property.embedded) else { continue };
        if property.default.is_none() && node.checks.required.contains(name) {
            min_size += name.len() as u64 + field.min_size + 4;
        }
        if let Some(escaped) = escape(name) {
            fields.fields.insert(escaped, (name.clone(), field));
        }
    }
    if is_root && !has_meta(node) {
        let plain = || decl(DeclKind::Str, MAX_REQUEST - 2, MIN_TEXT);
        let mut metadata = ObjectDecl::default();
        for name in ["name", "generateName"] {
            metadata.fields.insert(name.to_owned(), (name.to_owned(), plain()));
        }
        for name in ["kind", "apiVersion"] {
            fields.fields.insert(name.to_owned(), (name.to_owned(), plain()));
        }
        let metadata = decl(DeclKind::Object(metadata), 0, 2);
        fields.fields.insert("metadata".to_owned(), ("metadata".to_owned(), metadata));
    }
    Some(decl(DeclKind::Object(fields), 0, min_size))
}

/// Whether a schema tells of kind and name itself.
fn has_meta(node: &Node) -> bool {
    let is_text = |node: &Node, name: &str| node.properties.get(name).is_some_and(|field| field.kind == Kind::String);
    let metadata = node.properties.get("metadata").filter(|metadata| metadata.kind == Kind::Object);
    is_text(node, "kind")
        && is_text(node, "apiVersion")
        && metadata.is_some_and(|metadata| is_text(metadata, "name") && is_text(metadata, "generateName"))
}

fn text(node: &Node) -> Decl {
    let checks = &node.checks;
    match checks.format.as_str() {
        "byte" => decl(DeclKind::Bytes, checks.max_length.map_or(MAX_REQUEST - 2, positive), MIN_TEXT),
        "duration" => decl(DeclKind::Duration, MAX_TIME, MIN_DURATION),
        "date" => decl(DeclKind::Date, DATE, DATE),
        "date-time" => decl(DeclKind::DateTime, MAX_TIME, MIN_DATE_TIME),
        _ => {
            let longest = || checks.one_of_values.iter().filter_map(Value::as_str).map(str::len).max().unwrap_or(0);
            let most = match checks.max_length {
                Some(length) => positive(length).saturating_mul(4),
                None if checks.one_of_values.is_empty() => MAX_REQUEST - 2,
                None => longest() as u64,
            };
            decl(DeclKind::Str, most, MIN_TEXT)
        }
    }
}
