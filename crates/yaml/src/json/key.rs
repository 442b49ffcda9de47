//! Keys that are no text, and Go's way to show values in messages.

use super::{Reader, scalar};
use crate::Dialect;
use crate::error::Error;
use crate::number::format_float32;
use crate::resolve::Scalar;
use crate::tree::{NodeId, NodeKind};
use value::Value;

impl Reader<'_> {
    /// The text of a key, and whether it was a text from the start.
    pub(super) fn key(&mut self, id: NodeId, of: NodeId, depth: usize) -> Result<(String, bool), Error> {
        self.budget.visit()?;
        let id = self.stream.follow(id);
        let node = &self.stream[id];
        let NodeKind::Scalar { value, .. } = &node.kind else {
            let found = self.value(id, depth + 1)?;
            return Err(Error::Syntax(format!("invalid map key: {}", go_value(&found, self.dialect))));
        };
        Ok(match scalar(node, self.dialect)? {
            Scalar::Str | Scalar::Timestamp(_) | Scalar::Merge => (value.clone(), true),
            Scalar::Bool(value) => (value.to_string(), false),
            Scalar::Int(value) => (value.to_string(), false),
            Scalar::Float(value) => (format_float32(value), false),
            Scalar::Null => return Err(self.unsupported("%!s(<nil>)", "<nil>", of, depth)),
            Scalar::Uint(value) => return Err(self.unsupported("uint64", &format!("{value:#x}"), of, depth)),
        })
    }

    fn unsupported(&mut self, kind: &str, key: &str, of: NodeId, depth: usize) -> Error {
        if self.dialect == Dialect::V3 {
            return Error::NotJson("json: unsupported type: map[interface {}]interface {}".to_owned());
        }
        let value = match self.value(of, depth + 1) {
            Ok(Value::Null) => "<nil>".to_owned(),
            Ok(value) => go_value(&value, self.dialect),
            Err(error) => return error,
        };
        Error::NotJson(format!("unsupported map key of type: {kind}, key: {key}, value: {value}"))
    }
}

/// `%#v` of an untyped value.
fn go_value(value: &Value, dialect: Dialect) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => go_quote(value),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| go_value(item, dialect)).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", go_quote(key), go_value(value, dialect))).collect();
            let key = if dialect == Dialect::V2 { "interface {}" } else { "string" };
            format!("map[{key}]interface {{}}{{{}}}", entries.join(", "))
        }
    }
}

/// `%q`.
pub(super) fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => quoted.push_str(&format!("\\x{:02x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// How Go names what is no number.
pub(super) fn go_float(value: f64) -> &'static str {
    match value {
        _ if value.is_nan() => "NaN",
        _ if value > 0.0 => "+Inf",
        _ => "-Inf",
    }
}

/// Standard base64 with padding; line breaks do not count.
pub(super) fn decode_base64(text: &str) -> Result<String, Error> {
    let invalid = || Error::Syntax("!!binary value contains invalid base64 data".to_owned());
    let clean: Vec<u8> = text.bytes().filter(|c| !matches!(c, b'\n' | b'\r')).collect();
    let body = clean.strip_suffix(b"==").or_else(|| clean.strip_suffix(b"=")).unwrap_or(&clean);
    if !clean.len().is_multiple_of(4) {
        return Err(invalid());
    }
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(body.len() * 3 / 4), 0u32, 0);
    for &c in body {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(invalid()),
        };
        bits = (bits << 6) | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    // What is no UTF-8 becomes replacement characters, as Go's JSON encoder writes it.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
