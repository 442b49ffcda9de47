//! TOML, written as the library that Helm uses writes it, and read.

mod complaint;
mod dates;

use std::fmt::Write as _;

use gotemplate::{Args, Entries, Failure, Function, Ty, Value, functions};

const TEXT: Ty = Ty::Str;
const ANY: Ty = Ty::Any;
/// Go's words where there is nothing to write.
const NOTHING: &str = "reflect: call of reflect.Value.Type on zero Value";

pub(super) fn table() -> Vec<Function> {
    functions! {
        "toToml" (ANY) Plain |args| match &args[0] {
            Value::Nil => Err(Failure::new(NOTHING)),
            value => Ok(write(value).unwrap_or_else(|error| error).into()),
        };
        "mustToToml" (ANY) Plain |args| match &args[0] {
            Value::Nil => Err(Failure::new(NOTHING)),
            value => write(value).map(Value::from).map_err(Failure::new),
        };
        "fromToml" (TEXT) Plain |args| Ok(read(&args.text(0)));
    }
    .to_vec()
}

fn read(text: &str) -> Value {
    match text.parse::<toml::Table>() {
        Ok(table) => from_toml(toml::Value::Table(table)),
        Err(error) => {
            let told = complaint::complaint(text).unwrap_or_else(|| format!("toml: {}", error.message()));
            Value::map(Entries::from([("Error".into(), told.into())]))
        }
    }
}

/// TOML tells integers from floats, and so do templates.
fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => Value::Int64(number),
        toml::Value::Float(number) => Value::Float(number),
        toml::Value::Boolean(value) => value.into(),
        toml::Value::Datetime(time) => dates::read(time),
        toml::Value::Array(items) => Value::list(items.into_iter().map(from_toml).collect()),
        toml::Value::Table(table) => {
            Value::map(table.into_iter().map(|(key, value)| (key.into(), from_toml(value))).collect())
        }
    }
}

fn write(value: &Value) -> Result<String, String> {
    if !value.ends() {
        return Err("toml: the value holds itself".to_owned());
    }
    let mut out = String::new();
    match value.as_map() {
        Some(map) => tables(&mut out, &map, &[])?,
        None => inline(&mut out, value)?,
    }
    Ok(out)
}

fn is_table(value: &Value) -> bool {
    value.as_map().is_some()
}

/// A list of tables, which are written one by one.
fn is_table_list(value: &Value) -> bool {
    value.as_list().is_some_and(|list| !list.items.is_empty() && list.items.iter().all(is_table))
}

/// Plain keys come first, then the tables; both by name.
fn tables(out: &mut String, map: &gotemplate::Map, path: &[String]) -> Result<(), String> {
    let entries = map.snapshot();
    let deep = |value: &Value| is_table(value) || is_table_list(value);
    let indent = "  ".repeat(path.len());
    for (key, value) in entries.iter().filter(|(_, value)| !deep(value) && !value.is_nil()) {
        let _ = write!(out, "{indent}{} = ", self::key(key));
        inline(out, value)?;
        out.push('\n');
    }
    for (key, value) in entries.iter().filter(|(_, value)| deep(value)) {
        let mut path = path.to_vec();
        path.push(self::key(key));
        let indent = "  ".repeat(path.len() - 1);
        let name = path.join(".");
        if let Some(map) = value.as_map() {
            if !out.is_empty() && path.len() == 1 {
                out.push('\n');
            }
            let _ = writeln!(out, "{indent}[{name}]");
            tables(out, &map, &path)?;
        } else if let Some(list) = value.as_list() {
            for item in &list.items {
                if !out.is_empty() {
                    out.push('\n');
                }
                let _ = writeln!(out, "{indent}[[{name}]]");
                if let Some(map) = item.as_map() {
                    tables(out, &map, &path)?;
                }
            }
        }
    }
    Ok(())
}

fn key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || c == '\x7f' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn inline(out: &mut String, value: &Value) -> Result<(), String> {
    match value {
        Value::Str(text) => out.push_str(&quoted(&text.text())),
        Value::Float(number) => {
            let text = gotemplate::format::float_f(*number, None);
            let exponent = gotemplate::format::float_g(*number, None);
            let text = if exponent.contains('e') { exponent } else { text };
            out.push_str(&text);
            if !text.contains(['.', 'e', 'n', 'N', 'I']) {
                out.push_str(".0");
            }
        }
        Value::Nil => return Err("toml: cannot encode array with nil element".to_owned()),
        value => match (value.as_list(), value.as_map()) {
            (Some(list), _) => {
                out.push('[');
                for (index, item) in list.items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    inline(out, item)?;
                }
                out.push(']');
            }
            (None, Some(map)) => {
                out.push('{');
                for (index, (name, item)) in map.snapshot().iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    let _ = write!(out, "{} = ", key(name));
                    inline(out, item)?;
                }
                out.push('}');
            }
            (None, None) => {
                let text = dates::written(value);
                out.push_str(&text.unwrap_or_else(|| gotemplate::format::any(value).text().into_owned()));
            }
        },
    }
    Ok(())
}
