//! Literal and folded scalars.

use super::cursor::Mark;
use super::token::{Kind, Style};
use super::{Scan, Scanner};

/// What happens to the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_> {
    pub(super) fn block_scalar(&mut self, literal: bool) -> Scan<()> {
        self.drop_key()?;
        self.key_allowed = true;
        let start = self.cursor.mark;
        self.cursor.skip();
        let (chomp, increment) = self.block_header(start)?;
        self.cursor.skip_blanks();
        if self.cursor.at(0) == b'#' {
            self.comment();
        }
        if !self.cursor.is_break_or_end(0) {
            return self.problem(start, "did not find expected comment or line break");
        }
        self.cursor.skip_line();
        let indent = match increment {
            0 => 0,
            _ => self.indent.max(0) as usize + increment,
        };
        let (value, end) = self.block_lines(literal, chomp, indent, start)?;
        let style = if literal { Style::Literal } else { Style::Folded };
        self.tokens.push_back(super::Token { kind: Kind::Scalar { value, style }, start, end });
        Ok(())
    }

    /// The indicators behind `|` or `>`, in either order.
    fn block_header(&mut self, start: Mark) -> Scan<(Chomp, usize)> {
        let mut chomp = Chomp::Clip;
        let mut increment = 0;
        let (mut chomped, mut indented) = (false, false);
        loop {
            match self.cursor.at(0) {
                b'+' | b'-' if !chomped => {
                    chomp = if self.cursor.at(0) == b'+' { Chomp::Keep } else { Chomp::Strip };
                    chomped = true;
                }
                b'0' if !indented => return self.problem(start, "found an indentation indicator equal to 0"),
                c @ b'1'..=b'9' if !indented => {
                    increment = usize::from(c - b'0');
                    indented = true;
                }
                _ => return Ok((chomp, increment)),
            }
            self.cursor.skip();
        }
    }

    fn block_lines(&mut self, literal: bool, chomp: Chomp, indent: usize, start: Mark) -> Scan<(String, Mark)> {
        let mut indent = indent;
        let (mut text, mut first_break, mut breaks) = (String::new(), String::new(), String::new());
        let mut end = self.block_breaks(&mut indent, &mut breaks, start)?;
        let mut leading_blank = false;
        while self.cursor.mark.column == indent && !self.cursor.is_end() {
            let blank = self.cursor.is_blank(0);
            if !literal && !leading_blank && !blank && first_break.starts_with('\n') {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&first_break);
            }
            first_break.clear();
            text.push_str(&breaks);
            breaks.clear();
            leading_blank = blank;
            while !self.cursor.is_break_or_end(0) {
                self.cursor.read(&mut text);
            }
            self.cursor.read_line(&mut first_break);
            end = self.block_breaks(&mut indent, &mut breaks, start)?;
        }
        if chomp != Chomp::Strip {
            text.push_str(&first_break);
        }
        if chomp == Chomp::Keep {
            text.push_str(&breaks);
        }
        Ok((text, end))
    }

    /// Empty lines and the indentation of the next one; finds the indentation if it is not known yet (0).
    fn block_breaks(&mut self, indent: &mut usize, breaks: &mut String, start: Mark) -> Scan<Mark> {
        let mut end = self.cursor.mark;
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.cursor.mark.column < *indent) && self.cursor.at(0) == b' ' {
                self.cursor.skip();
            }
            deepest = deepest.max(self.cursor.mark.column);
            if (*indent == 0 || self.cursor.mark.column < *indent) && self.cursor.at(0) == b'\t' {
                return self.problem(start, "found a tab character where an indentation space is expected");
            }
            if !self.cursor.is_break(0) {
                break;
            }
            self.cursor.read_line(breaks);
            end = self.cursor.mark;
        }
        if *indent == 0 {
            *indent = deepest.max((self.indent + 1).max(1) as usize);
        }
        Ok(end)
    }
}
