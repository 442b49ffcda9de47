//! Paths that lead into a text which itself is YAML or JSON, as ConfigMaps hold it.

use super::{find, overwrite};
use crate::error::Result;
use crate::hash::go_json;
use crate::node::{Content, Kind, Node, parse_written};
use serde_json::Value;
use yaml::{NodeId, NodeKind, Stream};

/// Sets the value in the text that the first parts of the path lead to; false if they lead to none.
pub(super) fn set(node: &mut Node, value: &Node, path: &[String], create: Option<Kind>) -> Result<bool> {
    for split in 1..path.len() {
        let Ok(Some(field)) = node.lookup_mut(&path[..split]) else { continue };
        if field.kind() != Kind::Scalar || field.is_null() {
            continue;
        }
        let text = field.as_text().to_owned();
        let Ok(inner) = parse_written(&text) else { continue };
        let Some((mut stream, root, before)) = inner else { return Ok(false) };
        let mut after = before.clone();
        let found = find::each(&mut after, &path[split..], create, &mut |field| overwrite(field, value));
        if !matches!(found, Ok(1..)) {
            return Ok(false);
        }
        change(&mut stream, root, &before, &after);
        let Some(written) = write(&stream, root, &after, &text) else { return Ok(false) };
        field.content = Content::Scalar(written.into());
        return Ok(true);
    }
    Ok(false)
}

/// Makes a written document say what `after` says, leaving alone what did not change.
fn change(stream: &mut Stream, id: NodeId, before: &Node, after: &Node) {
    if before == after {
        return;
    }
    match (stream[id].kind.clone(), &before.content, &after.content) {
        (NodeKind::Scalar { .. }, Content::Scalar(_), Content::Scalar(text)) => stream.set_text(id, text),
        (NodeKind::Mapping { mut entries, flow }, Content::Map(old), Content::Map(new))
            if entries.len() == old.len()
                && new.len() >= old.len()
                && old.iter().zip(new).all(|(a, b)| a.key == b.key) =>
        {
            for ((old, new), (_, value)) in old.iter().zip(new).zip(&entries) {
                change(stream, *value, &old.value, &new.value);
            }
            for entry in &new[old.len()..] {
                let key = add(stream, &Node::text(&*entry.key));
                entries.push((key, add(stream, &entry.value)));
            }
            stream.set_kind(id, NodeKind::Mapping { entries, flow });
        }
        (NodeKind::Sequence { mut items, flow }, Content::Seq(old), Content::Seq(new))
            if items.len() == old.len() && new.len() >= old.len() =>
        {
            for ((old, new), item) in old.iter().zip(new).zip(&items) {
                change(stream, *item, old, new);
            }
            for item in &new[old.len()..] {
                items.push(add(stream, item));
            }
            stream.set_kind(id, NodeKind::Sequence { items, flow });
        }
        _ => {
            let kind = written_kind(stream, after);
            stream.set_kind(id, kind);
        }
    }
}

fn add(stream: &mut Stream, node: &Node) -> NodeId {
    let kind = written_kind(stream, node);
    stream.add_node(kind)
}

fn written_kind(stream: &mut Stream, node: &Node) -> NodeKind {
    match &node.content {
        Content::Scalar(text) => {
            let style = if node.style.quoted { yaml::Style::Double } else { yaml::Style::Plain };
            NodeKind::Scalar { value: text.to_string(), style }
        }
        Content::Seq(items) => {
            NodeKind::Sequence { items: items.iter().map(|item| add(stream, item)).collect(), flow: false }
        }
        Content::Map(entries) => {
            let mut written = Vec::with_capacity(entries.len());
            for entry in entries {
                let key = add(stream, &Node::text(&*entry.key));
                written.push((key, add(stream, &entry.value)));
            }
            NodeKind::Mapping { entries: written, flow: false }
        }
    }
}

/// JSON stays JSON, with line breaks if it had them.
fn write(stream: &Stream, root: NodeId, inner: &Node, before: &str) -> Option<String> {
    if !before.trim_start().starts_with(['{', '[']) {
        return Some(stream.rewrite(root).trim().to_owned());
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
