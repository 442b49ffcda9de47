//! A place in the text, and the character classes of YAML.

/// A position: characters from the start, line and column from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) index: usize,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The text with the current position. Reading past the end gives 0, which never occurs in a text (see `forbidden`).
pub(crate) struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    pub(crate) mark: Mark,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { text, bytes: text.as_bytes(), pos: 0, mark: Mark::default() }
    }

    /// The byte `ahead` of the current one.
    pub(crate) fn at(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    /// What stands in this line before the current position.
    pub(crate) fn line_so_far(&self) -> &[u8] {
        let before = &self.bytes[..self.pos];
        let start = before.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
        &before[start..]
    }

    pub(crate) fn is_end(&self) -> bool {
        self.pos >= self.bytes.len()
    }

    pub(crate) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t')
    }

    pub(crate) fn is_break(&self, ahead: usize) -> bool {
        match self.at(ahead) {
            b'\r' | b'\n' => true,
            0xC2 => self.at(ahead + 1) == 0x85,
            0xE2 => self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xA8 | 0xA9),
            _ => false,
        }
    }

    pub(crate) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.at(ahead) == 0 || self.is_break(ahead)
    }

    pub(crate) fn is_blank_or_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    /// Letters, digits, `_` and `-`.
    pub(crate) fn is_word(&self) -> bool {
        matches!(self.at(0), b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-')
    }

    pub(crate) fn is_bom(&self) -> bool {
        self.at(0) == 0xEF && self.at(1) == 0xBB && self.at(2) == 0xBF
    }

    /// True at `---` or `...` at the start of a line, followed by white space.
    pub(crate) fn is_document_mark(&self) -> bool {
        let three = |c| self.at(0) == c && self.at(1) == c && self.at(2) == c;
        self.mark.column == 0 && (three(b'-') || three(b'.')) && self.is_blank_or_end(3)
    }

    fn width(&self) -> usize {
        match self.at(0) {
            0..=0x7F => 1,
            0x80..=0xDF => 2,
            0xE0..=0xEF => 3,
            _ => 4,
        }
    }

    /// Steps over one character that is no line break.
    pub(crate) fn skip(&mut self) {
        self.pos = (self.pos + self.width()).min(self.bytes.len());
        self.mark.index += 1;
        self.mark.column += 1;
    }

    pub(crate) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }

    /// Steps over a line break, if there is one.
    pub(crate) fn skip_line(&mut self) {
        self.line_break();
    }

    /// Copies one character.
    pub(crate) fn read(&mut self, into: &mut String) {
        let end = (self.pos + self.width()).min(self.bytes.len());
        into.push_str(&self.text[self.pos..end]);
        self.skip();
    }

    /// Copies a line break in its normal form, if there is one.
    pub(crate) fn read_line(&mut self, into: &mut String) {
        if let Some(text) = self.line_break() {
            into.push_str(text);
        }
    }

    fn line_break(&mut self) -> Option<&'static str> {
        let (width, text) = match (self.at(0), self.at(1), self.at(2)) {
            (b'\r', b'\n', _) => {
                self.mark.index += 1;
                (2, "\n")
            }
            (b'\r' | b'\n', ..) => (1, "\n"),
            (0xC2, 0x85, _) => (2, "\n"),
            (0xE2, 0x80, 0xA8) => (3, "\u{2028}"),
            (0xE2, 0x80, 0xA9) => (3, "\u{2029}"),
            _ => return None,
        };
        self.pos += width;
        self.mark.index += 1;
        self.mark.line += 1;
        self.mark.column = 0;
        Some(text)
    }
}

/// True for characters that no YAML text may hold.
pub(crate) fn forbidden(c: char) -> bool {
    !matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
        | '\u{10000}'..='\u{10ffff}')
}
