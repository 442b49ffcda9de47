//! Literals: numbers, texts, bytes.

use super::{Parser, Read};
use crate::syntax::ast::{Expr, Kind, Literal};
use crate::syntax::lex::Token;
use crate::syntax::unescape;

impl Parser<'_> {
    pub(super) fn literal(&mut self) -> Read<Expr> {
        let minus = self.next_if(Token::Minus);
        let lexeme = self.advance();
        let start = minus.unwrap_or(lexeme).start;
        let sign = if minus.is_some() { "-" } else { "" };
        let text = self.text(lexeme);
        let read = match lexeme.token {
            Token::True => Ok(Literal::Bool(true)),
            Token::False => Ok(Literal::Bool(false)),
            Token::Null => Ok(Literal::Null),
            Token::Int => int(sign, &text).map(Literal::Int).ok_or("invalid int literal"),
            Token::Uint => uint(&text).map(Literal::Uint).ok_or("invalid uint literal"),
            Token::Float => double(sign, &text).map(Literal::Double).ok_or("invalid double literal"),
            Token::Str => unescape::text(&text).map(|text| Literal::Str(text.into())),
            Token::Bytes => unescape::bytes(&text[1..]).map(|bytes| Literal::Bytes(bytes.into())),
            _ => Err("unknown parse element encountered"),
        };
        let literal = read.unwrap_or_else(|message| {
            self.issues.add(start, message);
            Literal::Null
        });
        Ok(self.node(start, Kind::Literal(literal)))
    }
}

fn int(sign: &str, text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(&format!("{sign}{hex}"), 16).ok(),
        None => format!("{sign}{text}").parse().ok(),
    }
}

fn uint(text: &str) -> Option<u64> {
    let digits = text.strip_suffix(['u', 'U'])?;
    match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}

/// Numbers that are too large are refused; ones too small are zero.
fn double(sign: &str, text: &str) -> Option<f64> {
    format!("{sign}{text}").parse().ok().filter(|number: &f64| number.is_finite())
}
