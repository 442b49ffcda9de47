//! What a schema tells of values: their types, how large they can be, and how JSON is read as them.

use crate::syntax::RESERVED;
use crate::types::Type;
use std::collections::BTreeMap;

/// The largest request, on which estimates of sizes stand.
pub const MAX_REQUEST: u64 = 3 * 1024 * 1024;

/// A declared value.
#[derive(Clone, Debug)]
pub struct Decl {
    /// What it is.
    pub kind: DeclKind,
    /// Most characters, items or entries it can have.
    pub max_elements: u64,
    /// The fewest bytes that it takes as JSON.
    pub min_size: u64,
}

/// The kinds of declared values.
#[derive(Clone, Debug)]
pub enum DeclKind {
    /// An integer or a text.
    Dyn,
    /// `true` or `false`
    Bool,
    /// An integer.
    Int,
    /// A number.
    Double,
    /// A text.
    Str,
    /// Bytes, in base64.
    Bytes,
    /// A length of time.
    Duration,
    /// A day.
    Date,
    /// A moment.
    DateTime,
    /// A list.
    List(Box<Decl>, ListOf),
    /// Any names with such values.
    Map(Box<Decl>),
    /// Named fields.
    Object(ObjectDecl),
}

/// How items of a list belong together, which tells when two lists are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListOf {
    /// In their order.
    Atomic,
    /// In any order.
    Set,
    /// In any order, told apart by these fields.
    Map(Vec<String>),
}

/// An object's fields.
#[derive(Clone, Debug, Default)]
pub struct ObjectDecl {
    /// The name of its type.
    pub name: String,
    /// By the name that expressions use: the name in JSON, and the value.
    pub fields: BTreeMap<String, (String, Decl)>,
}

impl Decl {
    /// The type in expressions.
    pub fn to_type(&self) -> Type {
        match &self.kind {
            DeclKind::Dyn => Type::Dyn,
            DeclKind::Bool => Type::Bool,
            DeclKind::Int => Type::Int,
            DeclKind::Double => Type::Double,
            DeclKind::Str => Type::Str,
            DeclKind::Bytes => Type::Bytes,
            DeclKind::Duration => Type::Duration,
            DeclKind::Date | DeclKind::DateTime => Type::Timestamp,
            DeclKind::List(items, _) => Type::list(items.to_type()),
            DeclKind::Map(values) => Type::map(Type::Str, values.to_type()),
            DeclKind::Object(object) => Type::object(&object.name),
        }
    }

    /// Gives all objects within names, from that of the outermost.
    pub fn assign_names(&mut self, name: &str) {
        match &mut self.kind {
            DeclKind::List(items, _) => items.assign_names(&format!("{name}.@idx")),
            DeclKind::Map(values) => values.assign_names(&format!("{name}.@elem")),
            DeclKind::Object(object) => {
                name.clone_into(&mut object.name);
                for (field, (_, decl)) in &mut object.fields {
                    decl.assign_names(&format!("{name}.{field}"));
                }
            }
            _ => {}
        }
    }

    /// All objects within, as types with fields.
    pub fn structs(&self, out: &mut Vec<(String, BTreeMap<String, Type>)>) {
        match &self.kind {
            DeclKind::List(inner, _) | DeclKind::Map(inner) => inner.structs(out),
            DeclKind::Object(object) => {
                let fields = object.fields.iter().map(|(name, (_, decl))| (name.clone(), decl.to_type())).collect();
                out.push((object.name.clone(), fields));
                object.fields.values().for_each(|(_, decl)| decl.structs(out));
            }
            _ => {}
        }
    }

    /// Most elements of what is declared at a path from here, as the estimator writes paths.
    pub(crate) fn elements_at(&self, path: &[String]) -> Option<u64> {
        let Some((step, rest)) = path.split_first() else { return Some(self.max_elements) };
        match (&self.kind, step.as_str()) {
            (DeclKind::List(inner, _), "@items") | (DeclKind::Map(inner), "@items" | "@values") => {
                inner.elements_at(rest)
            }
            // Nothing is known of keys, and that counts as nothing.
            (DeclKind::Map(_), "@keys") if rest.is_empty() => Some(0),
            (DeclKind::Object(object), field) => object.fields.get(field)?.1.elements_at(rest),
            _ => None,
        }
    }
}

/// The name of a field as expressions write it; `None` if they cannot.
pub fn escape(name: &str) -> Option<String> {
    let first = name.chars().next()?;
    if first.is_ascii_digit() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/'))
    {
        return None;
    }
    if RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let escaped = name.replace("__", "__underscores__");
    Some(escaped.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__"))
}

/// The name of a field that expressions write so; the same where nothing in it is escaped.
pub fn unescape(escaped: &str) -> String {
    let (mut out, mut rest) = (String::new(), escaped);
    while let Some(at) = rest.find("__") {
        let begin = at + rest[at..].bytes().take_while(|byte| *byte == b'_').count();
        let end = rest[begin..].find('_').map(|length| begin + length);
        let Some(end) = end.filter(|end| *end > begin && rest[*end..].starts_with("__")) else {
            out.push_str(&rest[..begin]);
            rest = &rest[begin..];
            continue;
        };
        out.push_str(&rest[..begin - 2]);
        match &rest[begin..end] {
            "underscores" => out.push_str("__"),
            "dot" => out.push('.'),
            "dash" => out.push('-'),
            "slash" => out.push('/'),
            word if RESERVED.contains(&word) && escaped.len() == word.len() + 4 => out.push_str(word),
            _ => return escaped.to_owned(),
        }
        rest = &rest[end + 2..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_names_are_what_they_were() {
        for name in ["plain", "namespace", "a-b.c/d", "a__b", "_a_"] {
            assert_eq!(unescape(&escape(name).unwrap_or_default()), name);
        }
        for name in ["__other__", "a__namespace__", "a__", "__", "__a_b__"] {
            assert_eq!(unescape(name), name);
        }
        assert_eq!((unescape("a__dot__b__c"), unescape("___dot__")), ("a.b__c".to_owned(), "_.".to_owned()));
    }

    #[test]
    fn names_are_escaped() {
        let cases = [
            ("plain", Some("plain")),
            ("namespace", Some("__namespace__")),
            ("a-b.c/d", Some("a__dash__b__dot__c__slash__d")),
            ("a__b", Some("a__underscores__b")),
            ("1a", None),
            ("a b", None),
            ("", None),
        ];
        for (name, escaped) in cases {
            assert_eq!(escape(name).as_deref(), escaped, "{name}");
        }
    }
}
