//! The grammar, by hand, with the messages and the small repairs of the reference implementation's generated parser: a
//! token too many is skipped and one too few supposed, if that makes sense of what follows; otherwise reading ends.

mod literals;
mod nodes;

use super::ast::{Call, Entry, Expr, Field, Id, Item, Kind, Literal, Select};
use super::lex::{Lexeme, Set, Token, escape_white, lex};
use super::macros::{self, Expanded};
use super::names::RESERVED;
use crate::issues::{Issues, Source};
pub(super) use nodes::Nodes;

/// How deep expressions may nest.
const MAX_DEPTH: usize = 250;
/// How long they may be, in characters.
const MAX_SIZE: usize = 100_000;

/// A tree and where its nodes stand.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) root: Expr,
    /// By [`Id`]: the offset in characters.
    pub(crate) offsets: Vec<usize>,
}

/// Reads an expression.
pub(crate) fn parse(source: &Source, bindings: bool) -> Result<Parsed, Issues> {
    let mut issues = Issues::default();
    if source.chars.len() > MAX_SIZE {
        let size = source.chars.len();
        issues.add_overall(format!("expression code point size exceeds limit: size: {size}, limit {MAX_SIZE}"));
        return Err(issues);
    }
    let tokens = lex(&source.chars, &mut issues);
    let nodes = Nodes::new(bindings);
    let mut parser = Parser { chars: &source.chars, tokens, at: 0, nodes, issues, closers: Vec::new(), depth: 0 };
    let root = parser.start();
    match root {
        Ok(root) if parser.issues.is_empty() => Ok(Parsed { root, offsets: parser.nodes.offsets }),
        _ => Err(parser.issues),
    }
}

/// What an expression can begin with.
const STARTERS: Set = Set::of(&[Token::Not]).and(MEMBER_STARTERS);
const MEMBER_STARTERS: Set = Set::of(&[
    Token::OpenBracket,
    Token::OpenBrace,
    Token::OpenParen,
    Token::Dot,
    Token::Minus,
    Token::True,
    Token::False,
    Token::Null,
    Token::Float,
    Token::Int,
    Token::Uint,
    Token::Str,
    Token::Bytes,
    Token::Ident,
]);
const NOTHING: Set = Set::of(&[]);
/// What can stand behind a whole operand wherever it is.
const OPERATORS: Set = Set::of(&[
    Token::Equals,
    Token::NotEquals,
    Token::In,
    Token::Less,
    Token::LessEquals,
    Token::GreaterEquals,
    Token::Greater,
    Token::And,
    Token::Or,
    Token::OpenBracket,
    Token::Dot,
    Token::Minus,
    Token::Question,
    Token::Plus,
    Token::Star,
    Token::Slash,
    Token::Percent,
]);

/// Reading ended at an issue that was noted.
struct Stop;

type Read<T> = Result<T, Stop>;

struct Parser<'s> {
    chars: &'s [char],
    tokens: Vec<Lexeme>,
    at: usize,
    nodes: Nodes,
    issues: Issues,
    /// What closes the brackets that are open.
    closers: Vec<Token>,
    depth: usize,
}

// === where we are ===

impl Parser<'_> {
    fn now(&self) -> Lexeme {
        self.tokens[self.at]
    }

    fn peek(&self, ahead: usize) -> Token {
        self.tokens.get(self.at + ahead).map_or(Token::End, |lexeme| lexeme.token)
    }

    fn advance(&mut self) -> Lexeme {
        let lexeme = self.now();
        if lexeme.token != Token::End {
            self.at += 1;
        }
        lexeme
    }

    fn next_if(&mut self, token: Token) -> Option<Lexeme> {
        (self.now().token == token).then(|| self.advance())
    }

    fn text(&self, lexeme: Lexeme) -> String {
        self.chars[lexeme.start..lexeme.end].iter().collect()
    }

    fn quoted(&self, lexeme: Lexeme) -> String {
        let text = if lexeme.token == Token::End { "<EOF>".to_owned() } else { escape_white(&self.text(lexeme)) };
        format!("'{text}'")
    }

    fn syntax(&mut self, at: usize, message: &str) {
        self.issues.add(at, format!("Syntax error: {message}"));
    }

    /// Makes sure that one of these comes next, if need be by skipping one token.
    fn sync(&mut self, wanted: Set) -> Read<()> {
        let lexeme = self.now();
        if wanted.has(lexeme.token) {
            return Ok(());
        }
        let text = self.quoted(lexeme);
        if lexeme.token != Token::End && wanted.has(self.peek(1)) {
            self.syntax(lexeme.start, &format!("extraneous input {text} expecting {}", wanted.show()));
            self.advance();
            return Ok(());
        }
        self.syntax(lexeme.start, &format!("mismatched input {text} expecting {}", wanted.show()));
        Err(Stop)
    }

    /// Takes a token that has to come next.
    fn expect(&mut self, token: Token) -> Read<Lexeme> {
        let lexeme = self.now();
        if lexeme.token == token {
            return Ok(self.advance());
        }
        let (text, wanted) = (self.quoted(lexeme), Set::of(&[token]).show());
        if lexeme.token != Token::End && self.peek(1) == token {
            self.syntax(lexeme.start, &format!("extraneous input {text} expecting {wanted}"));
            self.advance();
            return Ok(self.advance());
        }
        let is_left_out = match token {
            Token::Colon => STARTERS.has(lexeme.token),
            _ => self.closers.last() == Some(&token) && self.may_follow(lexeme.token),
        };
        if is_left_out {
            self.syntax(lexeme.start, &format!("missing {wanted} at {text}"));
            return Ok(lexeme);
        }
        self.syntax(lexeme.start, &format!("mismatched input {text} expecting {wanted}"));
        Err(Stop)
    }

    /// Whether a token could stand behind the innermost bracket, were it closed.
    fn may_follow(&self, token: Token) -> bool {
        let outer = self.closers.len().checked_sub(2).and_then(|at| self.closers.get(at));
        OPERATORS.has(token) || outer.map_or(token == Token::End, |closer| *closer == token || token == Token::Comma)
    }

    fn close(&mut self, token: Token) -> Read<Lexeme> {
        let closed = self.expect(token);
        self.closers.pop();
        closed
    }

    fn node(&mut self, offset: usize, kind: Kind) -> Expr {
        self.nodes.make(offset, kind)
    }

    fn check_depth(&mut self, expr: &Expr) -> Read<()> {
        if self.nodes.depth(expr) > MAX_DEPTH {
            self.issues.add_overall("max recursion depth exceeded");
            return Err(Stop);
        }
        Ok(())
    }
}

// === operators ===

impl Parser<'_> {
    fn start(&mut self) -> Read<Expr> {
        let root = self.expr(NOTHING)?;
        self.check_depth(&root)?;
        self.expect(Token::End)?;
        Ok(root)
    }

    /// An expression; `also` is what could have stood in its place.
    fn expr(&mut self, also: Set) -> Read<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.issues.add_overall(format!("expression recursion limit exceeded: {MAX_DEPTH}"));
            return Err(Stop);
        }
        let condition = self.logical(Token::Or, also)?;
        let expr = match self.next_if(Token::Question) {
            None => condition,
            Some(op) => {
                let yes = self.logical(Token::Or, NOTHING)?;
                self.expect(Token::Colon)?;
                let no = self.expr(NOTHING)?;
                self.call(op.start, "_?_:_", vec![condition, yes, no])
            }
        };
        self.depth -= 1;
        Ok(expr)
    }

    /// `a || b || …`, or the same with `&&`.
    fn logical(&mut self, operator: Token, also: Set) -> Read<Expr> {
        let operand = |parser: &mut Self, also| match operator {
            Token::Or => parser.logical(Token::And, also),
            _ => parser.binary(1, also),
        };
        let mut terms = vec![operand(self, also)?];
        let mut offsets = Vec::new();
        while let Some(op) = self.next_if(operator) {
            offsets.push(op.start);
            terms.push(operand(self, NOTHING)?);
        }
        let function = if operator == Token::Or { "_||_" } else { "_&&_" };
        let mut terms = terms.into_iter();
        self.balanced(function, &offsets, &mut terms)
    }

    /// A chain as a tree that is as flat as it can be.
    fn balanced(&mut self, function: &str, offsets: &[usize], terms: &mut std::vec::IntoIter<Expr>) -> Read<Expr> {
        let Some(offset) = offsets.get(offsets.len() / 2) else {
            return terms.next().ok_or(Stop);
        };
        let middle = offsets.len() / 2;
        let left = self.balanced(function, &offsets[..middle], terms)?;
        let right = self.balanced(function, &offsets[middle + 1..], terms)?;
        Ok(self.call(*offset, function, vec![left, right]))
    }

    /// Operators that bind at least as strongly as `least`.
    fn binary(&mut self, least: u8, also: Set) -> Read<Expr> {
        let mut left = self.unary(also)?;
        while let Some((function, strength)) = binary_operator(self.now().token).filter(|(_, s)| *s >= least) {
            let op = self.advance();
            let right = self.binary(strength + 1, NOTHING)?;
            left = self.call(op.start, function, vec![left, right]);
            self.check_depth(&left)?;
        }
        Ok(left)
    }

    fn unary(&mut self, also: Set) -> Read<Expr> {
        self.sync(STARTERS.and(also))?;
        let first = self.now();
        let (function, operator, starters) = match first.token {
            Token::Not => ("!_", Token::Not, STARTERS),
            Token::Minus => ("-_", Token::Minus, MEMBER_STARTERS),
            _ => return self.member(),
        };
        let mut count = 0;
        while self.now().token == operator {
            if operator == Token::Minus && count == 0 && matches!(self.peek(1), Token::Int | Token::Float) {
                return self.member();
            }
            self.advance();
            count += 1;
        }
        self.sync(starters)?;
        let operand = self.member()?;
        Ok(if count % 2 == 0 { operand } else { self.call(first.start, function, vec![operand]) })
    }

    fn call(&mut self, offset: usize, function: &str, args: Vec<Expr>) -> Expr {
        let call = Call { function: function.to_owned(), target: None, args };
        self.node(offset, Kind::Call(Box::new(call)))
    }
}

fn binary_operator(token: Token) -> Option<(&'static str, u8)> {
    Some(match token {
        Token::Less => ("_<_", 1),
        Token::LessEquals => ("_<=_", 1),
        Token::GreaterEquals => ("_>=_", 1),
        Token::Greater => ("_>_", 1),
        Token::Equals => ("_==_", 1),
        Token::NotEquals => ("_!=_", 1),
        Token::In => ("@in", 1),
        Token::Plus => ("_+_", 2),
        Token::Minus => ("_-_", 2),
        Token::Star => ("_*_", 3),
        Token::Slash => ("_/_", 3),
        Token::Percent => ("_%_", 3),
        _ => return None,
    })
}

// === operands ===

impl Parser<'_> {
    /// An operand with all that is selected from it or called on it.
    fn member(&mut self) -> Read<Expr> {
        let mut expr = self.primary()?;
        loop {
            expr = match self.now().token {
                Token::Dot => self.dotted(expr)?,
                Token::OpenBracket => self.index(expr)?,
                _ => return Ok(expr),
            };
            self.check_depth(&expr)?;
        }
    }

    fn dotted(&mut self, operand: Expr) -> Read<Expr> {
        let dot = self.advance();
        let optional = self.next_if(Token::Question).is_some();
        let name = self.now();
        if !matches!(name.token, Token::Ident | Token::Escaped) {
            return self.no_field(dot, name, optional);
        }
        self.advance();
        if name.token == Token::Escaped {
            self.issues.add(name.start, "unsupported syntax: '`'");
        }
        if !optional && name.token == Token::Ident && self.now().token == Token::OpenParen {
            let open = self.now();
            let args = self.args()?;
            return self.invoke(open.start, self.text(name), Some(operand), args);
        }
        let field = self.text(name);
        if optional {
            let literal = self.node(name.start, Kind::Literal(Literal::Str(field.into())));
            return Ok(self.call(dot.start, "_?._", vec![operand, literal]));
        }
        Ok(self.node(dot.start, Kind::Select(Box::new(Select { operand, field, test: false }))))
    }

    fn no_field(&mut self, dot: Lexeme, found: Lexeme, optional: bool) -> Read<Expr> {
        let text = self.quoted(found);
        let message = if optional {
            format!("mismatched input {text} expecting {{IDENTIFIER, ESC_IDENTIFIER}}")
        } else if matches!(found.token, Token::True | Token::False | Token::Null) && found.start == dot.end {
            format!("mismatched input {text} expecting IDENTIFIER")
        } else {
            let end = if found.token == Token::End { dot.end } else { found.end };
            let read: String = self.chars[dot.start..end].iter().collect();
            format!("no viable alternative at input '{}'", escape_white(&read))
        };
        self.syntax(found.start, &message);
        Err(Stop)
    }

    fn index(&mut self, operand: Expr) -> Read<Expr> {
        let open = self.advance();
        self.closers.push(Token::CloseBracket);
        let optional = self.next_if(Token::Question).is_some();
        let index = self.expr(if optional { NOTHING } else { Set::of(&[Token::Question]) })?;
        self.close(Token::CloseBracket)?;
        let function = if optional { "_[?_]" } else { "_[_]" };
        Ok(self.call(open.start, function, vec![operand, index]))
    }

    /// `(a, b)`
    fn args(&mut self) -> Read<Vec<Expr>> {
        self.advance();
        self.closers.push(Token::CloseParen);
        let mut args = Vec::new();
        if self.now().token != Token::CloseParen {
            self.sync(STARTERS.and(Set::of(&[Token::CloseParen])))?;
        }
        if self.now().token != Token::CloseParen {
            args.push(self.expr(NOTHING)?);
            while self.next_if(Token::Comma).is_some() {
                args.push(self.expr(NOTHING)?);
            }
        }
        self.close(Token::CloseParen)?;
        Ok(args)
    }

    /// A call, or what a macro of that name makes of it.
    fn invoke(&mut self, offset: usize, function: String, target: Option<Expr>, args: Vec<Expr>) -> Read<Expr> {
        match macros::expand(&mut self.nodes, offset, &function, target, args) {
            Expanded::Expr(expr) => Ok(expr),
            Expanded::Not { target, args } => {
                Ok(self.node(offset, Kind::Call(Box::new(Call { function, target, args }))))
            }
            Expanded::Wrong { at, message } => {
                let place = self.nodes.offsets[at as usize];
                self.issues.add(place, message);
                Ok(self.node(place, Kind::Literal(Literal::Null)))
            }
        }
    }

    fn primary(&mut self) -> Read<Expr> {
        let lexeme = self.now();
        match lexeme.token {
            Token::Dot | Token::Ident => self.named(),
            Token::OpenParen => {
                self.advance();
                self.closers.push(Token::CloseParen);
                let expr = self.expr(NOTHING)?;
                self.close(Token::CloseParen)?;
                Ok(expr)
            }
            Token::OpenBracket => self.list(),
            Token::OpenBrace => self.map(),
            _ => self.literal(),
        }
    }

    fn named(&mut self) -> Read<Expr> {
        if let Some(name) = self.struct_name() {
            return self.structure(name);
        }
        let dot = self.next_if(Token::Dot);
        let name = self.expect(Token::Ident)?;
        let text = self.text(name);
        if RESERVED.contains(&text.as_str()) {
            self.issues.add(dot.unwrap_or(name).start, format!("reserved identifier: {text}"));
        }
        let text = if dot.is_some() { format!(".{text}") } else { text };
        if self.now().token == Token::OpenParen {
            let open = self.now();
            let args = self.args()?;
            return self.invoke(open.start, text, None, args);
        }
        Ok(self.node(name.start, Kind::Ident(text)))
    }

    /// The name in `name.of.type{`, if that is what comes.
    fn struct_name(&mut self) -> Option<String> {
        let leading = usize::from(self.now().token == Token::Dot);
        let mut ahead = leading;
        while self.peek(ahead) == Token::Ident && self.peek(ahead + 1) == Token::Dot {
            ahead += 2;
        }
        if self.peek(ahead) != Token::Ident || self.peek(ahead + 1) != Token::OpenBrace {
            return None;
        }
        let parts = &self.tokens[self.at..=self.at + ahead];
        let name = parts.iter().map(|part| self.text(*part)).collect();
        self.at += ahead + 1;
        Some(name)
    }

    fn list(&mut self) -> Read<Expr> {
        let open = self.advance();
        let others = Set::of(&[Token::CloseBracket, Token::Comma, Token::Question]);
        let items = self.members(Token::CloseBracket, others, STARTERS, |parser, also| {
            let optional = parser.next_if(Token::Question).is_some();
            let value = parser.expr(if optional { NOTHING } else { also })?;
            Ok(Item { value, optional })
        })?;
        Ok(self.node(open.start, Kind::List(items)))
    }

    fn map(&mut self) -> Read<Expr> {
        let open = self.advance();
        let others = Set::of(&[Token::CloseBrace, Token::Comma, Token::Question]);
        let entries = self.members(Token::CloseBrace, others, STARTERS, |parser, also| {
            let optional = parser.next_if(Token::Question).is_some();
            let key = parser.expr(if optional { NOTHING } else { also })?;
            parser.expect(Token::Colon)?;
            let value = parser.expr(NOTHING)?;
            Ok(Entry { key, value, optional })
        })?;
        Ok(self.node(open.start, Kind::Map(entries)))
    }

    fn structure(&mut self, name: String) -> Read<Expr> {
        let open = self.advance();
        let others = Set::of(&[Token::CloseBrace, Token::Comma, Token::Question]);
        let names = Set::of(&[Token::Ident, Token::Escaped]);
        let fields = self.members(Token::CloseBrace, others, names, |parser, also| {
            let optional = parser.next_if(Token::Question).is_some();
            parser.sync(if optional { names } else { names.and(also) })?;
            let field = parser.advance();
            let colon = parser.expect(Token::Colon)?;
            let value = parser.expr(NOTHING)?;
            let id = parser.nodes.id(colon.start);
            if field.token == Token::Escaped {
                parser.issues.add(field.start, "unsupported syntax: '`'");
            }
            Ok(Field { id, name: parser.text(field), value, optional })
        })?;
        Ok(self.node(open.start, Kind::Struct { name, fields }))
    }

    /// Members between brackets, with commas between them and perhaps behind the last. `first` is what a member can
    /// begin with, `others` what could stand in the place of the first one.
    fn members<T>(
        &mut self,
        closer: Token,
        others: Set,
        first: Set,
        read: impl Fn(&mut Self, Set) -> Read<T>,
    ) -> Read<Vec<T>> {
        self.closers.push(closer);
        let first = first.and(Set::of(&[Token::Question]));
        let mut members = Vec::new();
        if self.now().token != Token::Comma && self.now().token != closer {
            members.push(read(self, others)?);
            while self.now().token == Token::Comma && first.has(self.peek(1)) {
                self.advance();
                members.push(read(self, Set::of(&[Token::Question]))?);
            }
        }
        if self.next_if(Token::Comma).is_none() && self.now().token != closer {
            self.sync(Set::of(&[closer, Token::Comma]))?;
        }
        self.close(closer)?;
        Ok(members)
    }
}

/// The identifier of a node that a macro's message is about.
pub(super) type Place = Id;
