//! Paths that lead into a text which itself is YAML or JSON, as ConfigMaps hold it.

use super::{find, overwrite};
use crate::error::Result;
use crate::hash::go_json;
use crate::node::{Content, Kind, Node, parse_one};
use serde_json::Value;

/// Sets the value in the text that the first parts of the path lead to; false if they lead to none.
pub(super) fn set(node: &mut Node, value: &Node, path: &[String], create: Option<Kind>) -> Result<bool> {
    for split in 1..path.len() {
        let Ok(Some(field)) = node.lookup_mut(&path[..split]) else { continue };
        if field.kind() != Kind::Scalar || field.is_null() {
            continue;
        }
        let text = field.as_text().to_owned();
        let Ok(inner) = parse_one(&text) else { continue };
        let Some(mut inner) = inner else { return Ok(false) };
        let found = find::each(&mut inner, &path[split..], create, &mut |field| overwrite(field, value));
        if !matches!(found, Ok(1..)) {
            return Ok(false);
        }
        let Some(written) = write(&inner, &text) else { return Ok(false) };
        field.content = Content::Scalar(written.into());
        return Ok(true);
    }
    Ok(false)
}

/// JSON stays JSON, with line breaks if it had them.
fn write(inner: &Node, before: &str) -> Option<String> {
    if !before.trim_start().starts_with(['{', '[']) {
        return Some(inner.show_in_order().trim().to_owned());
    }
    let json = inner.to_json().ok()?;
    if before.contains('\n') && before.contains("  ") {
        let mut text = String::new();
        indent(&json, 0, &mut text);
        return Some(text);
    }
    Some(go_json(&json))
}

fn indent(value: &Value, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                indent(item, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Value::Object(map) if !map.is_empty() => {
            out.push('{');
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            for (at, key) in keys.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                out.push_str(&go_json(&Value::String(key.clone())));
                out.push_str(": ");
                indent(&map[key], depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        other => out.push_str(&go_json(other)),
    }
}
