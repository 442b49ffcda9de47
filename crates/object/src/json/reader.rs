//! The grammar: text to [`Node`], or to whoever wants its parts one by one, with the messages of Go's scanner.

use super::plain::plain_length;
use super::{MAX_DEPTH, Node, Number, SyntaxError};
use crate::quote::quote;
use std::borrow::Cow;

/// Reads one JSON value, which must be all there is.
pub fn parse(text: &[u8]) -> Result<Node<'_>, SyntaxError> {
    let mut reader = Reader::new(text);
    let node = reader.node()?;
    reader.end()?;
    Ok(node)
}

/// A key, and its value as it is written.
pub type RawEntry<'a> = (Cow<'a, str>, &'a [u8]);

/// The entries of a JSON map, each value as it is written. What the values hold is not looked at.
pub fn raw_entries(text: &[u8]) -> Result<Vec<RawEntry<'_>>, SyntaxError> {
    let mut entries = Vec::new();
    let mut reader = Reader::new(text);
    match reader.begin()? {
        Next::Map => reader.entries(|reader, key| {
            entries.push((key, reader.raw()?));
            Ok(())
        })?,
        other => return Err(other.instead_of("object")),
    }
    reader.end()?;
    Ok(entries)
}

/// The items of a JSON list, each as it is written. What they hold is not looked at.
pub fn raw_items(text: &[u8]) -> Result<Vec<&[u8]>, SyntaxError> {
    let mut items = Vec::new();
    let mut reader = Reader::new(text);
    match reader.begin()? {
        Next::List => reader.items(|reader| {
            items.push(reader.raw()?);
            Ok(())
        })?,
        other => return Err(other.instead_of("array")),
    }
    reader.end()?;
    Ok(items)
}

/// Length of the JSON map, list or text at the start of well-formed text.
pub fn length_of(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let plain = text[at..].iter().take_while(|byte| MARKS[usize::from(**byte)] == Mark::None).count();
        at += plain;
        let Some(byte) = text.get(at) else { return at };
        at += 1;
        match MARKS[usize::from(*byte)] {
            Mark::Quote => at += length_of_text(&text[at..]),
            Mark::Open => depth += 1,
            Mark::Close => depth = depth.saturating_sub(1),
            Mark::None => {}
        }
        if depth == 0 {
            return at;
        }
    }
}

/// What a byte outside of texts does to the depth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Quote,
    Open,
    Close,
}

const MARKS: [Mark; 256] = {
    let mut marks = [Mark::None; 256];
    marks[b'"' as usize] = Mark::Quote;
    marks[b'{' as usize] = Mark::Open;
    marks[b'[' as usize] = Mark::Open;
    marks[b'}' as usize] = Mark::Close;
    marks[b']' as usize] = Mark::Close;
    marks
};

/// Length of a text, from behind its opening quote to behind the closing one.
fn length_of_text(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += plain_length(&text[at..]);
        match text.get(at) {
            None => return text.len(),
            Some(b'"') => return at + 1,
            Some(b'\\') => at = (at + 2).min(text.len()),
            Some(_) => at += 1,
        }
    }
}

/// What comes next.
pub enum Next<'a> {
    /// A map, whose entries [`Reader::entries`] reads.
    Map,
    /// A list, whose items [`Reader::items`] reads.
    List,
    /// Anything else, which is read already.
    Scalar(Node<'a>),
}

impl Next<'_> {
    /// The error that something else is wanted.
    pub fn instead_of(&self, wanted: &str) -> SyntaxError {
        let kind = match self {
            Next::Map => "object",
            Next::List => "array",
            Next::Scalar(node) => node.kind(),
        };
        SyntaxError(format!("cannot take {kind} for {wanted}"))
    }
}

/// Reads a text from its start to its end. Who is told of a map or list reads what is in it.
pub struct Reader<'a> {
    text: &'a [u8],
    /// The same, if it is UTF-8 as it should be.
    utf8: Option<&'a str>,
    place: usize,
    depth: usize,
}

fn unexpected(byte: u8, context: &str) -> SyntaxError {
    let shown = match byte {
        b'\'' => "\\'".to_owned(),
        b'"' => "\"".to_owned(),
        _ => {
            let quoted = quote(char::from(byte).encode_utf8(&mut [0; 4]));
            quoted[1..quoted.len() - 1].to_owned()
        }
    };
    SyntaxError(format!("invalid character '{shown}' {context}"))
}

fn at_end() -> SyntaxError {
    SyntaxError("unexpected end of JSON input".to_owned())
}

impl<'a> Reader<'a> {
    /// A reader at the start of a text.
    pub fn new(text: &'a [u8]) -> Reader<'a> {
        Reader { text, utf8: std::str::from_utf8(text).ok(), place: 0, depth: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.place).copied()
    }

    /// The next byte within a literal. Go's scanner takes the end of the text for a space there.
    fn within(&self) -> u8 {
        self.peek().unwrap_or(b' ')
    }

    /// The next byte that is not white space, without taking it.
    fn after_space(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.place += 1;
        }
        self.peek()
    }

    /// A whole value.
    fn node(&mut self) -> Result<Node<'a>, SyntaxError> {
        match self.begin()? {
            Next::Scalar(node) => Ok(node),
            Next::List => {
                let mut items = Vec::new();
                self.items(|reader| {
                    items.push(reader.node()?);
                    Ok(())
                })?;
                Ok(Node::List(items))
            }
            Next::Map => {
                let mut entries = Vec::new();
                self.entries(|reader, key| {
                    entries.push((key, reader.node()?));
                    Ok(())
                })?;
                Ok(Node::Map(entries))
            }
        }
    }

    /// A value, as far as it is told by its first character.
    pub fn begin(&mut self) -> Result<Next<'a>, SyntaxError> {
        let node = match self.after_space().ok_or_else(at_end)? {
            b'{' => return self.open(b'{').map(|()| Next::Map),
            b'[' => return self.open(b'[').map(|()| Next::List),
            b'"' => Node::String(self.string()?),
            b't' => self.word("true", Node::Bool(true))?,
            b'f' => self.word("false", Node::Bool(false))?,
            b'n' => self.word("null", Node::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            byte => return Err(unexpected(byte, "looking for beginning of value")),
        };
        Ok(Next::Scalar(node))
    }

    /// A value that has to be a text.
    pub fn text(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        match self.begin()? {
            Next::Scalar(Node::String(text)) => Ok(text),
            other => Err(other.instead_of("string")),
        }
    }

    /// A value as it is written. What is in it is not looked at.
    pub fn raw(&mut self) -> Result<&'a [u8], SyntaxError> {
        let first = self.after_space().ok_or_else(at_end)?;
        let start = self.place;
        if matches!(first, b'{' | b'[' | b'"') {
            self.place += length_of(&self.text[start..]);
        } else {
            self.begin()?;
        }
        Ok(&self.text[start..self.place])
    }

    /// There must be nothing more.
    pub fn end(&mut self) -> Result<(), SyntaxError> {
        match self.after_space() {
            None => Ok(()),
            Some(byte) => Err(unexpected(byte, "after top-level value")),
        }
    }

    fn open(&mut self, open: u8) -> Result<(), SyntaxError> {
        self.place += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(unexpected(open, "exceeded max depth")) } else { Ok(()) }
    }

    fn close(&mut self) {
        self.place += 1;
        self.depth -= 1;
    }

    /// The items of a list that was begun; `read` takes one each time.
    pub fn items(&mut self, mut read: impl FnMut(&mut Self) -> Result<(), SyntaxError>) -> Result<(), SyntaxError> {
        if self.after_space() == Some(b']') {
            self.close();
            return Ok(());
        }
        loop {
            read(self)?;
            match self.after_space().ok_or_else(at_end)? {
                b',' => self.place += 1,
                b']' => {
                    self.close();
                    return Ok(());
                }
                byte => return Err(unexpected(byte, "after array element")),
            }
        }
    }

    /// The entries of a map that was begun; `read` is given a key and takes the value.
    pub fn entries(
        &mut self,
        mut read: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), SyntaxError>,
    ) -> Result<(), SyntaxError> {
        if self.after_space() == Some(b'}') {
            self.close();
            return Ok(());
        }
        loop {
            match self.after_space().ok_or_else(at_end)? {
                b'"' => {}
                byte => return Err(unexpected(byte, "looking for beginning of object key string")),
            }
            let key = self.string()?;
            match self.after_space().ok_or_else(at_end)? {
                b':' => self.place += 1,
                byte => return Err(unexpected(byte, "after object key")),
            }
            read(self, key)?;
            match self.after_space().ok_or_else(at_end)? {
                b',' => self.place += 1,
                b'}' => {
                    self.close();
                    return Ok(());
                }
                byte => return Err(unexpected(byte, "after object key:value pair")),
            }
        }
    }

    fn word(&mut self, word: &str, node: Node<'a>) -> Result<Node<'a>, SyntaxError> {
        for expected in word.bytes() {
            let byte = self.within();
            if byte != expected {
                let expected = char::from(expected);
                return Err(unexpected(byte, &format!("in literal {word} (expecting '{expected}')")));
            }
            self.place += 1;
        }
        Ok(node)
    }

    // === Numbers ===

    fn number(&mut self) -> Result<Node<'a>, SyntaxError> {
        let start = self.place;
        if self.peek() == Some(b'-') {
            self.place += 1;
        }
        match self.within() {
            b'0' => self.place += 1,
            b'1'..=b'9' => self.digits(),
            byte => return Err(unexpected(byte, "in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.place += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.place += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.place += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        let literal = std::str::from_utf8(&self.text[start..self.place]).expect("digits and signs are ASCII");
        Ok(Node::Number(Number::Text(literal)))
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.place += 1;
        }
    }

    fn some_digits(&mut self, context: &str) -> Result<(), SyntaxError> {
        match self.within() {
            b'0'..=b'9' => self.digits(),
            byte => return Err(unexpected(byte, context)),
        }
        Ok(())
    }

    // === Texts ===

    /// A text; the reader stands at its opening quote.
    fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let start = self.place + 1;
        let end = start + plain_length(&self.text[start..]);
        if *self.text.get(end).ok_or_else(at_end)? == b'"' {
            self.place = end + 1;
            return Ok(match self.utf8 {
                // Between quotes there are whole characters.
                Some(text) => Cow::Borrowed(text.get(start..end).unwrap_or_default()),
                None => lossy(&self.text[start..end]),
            });
        }
        self.place = start;
        self.escaped_string().map(Cow::Owned)
    }

    fn escaped_string(&mut self) -> Result<String, SyntaxError> {
        let mut out = String::new();
        loop {
            let rest = &self.text[self.place..];
            let length = plain_length(rest);
            let special = *rest.get(length).ok_or_else(at_end)?;
            out.push_str(&lossy(&rest[..length]));
            self.place += length + 1;
            match special {
                b'"' => return Ok(out),
                b'\\' => out.push(self.escape()?),
                byte => return Err(unexpected(byte, "in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let byte = self.within();
        self.place += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex()?;
                return self.unicode(unit);
            }
            _ => return Err(unexpected(byte, "in string escape code")),
        })
    }

    fn hex(&mut self) -> Result<u32, SyntaxError> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.within();
            let digit = char::from(byte).to_digit(16);
            unit = unit * 16 + digit.ok_or_else(|| unexpected(byte, "in \\u hexadecimal character escape"))?;
            self.place += 1;
        }
        Ok(unit)
    }

    /// The character of a UTF-16 unit, together with the one that follows if they are a pair.
    fn unicode(&mut self, unit: u32) -> Result<char, SyntaxError> {
        if (0xd800..0xdc00).contains(&unit) && self.text[self.place..].starts_with(b"\\u") {
            let before = self.place;
            self.place += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.place = before;
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// UTF-8 as it is, and U+FFFD for each byte that is not part of it.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(out)
}
