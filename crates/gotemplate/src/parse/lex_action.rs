//! The lexer inside of actions.

use super::lex::{Item, Lexer, RIGHT, Token, has_right_trim};

impl Lexer<'_> {
    pub(super) fn action(&mut self) -> Option<Item> {
        let (closed, trim) = self.at_right_delim();
        if closed {
            return if self.parens == 0 { self.right_delim(trim) } else { self.error("unclosed left paren") };
        }
        let Some(first) = self.bump() else { return self.error("unclosed action") };
        match first {
            ' ' | '\t' | '\r' | '\n' => self.spaces(),
            '=' => self.emit(Token::Assign),
            ':' if self.bump() == Some('=') => self.emit(Token::Declare),
            ':' => self.error("expected :="),
            '|' => self.emit(Token::Pipe),
            '"' => self.quoted('"', Token::String, "unterminated quoted string"),
            '`' => self.raw(),
            '$' => self.name(Token::Variable),
            '\'' => self.quoted('\'', Token::CharConstant, "unterminated character constant"),
            '.' if !self.rest().starts_with(|c: char| c.is_ascii_digit()) => self.name(Token::Field),
            '.' | '+' | '-' | '0'..='9' => {
                self.pos = self.start;
                self.number()
            }
            '(' => {
                self.parens += 1;
                self.emit(Token::LeftParen)
            }
            ')' if self.parens == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.emit(Token::RightParen)
            }
            c if is_alphanumeric(c) => self.identifier(),
            c if c.is_ascii_graphic() => self.emit(Token::Char),
            c => self.error(format!("unrecognized character in action: {}", code_point(c))),
        }
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.pos += next.len_utf8();
        Some(next)
    }

    fn accept(&mut self, set: &str) -> bool {
        let found = self.rest().chars().next().filter(|c| set.contains(*c));
        self.pos += found.map_or(0, char::len_utf8);
        found.is_some()
    }

    fn accept_run(&mut self, set: &str) {
        while self.accept(set) {}
    }

    /// A run of space; one is read. A space that belongs to a trim marker is left to the closing delimiter.
    fn spaces(&mut self) -> Option<Item> {
        let mut count = 1;
        while self.rest().starts_with([' ', '\t', '\r', '\n']) {
            self.pos += 1;
            count += 1;
        }
        let last = &self.text[self.pos - 1..];
        if has_right_trim(last) && last[2..].starts_with(RIGHT) {
            self.pos -= 1;
            if count == 1 {
                return self.right_delim(true);
            }
        }
        self.emit(Token::Space)
    }

    fn quoted(&mut self, quote: char, token: Token, unterminated: &str) -> Option<Item> {
        loop {
            match self.bump() {
                Some('\\') if !matches!(self.bump(), None | Some('\n')) => {}
                None | Some('\\' | '\n') => return self.error(unterminated),
                Some(c) if c == quote => return self.emit(token),
                Some(_) => {}
            }
        }
    }

    fn raw(&mut self) -> Option<Item> {
        match self.rest().find('`') {
            Some(length) => {
                self.pos += length + 1;
                self.emit(Token::RawString)
            }
            None => self.error("unterminated raw quoted string"),
        }
    }

    /// A field or a variable; its dot or dollar is read.
    fn name(&mut self, token: Token) -> Option<Item> {
        if self.at_terminator() {
            return self.emit(if token == Token::Variable { token } else { Token::Dot });
        }
        self.word();
        self.end_word(token)
    }

    fn identifier(&mut self) -> Option<Item> {
        self.word();
        let token = match &self.text[self.start..self.pos] {
            "block" => Token::Block,
            "break" if self.breaks => Token::Break,
            "continue" if self.breaks => Token::Continue,
            "define" => Token::Define,
            "else" => Token::Else,
            "end" => Token::End,
            "if" => Token::If,
            "nil" => Token::Nil,
            "range" => Token::Range,
            "template" => Token::Template,
            "with" => Token::With,
            "true" | "false" => Token::Bool,
            _ => Token::Identifier,
        };
        self.end_word(token)
    }

    fn word(&mut self) {
        let rest = self.rest();
        self.pos += rest.find(|c| !is_alphanumeric(c)).unwrap_or(rest.len());
    }

    fn end_word(&mut self, token: Token) -> Option<Item> {
        if self.at_terminator() {
            return self.emit(token);
        }
        let bad = self.rest().chars().next().unwrap_or_default();
        self.error(format!("bad character {}", code_point(bad)))
    }

    fn at_terminator(&self) -> bool {
        self.rest().is_empty()
            || self.rest().starts_with([' ', '\t', '\r', '\n', '.', ',', '|', ':', ')', '('])
            || self.rest().starts_with(RIGHT)
    }

    fn number(&mut self) -> Option<Item> {
        if !self.scan_number() {
            return self.bad_number();
        }
        if self.rest().starts_with(['+', '-']) {
            // Complex: 1+2i; no spaces, and an i at the end.
            if !self.scan_number() || !self.text[..self.pos].ends_with('i') {
                return self.bad_number();
            }
            return self.emit(Token::Complex);
        }
        self.emit(Token::Number)
    }

    fn bad_number(&mut self) -> Option<Item> {
        let text = crate::format::quote(&self.text[self.start..self.pos].into());
        self.error(format!("bad number syntax: {text}"))
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if digits.len() == 11 && self.accept("eE") || digits.len() == 23 && self.accept("pP") {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.rest().starts_with(is_alphanumeric) {
            self.bump();
            return false;
        }
        true
    }
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphabetic() || c.is_numeric()
}

/// `%#U`: the code point, and the character where it prints.
fn code_point(c: char) -> String {
    if c.is_control() { format!("U+{:04X}", c as u32) } else { format!("U+{:04X} '{c}'", c as u32) }
}
