//! The lexer outside of actions: texts, delimiters, comments, and the trimming of space around them.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    // Keywords from here on.
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Token {
    pub(super) fn is_keyword(self) -> bool {
        (self as u8) >= (Self::Block as u8)
    }
}

/// A token: what, where, and its text (or, of an error, the message).
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) token: Token,
    pub(super) pos: usize,
    pub(super) end: usize,
    pub(super) line: usize,
    pub(super) message: String,
}

/// The lexer: gives one token after the other; after an error, only the end.
pub(super) struct Lexer<'s> {
    pub(super) text: &'s str,
    pub(super) pos: usize,
    pub(super) start: usize,
    pub(super) line: usize,
    pub(super) start_line: usize,
    pub(super) parens: usize,
    pub(super) inside: bool,
    pub(super) breaks: bool,
    done: bool,
}

pub(super) const LEFT: &str = "{{";
pub(super) const RIGHT: &str = "}}";
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

impl<'s> Lexer<'s> {
    /// `breaks`: whether `break` and `continue` are keywords (they are not where functions have those names).
    pub(super) fn new(text: &'s str, breaks: bool) -> Self {
        Self { text, pos: 0, start: 0, line: 1, start_line: 1, parens: 0, inside: false, breaks, done: false }
    }

    /// The next token.
    pub(super) fn item(&mut self) -> Item {
        loop {
            if self.done {
                return Item {
                    token: Token::Eof,
                    pos: self.pos,
                    end: self.pos,
                    line: self.start_line,
                    message: "EOF".into(),
                };
            }
            if let Some(item) = if self.inside { self.action() } else { self.outside() } {
                return item;
            }
        }
    }

    pub(super) fn rest(&self) -> &'s str {
        &self.text[self.pos..]
    }

    /// Ends the token that began at `start`.
    pub(super) fn emit(&mut self, token: Token) -> Option<Item> {
        let item = Item { token, pos: self.start, end: self.pos, line: self.start_line, message: String::new() };
        self.line += count_lines(&self.text[self.start..self.pos]);
        self.skip_to_here();
        Some(item)
    }

    pub(super) fn error(&mut self, message: impl Into<String>) -> Option<Item> {
        self.done = true;
        let item = Item {
            token: Token::Error,
            pos: self.start,
            end: self.pos,
            line: self.start_line,
            message: message.into(),
        };
        self.start = self.text.len();
        self.pos = self.text.len();
        Some(item)
    }

    /// Drops what was read since the last token.
    fn ignore(&mut self) {
        self.line += count_lines(&self.text[self.start..self.pos]);
        self.skip_to_here();
    }

    fn skip_to_here(&mut self) {
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn outside(&mut self) -> Option<Item> {
        if let Some(length) = self.rest().find(LEFT) {
            if length == 0 {
                return self.left_delim();
            }
            let delim = self.pos + length;
            let trimmed = if has_left_trim(&self.text[delim + LEFT.len()..]) {
                self.text[self.start..delim].trim_end_matches(SPACES).len()
            } else {
                length
            };
            self.pos = self.start + trimmed;
            let item = if trimmed > 0 { self.emit(Token::Text) } else { None };
            self.pos = delim;
            self.ignore();
            return item;
        }
        self.pos = self.text.len();
        if self.pos > self.start {
            return self.emit(Token::Text);
        }
        self.done = true;
        self.emit(Token::Eof)
    }

    fn left_delim(&mut self) -> Option<Item> {
        self.pos += LEFT.len();
        let marker = if has_left_trim(self.rest()) { 2 } else { 0 };
        if self.text[self.pos + marker..].starts_with("/*") {
            self.pos += marker;
            self.ignore();
            return self.comment();
        }
        let item = self.emit(Token::LeftDelim);
        self.inside = true;
        self.pos += marker;
        self.ignore();
        self.parens = 0;
        item
    }

    fn comment(&mut self) -> Option<Item> {
        self.pos += 2;
        let Some(length) = self.rest().find("*/") else { return self.error("unclosed comment") };
        self.pos += length + 2;
        let (closed, trim) = self.at_right_delim();
        if !closed {
            return self.error("comment ends before closing delimiter");
        }
        self.pos += RIGHT.len() + if trim { 2 } else { 0 };
        if trim {
            self.skip_spaces();
        }
        self.ignore();
        None
    }

    /// Whether the action ends here, and whether with a trim marker.
    pub(super) fn at_right_delim(&self) -> (bool, bool) {
        if has_right_trim(self.rest()) && self.rest()[2..].starts_with(RIGHT) {
            return (true, true);
        }
        (self.rest().starts_with(RIGHT), false)
    }

    pub(super) fn right_delim(&mut self, trim: bool) -> Option<Item> {
        if trim {
            self.pos += 2;
            self.ignore();
        }
        self.pos += RIGHT.len();
        let item = self.emit(Token::RightDelim);
        if trim {
            self.skip_spaces();
            self.ignore();
        }
        self.inside = false;
        item
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start_matches(SPACES).len();
    }
}

fn count_lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn has_left_trim(text: &str) -> bool {
    text.starts_with('-') && text[1..].starts_with(SPACES)
}

pub(super) fn has_right_trim(text: &str) -> bool {
    text.starts_with(SPACES) && text.as_bytes().get(1) == Some(&b'-')
}
