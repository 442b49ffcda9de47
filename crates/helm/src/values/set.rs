//! `--set` and its kin: `a.b[0].c=1,d={x,y}`.

use serde_json::{Value, json};

use super::Values;
use crate::Error;

/// The largest index of a list.
const MAX_INDEX: i64 = 65_536;
/// How deep names may nest.
const MAX_NESTED: usize = 30;

/// What a value in such a line is.
pub enum SetKind<'a> {
    /// Read as a bool, null or number where it looks like one.
    Typed,
    /// Text, whatever it looks like.
    Text,
    /// JSON.
    Json,
    /// The path of a file, whose text counts.
    File(&'a dyn Fn(&str) -> Result<String, Error>),
}

/// Sets what a line says, over what is there.
///
/// # Errors
/// Where the line does not follow the form.
pub fn set(line: &str, into: &mut Values, kind: &SetKind<'_>) -> Result<(), String> {
    let mut parser = Parser { rest: line, kind };
    loop {
        match parser.key(into, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Wrong(message)) => return Err(message),
        }
    }
}

/// Why reading stopped.
enum Stop {
    End,
    Wrong(String),
}

fn wrong<T>(message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Wrong(message.into()))
}

struct Parser<'a> {
    rest: &'a str,
    kind: &'a SetKind<'a>,
}

/// How far a word went: to this stop character, or to the end.
type Word = (String, Option<char>);

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// Reads up to one of these characters; a backslash takes the next one as it is.
    fn until(&mut self, stops: &[char]) -> Word {
        let mut word = String::new();
        while let Some(c) = self.next() {
            match c {
                c if stops.contains(&c) => return (word, Some(c)),
                '\\' => match self.next() {
                    Some(escaped) => word.push(escaped),
                    None => return (word, None),
                },
                c => word.push(c),
            }
        }
        (word, None)
    }

    fn key(&mut self, data: &mut Values, depth: usize) -> Result<(), Stop> {
        let (name, stop) = self.until(&['=', '[', ',', '.']);
        let quoted = gotemplate::format::quote(&name.as_str().into());
        match stop {
            None if name.is_empty() => Err(Stop::End),
            None => wrong(format!("key {quoted} has no value")),
            Some('[') => self.list_key(data, name, depth),
            Some('=') => {
                let (value, end) = self.value()?;
                put(data, name, value);
                if end { Err(Stop::End) } else { Ok(()) }
            }
            Some(',') => {
                put(data, name, "".into());
                wrong(format!("key {quoted} has no value (cannot end with ,)"))
            }
            Some(_) => self.nested(data, name, depth + 1),
        }
    }

    fn nested(&mut self, data: &mut Values, name: String, depth: usize) -> Result<(), Stop> {
        if depth > MAX_NESTED {
            return wrong(format!(
                "value name nested level is greater than maximum supported nested level of {MAX_NESTED}"
            ));
        }
        let mut inner = match data.remove(&name) {
            None => Values::new(),
            Some(Value::Object(inner)) => inner,
            Some(other) => {
                let message = conversion(&other, "map[string]interface {}");
                put(data, name, other);
                return wrong(message);
            }
        };
        let done = self.key(&mut inner, depth);
        if done.is_ok() && inner.is_empty() {
            return wrong(format!("key map {} has no value", gotemplate::format::quote(&name.into())));
        }
        if !inner.is_empty() {
            put(data, name, Value::Object(inner));
        }
        done
    }

    fn list_key(&mut self, data: &mut Values, name: String, depth: usize) -> Result<(), Stop> {
        let index = self.index()?;
        let mut list = match data.remove(&name) {
            None => Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => {
                let message = conversion(&other, "[]interface {}");
                put(data, name, other);
                return wrong(message);
            }
        };
        let done = self.item(&mut list, index, depth);
        put(data, name, Value::Array(list));
        done
    }

    fn index(&mut self) -> Result<i64, Stop> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            // An index that is not closed ends the line like any other end.
            return Err(Stop::End);
        }
        text.parse().or_else(|_| {
            let text = gotemplate::format::quote(&text.into());
            wrong(format!("error parsing index: strconv.Atoi: parsing {text}: invalid syntax"))
        })
    }

    fn item(&mut self, list: &mut Vec<Value>, index: i64, depth: usize) -> Result<(), Stop> {
        if index < 0 {
            return wrong(format!("negative {index} index not allowed"));
        }
        if depth > MAX_NESTED {
            return wrong(format!(
                "value name nested level is greater than maximum supported nested level of {MAX_NESTED}"
            ));
        }
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return wrong(format!("unexpected data at end of array index: {}", runes(&text)));
        }
        let place = place(index)?;
        match stop {
            None => Err(Stop::End),
            Some('=') => {
                let (value, end) = self.value()?;
                put_at(list, place, value);
                if end { Err(Stop::End) } else { Ok(()) }
            }
            Some('[') => {
                let next = self.index()?;
                let mut inner = match list.get_mut(place).map(Value::take) {
                    Some(Value::Array(inner)) => inner,
                    _ => Vec::new(),
                };
                let done = self.item(&mut inner, next, depth + 1);
                put_at(list, place, Value::Array(inner));
                done
            }
            Some(_) => {
                let mut inner = match list.get_mut(place).map(Value::take) {
                    Some(Value::Object(inner)) => inner,
                    _ => Values::new(),
                };
                let done = self.key(&mut inner, depth);
                put_at(list, place, Value::Object(inner));
                done
            }
        }
    }

    /// A value, and whether the line ended with it.
    fn value(&mut self) -> Result<(Value, bool), Stop> {
        if let SetKind::Json = self.kind {
            return self.json().map(|value| (value, false));
        }
        if self.rest.is_empty() {
            return Ok(("".into(), true));
        }
        if self.rest.starts_with('{') {
            self.next();
            return self.list().map(|value| (value, false));
        }
        let (text, stop) = self.until(&[',']);
        let _ = stop;
        Ok((self.read(&text)?, false))
    }

    fn list(&mut self) -> Result<Value, Stop> {
        let mut list = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                None => return wrong("list must terminate with '}'"),
                Some('}') => {
                    if self.rest.starts_with(',') {
                        self.next();
                    }
                    list.push(self.read(&text)?);
                    return Ok(Value::Array(list));
                }
                Some(_) => list.push(self.read(&text)?),
            }
        }
    }

    /// A JSON value, and the comma after it.
    fn json(&mut self) -> Result<Value, Stop> {
        if self.nothing_left() {
            return Ok(Value::Null);
        }
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return wrong(error.to_string()),
            None => Value::Null,
        };
        self.rest = &self.rest[values.byte_offset()..];
        self.nothing_left();
        Ok(crate::json::with_floats(value))
    }

    /// Skips space and a comma; whether there was nothing before it.
    fn nothing_left(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        if self.rest.starts_with(',') {
            self.next();
            return true;
        }
        self.rest.is_empty()
    }

    fn read(&self, text: &str) -> Result<Value, Stop> {
        match self.kind {
            SetKind::Typed => Ok(typed(text)),
            SetKind::Text | SetKind::Json => Ok(text.into()),
            SetKind::File(read) => read(text).map(Value::String).or_else(|error| wrong(error.to_string())),
        }
    }
}

fn conversion(value: &Value, wanted: &str) -> String {
    let name = match value {
        Value::Number(number) if !number.is_f64() => "int64".to_owned(),
        value => gotemplate::Value::from_json(value).type_name(),
    };
    let name = if value.is_null() { "nil".to_owned() } else { name };
    format!("unable to parse key: interface conversion: interface {{}} is {name}, not {wanted}")
}

/// Characters as Go shows a list of them.
pub(super) fn runes(text: &str) -> String {
    let all: Vec<gotemplate::Value> = text.chars().map(|c| gotemplate::Value::Int(i64::from(u32::from(c)))).collect();
    gotemplate::format::sprintf(&"%q".into(), &[gotemplate::Value::list(all)]).text().into_owned()
}

fn put(data: &mut Values, name: String, value: Value) {
    if !name.is_empty() {
        data.insert(name, value);
    }
}

fn place(index: i64) -> Result<usize, Stop> {
    if index > MAX_INDEX {
        return wrong(format!("index of {index} is greater than maximum supported index of {MAX_INDEX}"));
    }
    usize::try_from(index).or_else(|_| wrong(format!("negative {index} index not allowed")))
}

fn put_at(list: &mut Vec<Value>, place: usize, value: Value) {
    if list.len() <= place {
        list.resize(place + 1, Value::Null);
    }
    list[place] = value;
}

/// A bool, null, or whole number where it looks like one; text otherwise.
fn typed(text: &str) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return true.into();
    }
    if text.eq_ignore_ascii_case("false") {
        return false.into();
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    if text == "0" {
        return json!(0);
    }
    let number = text.parse::<i64>().ok().filter(|_| !text.starts_with('0'));
    number.map_or_else(|| text.into(), Value::from)
}
