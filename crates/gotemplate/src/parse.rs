//! From text to trees: the lexer, the parser, and what a tree is made of.

mod lex;
mod lex_action;
mod node;
mod number;
mod parser;
mod term;

use std::rc::Rc;

pub(crate) use node::{Branch, BranchKind, Command, Expr, Node, Pipe, Tree};
pub(crate) use number::Number;

use crate::func::Functions;

/// What a text was parsed from, for the places in errors.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name the text was given.
    pub(crate) name: Rc<str>,
    /// The text.
    pub(crate) text: Rc<str>,
}

impl Source {
    /// `name:line:column` of a byte position, as Go counts: lines from 1, columns in bytes from 0.
    pub(crate) fn place(&self, pos: usize) -> String {
        let before = &self.text.as_bytes()[..pos.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = before.iter().rposition(|byte| *byte == b'\n').map_or(before.len(), |at| before.len() - at - 1);
        format!("{}:{line}:{column}", self.name)
    }
}

/// Why a text is not a template: Go's words, with the template's name and the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {name}:{line}: {message}")]
pub struct ParseError {
    /// The name of the template.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Parses a text: the trees it defines, its own (under its name) last.
///
/// # Errors
/// What Go's parser says.
pub(crate) fn parse(name: &str, text: &str, functions: &Functions) -> Result<Vec<Rc<Tree>>, ParseError> {
    parser::Parser::new(name, text, functions).run()
}
