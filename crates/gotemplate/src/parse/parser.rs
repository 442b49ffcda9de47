//! The parser: control structures and pipelines.
//!
//! It looks ahead up to three tokens with Go's bookkeeping, because the line in an error message is the line of the
//! token that was read last.

use std::rc::Rc;

use super::lex::{Item, Lexer, Token};
use super::{Branch, BranchKind, Command, Node, ParseError, Pipe, Source, Tree};
use crate::func::Functions;

/// How deep control structures and parentheses may nest together.
const MAX_DEPTH: usize = 2_000;

pub(super) struct Parser<'s> {
    pub(super) source: Rc<Source>,
    lexer: Lexer<'s>,
    text: &'s str,
    pub(super) functions: &'s Functions,
    tokens: [Item; 3],
    peeked: usize,
    pub(super) variables: Vec<Rc<str>>,
    trees: Vec<Rc<Tree>>,
    action_line: usize,
    range_depth: usize,
    depth: usize,
}

/// How a list of nodes ended.
enum Ending {
    End,
    Else,
}

type Parsed<T> = Result<T, ParseError>;

impl<'s> Parser<'s> {
    pub(super) fn new(name: &str, text: &'s str, functions: &'s Functions) -> Self {
        let none = Item { token: Token::Eof, pos: 0, end: 0, line: 1, message: String::new() };
        Self {
            source: Rc::new(Source { name: name.into(), text: text.into() }),
            // `break` and `continue` are keywords, unless functions have those names.
            lexer: Lexer::new(text, functions.find("break").is_none() && functions.find("continue").is_none()),
            text,
            functions,
            tokens: [none.clone(), none.clone(), none],
            peeked: 0,
            variables: vec!["$".into()],
            trees: Vec::new(),
            action_line: 0,
            range_depth: 0,
            depth: 0,
        }
    }

    pub(super) fn run(mut self) -> Parsed<Vec<Rc<Tree>>> {
        let source = Rc::clone(&self.source);
        let root = self.top()?;
        let name = Rc::clone(&source.name);
        self.add(name, root)?;
        Ok(self.trees)
    }

    /// The text of a token.
    pub(super) fn val(&self, item: &Item) -> &'s str {
        &self.text[item.pos..item.end]
    }

    pub(super) fn next(&mut self) -> Item {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.tokens[0] = self.lexer.item();
        }
        self.tokens[self.peeked].clone()
    }

    pub(super) fn backup(&mut self) {
        self.peeked += 1;
    }

    pub(super) fn peek(&mut self) -> Item {
        if self.peeked == 0 {
            self.peeked = 1;
            self.tokens[0] = self.lexer.item();
        }
        self.tokens[self.peeked - 1].clone()
    }

    pub(super) fn next_non_space(&mut self) -> Item {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    pub(super) fn peek_non_space(&mut self) -> Item {
        let item = self.next_non_space();
        self.backup();
        item
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError { name: self.source.name.to_string(), line: self.tokens[0].line, message: message.into() }
    }

    pub(super) fn unexpected(&self, item: &Item, context: &str) -> ParseError {
        if item.token != Token::Error {
            return self.error(format!("unexpected {} in {context}", self.show(item)));
        }
        if self.action_line == 0 || self.action_line == item.line {
            return self.error(item.message.clone());
        }
        let place = format!(" in action started at {}:{}", self.source.name, self.action_line);
        let place = if item.message.ends_with(" action") { &place[" in action".len()..] } else { &place };
        self.error(format!("{}{place}", item.message))
    }

    fn show(&self, item: &Item) -> String {
        let text = self.val(item);
        match item.token {
            Token::Eof => "EOF".to_owned(),
            Token::Error => item.message.clone(),
            token if token.is_keyword() => format!("<{text}>"),
            _ if text.len() > 10 => {
                let short: String = text.chars().take(10).collect();
                format!("{}...", crate::format::quote(&short.into()))
            }
            _ => crate::format::quote(&text.into()),
        }
    }

    pub(super) fn expect(&mut self, token: Token, context: &str) -> Parsed<Item> {
        let item = self.next_non_space();
        if item.token == token { Ok(item) } else { Err(self.unexpected(&item, context)) }
    }

    /// Counts the nesting; every call has its [`leave`](Self::leave).
    pub(super) fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.error("max expression depth exceeded")) } else { Ok(()) }
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    fn top(&mut self) -> Parsed<Vec<Node>> {
        let mut root = Vec::new();
        while self.peek().token != Token::Eof {
            if self.peek().token == Token::LeftDelim {
                let delim = self.next();
                let word = self.next_non_space();
                if word.token == Token::Define {
                    self.definition()?;
                    continue;
                }
                self.tokens[0] = word;
                self.tokens[1] = delim;
                self.peeked = 2;
            }
            match self.text_or_action()? {
                Ok(node) => root.extend(node),
                Err(Ending::End) => return Err(self.error("unexpected {{end}}")),
                Err(Ending::Else) => return Err(self.error("unexpected {{else}}")),
            }
        }
        Ok(root)
    }

    /// `{{define "name"}} … {{end}}`; the keyword is read.
    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        self.expect(Token::RightDelim, CONTEXT)?;
        let root = self.nested_body(CONTEXT)?;
        self.add(name, root)
    }

    /// The body of a `define` or `block`, which sees no variable from outside.
    fn nested_body(&mut self, context: &str) -> Parsed<Vec<Node>> {
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.range_depth);
        let (root, ending) = self.list()?;
        if let Ending::Else = ending {
            return Err(self.error(format!("unexpected {{{{else}}}} in {context}")));
        }
        self.variables = outer;
        self.range_depth = ranges;
        Ok(root)
    }

    /// Adds a tree; of two with one name, an empty one gives way.
    fn add(&mut self, name: Rc<str>, root: Vec<Node>) -> Parsed<()> {
        let tree = Rc::new(Tree { name: Rc::clone(&name), source: Rc::clone(&self.source), root });
        match self.trees.iter_mut().find(|tree| tree.name == name) {
            None => self.trees.push(tree),
            Some(old) if old.is_empty() => *old = tree,
            Some(_) if tree.is_empty() => {}
            Some(_) => {
                let name = crate::format::quote(&name.into());
                return Err(self.error(format!("template: multiple definition of template {name}")));
            }
        }
        Ok(())
    }

    fn list(&mut self) -> Parsed<(Vec<Node>, Ending)> {
        self.enter()?;
        let mut list = Vec::new();
        while self.peek_non_space().token != Token::Eof {
            match self.text_or_action()? {
                Ok(node) => list.extend(node),
                Err(ending) => {
                    self.leave();
                    return Ok((list, ending));
                }
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Parsed<Result<Option<Node>, Ending>> {
        let item = self.next_non_space();
        match item.token {
            Token::Text => Ok(Ok(Some(Node::Text { pos: item.pos, end: item.end }))),
            Token::LeftDelim => {
                self.action_line = item.line;
                let action = self.action();
                if action.is_ok() {
                    self.action_line = 0;
                }
                action
            }
            _ => Err(self.unexpected(&item, "input")),
        }
    }

    fn action(&mut self) -> Parsed<Result<Option<Node>, Ending>> {
        let item = self.next_non_space();
        let node = match item.token {
            Token::Block => self.block()?,
            Token::Break | Token::Continue => self.jump(&item)?,
            Token::Else => return self.otherwise().map(|()| Err(Ending::Else)),
            Token::End => return self.expect(Token::RightDelim, "end").map(|_| Err(Ending::End)),
            Token::If => self.control(BranchKind::If, &item)?,
            Token::Range => self.control(BranchKind::Range, &item)?,
            Token::Template => self.template()?,
            Token::With => self.control(BranchKind::With, &item)?,
            _ => {
                self.backup();
                Node::Action(self.pipeline("command", Token::RightDelim)?)
            }
        };
        Ok(Ok(Some(node)))
    }

    fn jump(&mut self, word: &Item) -> Parsed<Node> {
        let text = format!("{{{{{}}}}}", self.val(word));
        let item = self.next_non_space();
        if item.token != Token::RightDelim {
            return Err(self.unexpected(&item, &text));
        }
        if self.range_depth == 0 {
            return Err(self.error(format!("{text} outside {{{{range}}}}")));
        }
        Ok(if word.token == Token::Break { Node::Break(word.pos) } else { Node::Continue(word.pos) })
    }

    /// After `else`: the closing delimiter, or an `if` or `with` that is left for the control structure to see.
    fn otherwise(&mut self) -> Parsed<()> {
        if matches!(self.peek_non_space().token, Token::If | Token::With) {
            return Ok(());
        }
        self.expect(Token::RightDelim, "else").map(|_| ())
    }

    fn control(&mut self, kind: BranchKind, word: &Item) -> Parsed<Node> {
        let context = self.val(word);
        let outer = self.variables.len();
        let pipe = self.pipeline(context, Token::RightDelim)?;
        self.range_depth += usize::from(kind == BranchKind::Range);
        let (list, ending) = self.list()?;
        self.range_depth -= usize::from(kind == BranchKind::Range);
        let other = match ending {
            Ending::End => None,
            Ending::Else => Some(self.else_list(kind)?),
        };
        self.variables.truncate(outer);
        Ok(Node::Branch(Box::new(Branch { kind, pos: pipe.pos, pipe, list, other })))
    }

    fn else_list(&mut self, kind: BranchKind) -> Parsed<Vec<Node>> {
        let next = self.peek();
        let chained = match next.token {
            Token::If => kind == BranchKind::If,
            Token::With => kind == BranchKind::With,
            _ => false,
        };
        if chained {
            // One end closes the whole chain.
            self.enter()?;
            let word = self.next();
            let node = self.control(kind, &word)?;
            self.leave();
            return Ok(vec![node]);
        }
        match self.list()? {
            (list, Ending::End) => Ok(list),
            (_, Ending::Else) => Err(self.error("expected end; found {{else}}")),
        }
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Token::RightDelim)?;
        let root = self.nested_body(CONTEXT)?;
        self.add(Rc::clone(&name), root)?;
        Ok(Node::Template { pos: item.pos, name, pipe: Some(pipe) })
    }

    fn template(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let mut pipe = None;
        if self.next_non_space().token != Token::RightDelim {
            self.backup();
            pipe = Some(self.pipeline(CONTEXT, Token::RightDelim)?);
        }
        Ok(Node::Template { pos: item.pos, name, pipe })
    }

    fn template_name(&mut self, item: &Item, context: &str) -> Parsed<Rc<str>> {
        if !matches!(item.token, Token::String | Token::RawString) {
            return Err(self.unexpected(item, context));
        }
        let name = super::number::unquote(self.val(item)).ok_or_else(|| self.error("invalid syntax"))?;
        Ok(name.shared())
    }

    pub(super) fn pipeline(&mut self, context: &str, end: Token) -> Parsed<Pipe> {
        let pos = self.peek_non_space().pos;
        let mut pipe = Pipe { pos, assign: false, decl: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let item = self.next_non_space();
            match item.token {
                token if token == end => {
                    self.check_pipeline(&pipe, context)?;
                    return Ok(pipe);
                }
                Token::Bool
                | Token::CharConstant
                | Token::Complex
                | Token::Dot
                | Token::Field
                | Token::Identifier
                | Token::Number
                | Token::Nil
                | Token::RawString
                | Token::String
                | Token::Variable
                | Token::LeftParen => {
                    self.backup();
                    pipe.commands.push(self.command()?);
                }
                _ => return Err(self.unexpected(&item, context)),
            }
        }
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            let variable = self.peek_non_space();
            if variable.token != Token::Variable {
                return Ok(());
            }
            self.next();
            // "$x foo" takes three tokens to tell from "$x := foo".
            let after = self.peek();
            let next = self.peek_non_space();
            let comma = next.token == Token::Char && self.val(&next) == ",";
            if !comma && !matches!(next.token, Token::Assign | Token::Declare) {
                if after.token == Token::Space {
                    self.tokens[1] = after;
                    self.tokens[2] = variable;
                    self.peeked = 3;
                } else {
                    self.tokens[1] = variable;
                    self.peeked = 2;
                }
                return Ok(());
            }
            self.next_non_space();
            let name: Rc<str> = self.val(&variable).into();
            pipe.decl.push(Rc::clone(&name));
            self.variables.push(name);
            if !comma {
                pipe.assign = next.token == Token::Assign;
                return Ok(());
            }
            if context != "range" || pipe.decl.len() >= 2 {
                return Err(self.error(format!("too many declarations in {context}")));
            }
            if !matches!(self.peek_non_space().token, Token::Variable | Token::RightDelim | Token::RightParen) {
                return Err(self.error("range can only initialize variables"));
            }
        }
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        match pipe.commands.iter().skip(1).position(Command::starts_with_constant) {
            Some(stage) => Err(self.error(format!("non executable command in pipeline stage {}", stage + 2))),
            None => Ok(()),
        }
    }
}
