//! What is wrong with a text that is no JSON, in Go's words: byte by byte, as Go's scanner goes.

/// How deep lists and maps are followed.
const MAX_DEPTH: usize = 10_000;

/// What is wrong; none where nothing is.
pub(super) fn complaint(text: &[u8]) -> Option<String> {
    let mut scan = Scan { text, at: 0 };
    match scan.document() {
        Ok(()) => None,
        Err(Stop::End) => Some("unexpected end of JSON input".to_owned()),
        Err(Stop::Depth) => Some("exceeded max depth".to_owned()),
        Err(Stop::Bad(byte, place)) => Some(format!("invalid character {} {place}", shown(byte))),
    }
}

enum Stop {
    /// The text ends where something has to come.
    End,
    Depth,
    /// A byte that cannot be there, and where that is.
    Bad(u8, String),
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn bad<T>(byte: u8, place: &str) -> Result<T, Stop> {
    Err(Stop::Bad(byte, place.to_owned()))
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte; within a token the end counts as a space, and is told as one.
    fn within(&mut self) -> u8 {
        let byte = self.peek().unwrap_or(b' ');
        self.at += 1;
        byte
    }

    fn spaces(&mut self) -> Result<u8, Stop> {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        self.peek().ok_or(Stop::End)
    }

    fn document(&mut self) -> Result<(), Stop> {
        self.value(0)?;
        match self.spaces() {
            Ok(byte) => bad(byte, "after top-level value"),
            Err(_) => Ok(()),
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::Depth);
        }
        match self.spaces()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'-' | b'0'..=b'9' => self.number(),
            byte => bad(byte, "looking for beginning of value"),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Stop> {
        self.at += 1;
        let mut first = true;
        loop {
            match self.spaces()? {
                b'}' if first => break,
                b'"' => self.string()?,
                byte => return bad(byte, "looking for beginning of object key string"),
            }
            first = false;
            match self.spaces()? {
                b':' => self.at += 1,
                byte => return bad(byte, "after object key"),
            }
            self.value(depth + 1)?;
            match self.spaces()? {
                b',' => self.at += 1,
                b'}' => break,
                byte => return bad(byte, "after object key:value pair"),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), Stop> {
        self.at += 1;
        if self.spaces()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            match self.spaces()? {
                b',' => self.at += 1,
                b']' => break,
                byte => return bad(byte, "after array element"),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), Stop> {
        self.at += 1;
        loop {
            let Some(byte) = self.peek() else { return Err(Stop::End) };
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                byte if byte < 0x20 => return bad(byte, "in string literal"),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), Stop> {
        match self.within() {
            b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    let byte = self.within();
                    if !byte.is_ascii_hexdigit() {
                        return bad(byte, "in \\u hexadecimal character escape");
                    }
                }
                Ok(())
            }
            byte => bad(byte, "in string escape code"),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Stop> {
        for wanted in word.bytes() {
            let byte = self.within();
            if byte != wanted {
                return Err(Stop::Bad(byte, format!("in literal {word} (expecting {})", shown(wanted))));
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Stop> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.within() {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            byte => return bad(byte, "in numeric literal"),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            let byte = self.within();
            if !byte.is_ascii_digit() {
                return bad(byte, "after decimal point in numeric literal");
            }
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            let byte = self.within();
            if !byte.is_ascii_digit() {
                return bad(byte, "in exponent of numeric literal");
            }
            self.digits();
        }
        Ok(())
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }
}

/// A byte in quotes, taken for a character.
fn shown(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        byte => crate::format::quote_rune(char::from(byte), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_as_go_tells_them() {
        let cases = [
            ("-", "invalid character ' ' in numeric literal"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("01", "invalid character '1' after top-level value"),
            ("{\"a\":1.}", "invalid character '}' after decimal point in numeric literal"),
            ("{\"a\":1e}", "invalid character '}' in exponent of numeric literal"),
            ("{\"a\":tru}", "invalid character '}' in literal true (expecting 'e')"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("{\"a\":\"\\x\"}", "invalid character 'x' in string escape code"),
            ("{\"a\":\"\n\"}", "invalid character '\\n' in string literal"),
            ("nul", "invalid character ' ' in literal null (expecting 'l')"),
            ("\"a", "unexpected end of JSON input"),
            ("[1 2]", "invalid character '2' after array element"),
            ("\u{e9}", "invalid character '\u{c3}' looking for beginning of value"),
        ];
        for (text, want) in cases {
            assert_eq!(complaint(text.as_bytes()).as_deref(), Some(want), "{text}");
        }
        assert_eq!(complaint(b" {\"a\": [1, -2.5e+3, null, \"\\u00e9\"]} "), None);
    }
}
