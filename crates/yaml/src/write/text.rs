//! Characters out: columns, indentation, folding and escapes.

use super::analysis::{is_break, is_printable};

/// The width that go-yaml 2 folds at.
const WIDTH: usize = 80;

/// Spaces for each level.
const STEP: isize = 2;

pub(crate) struct Writer {
    out: String,
    column: usize,
    /// -1 before the first collection.
    pub(crate) indent: isize,
    /// The last character was white space.
    whitespace: bool,
    /// Nothing but indentation and `-` or `?` stands in this line yet.
    pub(crate) indention: bool,
    /// Lines are folded at the first space beyond this column.
    width: usize,
    /// The indentation of a comment that was just written below what it belongs to; -1 for none.
    foot: isize,
}

impl Default for Writer {
    fn default() -> Self {
        Self { out: String::new(), column: 0, indent: -1, whitespace: true, indention: true, width: WIDTH, foot: -1 }
    }
}

impl Writer {
    /// A writer that folds nothing.
    pub(crate) fn unfolded() -> Self {
        Self { width: usize::MAX, ..Self::default() }
    }

    /// A writer that goes on at the beginning of a line.
    pub(crate) fn behind(text: String) -> Self {
        Self { out: text, ..Self::default() }
    }

    pub(crate) fn finish(mut self) -> String {
        self.indent = -1;
        self.write_indent();
        self.out
    }

    /// Goes one level deeper and returns the level before.
    pub(crate) fn increase(&mut self, flow: bool, indentless: bool) -> isize {
        let outer = self.indent;
        if outer < 0 {
            self.indent = if flow { STEP } else { 0 };
        } else if !indentless {
            self.indent += STEP;
        }
        outer
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Writes a break of the text itself.
    fn put_own_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }

    pub(crate) fn write_indent(&mut self) {
        let indent = self.indent.max(0) as usize;
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if std::mem::replace(&mut self.foot, -1) == indent as isize {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    pub(crate) fn indicator(&mut self, text: &str, spaced: bool, whitespace: bool, indention: bool) {
        if spaced && !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(text);
        self.column += text.len();
        self.whitespace = whitespace;
        self.indention &= indention;
    }

    pub(crate) fn plain(&mut self, text: &str, fold: bool) {
        if !self.whitespace && !text.is_empty() {
            self.put(' ');
        }
        if fold && self.column + text.len() > self.width {
            self.folded(text, |_, _| true);
        } else {
            self.out.push_str(text);
            self.column += text.chars().count();
        }
        self.whitespace = false;
        self.indention = false;
    }

    /// Plain text (it holds no breaks) with single spaces beyond the width turned to line breaks; `may` says where.
    fn folded(&mut self, text: &str, may: impl Fn(usize, &str) -> bool) {
        let mut spaces = false;
        for (at, c) in text.char_indices() {
            let rest = &text[at + c.len_utf8()..];
            if c == ' ' && !spaces && self.column > self.width && !rest.starts_with(' ') && may(at, rest) {
                self.write_indent();
            } else {
                self.put(c);
                self.indention = false;
            }
            spaces = c == ' ';
        }
    }

    pub(crate) fn single(&mut self, text: &str, fold: bool) {
        self.indicator("'", true, false, false);
        let (mut spaces, mut breaks) = (false, false);
        for (at, c) in text.char_indices() {
            let rest = &text[at + c.len_utf8()..];
            if c == ' ' {
                let inside = at > 0 && !rest.is_empty();
                if fold && !spaces && self.column > self.width && inside && !rest.starts_with(' ') {
                    self.write_indent();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.put_break();
                }
                self.put_own_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                (spaces, breaks) = (false, false);
            }
        }
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    pub(crate) fn double(&mut self, text: &str, fold: bool) {
        self.indicator("\"", true, false, false);
        let mut spaces = false;
        for (at, c) in text.char_indices() {
            let rest = &text[at + c.len_utf8()..];
            if !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.escape(c);
                spaces = false;
            } else if c == ' ' {
                if fold && !spaces && self.column > self.width && at > 0 && !rest.is_empty() {
                    self.write_indent();
                    if rest.starts_with(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn escape(&mut self, c: char) {
        self.put('\\');
        let short = match c {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0B' => 'v',
            '\x0C' => 'f',
            '\r' => 'r',
            '\x1B' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = c as u32;
                let text = match code {
                    0..=0xFF => format!("x{code:02X}"),
                    0x100..=0xFFFF => format!("u{code:04X}"),
                    _ => format!("U{code:08X}"),
                };
                self.out.push_str(&text);
                self.column += text.len();
                return;
            }
        };
        self.put(short);
    }

    /// A comment in lines of its own, at the present indentation.
    pub(crate) fn comment(&mut self, text: &str) {
        self.write_indent();
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 && !line.is_empty() {
                self.indention = true;
                self.write_indent();
            }
            self.out.push_str(line);
            self.put_break();
        }
        self.whitespace = true;
        self.indention = true;
    }

    /// A comment in lines of its own, below what it belongs to: a blank line follows it.
    pub(crate) fn foot_comment(&mut self, text: &str) {
        self.comment(text);
        self.foot = self.indent.max(0);
    }

    /// A comment behind something.
    pub(crate) fn line_comment(&mut self, text: &str) {
        if !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(text);
        self.column += text.chars().count();
        self.whitespace = false;
        self.indention = false;
    }

    fn block_header(&mut self, sign: &str, text: &str, comment: Option<&str>) {
        self.indicator(sign, true, false, false);
        if text.starts_with(' ') || text.starts_with(is_break) {
            self.indicator("2", false, false, false);
        }
        match chomping(text) {
            "" => {}
            hint => self.indicator(hint, false, false, false),
        }
        if let Some(comment) = comment {
            self.line_comment(comment);
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
    }

    /// A folded text; lines stay as long as they are. As in go-yaml, every break is doubled, the last one too, unless the
    /// text begins with a blank.
    pub(crate) fn folded_block(&mut self, text: &str, comment: Option<&str>) {
        self.block_header(">", text, comment);
        let first = text.trim_start_matches(is_break).chars().next();
        let doubled = first.is_some_and(|first| !matches!(first, ' ' | '\t'));
        let (mut breaks, mut leading_blanks) = (true, true);
        for c in text.chars() {
            if !is_break(c) {
                if breaks {
                    self.write_indent();
                    leading_blanks = matches!(c, ' ' | '\t');
                }
                self.put(c);
                self.indention = false;
                breaks = false;
                continue;
            }
            if doubled && !breaks && !leading_blanks && c == '\n' {
                self.put_break();
            }
            self.put_own_break(c);
            self.indention = true;
            breaks = true;
        }
    }

    pub(crate) fn literal(&mut self, text: &str, comment: Option<&str>) {
        self.block_header("|", text, comment);
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.put_own_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }
}

/// What stands behind `|` so that the breaks at the end survive.
fn chomping(text: &str) -> &'static str {
    let mut back = text.chars().rev();
    match (back.next(), back.next()) {
        (Some(last), _) if !is_break(last) => "-",
        (None, _) => "-",
        (Some(_), None) => "+",
        (Some(_), Some(before)) if is_break(before) => "+",
        _ => "",
    }
}
