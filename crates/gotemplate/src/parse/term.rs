//! The parser: commands, operands and constants.

use super::lex::{Item, Token};
use super::node::Expr;
use super::number::{Number, unquote};
use super::parser::Parser;
use super::{Command, Node, ParseError, Tree};

impl Parser<'_> {
    pub(super) fn command(&mut self) -> Result<Command, ParseError> {
        let mut args = Vec::new();
        let pos = self.peek_non_space().pos;
        loop {
            self.peek_non_space();
            args.extend(self.operand()?);
            let item = self.next();
            match item.token {
                Token::Space => continue,
                Token::RightDelim | Token::RightParen => self.backup(),
                Token::Pipe => {}
                _ => return Err(self.unexpected(&item, "operand")),
            }
            break;
        }
        if args.is_empty() { Err(self.error("empty command")) } else { Ok(Command { pos, args }) }
    }

    fn operand(&mut self) -> Result<Option<Expr>, ParseError> {
        let Some(node) = self.term()? else { return Ok(None) };
        let first = self.peek();
        if first.token != Token::Field {
            return Ok(Some(node));
        }
        let mut more = Vec::new();
        while self.peek().token == Token::Field {
            let item = self.next();
            more.push(self.val(&item)[1..].into());
        }
        // An error points to the second field of a chain, as Go's does.
        let pos = first.pos;
        Ok(Some(match node {
            Expr::Field { mut names, .. } => {
                names.append(&mut more);
                Expr::Field { pos, names }
            }
            Expr::Variable { name, mut names, .. } => {
                names.append(&mut more);
                Expr::Variable { pos, name, names }
            }
            Expr::Bool(..) | Expr::Text { .. } | Expr::Number(..) | Expr::Nil(_) | Expr::Dot(_) => {
                let term = crate::format::quote(&node.to_string().into());
                return Err(self.error(format!("unexpected . after term {term}")));
            }
            node => Expr::Chain { pos, node: Box::new(node), names: more },
        }))
    }

    fn term(&mut self) -> Result<Option<Expr>, ParseError> {
        let item = self.next_non_space();
        let (pos, val) = (item.pos, self.val(&item));
        Ok(Some(match item.token {
            Token::Identifier => {
                let id = self.functions.find(val);
                let id = id.ok_or_else(|| self.error(format!("function {} not defined", quoted(val))))?;
                Expr::Function { pos, name: val.into(), id }
            }
            Token::Dot => Expr::Dot(pos),
            Token::Nil => Expr::Nil(pos),
            Token::Variable => self.variable(&item)?,
            Token::Field => Expr::Field { pos, names: vec![val[1..].into()] },
            Token::Bool => Expr::Bool(pos, val == "true"),
            Token::CharConstant | Token::Complex | Token::Number => {
                Expr::Number(pos, Number::parse(val, item.token).map_err(|message| self.error(message))?)
            }
            Token::LeftParen => {
                self.enter()?;
                let pipe = self.pipeline("parenthesized pipeline", Token::RightParen)?;
                self.leave();
                Expr::Pipe(pipe)
            }
            Token::String | Token::RawString => {
                let text = unquote(val).ok_or_else(|| self.error("invalid syntax"))?;
                Expr::Text { pos, quoted: val.into(), text }
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        }))
    }

    fn variable(&self, item: &Item) -> Result<Expr, ParseError> {
        let val = self.val(item);
        match self.variables.iter().find(|name| name.as_ref() == val) {
            Some(name) => Ok(Expr::Variable { pos: item.pos, name: name.clone(), names: Vec::new() }),
            None => Err(self.error(format!("undefined variable {}", quoted(val)))),
        }
    }
}

fn quoted(text: &str) -> String {
    crate::format::quote(&text.into())
}

impl Command {
    pub(super) fn starts_with_constant(&self) -> bool {
        let first = self.args.first();
        matches!(first, Some(Expr::Bool(..) | Expr::Dot(_) | Expr::Nil(_) | Expr::Number(..) | Expr::Text { .. }))
    }
}

impl Tree {
    /// Whether it is nothing but space (and definitions).
    pub(crate) fn is_empty(&self) -> bool {
        self.root.iter().all(|node| match node {
            Node::Text { pos, end } => self.source.text.get(*pos..*end).is_none_or(|text| text.trim().is_empty()),
            _ => false,
        })
    }
}
