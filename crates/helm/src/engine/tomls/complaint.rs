//! What is wrong with a text that is no TOML, in the words of the library that Helm reads TOML with.
//!
//! It goes through a text that was refused already, and stops at the first mistake.

mod keys;
mod value;

use std::collections::HashSet;

use gotemplate::Value;
use gotemplate::format::{quote, sprintf};

use keys::Node;

/// What stands behind the last character.
const END: char = '\0';
/// Values nest no deeper.
const MAX_DEPTH: usize = 200;

/// The first mistake; none where there is none that we know.
pub(super) fn complaint(text: &str) -> Option<String> {
    let mut reader = Reader {
        text: text.strip_prefix('\u{feff}').unwrap_or(text).chars().collect(),
        at: 0,
        line: 1,
        key_line: 1,
        context: Vec::new(),
        key: String::new(),
        root: Node::default(),
        implicit: HashSet::new(),
    };
    reader.document().err().map(|mistake| mistake.0)
}

/// The words about a mistake.
struct Mistake(String);

type Read<T = ()> = Result<T, Mistake>;

struct Reader {
    text: Vec<char>,
    at: usize,
    line: usize,
    /// Where the last key began.
    key_line: usize,
    /// The table that keys are in.
    context: Vec<String>,
    key: String,
    root: Node,
    /// Tables that were made because something is in them.
    implicit: HashSet<Vec<String>>,
}

fn is_space(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn is_break(c: char) -> bool {
    c == '\n' || c == '\r'
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// A character as Go quotes it.
fn shown(c: char) -> String {
    sprintf(&"%q".into(), &[Value::Int(i64::from(u32::from(c)))]).text().into_owned()
}

impl Reader {
    fn peek(&self) -> char {
        self.text.get(self.at).copied().unwrap_or(END)
    }

    fn next(&mut self) -> Read<char> {
        let c = self.peek();
        if self.at >= self.text.len() {
            return Ok(END);
        }
        let lonely = c == '\r' && self.text.get(self.at + 1) != Some(&'\n');
        if c != '\t' && !is_break(c) && c.is_control() && !('\u{80}'..='\u{9f}').contains(&c) || lonely {
            return self.fail(format!("TOML files cannot contain control characters: '0x{:02x}'", u32::from(c)));
        }
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        Ok(c)
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        while self.at < self.text.len() && what(self.peek()) {
            if self.peek() == '\n' {
                self.line += 1;
            }
            self.at += 1;
        }
    }

    /// A mistake on this line; at the end of the text, on the last line that has something in it.
    fn fail<T>(&self, words: impl Into<String>) -> Read<T> {
        let ended = self.at >= self.text.len() && self.text.last() == Some(&'\n');
        self.fail_at(if ended { self.line - 1 } else { self.line }, words)
    }

    /// A mistake on a line.
    fn fail_at<T>(&self, line: usize, words: impl Into<String>) -> Read<T> {
        let mut path: Vec<String> = self.context.iter().map(|part| keys::shown(part)).collect();
        if !self.key.is_empty() {
            path.push(if path.is_empty() { self.key.clone() } else { keys::shown(&self.key) });
        }
        let last = match path.is_empty() {
            true => String::new(),
            false => format!(" (last key {})", quote(&path.join(".").into())),
        };
        Err(Mistake(format!("toml: line {line}{last}: {}", words.into())))
    }

    /// A mistake about a character that was read; a line break belongs to the line before.
    fn fail_on<T>(&self, c: char, words: impl Into<String>) -> Read<T> {
        if c == '\n' { self.fail_at(self.line - 1, words) } else { self.fail(words) }
    }

    fn document(&mut self) -> Read {
        loop {
            self.skip(|c| is_space(c) || is_break(c));
            match self.peek() {
                END if self.at >= self.text.len() => return Ok(()),
                '#' => {
                    self.comment()?;
                    continue;
                }
                '[' => self.table()?,
                _ => self.pair(0)?,
            }
            self.skip(is_space);
            match self.peek() {
                '#' => self.comment()?,
                END if self.at >= self.text.len() => return Ok(()),
                _ => {
                    let c = self.next()?;
                    if !is_break(c) {
                        let what = "expected a top-level item to end with a newline, comment, or EOF, but got";
                        return self.fail(format!("{what} {} instead", shown(c)));
                    }
                }
            }
        }
    }

    fn comment(&mut self) -> Read {
        while !is_break(self.peek()) && self.at < self.text.len() {
            self.next()?;
        }
        Ok(())
    }

    fn table(&mut self) -> Read {
        self.next()?;
        let list = self.peek() == '[';
        if list {
            self.next()?;
        }
        let mut path = Vec::new();
        loop {
            self.skip(is_space);
            match self.peek() {
                ']' | END => return self.fail("unexpected end of table name (table names cannot be empty)"),
                '.' => return self.fail("unexpected table separator (table names cannot be empty)"),
                _ => {}
            }
            if path.is_empty() {
                self.key_line = self.line;
            }
            path.push(self.key_part()?);
            self.skip(is_space);
            match self.next()? {
                '.' => {}
                ']' => break,
                c => {
                    return self.fail(format!("expected '.' or ']' to end table name, but got {} instead", shown(c)));
                }
            }
        }
        if list {
            let c = self.next()?;
            if c != ']' {
                let what = "expected end of table array name delimiter ']', but got";
                return self.fail(format!("{what} {} instead", shown(c)));
            }
        }
        self.add_context(path, list)
    }

    /// A part of a key, bare or in quotes.
    fn key_part(&mut self) -> Read<String> {
        match self.peek() {
            '"' => {
                self.next()?;
                self.string()
            }
            '\'' => {
                self.next()?;
                self.raw_string()
            }
            _ => {
                let from = self.at;
                self.skip(is_bare);
                Ok(self.text[from..self.at].iter().collect())
            }
        }
    }

    /// `key = value`
    fn pair(&mut self, depth: usize) -> Read {
        self.skip(is_space);
        match self.peek() {
            '=' | END => return self.fail("unexpected '=': key name appears blank"),
            '.' => return self.fail("unexpected '.': keys cannot start with a '.'"),
            _ => {}
        }
        self.key_line = self.line;
        let mut path = Vec::new();
        loop {
            self.skip(is_space);
            match self.peek() {
                '=' if !path.is_empty() => return self.fail("unexpected '='"),
                '.' if !path.is_empty() => return self.fail("unexpected '.'"),
                _ => {}
            }
            path.push(self.key_part()?);
            self.skip(is_space);
            match self.next()? {
                '.' => {}
                '=' => break,
                END if self.at >= self.text.len() => {
                    return self.fail("unexpected EOF; expected key separator '='");
                }
                c => return self.fail_on(c, format!("expected '.' or '=', but got {} instead", shown(c))),
            }
        }
        let outer = (self.context.clone(), std::mem::take(&mut self.key));
        self.key = path.pop().unwrap_or_default();
        for part in path {
            let mut inner = self.context.clone();
            inner.push(part);
            self.implicit.insert(inner.clone());
            self.add_context(inner, false)?;
        }
        let node = self.value(depth)?;
        self.set_value(node)?;
        (self.context, self.key) = outer;
        Ok(())
    }
}
