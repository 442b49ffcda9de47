//! JSON as Go's `encoding/json` writes and reads it.

mod scan;

use std::rc::Rc;

use crate::format::json_float;
use crate::value::walk::Walk;
use crate::value::{Str, Value};

/// `json.Marshal`; `escape` also escapes what HTML would trip over, which is Go's default.
///
/// # Errors
/// Where a number has no JSON (infinite, complex).
pub fn to_json_text(value: &Value, escape: bool) -> Result<String, String> {
    let mut out = String::new();
    Writer { out: &mut out, escape, indent: None, walk: Walk::default() }.write(value, 0)?;
    Ok(out)
}

/// `json.MarshalIndent` with two spaces.
///
/// # Errors
/// Where a number has no JSON (infinite, complex).
pub fn to_json_pretty(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    Writer { out: &mut out, escape: true, indent: Some("  "), walk: Walk::default() }.write(value, 0)?;
    Ok(out)
}

struct Writer<'a> {
    out: &'a mut String,
    escape: bool,
    indent: Option<&'static str>,
    walk: Walk,
}

impl Writer<'_> {
    fn write(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        self.walk.visit(value, depth)?;
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Int(value) | Value::Int64(value) => self.out.push_str(&value.to_string()),
            Value::Uint8(value) => self.out.push_str(&value.to_string()),
            Value::Uint64(value) => self.out.push_str(&value.to_string()),
            Value::Float(value) if !value.is_finite() => {
                return Err(format!("json: unsupported value: {}", crate::format::float_g(*value, None)));
            }
            Value::Float(value) => self.out.push_str(&json_float(*value)),
            Value::Complex(..) => return Err("json: unsupported type: complex128".to_owned()),
            Value::Str(text) => self.text(text.as_bytes()),
            Value::List(list) if list.nil => self.out.push_str("null"),
            Value::Map(map) if map.is_nil() => self.out.push_str("null"),
            Value::List(list) => self.list(&list.items, depth)?,
            Value::Map(map) => self.map(&map.snapshot(), depth)?,
            Value::Object(object) => self.object(value, object.as_ref(), depth)?,
        }
        Ok(())
    }

    fn object(&mut self, value: &Value, object: &dyn crate::value::Object, depth: usize) -> Result<(), String> {
        use base64::Engine as _;
        if object.is_nil() {
            self.out.push_str("null");
            return Ok(());
        }
        if let Some(bytes) = value.as_bytes() {
            self.text(base64::engine::general_purpose::STANDARD.encode(bytes.as_bytes()).as_bytes());
            return Ok(());
        }
        if let Some(number) = object.integer() {
            self.out.push_str(&number.to_string());
            return Ok(());
        }
        if let Some(text) = object.json_text() {
            self.text(text.as_bytes());
            return Ok(());
        }
        let fields = object.json_fields();
        if !fields.is_empty() {
            let entries: Vec<_> = fields.into_iter().map(|(key, value)| (Rc::from(key), value)).collect();
            return self.map(&entries, depth);
        }
        self.write(&object.plain().unwrap_or_default(), depth + 1)
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = self.indent {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(indent);
            }
        }
    }

    fn list(&mut self, items: &[Value], depth: usize) -> Result<(), String> {
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.line(depth + 1);
            self.write(item, depth + 1)?;
        }
        if !items.is_empty() {
            self.line(depth);
        }
        self.out.push(']');
        Ok(())
    }

    fn map(&mut self, entries: &[(Rc<str>, Value)], depth: usize) -> Result<(), String> {
        self.out.push('{');
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.line(depth + 1);
            self.text(key.as_bytes());
            self.out.push_str(if self.indent.is_some() { ": " } else { ":" });
            self.write(value, depth + 1)?;
        }
        if !entries.is_empty() {
            self.line(depth);
        }
        self.out.push('}');
        Ok(())
    }

    fn text(&mut self, text: &[u8]) {
        self.out.push('"');
        for chunk in text.utf8_chunks() {
            chunk.valid().chars().for_each(|c| self.character(c));
            chunk.invalid().iter().for_each(|_| self.out.push_str("\\ufffd"));
        }
        self.out.push('"');
    }

    fn character(&mut self, c: char) {
        match c {
            '"' => self.out.push_str("\\\""),
            '\\' => self.out.push_str("\\\\"),
            '\n' => self.out.push_str("\\n"),
            '\r' => self.out.push_str("\\r"),
            '\t' => self.out.push_str("\\t"),
            '\x08' => self.out.push_str("\\b"),
            '\x0c' => self.out.push_str("\\f"),
            '<' | '>' | '&' if self.escape => self.out.push_str(&format!("\\u{:04x}", c as u32)),
            '\u{2028}' | '\u{2029}' => self.out.push_str(&format!("\\u{:04x}", c as u32)),
            c if (c as u32) < 0x20 => self.out.push_str(&format!("\\u{:04x}", c as u32)),
            c => self.out.push(c),
        }
    }
}

/// `json.Unmarshal` into an `interface {}`: numbers are `float64`.
///
/// # Errors
/// Go's words for the common mistakes.
pub fn from_json_text(text: &Str) -> Result<Value, String> {
    let text = text.text();
    match serde_json::from_str::<::value::Value>(&text) {
        Ok(json) => Ok(Value::from_json(&json)),
        Err(error) => Err(scan::complaint(text.as_bytes()).unwrap_or_else(|| error.to_string())),
    }
}
