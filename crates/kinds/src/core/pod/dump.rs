//! Parts of a pod as upstream's messages show them: JSON with Go's field names, every field present.
//!
//! A few messages show a whole struct of the reference implementation's internal types. Which fields these have, in
//! which order, is told by `types.txt`: a line for the type's name, then indented `GoName/jsonName=kind` (the JSON name
//! is left out where it is the Go name in lower camel case). Kinds: `s` text, `i` number, `b` truth value, `q`
//! quantity, `x` number or text, `*` optional scalar, `[]` list of scalars, `{}` and `{q}` maps, `T` struct, `*T` optional
//! struct, `[]T` list of structs. A name that begins with `=` is a type that is shown with its JSON names, without
//! empty fields (but for the texts of a requirement); a JSON name that begins with `^` stands one level up in what clients send.

use object::{Value, View};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::LazyLock;

struct Field {
    go: &'static str,
    json: String,
    outer: bool,
    kind: &'static str,
}

static TYPES: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let mut types: HashMap<&str, Vec<Field>> = HashMap::new();
    let mut current = "";
    for line in include_str!("dump/types.txt").lines() {
        if !line.starts_with(' ') {
            current = line;
            types.entry(current).or_default();
            continue;
        }
        types.entry(current).or_default().extend(line.split_whitespace().filter_map(field));
    }
    types
});

fn field(text: &'static str) -> Option<Field> {
    let (name, kind) = text.split_once('=')?;
    let (go, json) = match name.split_once('/') {
        Some((go, json)) => (go, json.to_owned()),
        None => (name, lower_first(name)),
    };
    let (json, outer) = match json.strip_prefix('^') {
        Some(json) => (json.to_owned(), true),
        None => (json, false),
    };
    Some(Field { go, json, outer, kind })
}

fn lower_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_lowercase().to_string() + chars.as_str()).unwrap_or_default()
}

/// A value on its way to text.
enum Node {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// The struct on one line, as an error shows a bad value.
pub(crate) fn compact(kind: &'static str, value: View<'_>) -> String {
    let mut text = String::new();
    write_compact(&node(kind, value, View::ABSENT), &mut text);
    text
}

/// The struct over many lines, indented by one space a level, as diffs compare it.
pub(crate) fn pretty(kind: &'static str, value: View<'_>) -> String {
    let mut text = String::new();
    write_pretty(&node(kind, value, View::ABSENT), 0, &mut text);
    text
}

/// The recursion is as deep as the types are nested, which is bounded: no type of the table holds itself.
fn node(kind: &'static str, value: View<'_>, outer: View<'_>) -> Node {
    match kind {
        "s" => Node::Scalar(quoted(value.as_str())),
        "i" => Node::Scalar(value.as_int().to_string()),
        "b" => Node::Scalar((value.value() == Some(&Value::Bool(true))).to_string()),
        "q" => Node::Scalar(quoted(if value.exists() { value.as_str() } else { "0" })),
        "x" if value.exists() => plain(value),
        "x" => Node::Scalar("0".to_owned()),
        "*" => plain(value),
        "[]" | "{}" | "{q}" if !value.exists() => null(),
        "[]" | "{}" | "{q}" => plain(value),
        _ => match (kind.strip_prefix('*'), kind.strip_prefix("[]")) {
            (Some(_), _) if !value.exists() => null(),
            (Some(inner), _) => structure(inner, value, outer),
            (_, Some(_)) if !value.exists() => null(),
            (_, Some(inner)) => Node::List(value.items().map(|item| structure(inner, item, View::ABSENT)).collect()),
            _ => structure(kind, value, outer),
        },
    }
}

fn structure(name: &'static str, value: View<'_>, outer: View<'_>) -> Node {
    let fields = TYPES.get(name).map(Vec::as_slice).unwrap_or_default();
    let tagged = name.starts_with('=');
    let shown = fields.iter().filter_map(|field| {
        let from = if field.outer { outer } else { value };
        let child = from.get(&field.json);
        if tagged {
            let always = name == "=LabelSelectorRequirement" && field.kind == "s";
            return (always || !child.is_empty()).then(|| (field.json.clone(), node(field.kind, child, value)));
        }
        Some((field.go.to_owned(), node(field.kind, child, value)))
    });
    Node::Map(shown.collect())
}

fn null() -> Node {
    Node::Scalar("null".to_owned())
}

fn plain(value: View<'_>) -> Node {
    match value.value() {
        None => null(),
        Some(Value::String(text)) => Node::Scalar(quoted(text)),
        Some(Value::Array(items)) => Node::List(items.iter().map(|item| plain(View::from(item))).collect()),
        Some(Value::Object(map)) => {
            Node::Map(map.iter().map(|(key, value)| (key.to_string(), plain(View::from(value)))).collect())
        }
        Some(scalar) => Node::Scalar(scalar.to_string()),
    }
}

/// The text as Go writes it in JSON, where what could be read as HTML is escaped.
fn quoted(text: &str) -> String {
    let mut out = Value::from(text).to_string();
    if out.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        out = out
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029");
    }
    out
}

fn write_compact(node: &Node, out: &mut String) {
    match node {
        Node::Scalar(text) => out.push_str(text),
        Node::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_compact(item, out);
            }
            out.push(']');
        }
        Node::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                write!(out, "{comma}{}:", quoted(key)).expect("writing to a String does not fail");
                write_compact(value, out);
            }
            out.push('}');
        }
    }
}

fn write_pretty(node: &Node, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', depth));
    };
    match node {
        Node::Scalar(text) => out.push_str(text),
        Node::List(items) if items.is_empty() => out.push_str("[]"),
        Node::Map(entries) if entries.is_empty() => out.push_str("{}"),
        Node::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                line(out, depth + 1);
                write_pretty(item, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Node::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                line(out, depth + 1);
                write!(out, "{}: ", quoted(key)).expect("writing to a String does not fail");
                write_pretty(value, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn every_type_that_is_named_is_in_the_table() {
        for (name, fields) in TYPES.iter() {
            for field in fields {
                let kind = field.kind.trim_start_matches('*').trim_start_matches("[]");
                let known = matches!(kind, "" | "s" | "i" | "b" | "q" | "x" | "{}" | "{q}") || TYPES.contains_key(kind);
                assert!(known, "{name}.{}: {kind}", field.go);
            }
        }
    }

    #[test]
    fn structs_are_shown_with_all_their_fields() {
        let claim = json!({"name": "a<b"});
        assert_eq!(
            compact("PodResourceClaim", View::from(&claim)),
            r#"{"Name":"a\u003cb","ResourceClaimName":null,"ResourceClaimTemplateName":null}"#
        );
        let spec = json!({"hostNetwork": true, "securityContext": {}});
        let text = pretty("PodSpec", View::from(&spec));
        assert!(text.contains("\n \"SecurityContext\": {\n  \"HostNetwork\": true,\n"), "{text}");
    }
}
