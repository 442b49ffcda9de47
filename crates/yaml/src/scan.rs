//! Text to tokens.
//!
//! The scanner decides where block collections begin and end (by indentation) and what is a key (by finding the `:` that
//! follows it), so that the parser needs one token of look-ahead. What each kind of scalar reads as stands in the files
//! below; here are the indicators, the indentation and the simple keys.

mod block;
pub(crate) mod cursor;
mod flow;
mod indicator;
mod plain;
mod tag;
pub(crate) mod token;

use crate::error::{Finder, Problem};
use cursor::{Cursor, Mark};
use std::collections::VecDeque;
use token::{Kind, Token};

/// The deepest nesting that is read, in block and in flow context.
pub(crate) const MAX_DEPTH: usize = 10_000;

/// How far a `:` may stand behind the start of its key, in characters.
const KEY_LENGTH: usize = 1024;

type Scan<T> = Result<T, Problem>;

/// A comment with its position; `text` starts with `#`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// From `#` to the end of the line.
    pub text: String,
    /// Something stands before it in its line.
    pub behind: bool,
}

/// A token that may turn out to be a key.
#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    number: usize,
    mark: Mark,
}

pub(crate) struct Scanner<'a> {
    cursor: Cursor<'a>,
    tokens: VecDeque<Token>,
    /// Tokens handed out so far.
    taken: usize,
    started: bool,
    ended: bool,
    /// Current indentation; -1 outside of any block collection.
    indent: isize,
    indents: Vec<isize>,
    flow_level: usize,
    key_allowed: bool,
    /// One for each flow level and one for block context; their numbers never decrease.
    keys: Vec<SimpleKey>,
    /// Tokens that have to be known before one is handed out; the newer go-yaml looks further ahead.
    lookahead: usize,
    pub(crate) comments: Vec<Comment>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, lookahead: usize) -> Scan<Self> {
        let scanner = Self {
            cursor: Cursor::new(text),
            tokens: VecDeque::new(),
            taken: 0,
            started: false,
            ended: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            key_allowed: true,
            keys: vec![SimpleKey::default()],
            lookahead,
            comments: Vec::new(),
        };
        if text.chars().any(cursor::forbidden) {
            let text = "control characters are not allowed".to_owned();
            return Err(Problem { finder: Finder::Reader, context_line: 0, problem_line: 0, text });
        }
        Ok(scanner)
    }

    /// The next token, left in its place.
    pub(crate) fn peek(&mut self) -> Scan<&Token> {
        self.fill()?;
        Ok(self.tokens.front().expect("the scanner ends with a StreamEnd that is never taken"))
    }

    /// The next token, taken out. The end of the stream stays.
    pub(crate) fn next(&mut self) -> Scan<Token> {
        self.fill()?;
        if self.tokens.len() == 1 && self.ended {
            return Ok(self.tokens[0].clone());
        }
        self.taken += 1;
        Ok(self.tokens.pop_front().expect("filled above"))
    }

    fn fill(&mut self) -> Scan<()> {
        loop {
            if self.ended || self.tokens.len() >= self.lookahead {
                let Some(slot) = self.key_of_next_token() else { break };
                if !self.key_is_open(slot)? || self.ended {
                    break;
                }
            }
            self.fetch()?;
        }
        Ok(())
    }

    fn fetch(&mut self) -> Scan<()> {
        if !self.started {
            self.started = true;
            self.push(Kind::StreamStart, self.cursor.mark);
            return Ok(());
        }
        self.skip_to_token();
        self.unroll(self.cursor.mark.column as isize);
        if self.cursor.is_end() {
            return self.stream_end();
        }
        if self.cursor.mark.column == 0 && self.cursor.at(0) == b'%' {
            return self.directive();
        }
        if self.cursor.is_document_mark() {
            return self.document_mark();
        }
        self.content()
    }

    /// White space, comments and line breaks up to the next token.
    fn skip_to_token(&mut self) {
        loop {
            if self.cursor.mark.column == 0 && self.cursor.is_bom() {
                self.cursor.skip();
            }
            let tabs = self.flow_level > 0 || !self.key_allowed;
            while self.cursor.at(0) == b' ' || (tabs && self.cursor.at(0) == b'\t') {
                self.cursor.skip();
            }
            if self.cursor.at(0) == b'#' {
                self.comment();
            }
            if !self.cursor.is_break(0) {
                return;
            }
            self.cursor.skip_line();
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    fn comment(&mut self) {
        let Mark { line, column, .. } = self.cursor.mark;
        let behind = !self.cursor.line_so_far().trim_ascii().is_empty();
        let mut text = String::new();
        while !self.cursor.is_break_or_end(0) {
            self.cursor.read(&mut text);
        }
        self.comments.push(Comment { line: line + 1, column: column + 1, text, behind });
    }

    fn push(&mut self, kind: Kind, start: Mark) {
        self.tokens.push_back(Token { kind, start, end: self.cursor.mark });
    }

    fn problem<T>(&self, context: Mark, text: impl Into<String>) -> Scan<T> {
        let problem_line = self.cursor.mark.line;
        Err(Problem { finder: Finder::Scanner, context_line: context.line, problem_line, text: text.into() })
    }

    // Indentation.

    /// Opens a block collection if `column` is deeper than the current one; its token goes before token `number`.
    fn roll(&mut self, column: usize, number: Option<usize>, kind: Kind, mark: Mark) -> Scan<()> {
        if self.flow_level > 0 || self.indent >= column as isize {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column as isize;
        if self.indents.len() > MAX_DEPTH {
            let at = self.keys.last().map_or(mark, |key| key.mark);
            return self.problem(at, format!("exceeded max depth of {MAX_DEPTH}"));
        }
        let token = Token { kind, start: mark, end: mark };
        match number {
            Some(number) => self.tokens.insert(number - self.taken, token),
            None => self.tokens.push_back(token),
        }
        Ok(())
    }

    /// Closes the block collections that are deeper than `column`.
    fn unroll(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(Kind::BlockEnd, self.cursor.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    // Simple keys.

    /// The slot that holds the next token as a possible key.
    fn key_of_next_token(&self) -> Option<usize> {
        let from = self.keys.partition_point(|key| key.number < self.taken);
        let same = self.keys[from..].iter().take_while(|key| key.number == self.taken);
        same.enumerate().find(|(_, key)| key.possible).map(|(offset, _)| from + offset)
    }

    /// True if the key of `slot` may still find its `:`.
    fn key_is_open(&mut self, slot: usize) -> Scan<bool> {
        let key = self.keys[slot];
        if !key.possible {
            return Ok(false);
        }
        let here = self.cursor.mark;
        if key.mark.line < here.line || key.mark.index + KEY_LENGTH < here.index {
            if key.required {
                return self.problem(key.mark, "could not find expected ':'");
            }
            self.keys[slot].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    /// Notes that a key may start here.
    fn save_key(&mut self) -> Scan<()> {
        let mark = self.cursor.mark;
        let required = self.flow_level == 0 && self.indent == mark.column as isize;
        if self.key_allowed {
            let number = self.taken + self.tokens.len();
            self.drop_key()?;
            let slot = self.keys.len() - 1;
            self.keys[slot] = SimpleKey { possible: true, required, number, mark };
        }
        Ok(())
    }

    /// Gives up the key of the current flow level.
    fn drop_key(&mut self) -> Scan<()> {
        let slot = self.keys.len() - 1;
        let key = self.keys[slot];
        if key.possible {
            if key.required {
                return self.problem(key.mark, "could not find expected ':'");
            }
            self.keys[slot].possible = false;
        }
        Ok(())
    }
}
