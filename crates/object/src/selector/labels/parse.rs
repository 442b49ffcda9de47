//! The grammar of label selectors in text form.

use super::{Operator, ParseError, Requirement, invalid};
use crate::field::Path;
use crate::names::is_qualified_name;
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    End,
    Close,
    Comma,
    Not,
    DoubleEquals,
    Equals,
    Greater,
    Identifier,
    In,
    Less,
    NotEquals,
    NotIn,
    Open,
}

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, ParseError> {
    let mut parser = Parser { tokens: scan(text), position: 0 };
    parser.requirements()
}

/// Cuts a text into tokens; the last one is the end. A NUL byte ends a word, and the text where a word could begin.
fn scan(text: &str) -> Vec<(Token, &str)> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let (token, length) = next_token(rest);
        tokens.push((token, &rest[..length]));
        if token == Token::End {
            return tokens;
        }
        rest = &rest[length..];
        if token == Token::Identifier {
            rest = rest.strip_prefix('\0').unwrap_or(rest);
        }
    }
}

fn next_token(rest: &str) -> (Token, usize) {
    let two = rest.as_bytes().get(1) == Some(&b'=');
    match rest.as_bytes().first() {
        None | Some(0) => (Token::End, 0),
        Some(b')') => (Token::Close, 1),
        Some(b'(') => (Token::Open, 1),
        Some(b',') => (Token::Comma, 1),
        Some(b'>') => (Token::Greater, 1),
        Some(b'<') => (Token::Less, 1),
        Some(b'!') if two => (Token::NotEquals, 2),
        Some(b'!') => (Token::Not, 1),
        Some(b'=') if two => (Token::DoubleEquals, 2),
        Some(b'=') => (Token::Equals, 1),
        Some(_) => {
            let ends = |c: char| "=!(),>< \t\r\n\0".contains(c);
            let length = rest.find(ends).unwrap_or(rest.len());
            match &rest[..length] {
                "in" => (Token::In, length),
                "notin" => (Token::NotIn, length),
                _ => (Token::Identifier, length),
            }
        }
    }
}

struct Parser<'a> {
    /// Ends with [`Token::End`].
    tokens: Vec<(Token, &'a str)>,
    position: usize,
}

impl<'a> Parser<'a> {
    /// The next token, where `in` and `notin` are words like any other.
    fn peek(&self) -> (Token, &'a str) {
        let (token, text) = self.peek_operator();
        let token = if matches!(token, Token::In | Token::NotIn) { Token::Identifier } else { token };
        (token, text)
    }

    fn peek_operator(&self) -> (Token, &'a str) {
        self.tokens.get(self.position).copied().unwrap_or((Token::End, ""))
    }

    fn take(&mut self) -> (Token, &'a str) {
        let next = self.peek();
        self.position += 1;
        next
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, ParseError> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                (Token::Identifier | Token::Not, _) => {}
                (Token::End, _) => return Ok(requirements),
                (_, text) => return error(format!("found '{text}', expected: !, identifier, or 'end of string'")),
            }
            let requirement = self.requirement();
            requirements
                .push(requirement.map_err(|why| ParseError(format!("unable to parse requirement: {}", why.0)))?);
            match self.take() {
                (Token::End, _) => return Ok(requirements),
                (Token::Comma, _) => match self.peek() {
                    (Token::Identifier | Token::Not, _) => {}
                    (_, text) => return error(format!("found '{text}', expected: identifier after ','")),
                },
                (_, text) => return error(format!("found '{text}', expected: ',' or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, ParseError> {
        let (mut token, mut key) = self.take();
        let negated = token == Token::Not;
        if negated {
            (token, key) = self.take();
        }
        if token != Token::Identifier {
            return error(format!("found '{key}', expected: identifier"));
        }
        if let Some(why) = invalid(&Path::root(), key, is_qualified_name(key)) {
            return error(why.to_string());
        }
        if negated {
            return Requirement::new(key, Operator::DoesNotExist, None);
        }
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Requirement::new(key, Operator::Exists, None);
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => BTreeSet::from([self.exact_value()?]),
        };
        Requirement::new(key, operator, Some(values.into_iter().map(str::to_owned).collect()))
    }

    fn operator(&mut self) -> Result<Operator, ParseError> {
        let (token, text) = self.peek_operator();
        self.position += 1;
        match token {
            Token::In => Ok(Operator::In),
            Token::NotIn => Ok(Operator::NotIn),
            Token::Equals => Ok(Operator::Equals),
            Token::DoubleEquals => Ok(Operator::DoubleEquals),
            Token::NotEquals => Ok(Operator::NotEquals),
            Token::Greater => Ok(Operator::GreaterThan),
            Token::Less => Ok(Operator::LessThan),
            _ => error(format!("found '{text}', expected: in, notin, =, ==, !=, gt, lt")),
        }
    }

    /// `(a,b)`
    fn values(&mut self) -> Result<BTreeSet<&'a str>, ParseError> {
        let (token, text) = self.take();
        if token != Token::Open {
            return error(format!("found '{text}' expected: '('"));
        }
        match self.peek() {
            (Token::Identifier | Token::Comma, _) => {
                let values = self.identifiers()?;
                self.position += 1; // the closing parenthesis, which ended the list
                Ok(values)
            }
            (Token::Close, _) => {
                self.position += 1;
                Ok(BTreeSet::from([""]))
            }
            (_, text) => error(format!("found '{text}', expected: ',', ')' or identifier")),
        }
    }

    /// `a,b` up to a closing parenthesis; between two commas stands an empty value.
    fn identifiers(&mut self) -> Result<BTreeSet<&'a str>, ParseError> {
        let mut values = BTreeSet::new();
        loop {
            match self.take() {
                (Token::Identifier, text) => {
                    values.insert(text);
                    match self.peek() {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => return Ok(values),
                        (_, text) => return error(format!("found '{text}', expected: ',' or ')'")),
                    }
                }
                (Token::Comma, _) => {
                    let next = self.peek().0;
                    if values.is_empty() || matches!(next, Token::Close | Token::Comma) {
                        values.insert("");
                    }
                    if next == Token::Close {
                        return Ok(values);
                    }
                }
                (_, text) => return error(format!("found '{text}', expected: ',', or identifier")),
            }
        }
    }

    fn exact_value(&mut self) -> Result<&'a str, ParseError> {
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Ok("");
        }
        match self.take() {
            (Token::Identifier, text) => Ok(text),
            (_, text) => error(format!("found '{text}', expected: identifier")),
        }
    }
}

fn error<T>(text: String) -> Result<T, ParseError> {
    Err(ParseError(text))
}
