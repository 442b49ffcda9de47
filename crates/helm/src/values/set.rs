//! `--set` and its kin: `a.b[0].c=1,d={x,y}`.
//!
//! What is there already is changed where it stands, so that a line that ends before it has said everything leaves
//! what it had set so far.

mod words;

use value::{Value, json};

use super::Values;
use crate::Error;
use words::{Words, conversion, quoted, runes};

/// The largest index of a list.
const MAX_INDEX: i64 = 65_536;
/// How deep names may nest.
const MAX_NESTED: usize = 30;
/// How deep lists may nest, for which the form itself knows no end.
const MAX_LISTS: usize = 500;

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
    /// All that follows the equals sign, as it stands.
    Literal,
}

/// Sets what a line says, over what is there.
///
/// # Errors
/// Where the line does not follow the form.
pub fn set(line: &str, into: &mut Values, kind: &SetKind<'_>) -> Result<(), String> {
    let mut parser = Parser { words: Words::new(line, !matches!(kind, SetKind::Literal)), kind, lists: 0 };
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
    words: Words<'a>,
    kind: &'a SetKind<'a>,
    /// How many lists deep.
    lists: usize,
}

impl Parser<'_> {
    fn key(&mut self, data: &mut Values, depth: usize) -> Result<(), Stop> {
        let (name, stop) = match self.kind {
            SetKind::Literal => self.words.until(&['=', '[', '.']),
            _ => self.words.until(&['=', '[', ',', '.']),
        };
        match stop {
            None if name.is_empty() => Err(Stop::End),
            None => wrong(format!("key {} has no value", quoted(&name))),
            Some('[') => self.list_key(data, name, depth),
            Some('=') => {
                let (value, end) = self.value()?;
                put(data, name, value);
                if end { Err(Stop::End) } else { Ok(()) }
            }
            Some(',') => wrong(format!("key {} has no value (cannot end with ,)", quoted(&name))),
            Some(_) => self.nested(data, name, depth + 1),
        }
    }

    fn nested(&mut self, data: &mut Values, name: String, depth: usize) -> Result<(), Stop> {
        if depth > MAX_NESTED {
            return wrong(format!(
                "value name nested level is greater than maximum supported nested level of {MAX_NESTED}"
            ));
        }
        let mut new = Values::new();
        let inner = match data.get_mut(&name) {
            None => &mut new,
            Some(Value::Object(inner)) => inner,
            Some(other) => return wrong(conversion(other, "map[string]interface {}")),
        };
        let done = self.key(inner, depth);
        if done.is_ok() && inner.is_empty() {
            return wrong(format!("key map {} has no value", quoted(&name)));
        }
        if !new.is_empty() {
            put(data, name, Value::Object(new));
        }
        done
    }

    fn list_key(&mut self, data: &mut Values, name: String, depth: usize) -> Result<(), Stop> {
        let index = self.index()?;
        match data.get_mut(&name) {
            Some(Value::Array(list)) => self.item(list, index, depth),
            Some(other) => wrong(conversion(other, "[]interface {}")),
            None => {
                let mut list = Vec::new();
                let done = self.item(&mut list, index, depth);
                put(data, name, Value::Array(list));
                done
            }
        }
    }

    fn index(&mut self) -> Result<i64, Stop> {
        let (text, stop) = self.words.until(&[']']);
        if stop.is_none() {
            // An index that is not closed ends the line like any other end.
            return Err(Stop::End);
        }
        text.parse().or_else(|error: std::num::ParseIntError| {
            let why = match error.kind() {
                std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
                _ => "invalid syntax",
            };
            wrong(format!("error parsing index: strconv.Atoi: parsing {}: {why}", quoted(&text)))
        })
    }

    fn item(&mut self, list: &mut Vec<Value>, index: i64, depth: usize) -> Result<(), Stop> {
        if self.lists > MAX_LISTS {
            return wrong(format!("lists nest deeper than {MAX_LISTS}"));
        }
        self.lists += 1;
        let done = self.item_at(list, index, depth);
        self.lists -= 1;
        done
    }

    fn item_at(&mut self, list: &mut Vec<Value>, index: i64, depth: usize) -> Result<(), Stop> {
        let Ok(place) = usize::try_from(index) else {
            return wrong(format!("negative {index} index not allowed"));
        };
        let (text, stop) = self.words.until(&['[', '.', '=']);
        if !text.is_empty() {
            return wrong(format!("unexpected data at end of array index: {}", runes(&text)));
        }
        match stop {
            None => Err(Stop::End),
            Some('=') => {
                let (value, _) = self.value()?;
                put_at(list, place, value)
            }
            Some('[') => {
                let next = self.index()?;
                match list.get_mut(place) {
                    Some(Value::Array(inner)) => self.item(inner, next, depth),
                    Some(other) if !other.is_null() => wrong(conversion(other, "[]interface {}")),
                    _ => {
                        let mut inner = Vec::new();
                        self.item(&mut inner, next, depth)?;
                        put_at(list, place, Value::Array(inner))
                    }
                }
            }
            Some(_) => match list.get_mut(place) {
                Some(Value::Object(inner)) => self.key(inner, depth),
                Some(other) => {
                    let mut inner = Values::new();
                    let done = self.key(&mut inner, depth);
                    *other = Value::Object(inner);
                    done
                }
                None => {
                    let mut inner = Values::new();
                    self.key(&mut inner, depth)?;
                    put_at(list, place, Value::Object(inner))
                }
            },
        }
    }

    /// A value, and whether the line ended before it began.
    fn value(&mut self) -> Result<(Value, bool), Stop> {
        match self.kind {
            SetKind::Json => return self.words.json().map(|value| (value, false)).or_else(wrong),
            SetKind::Literal => return Ok((self.words.rest().into(), false)),
            _ => {}
        }
        if self.words.at_end() {
            return Ok(("".into(), true));
        }
        if self.words.skip('{') {
            return self.list().map(|value| (value, false));
        }
        let (text, _) = self.words.until(&[',']);
        Ok((self.read(&text)?, false))
    }

    fn list(&mut self) -> Result<Value, Stop> {
        let mut list = Vec::new();
        loop {
            let (text, stop) = self.words.until(&[',', '}']);
            match stop {
                None => return wrong("list must terminate with '}'"),
                Some('}') => {
                    self.words.skip(',');
                    list.push(self.read(&text)?);
                    return Ok(Value::Array(list));
                }
                Some(_) => list.push(self.read(&text)?),
            }
        }
    }

    fn read(&self, text: &str) -> Result<Value, Stop> {
        match self.kind {
            SetKind::Typed => Ok(typed(text)),
            SetKind::Text | SetKind::Json | SetKind::Literal => Ok(text.into()),
            SetKind::File(read) => read(text).map(Value::String).or_else(|error| wrong(error.to_string())),
        }
    }
}

fn put(data: &mut Values, name: String, value: Value) {
    if !name.is_empty() {
        data.insert(name, value);
    }
}

fn put_at(list: &mut Vec<Value>, place: usize, value: Value) -> Result<(), Stop> {
    if i64::try_from(place).is_ok_and(|index| index > MAX_INDEX) {
        return wrong(format!("index of {place} is greater than maximum supported index of {MAX_INDEX}"));
    }
    if list.len() <= place {
        list.resize(place + 1, Value::Null);
    }
    list[place] = value;
    Ok(())
}

/// A bool, null, or whole number where it looks like one; text otherwise.
fn typed(text: &str) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return true.into();
    }
    // Letters fold as Unicode has it, where the long s is an s.
    if text.replace('\u{17f}', "s").eq_ignore_ascii_case("false") {
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
