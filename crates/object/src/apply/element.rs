//! One step of a path into an object, as field sets name it.

use crate::json;
use crate::quote::quote;
use compact_str::CompactString;
use std::cmp::Ordering;
use std::fmt;
use value::{Key, Value};

/// One step of a path. Ordered as upstream orders them: fields, keys, values, indexes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    /// A field of a struct, or a key of a map.
    Field(CompactString),
    /// The list item that has these key fields, sorted by name.
    Key(Vec<(CompactString, Leaf)>),
    /// The list item that is this value.
    Value(Leaf),
    /// The list item at this place.
    Index(i64),
}

/// A JSON value with upstream's total order: numbers (by value), texts, booleans, lists, maps, null.
#[derive(Clone, Debug)]
pub struct Leaf(pub Value);

/// Why a text is no path element.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ElementError {
    /// Of a kind that a newer server may know; skipped by readers.
    Unknown,
    /// Malformed.
    Malformed(String),
}

impl PathElement {
    /// The field called `name`.
    pub fn field(name: &str) -> PathElement {
        PathElement::Field(name.into())
    }

    /// Reads `f:name`, `k:{…}`, `v:…` or `i:N`.
    pub(super) fn parse(text: &str) -> Result<PathElement, ElementError> {
        let malformed = |what: String| ElementError::Malformed(what);
        if text.len() < 2 {
            return Err(malformed("key must be 2 characters long:".to_owned()));
        }
        let Some((kind, rest)) = text.split_once(':').filter(|(kind, _)| kind.len() == 1) else {
            return Err(malformed(format!("missing colon: {text}")));
        };
        let json = || serde_json::from_str::<Value>(rest).map_err(|error| malformed(error.to_string()));
        match kind {
            "f" => Ok(PathElement::field(rest)),
            "v" => Ok(PathElement::Value(Leaf(json()?))),
            "k" => match json()? {
                Value::Object(map) => Ok(PathElement::Key(map.into_iter().map(|(k, v)| (k, Leaf(v))).collect())),
                _ => Err(malformed("key must be a map".to_owned())),
            },
            "i" => rest.parse().map(PathElement::Index).map_err(|_| malformed(format!("bad index {}", quote(rest)))),
            _ => Err(ElementError::Unknown),
        }
    }

    /// The text that [`PathElement::parse`] reads.
    pub(super) fn to_text(&self) -> String {
        match self {
            PathElement::Field(name) => ["f:", name].concat(),
            PathElement::Key(fields) => {
                let mut text = b"k:{".to_vec();
                for (place, (name, leaf)) in fields.iter().enumerate() {
                    if place > 0 {
                        text.push(b',');
                    }
                    json::write_text(&mut text, name);
                    text.push(b':');
                    json::write(&mut text, &leaf.0);
                }
                text.push(b'}');
                String::from_utf8(text).expect("JSON is text")
            }
            PathElement::Value(leaf) => {
                let mut text = b"v:".to_vec();
                json::write(&mut text, &leaf.0);
                String::from_utf8(text).expect("JSON is text")
            }
            PathElement::Index(index) => format!("i:{index}"),
        }
    }
}

/// As messages show it: `.name`, `[name="a"]`, `[="x"]`, `[3]`.
impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathElement::Field(name) => write!(f, ".{name}"),
            PathElement::Key(fields) => {
                f.write_str("[")?;
                for (place, (name, value)) in fields.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    write!(f, "{comma}{name}={value}")?;
                }
                f.write_str("]")
            }
            PathElement::Value(leaf) => write!(f, "[={leaf}]"),
            PathElement::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::String(text) => f.write_str(&quote(text)),
            other => write!(f, "{other}"),
        }
    }
}

impl PartialEq for Leaf {
    fn eq(&self, other: &Leaf) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Leaf {}

impl PartialOrd for Leaf {
    fn partial_cmp(&self, other: &Leaf) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Leaf {
    fn cmp(&self, other: &Leaf) -> Ordering {
        compare_values(&self.0, &other.0)
    }
}

/// Equal as upstream has it: `1` and `1.0` are the same number.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => compare_values(a, b).is_eq(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

fn compare_values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default()),
        },
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let items = a.iter().zip(b).map(|(a, b)| compare_values(a, b)).find(|order| order.is_ne());
            items.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let entry = |((ak, av), (bk, bv)): ((&Key, &Value), (&Key, &Value))| {
                ak.cmp(bk).then_with(|| compare_values(av, bv))
            };
            a.iter().zip(b).map(entry).find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[test]
    fn elements_are_read_and_written() {
        for text in ["f:data", "f:a.b/c", "v:\"x\"", "v:1", "i:3", "k:{\"containerPort\":80,\"protocol\":\"TCP\"}"] {
            assert_eq!(PathElement::parse(text).unwrap().to_text(), text);
        }
        assert_eq!(PathElement::parse("q:x"), Err(ElementError::Unknown));
        assert!(matches!(PathElement::parse("x"), Err(ElementError::Malformed(_))));
        assert!(matches!(PathElement::parse("fx:y"), Err(ElementError::Malformed(_))));
    }

    #[test]
    fn elements_are_shown_as_upstream_shows_them() {
        let shown = |text: &str| PathElement::parse(text).unwrap().to_string();
        assert_eq!(shown("f:spec"), ".spec");
        assert_eq!(shown("k:{\"b\":1,\"a\":\"x\"}"), "[a=\"x\",b=1]");
        assert_eq!(shown("v:\"x\""), "[=\"x\"]");
    }

    #[test]
    fn numbers_compare_by_value() {
        assert!(same(&json!({"a": [1]}), &json!({"a": [1.0]})));
        assert!(Leaf(json!(443)) > Leaf(json!(80)));
        assert!(Leaf(json!("a")) > Leaf(json!(80)));
    }
}
