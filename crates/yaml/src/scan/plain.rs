//! Scalars without quotes.

use super::token::{Kind, Style};
use super::{Scan, Scanner};

/// White space between two pieces of a scalar that may be folded.
#[derive(Default)]
pub(super) struct Gap {
    pub(super) blanks: String,
    pub(super) first_break: String,
    pub(super) breaks: String,
    pub(super) broken: bool,
}

impl Gap {
    /// Writes what the gap reads as, and empties it.
    pub(super) fn fold(&mut self, text: &mut String) {
        if self.broken {
            if !self.first_break.starts_with('\n') {
                text.push_str(&self.first_break);
                text.push_str(&self.breaks);
            } else if self.breaks.is_empty() {
                text.push(' ');
            } else {
                text.push_str(&self.breaks);
            }
            self.first_break.clear();
            self.breaks.clear();
            self.broken = false;
        } else {
            text.push_str(&self.blanks);
        }
        self.blanks.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.broken && self.blanks.is_empty()
    }
}

impl Scanner<'_> {
    pub(super) fn plain(&mut self) -> Scan<()> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        let mut end = start;
        let mut value = String::new();
        let mut gap = Gap::default();
        let indent = (self.indent + 1) as usize;
        loop {
            if self.cursor.is_document_mark() || self.cursor.at(0) == b'#' {
                break;
            }
            while !self.cursor.is_blank_or_end(0) && !self.ends_plain() {
                if !gap.is_empty() {
                    gap.fold(&mut value);
                }
                self.cursor.read(&mut value);
                end = self.cursor.mark;
            }
            if !(self.cursor.is_blank(0) || self.cursor.is_break(0)) {
                break;
            }
            while self.cursor.is_blank(0) || self.cursor.is_break(0) {
                if gap.broken && self.cursor.mark.column < indent && self.cursor.at(0) == b'\t' {
                    return self.problem(start, "found a tab character that violates indentation");
                }
                self.gap(&mut gap);
            }
            if self.flow_level == 0 && self.cursor.mark.column < indent {
                break;
            }
        }
        self.tokens.push_back(super::Token { kind: Kind::Scalar { value, style: Style::Plain }, start, end });
        if gap.broken {
            self.key_allowed = true;
        }
        Ok(())
    }

    fn ends_plain(&self) -> bool {
        match self.cursor.at(0) {
            b':' => self.cursor.is_blank_or_end(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }

    /// One blank or one line break into `gap`.
    pub(super) fn gap(&mut self, gap: &mut Gap) {
        if self.cursor.is_blank(0) {
            if gap.broken {
                self.cursor.skip();
            } else {
                self.cursor.read(&mut gap.blanks);
            }
        } else if gap.broken {
            self.cursor.read_line(&mut gap.breaks);
        } else {
            gap.blanks.clear();
            self.cursor.read_line(&mut gap.first_break);
            gap.broken = true;
        }
    }
}
