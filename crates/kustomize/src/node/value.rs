//! Trees to values: what each scalar finally is, and the text of the whole.

use super::read::tag_of;
use super::{Content, Entry, Node, Style, Tag};
use crate::error::{Error, Result};
use base64::Engine;
use std::collections::HashMap;
use std::sync::Arc;
use value::{Map, Value};
use yaml::{Dialect, Emit, Scalar, Shape};

/// What a scalar is when it is written and read again.
enum Meaning {
    Text,
    /// A text that is not the one that stands there.
    OtherText(String),
    Resolved(Scalar),
}

impl Node {
    fn meaning(&self, text: &str) -> Result<Meaning> {
        let plain = || Meaning::Resolved(yaml::resolve(text, Dialect::V3));
        if self.style.folded && matches!(self.tag, Tag::None | Tag::Str) {
            let folded = yaml::can_be_folded(text);
            return Ok(if folded { Meaning::OtherText(refolded(text)) } else { Meaning::Text });
        }
        if self.style.tagged || !matches!(self.tag, Tag::None | Tag::Str) {
            let found = yaml::resolve(text, Dialect::V3);
            if self.tag == Tag::Binary {
                return decoded(text).map(Meaning::OtherText);
            }
            if self.tag == Tag::Custom || self.tag == Tag::Str {
                return Ok(Meaning::Text);
            }
            if self.style.tagged || tag_of(&found) != self.tag {
                return match (self.tag, found) {
                    (Tag::Float, Scalar::Int(int)) => Ok(Meaning::Resolved(Scalar::Float(int as f64))),
                    (tag, found) if tag_of(&found) == tag => Ok(Meaning::Resolved(found)),
                    (tag, found) => Err(mismatch(&found, text, tag)),
                };
            }
            // A tag that says nothing new is not written, and then quotes make a text of it.
            return Ok(if self.style.quoted { Meaning::Text } else { Meaning::Resolved(found) });
        }
        if self.tag == Tag::Str || self.style.quoted || text.contains('\n') {
            return Ok(Meaning::Text);
        }
        Ok(plain())
    }

    /// The value as JSON.
    ///
    /// # Errors
    /// For keys that stand twice or are no text, numbers that JSON has no form for, and tags that do not fit.
    pub fn to_json(&self) -> Result<Value> {
        self.check()?;
        self.json()
    }

    fn json(&self) -> Result<Value> {
        Ok(match &self.content {
            Content::Scalar(text) => match self.meaning(text)? {
                Meaning::Text => Value::String(text.to_string()),
                Meaning::OtherText(text) => Value::String(text),
                Meaning::Resolved(scalar) => json_scalar(scalar, text),
            },
            Content::Seq(items) => Value::Array(items.iter().map(Self::json).collect::<Result<_>>()?),
            Content::Map(entries) => {
                let mut map = Map::new();
                for entry in entries {
                    map.insert(entry.key.to_string(), entry.value.json()?);
                }
                Value::Object(map)
            }
        })
    }

    /// Refuses what could not be written.
    pub(crate) fn check(&self) -> Result<()> {
        let mut line = 1;
        let mut repeated = Vec::new();
        self.check_lines(&mut line, &mut repeated)?;
        if repeated.is_empty() {
            return Ok(());
        }
        Err(Error::new(format!("yaml: unmarshal errors:\n  {}", repeated.join("\n  ")))
            .cure("remove one of the two lines that set the same key"))
    }

    /// `line` counts the lines that the tree would take when written, since upstream's messages name those.
    fn check_lines(&self, line: &mut usize, repeated: &mut Vec<String>) -> Result<()> {
        match &self.content {
            Content::Scalar(text) => {
                match self.meaning(text)? {
                    Meaning::Resolved(Scalar::Float(float)) if !float.is_finite() => {
                        let name = if float.is_nan() {
                            "NaN"
                        } else if float > 0.0 {
                            "+Inf"
                        } else {
                            "-Inf"
                        };
                        return Err(Error::new(format!("json: unsupported value: {name}")));
                    }
                    _ if !text.as_bytes().contains(&b'\n') => *line += 1,
                    _ => *line += 2 + text.trim_end_matches('\n').matches('\n').count(),
                }
                Ok(())
            }
            Content::Seq(items) if items.is_empty() => {
                *line += 1;
                Ok(())
            }
            Content::Seq(items) => items.iter().try_for_each(|item| item.check_lines(line, repeated)),
            Content::Map(entries) => check_map(entries, line, repeated),
        }
    }

    /// A tree of a JSON value.
    pub fn from_json(value: &Value) -> Self {
        let content = match value {
            Value::Null => return Self::tagged("null", Tag::Null),
            Value::Bool(value) => return Self::tagged(value.to_string(), Tag::Bool),
            Value::Number(number) if number.is_f64() => {
                let text = number.as_f64().map(yaml::format_float).unwrap_or_default();
                let tag = tag_of(&yaml::resolve(&text, Dialect::V3));
                return Self::tagged(text, tag);
            }
            Value::Number(number) => return Self::tagged(go_integer(number), Tag::Int),
            Value::String(text) => return Self::text(text.as_str()),
            Value::Array(items) => Content::Seq(items.iter().map(Self::from_json).collect()),
            Value::Object(map) => Content::Map(
                map.iter()
                    .map(|(key, value)| Entry {
                        key: Arc::from(key.as_str()),
                        is_text: true,
                        is_text_untagged: true,
                        value: Self::from_json(value),
                    })
                    .collect(),
            ),
        };
        let tag = if matches!(content, Content::Map(_)) { Tag::Map } else { Tag::Seq };
        Self { content, tag, style: Style::default() }
    }

    /// The node as YAML with its fields as they stand.
    pub(crate) fn show_in_order(&self) -> String {
        yaml::emit_in_order(self)
    }

    /// The node as YAML, for messages; what cannot be written is shown as far as it goes.
    pub(crate) fn show(&self) -> String {
        yaml::emit(self)
    }
}

/// What the text of a `!!binary` stands for.
fn decoded(text: &str) -> Result<String> {
    let compact: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    match base64::engine::general_purpose::STANDARD.decode(compact) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(_) => Err(Error::new("yaml: !!binary value contains invalid base64 data")),
    }
}

/// An integer as it is after Go had it as a floating-point number.
fn go_integer(number: &value::Number) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if float.abs() > EXACT => float.to_string(),
        _ => number.to_string(),
    }
}

/// A folded text as go-yaml reads what it wrote: a line break before a line that begins with a blank is doubled, and so
/// is the last of several at the end.
fn refolded(text: &str) -> String {
    let is_blank = |line: &str| line.starts_with([' ', '\t']);
    let doubles = !is_blank(text.trim_start_matches('\n'));
    let trailing = text.len() - text.trim_end_matches('\n').len();
    let content = text.trim_end_matches('\n');
    let mut out = String::with_capacity(text.len());
    let mut last: Option<&str> = None;
    let mut breaks = 0;
    for line in content.split('\n') {
        if line.is_empty() {
            breaks += 1;
            continue;
        }
        if let Some(last) = last {
            let written = breaks + usize::from(doubles && !is_blank(last));
            let read = if is_blank(last) || is_blank(line) { written } else { written.saturating_sub(1) };
            if read == 0 { out.push(' ') } else { out.push_str(&"\n".repeat(read)) }
        } else {
            out.push_str(&"\n".repeat(breaks));
        }
        out.push_str(line);
        last = Some(line);
        breaks = 1;
    }
    let kept =
        if trailing > 1 && doubles && last.is_some_and(|last| !is_blank(last)) { trailing + 1 } else { trailing };
    out.push_str(&"\n".repeat(kept));
    out
}

fn mismatch(found: &Scalar, text: &str, tag: Tag) -> Error {
    let want = match tag {
        Tag::Int => "!!int",
        Tag::Float => "!!float",
        Tag::Bool => "!!bool",
        Tag::Null => "!!null",
        Tag::Timestamp => "!!timestamp",
        _ => "!!str",
    };
    Error::new(format!("yaml: cannot decode {} `{text}` as a {want}", found.tag()))
        .cure(format!("the field holds a {want}, and `{text}` is none: put the old value in quotes to make it text"))
}

fn json_scalar(scalar: Scalar, text: &str) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => value.into(),
        Scalar::Uint(value) => value.into(),
        Scalar::Float(value) => yaml::json_number(value).map_or(Value::Null, Value::Number),
        Scalar::Timestamp(date) => Value::String(date.into()),
        Scalar::Merge | Scalar::Str => Value::String(text.to_owned()),
    }
}

fn check_map(entries: &[Entry], line: &mut usize, repeated: &mut Vec<String>) -> Result<()> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    // Most maps are small; a table pays only for big ones.
    let small = entries.len() <= 16;
    for (at, entry) in entries.iter().enumerate() {
        if !entry.is_text {
            let text = "json: unsupported type: map[interface {}]interface {}";
            return Err(Error::new(text).at_field(&entry.key).cure(
                "put the key in quotes; a key that kustomize itself adds, e.g. of a generator or a label, has none, so it \
                 needs another name",
            ));
        }
        let known = if small {
            entries[..at].iter().any(|before| before.key == entry.key).then_some(*line)
        } else {
            seen.insert(&entry.key, *line)
        };
        if let Some(first) = known {
            let first = if small { first_line(entries, &entry.key, *line) } else { first };
            repeated.push(format!("line {line}: mapping key {:?} already defined at line {first}", entry.key));
        }
        let inline = match &entry.value.content {
            Content::Scalar(_) => true,
            Content::Seq(items) => items.is_empty(),
            Content::Map(entries) => entries.is_empty(),
        };
        if !inline {
            *line += 1;
        }
        entry.value.check_lines(line, repeated)?;
    }
    if entries.is_empty() {
        *line += 1;
    }
    Ok(())
}

/// The line of the first entry with `key`, counted back from the end of the entries before it.
fn first_line(entries: &[Entry], key: &str, now: usize) -> usize {
    let lines = |node: &Node| {
        let mut count = 0;
        let _ = node.check_lines(&mut count, &mut Vec::new());
        let inline = node.is_nil_or_empty() || matches!(node.content, Content::Scalar(_));
        count + usize::from(!inline)
    };
    let again = entries.iter().enumerate().filter(|(_, entry)| &*entry.key == key).map(|(at, _)| at).nth(1);
    let first = entries.iter().position(|entry| &*entry.key == key);
    match (first, again) {
        (Some(first), Some(again)) => {
            now.saturating_sub(entries[first..again].iter().map(|entry| lines(&entry.value)).sum())
        }
        _ => now,
    }
}

impl Emit for Node {
    fn shape(&self) -> Shape<'_, Self> {
        match &self.content {
            Content::Scalar(text) => match self.meaning(text) {
                Ok(Meaning::Resolved(scalar)) => match json_scalar(scalar, text) {
                    Value::Null => Shape::Null,
                    Value::String(text) => Shape::Text(text.into()),
                    value => match value.shape() {
                        Shape::Literal(text) => Shape::Literal(text.into_owned().into()),
                        _ => Shape::Null,
                    },
                },
                Ok(Meaning::OtherText(text)) => Shape::Text(text.into()),
                _ => Shape::Text((&**text).into()),
            },
            Content::Seq(items) => Shape::List(items.iter().collect()),
            Content::Map(entries) => {
                Shape::Map(entries.iter().map(|entry| ((&*entry.key).into(), &entry.value)).collect())
            }
        }
    }
}

/// True if a reader of YAML 1.1 would take the text for something other than text.
pub(crate) fn looks_like_other_in_yaml_11(text: &str) -> bool {
    if text.is_empty() || text.contains('\n') {
        return false;
    }
    let simple = text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b'/' | b'+'));
    if simple && !text.starts_with('-') {
        return !matches!(yaml::resolve(text, Dialect::V2), Scalar::Str | Scalar::Timestamp(_));
    }
    match yaml::to_json(text) {
        Ok(Value::String(_)) | Err(_) => false,
        Ok(_) => true,
    }
}
