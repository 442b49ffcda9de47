//! Values without parts: what is accepted, how it is brought into form, and what is said about the rest.

use super::error::{At, Problem};
use super::{Decoder, Style, base64, time};
use crate::json::{Node, Number, float_value};
use crate::quantity::Quantity;
use crate::schema::Type;
use value::Value;

impl Decoder<'_> {
    /// A scalar, or a value of a wrong type.
    pub(super) fn scalar(&mut self, node: Node<'_>, ty: &Type, at: &At<'_>) -> Value {
        match (ty, node) {
            (Type::String | Type::Duration, Node::String(text)) => Value::String(text.into_owned()),
            (Type::Bool, Node::Bool(flag)) => Value::Bool(flag),
            (Type::Int32, Node::Number(number)) => self.whole(&number, i32::MIN.into(), i32::MAX.into(), at),
            (Type::Int64, Node::Number(number)) => self.whole(&number, i64::MIN, i64::MAX, at),
            (Type::Float64, Node::Number(number)) => match number.as_f64() {
                Some(float) => float_value(float),
                None => self.mismatch(&format!("number {}", number.text()), at, "float64"),
            },
            (Type::Bytes, Node::String(text)) => match base64::canonical(text) {
                Ok(text) => Value::String(text),
                Err(place) => self.bad_bytes(place),
            },
            (Type::Bytes, Node::List(nodes)) => self.byte_list(&nodes, at),
            (Type::Quantity, node) => self.quantity(node),
            (Type::IntOrString, node) => self.int_or_string(node, at),
            (Type::Time, node) => self.time(node, at, time::seconds),
            (Type::MicroTime, node) => self.time(node, at, time::micros),
            (_, node) => self.wrong(&node, ty, at),
        }
    }

    fn whole(&mut self, number: &Number<'_>, least: i64, most: i64, at: &At<'_>) -> Value {
        if self.style == Style::Merged {
            return self.whole_merged(number, most, at);
        }
        match number.as_i64().filter(|whole| (least..=most).contains(whole)) {
            Some(whole) => whole.into(),
            None => self.mismatch(&format!("number {}", number.text()), at, &at.go_type(self.schema)),
        }
    }

    /// Go converts numbers of what was merged without a look at their range.
    #[expect(clippy::cast_possible_truncation, reason = "upstream truncates here")]
    fn whole_merged(&mut self, number: &Number<'_>, most: i64, at: &At<'_>) -> Value {
        let whole = match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole,
            (None, Some(float)) if float.fract() == 0.0 => cut(float),
            _ => {
                let text = format!("cannot convert float64 to {}", at.go_type(self.schema));
                return self.end(Problem::Text(text));
            }
        };
        if most == i64::MAX { whole.into() } else { (whole as i32).into() }
    }

    fn bad_bytes(&mut self, place: usize) -> Value {
        let text = format!("illegal base64 data at input byte {place}");
        match self.style {
            Style::Json if self.problem.is_some() => {}
            Style::Json => self.problem = Some(Problem::Text(text)),
            Style::Merged => return self.end(Problem::Text(format!("error decoding from json: {text}"))),
        }
        Value::Null
    }

    /// Go takes a list of numbers for bytes, too.
    fn byte_list(&mut self, nodes: &[Node<'_>], at: &At<'_>) -> Value {
        let mut bytes = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::Null => bytes.push(0),
                Node::Number(number) => match number.as_i64().and_then(|whole| u8::try_from(whole).ok()) {
                    Some(byte) => bytes.push(byte),
                    None => return self.mismatch(&format!("number {}", number.text()), at, "uint8"),
                },
                other => return self.mismatch(other.kind(), at, "uint8"),
            }
        }
        Value::String(base64::encode(&bytes))
    }

    fn quantity(&mut self, node: Node<'_>) -> Value {
        let parsed = match &node {
            Node::String(text) => Quantity::parse(text.trim()),
            Node::Number(number) => Quantity::parse(&number.text()),
            _ => Quantity::parse("?"),
        };
        match (parsed, node) {
            (Ok(quantity), node) => {
                let canonical = quantity.to_string();
                match node {
                    Node::String(text) if *text == *canonical => Value::String(text.into_owned()),
                    _ => Value::String(canonical),
                }
            }
            (Err(error), _) => self.end(Problem::Text(error.to_string())),
        }
    }

    fn int_or_string(&mut self, node: Node<'_>, at: &At<'_>) -> Value {
        match node {
            Node::String(text) => Value::String(text.into_owned()),
            Node::Number(number) => match number.as_i64().and_then(|whole| i32::try_from(whole).ok()) {
                Some(whole) => whole.into(),
                None => self.wrong_inside(&format!("number {}", number.text()), at, "int32"),
            },
            other => self.wrong_inside(other.kind(), at, "int32"),
        }
    }

    fn time(&mut self, node: Node<'_>, at: &At<'_>, read: fn(&str) -> Result<Option<String>, String>) -> Value {
        match node {
            Node::String(text) => match read(&text) {
                Ok(Some(time)) => Value::String(time),
                Ok(None) => Value::Null,
                Err(message) => self.end(Problem::Text(message)),
            },
            other => self.wrong_inside(other.kind(), at, "string"),
        }
    }

    /// A wrong type that Go finds in a decoder of the type's own, which ends decoding.
    fn wrong_inside(&mut self, value: &str, at: &At<'_>, go: &str) -> Value {
        let problem = match self.style {
            Style::Json => Problem::mismatch(value, at, go),
            Style::Merged => Problem::Text(format!("json: cannot unmarshal {value} into Go value of type {go}")),
        };
        self.end(problem)
    }

    fn wrong(&mut self, node: &Node<'_>, ty: &Type, at: &At<'_>) -> Value {
        match self.style {
            Style::Json => self.mismatch(node.kind(), at, &at.go_type(self.schema)),
            Style::Merged => {
                let text = wrong_merged(node, ty, &at.go_type(self.schema));
                self.end(Problem::Text(text))
            }
        }
    }
}

/// A whole number as the processor converts it for Go: what is out of range becomes the least one.
#[expect(clippy::cast_possible_truncation, reason = "in range, as just checked")]
fn cut(float: f64) -> i64 {
    const ABOVE: f64 = 9_223_372_036_854_775_808.0;
    if (-ABOVE..ABOVE).contains(&float) { float as i64 } else { i64::MIN }
}

/// The converter's words for a value of a wrong type.
fn wrong_merged(node: &Node<'_>, ty: &Type, go: &str) -> String {
    let whole = matches!(node, Node::Number(number) if number.to_value().is_some_and(|value| value.is_i64()));
    let kind = match node {
        Node::Null => "invalid",
        Node::Bool(_) => "bool",
        Node::Number(_) if whole => "int64",
        Node::Number(_) => "float64",
        Node::String(_) => "string",
        Node::List(_) => "slice",
        Node::Map(_) => "map",
    };
    match ty {
        Type::Map(_) => format!("cannot restore map from {kind}"),
        Type::List(_) | Type::Bytes => format!("cannot restore slice from {kind}"),
        Type::Struct(_) => format!("cannot restore struct from: {kind}"),
        // Go could convert a whole number to a character.
        Type::String if whole => format!("cannot convert int64 to {go}"),
        Type::String => "unrecognized type: string".to_owned(),
        Type::Bool => "unrecognized type: bool".to_owned(),
        Type::Int32 => "unrecognized type: int32".to_owned(),
        Type::Float64 => "unrecognized type: float64".to_owned(),
        _ => "unrecognized type: int64".to_owned(),
    }
}
