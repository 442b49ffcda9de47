//! YAML as go-yaml 3 writes it with an indentation of two: lists are indented under their keys.

use value::Value;

/// The value as JSON whose floats stay floats.
fn with_floats(value: &gotemplate::Value) -> Value {
    match value {
        gotemplate::Value::Float(number) => value::Number::from_f64(*number).map_or(Value::Null, Value::Number),
        gotemplate::Value::List(list) => list.items.iter().map(with_floats).collect(),
        gotemplate::Value::Map(map) => Value::Object(
            map.snapshot().into_iter().map(|(key, value)| (key.to_string(), with_floats(&value))).collect(),
        ),
        other => other.to_json(),
    }
}

/// A float as go-yaml 3 writes it.
fn float(value: &Value) -> Option<String> {
    value.as_number().filter(|number| number.is_f64()).and_then(value::Number::as_f64).map(yaml::format_float)
}

/// How deep lists and maps are followed.
const MAX_DEPTH: usize = 1_000;

/// Writes a value, without the last line break; none where it holds itself.
pub(super) fn to_yaml_pretty(value: &gotemplate::Value) -> Option<String> {
    if !value.ends() {
        return None;
    }
    let mut lines = Vec::new();
    write(&with_floats(value), &mut lines, 0);
    Some(lines.join("\n"))
}

fn is_flat(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => true,
    }
}

fn write(value: &Value, lines: &mut Vec<String>, depth: usize) {
    match value {
        Value::Array(items) if !items.is_empty() && depth < MAX_DEPTH => {
            for item in items {
                nested(item, lines, "- ", depth);
            }
        }
        Value::Object(map) if !map.is_empty() && depth < MAX_DEPTH => {
            for (key, value) in map {
                entry(key, value, lines, depth);
            }
        }
        flat if float(flat).is_some() => lines.extend(float(flat)),
        flat => lines.extend(yaml::from_json(flat).trim_end_matches('\n').lines().map(str::to_owned)),
    }
}

/// The lines of a value behind a mark, which the first of them shares a line with.
fn nested(value: &Value, lines: &mut Vec<String>, mark: &str, depth: usize) {
    let mut inner = Vec::new();
    write(value, &mut inner, depth + 1);
    for (index, line) in inner.into_iter().enumerate() {
        let before = if index == 0 { mark } else { "  " };
        lines.push(if line.is_empty() { line } else { format!("{before}{line}") });
    }
}

fn entry(key: &str, value: &Value, lines: &mut Vec<String>, depth: usize) {
    let single = |value: Value| {
        let map = Value::Object(value::Map::from_iter([(key.to_owned(), value)]));
        yaml::from_json(&map).trim_end_matches('\n').to_owned()
    };
    if let Some(number) = float(value) {
        let bare = single(Value::Null);
        lines.push(format!("{} {number}", bare.strip_suffix(" null").unwrap_or(&bare)));
        return;
    }
    if is_flat(value) {
        return lines.extend(single(value.clone()).lines().map(str::to_owned));
    }
    let bare = single(Value::Null);
    lines.push(bare.strip_suffix(" null").unwrap_or(&bare).to_owned());
    nested(value, lines, "  ", depth);
}
