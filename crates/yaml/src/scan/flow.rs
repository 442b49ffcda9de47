//! Scalars in quotes.

use super::cursor::Mark;
use super::plain::Gap;
use super::token::{Kind, Style};
use super::{Scan, Scanner};

impl Scanner<'_> {
    pub(super) fn quoted(&mut self, single: bool) -> Scan<()> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        let quote = self.cursor.at(0);
        self.cursor.skip();
        let mut value = String::new();
        loop {
            if self.cursor.is_document_mark() {
                return self.problem(start, "found unexpected document indicator");
            }
            if self.cursor.is_end() {
                return self.problem(start, "found unexpected end of stream");
            }
            let mut gap = Gap { broken: self.quoted_run(single, &mut value, start)?, ..Gap::default() };
            if self.cursor.at(0) == quote {
                break;
            }
            // After an escaped line break, `broken` with no first break folds to nothing but further breaks.
            let escaped = gap.broken;
            while self.cursor.is_blank(0) || self.cursor.is_break(0) {
                self.gap(&mut gap);
            }
            if escaped {
                value.push_str(&gap.breaks);
            } else {
                gap.fold(&mut value);
            }
        }
        self.cursor.skip();
        let style = if single { Style::Single } else { Style::Double };
        self.push(Kind::Scalar { value, style }, start);
        Ok(())
    }

    /// Characters up to white space or the closing quote; true if it ended with an escaped line break.
    fn quoted_run(&mut self, single: bool, value: &mut String, start: Mark) -> Scan<bool> {
        while !self.cursor.is_blank_or_end(0) {
            match (single, self.cursor.at(0)) {
                (true, b'\'') if self.cursor.at(1) == b'\'' => {
                    value.push('\'');
                    self.cursor.skip();
                    self.cursor.skip();
                }
                (true, b'\'') | (false, b'"') => break,
                (false, b'\\') if self.cursor.is_break(1) => {
                    self.cursor.skip();
                    self.cursor.skip_line();
                    return Ok(true);
                }
                (false, b'\\') => self.escape(value, start)?,
                _ => self.cursor.read(value),
            }
        }
        Ok(false)
    }

    fn escape(&mut self, value: &mut String, start: Mark) -> Scan<()> {
        let plain = match self.cursor.at(1) {
            b'0' => '\0',
            b'a' => '\x07',
            b'b' => '\x08',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\x0B',
            b'f' => '\x0C',
            b'r' => '\r',
            b'e' => '\x1B',
            b' ' => ' ',
            b'"' => '"',
            b'\'' => '\'',
            b'\\' => '\\',
            b'N' => '\u{85}',
            b'_' => '\u{a0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            b'x' => return self.code(2, value, start),
            b'u' => return self.code(4, value, start),
            b'U' => return self.code(8, value, start),
            _ => return self.problem(start, "found unknown escape character"),
        };
        value.push(plain);
        self.cursor.skip();
        self.cursor.skip();
        Ok(())
    }

    fn code(&mut self, digits: usize, value: &mut String, start: Mark) -> Scan<()> {
        self.cursor.skip();
        self.cursor.skip();
        let mut code: u32 = 0;
        for ahead in 0..digits {
            let Some(digit) = (self.cursor.at(ahead) as char).to_digit(16) else {
                return self.problem(start, "did not find expected hexdecimal number");
            };
            code = (code << 4) | digit;
        }
        let Some(c) = char::from_u32(code) else {
            return self.problem(start, "found invalid Unicode character escape code");
        };
        value.push(c);
        (0..digits).for_each(|_| self.cursor.skip());
        Ok(())
    }
}
