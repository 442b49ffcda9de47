//! Paths that lead into a text which itself is YAML or JSON, as ConfigMaps hold it.

use super::{find, overwrite};
use crate::error::Result;
use crate::hash::go_json;
use crate::node::{Content, Kind, Node, parse_written};
use value::Value;
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
        let (mut after, mut marked) = (before.clone(), before.clone());
        let found = find::each(&mut after, &path[split..], create, &mut |field| overwrite(field, value));
        if !matches!(found, Ok(1..)) {
            return Ok(false);
        }
        find::each(&mut marked, &path[split..], create, &mut |field| mark(field, value))?;
        let Some(written) = write(&mut stream, root, Change { before: &before, marked: &marked, value }, &after, &text)
        else {
            return Ok(false);
        };
        field.content = Content::Scalar(written.into());
        return Ok(true);
    }
    Ok(false)
}

/// What stands in a tree where the value goes that takes a field's place. (A document cannot hold this.)
const MARK: &str = "\0";

/// As [`overwrite`], but for [`MARK`] where the field is replaced.
fn mark(field: &mut Node, value: &Node) {
    if field.kind() == Kind::Scalar {
        overwrite(field, value);
    } else {
        *field = Node::scalar(MARK);
    }
}

/// From what a document says to what it is to say.
#[derive(Clone, Copy)]
struct Change<'a> {
    before: &'a Node,
    marked: &'a Node,
    value: &'a Node,
}

impl Change<'_> {
    /// Makes a written document say so, leaving alone what does not change; returns what was replaced as a whole.
    fn apply(self, stream: &mut Stream, id: NodeId) -> Vec<NodeId> {
        let mut replaced = Vec::new();
        self.node(stream, id, &mut replaced);
        replaced
    }

    fn node(self, stream: &mut Stream, id: NodeId, replaced: &mut Vec<NodeId>) {
        let Self { before, marked, value } = self;
        if before == marked {
            return;
        }
        match (stream[id].kind.clone(), &before.content, &marked.content) {
            (NodeKind::Scalar { .. }, Content::Scalar(_), Content::Scalar(text)) => stream.set_text(id, text),
            (NodeKind::Mapping { mut entries, flow }, Content::Map(old), Content::Map(new))
                if entries.len() == old.len()
                    && new.len() >= old.len()
                    && old.iter().zip(new).all(|(a, b)| a.key == b.key) =>
            {
                for ((old, new), (_, below)) in old.iter().zip(new).zip(&entries) {
                    Self { before: &old.value, marked: &new.value, value }.node(stream, *below, replaced);
                }
                for entry in &new[old.len()..] {
                    let key = add(stream, &Node::text(&*entry.key), value);
                    entries.push((key, add(stream, &entry.value, value)));
                }
                stream.set_kind(id, NodeKind::Mapping { entries, flow });
            }
            (NodeKind::Sequence { mut items, flow }, Content::Seq(old), Content::Seq(new))
                if items.len() == old.len() && new.len() >= old.len() =>
            {
                for ((old, new), item) in old.iter().zip(new).zip(&items) {
                    Self { before: old, marked: new, value }.node(stream, *item, replaced);
                }
                for item in &new[old.len()..] {
                    items.push(add(stream, item, value));
                }
                stream.set_kind(id, NodeKind::Sequence { items, flow });
            }
            _ => {
                let kind = written_kind(stream, marked, value);
                stream.set_kind(id, kind);
                replaced.push(id);
            }
        }
    }
}

fn add(stream: &mut Stream, node: &Node, value: &Node) -> NodeId {
    let kind = written_kind(stream, node, value);
    stream.add_node(kind)
}

fn written_kind(stream: &mut Stream, node: &Node, value: &Node) -> NodeKind {
    match &node.content {
        Content::Scalar(text) if **text == *MARK => written_kind(stream, value, value),
        Content::Scalar(text) => {
            let style = if node.style.quoted { yaml::Style::Double } else { yaml::Style::Plain };
            NodeKind::Scalar { value: text.to_string(), style }
        }
        Content::Seq(items) => {
            NodeKind::Sequence { items: items.iter().map(|item| add(stream, item, value)).collect(), flow: false }
        }
        Content::Map(entries) => {
            let mut written = Vec::with_capacity(entries.len());
            for entry in entries {
                let key = add(stream, &Node::text(&*entry.key), value);
                written.push((key, add(stream, &entry.value, value)));
            }
            NodeKind::Mapping { entries: written, flow: false }
        }
    }
}

/// JSON stays JSON, with line breaks if it had them.
fn write(stream: &mut Stream, root: NodeId, change: Change<'_>, after: &Node, before: &str) -> Option<String> {
    if !before.trim_start().starts_with(['{', '[']) {
        let text = stream.rewrite_changed(root, |stream| change.apply(stream, root));
        return Some(text.trim().to_owned());
    }
    let json = after.to_json().ok()?;
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
            let mut keys: Vec<&value::Key> = map.keys().collect();
            keys.sort();
            for (at, key) in keys.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                out.push_str(&go_json(&Value::from(key)));
                out.push_str(": ");
                indent(&map[key], depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        other => out.push_str(&go_json(other)),
    }
}
