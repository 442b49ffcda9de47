//! The words of a line of `--set`, and how complaints show them.

use value::Value;

/// What is left of a line.
pub(super) struct Words<'a> {
    rest: &'a str,
    /// Whether a backslash takes the next character as it is.
    escapes: bool,
}

/// How far a word went: to this stop character, or to the end.
type Word = (String, Option<char>);

impl<'a> Words<'a> {
    pub(super) fn new(line: &'a str, escapes: bool) -> Self {
        Self { rest: line, escapes }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// Reads up to one of these characters, which is taken away with the word.
    pub(super) fn until(&mut self, stops: &[char]) -> Word {
        let mut word = String::new();
        while let Some(c) = self.next() {
            match c {
                c if stops.contains(&c) => return (word, Some(c)),
                '\\' if self.escapes => match self.next() {
                    Some(escaped) => word.push(escaped),
                    None => return (word, None),
                },
                c => word.push(c),
            }
        }
        (word, None)
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Skips this character, where it comes next.
    pub(super) fn skip(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> String {
        std::mem::take(&mut self.rest).to_owned()
    }

    /// A JSON value, and the comma after it; null where there is none.
    pub(super) fn json(&mut self) -> Result<Value, String> {
        if self.nothing_left() {
            return Ok(Value::Null);
        }
        let scalar = scalar(self.rest);
        let text = if scalar == 0 { self.rest } else { &self.rest[..scalar] };
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let value = values.next().transpose().map_err(|error| error.to_string())?.unwrap_or_default();
        self.rest = &self.rest[values.byte_offset()..];
        self.nothing_left();
        Ok(crate::json::with_floats(value))
    }

    /// Skips space and a comma; whether there was nothing before it.
    fn nothing_left(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.skip(',') || self.rest.is_empty()
    }
}

/// How long the number or word at the beginning is: it ends where it ends, whatever follows.
fn scalar(text: &str) -> usize {
    let word = ["true", "false", "null"].into_iter().find(|word| text.starts_with(word));
    let number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    match word {
        Some(word) => word.len(),
        None => text.find(|c| !number(c)).unwrap_or(text.len()),
    }
}

/// A word as a complaint shows it.
pub(super) fn quoted(text: &str) -> String {
    gotemplate::format::quote(&text.into())
}

/// Characters as Go shows a list of them.
pub(super) fn runes(text: &str) -> String {
    let all: Vec<gotemplate::Value> = text.chars().map(|c| gotemplate::Value::Int(i64::from(u32::from(c)))).collect();
    gotemplate::format::sprintf(&"%q".into(), &[gotemplate::Value::list(all)]).text().into_owned()
}

/// What Go says where a value is no map or no list.
pub(super) fn conversion(value: &Value, wanted: &str) -> String {
    let name = match value {
        Value::Null => "nil".to_owned(),
        Value::Number(number) if !number.is_f64() => "int64".to_owned(),
        value => gotemplate::Value::from_json(value).type_name(),
    };
    format!("unable to parse key: interface conversion: interface {{}} is {name}, not {wanted}")
}
