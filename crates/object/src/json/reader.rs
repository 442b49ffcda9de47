//! The grammar: text to [`Node`], with the messages of Go's scanner.

use super::{MAX_DEPTH, Node, Number, SyntaxError};
use crate::quote::quote;
use std::borrow::Cow;

/// Reads one JSON value, which must be all there is.
pub fn parse(text: &[u8]) -> Result<Node<'_>, SyntaxError> {
    let mut reader = Reader { text, place: 0, depth: 0 };
    let node = reader.value("looking for beginning of value")?;
    match reader.after_space() {
        None => Ok(node),
        Some(byte) => Err(unexpected(byte, "after top-level value")),
    }
}

struct Reader<'a> {
    text: &'a [u8],
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

    fn value(&mut self, context: &str) -> Result<Node<'a>, SyntaxError> {
        match self.after_space().ok_or_else(at_end)? {
            b'{' => self.nested(b'{', Reader::map),
            b'[' => self.nested(b'[', Reader::list),
            b'"' => Ok(Node::String(self.string()?)),
            b't' => self.word("true", Node::Bool(true)),
            b'f' => self.word("false", Node::Bool(false)),
            b'n' => self.word("null", Node::Null),
            b'-' | b'0'..=b'9' => self.number(),
            byte => Err(unexpected(byte, context)),
        }
    }

    fn nested(
        &mut self,
        open: u8,
        read: fn(&mut Reader<'a>) -> Result<Node<'a>, SyntaxError>,
    ) -> Result<Node<'a>, SyntaxError> {
        self.place += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(unexpected(open, "exceeded max depth"));
        }
        let node = read(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn list(&mut self) -> Result<Node<'a>, SyntaxError> {
        let mut items = Vec::new();
        if self.after_space() == Some(b']') {
            self.place += 1;
            return Ok(Node::List(items));
        }
        loop {
            items.push(self.value("looking for beginning of value")?);
            let byte = self.after_space().ok_or_else(at_end)?;
            self.place += 1;
            match byte {
                b',' => {}
                b']' => return Ok(Node::List(items)),
                _ => return Err(unexpected(byte, "after array element")),
            }
        }
    }

    fn map(&mut self) -> Result<Node<'a>, SyntaxError> {
        let mut entries = Vec::new();
        if self.after_space() == Some(b'}') {
            self.place += 1;
            return Ok(Node::Map(entries));
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
            entries.push((key, self.value("looking for beginning of value")?));
            let byte = self.after_space().ok_or_else(at_end)?;
            self.place += 1;
            match byte {
                b',' => {}
                b'}' => return Ok(Node::Map(entries)),
                _ => return Err(unexpected(byte, "after object key:value pair")),
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
        let plain = self.text[start..].iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
        let end = start + plain.ok_or_else(at_end)?;
        if self.text[end] == b'"' {
            self.place = end + 1;
            return Ok(lossy(&self.text[start..end]));
        }
        self.place = start;
        self.escaped_string().map(Cow::Owned)
    }

    fn escaped_string(&mut self) -> Result<String, SyntaxError> {
        let mut out = String::new();
        loop {
            let rest = &self.text[self.place..];
            let plain = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
            let length = plain.ok_or_else(at_end)?;
            out.push_str(&lossy(&rest[..length]));
            self.place += length + 1;
            match rest[length] {
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
