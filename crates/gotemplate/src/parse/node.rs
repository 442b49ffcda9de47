//! The nodes of a tree, and how Go writes them back in error messages.

use std::fmt::{self, Display, Formatter};
use std::rc::Rc;

use super::{Number, Source};
use crate::func::FuncId;
use crate::value::Str;

/// A template: a name and a list of nodes.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) name: Rc<str>,
    pub(crate) source: Rc<Source>,
    pub(crate) root: Vec<Node>,
}

/// A thing that is executed. Positions are byte offsets into the source.
#[derive(Debug)]
pub(crate) enum Node {
    Text { pos: usize, end: usize },
    Action(Pipe),
    Branch(Box<Branch>),
    Template { pos: usize, name: Rc<str>, pipe: Option<Pipe> },
    Break(usize),
    Continue(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BranchKind {
    If,
    With,
    Range,
}

/// `if`, `with`, `range`.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) kind: BranchKind,
    pub(crate) pos: usize,
    pub(crate) pipe: Pipe,
    pub(crate) list: Vec<Node>,
    pub(crate) other: Option<Vec<Node>>,
}

/// A pipeline, with the variables it sets.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: usize,
    pub(crate) assign: bool,
    pub(crate) decl: Vec<Rc<str>>,
    pub(crate) commands: Vec<Command>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) pos: usize,
    pub(crate) args: Vec<Expr>,
}

/// An operand.
#[derive(Debug)]
pub(crate) enum Expr {
    Field { pos: usize, names: Vec<Rc<str>> },
    Chain { pos: usize, node: Box<Expr>, names: Vec<Rc<str>> },
    Function { pos: usize, name: Rc<str>, id: FuncId },
    Pipe(Pipe),
    Variable { pos: usize, name: Rc<str>, names: Vec<Rc<str>> },
    Dot(usize),
    Nil(usize),
    Bool(usize, bool),
    Number(usize, Number),
    Text { pos: usize, quoted: Rc<str>, text: Str },
}

impl Expr {
    pub(crate) fn pos(&self) -> usize {
        match self {
            Self::Field { pos, .. }
            | Self::Chain { pos, .. }
            | Self::Function { pos, .. }
            | Self::Variable { pos, .. }
            | Self::Text { pos, .. }
            | Self::Dot(pos)
            | Self::Nil(pos)
            | Self::Bool(pos, _)
            | Self::Number(pos, _) => *pos,
            Self::Pipe(pipe) => pipe.pos,
        }
    }
}

impl Node {
    pub(crate) fn pos(&self) -> usize {
        match self {
            Self::Text { pos, .. } | Self::Template { pos, .. } | Self::Break(pos) | Self::Continue(pos) => *pos,
            Self::Action(pipe) => pipe.pos,
            Self::Branch(branch) => branch.pos,
        }
    }

    /// Writes it as Go does; texts need their source.
    pub(crate) fn write(&self, source: &Source, f: &mut String) {
        use fmt::Write as _;
        let done = match self {
            Self::Text { pos, end } => {
                f.push_str(source.text.get(*pos..*end).unwrap_or_default());
                Ok(())
            }
            Self::Action(pipe) => write!(f, "{{{{{pipe}}}}}"),
            Self::Template { name, pipe, .. } => {
                let name = crate::format::quote(&Str::Text(Rc::clone(name)));
                match pipe {
                    Some(pipe) => write!(f, "{{{{template {name} {pipe}}}}}"),
                    None => write!(f, "{{{{template {name}}}}}"),
                }
            }
            Self::Break(_) => write!(f, "{{{{break}}}}"),
            Self::Continue(_) => write!(f, "{{{{continue}}}}"),
            Self::Branch(branch) => {
                branch.write(source, f);
                Ok(())
            }
        };
        done.expect("writing to a string does not fail");
    }
}

impl Branch {
    pub(crate) fn write(&self, source: &Source, f: &mut String) {
        use fmt::Write as _;
        let word = match self.kind {
            BranchKind::If => "if",
            BranchKind::With => "with",
            BranchKind::Range => "range",
        };
        write!(f, "{{{{{word} {}}}}}", self.pipe).expect("writing to a string does not fail");
        self.list.iter().for_each(|node| node.write(source, f));
        if let Some(other) = &self.other {
            f.push_str("{{else}}");
            other.iter().for_each(|node| node.write(source, f));
        }
        f.push_str("{{end}}");
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.decl.is_empty() {
            write!(f, "{} {} ", self.decl.join(", "), if self.assign { "=" } else { ":=" })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if index > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.args.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            match arg {
                Expr::Pipe(pipe) => write!(f, "{space}({pipe})")?,
                arg => write!(f, "{space}{arg}")?,
            }
        }
        Ok(())
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fields = |f: &mut Formatter<'_>, names: &[Rc<str>]| names.iter().try_for_each(|name| write!(f, ".{name}"));
        match self {
            Self::Field { names, .. } => fields(f, names),
            Self::Chain { node, names, .. } => {
                match node.as_ref() {
                    Self::Pipe(pipe) => write!(f, "({pipe})")?,
                    node => write!(f, "{node}")?,
                }
                fields(f, names)
            }
            Self::Function { name, .. } => f.write_str(name),
            Self::Pipe(pipe) => write!(f, "{pipe}"),
            Self::Variable { name, names, .. } => {
                f.write_str(name)?;
                fields(f, names)
            }
            Self::Dot(_) => f.write_str("."),
            Self::Nil(_) => f.write_str("nil"),
            Self::Bool(_, value) => write!(f, "{value}"),
            Self::Number(_, number) => f.write_str(&number.text),
            Self::Text { quoted, .. } => f.write_str(quoted),
        }
    }
}
