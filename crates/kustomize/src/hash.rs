//! The hash behind the names of generated resources.

use crate::error::Result;
use crate::node::{Content, Node};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use value::Value;

/// Ten letters for the content of a resource; labels and the name do not count.
pub(crate) fn of_resource(node: &Node) -> Result<String> {
    let kind = node.get("kind").map_or("", Node::as_text);
    let text = match kind {
        "ConfigMap" => {
            let mut fields =
                vec![("data", value_of(node, "data")?), ("kind", string("ConfigMap")), ("name", string(""))];
            if node.get("binaryData").is_some_and(|node| !matches!(node.content, Content::Scalar(_))) {
                fields.insert(0, ("binaryData", value_of(node, "binaryData")?));
            }
            object(&fields)
        }
        "Secret" => {
            let mut fields = vec![
                ("data", value_of(node, "data")?),
                ("kind", string("Secret")),
                ("name", string("")),
                ("type", value_of(node, "type")?),
            ];
            if node.get("stringData").is_some_and(|node| !matches!(node.content, Content::Scalar(_))) {
                fields.insert(3, ("stringData", value_of(node, "stringData")?));
            }
            object(&fields)
        }
        _ => go_json(&node.to_json()?),
    };
    Ok(encode(&text))
}

/// A field as JSON; a missing one is an empty text.
fn value_of(node: &Node, field: &str) -> Result<String> {
    match node.get(field) {
        None => Ok(string("")),
        Some(value) => match &value.content {
            Content::Scalar(text) => Ok(string(text)),
            _ => value.to_json().map(|value| go_json(&value)),
        },
    }
}

fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn encode(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex = digest.iter().take(5).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    hex.chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            c => c,
        })
        .collect()
}

/// JSON as Go's encoder writes it: keys sorted, and some characters escaped that need not be.
pub(crate) fn go_json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(&string(text)),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            let mut keys: Vec<&value::Key> = map.keys().collect();
            keys.sort();
            for (at, key) in keys.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&string(key));
                out.push(':');
                write_json(&map[key], out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::parse_one;

    #[test]
    fn hashes_are_those_of_upstream() {
        for (text, want) in [
            ("kind: ConfigMap", "6ct58987ht"),
            ("kind: ConfigMap\ndata: {one: \"\"}", "9g67k2htb6"),
            ("kind: ConfigMap\ndata: {two: 2, one: \"\", three: 3}", "7757f9kkct"),
            ("kind: Secret\ntype: my-type", "5gmgkf8578"),
            ("kind: Secret\ntype: my-type\ndata: {one: \"\"}", "74bd68bm66"),
        ] {
            assert_eq!(of_resource(&parse_one(text).unwrap().unwrap()).unwrap(), want, "{text}");
        }
    }
}
