//! The execution of one template: its variables, and the node it is at.

use std::fmt::Write as _;
use std::rc::Rc;

use super::error::{ExecError, Failure};
use super::scope::Scope;
use crate::parse::{Branch, Command, Expr, Node, Pipe, Tree};
use crate::value::Value;

/// A value, and whether it was taken out of an `interface {}` and not looked into yet. Go's messages tell these
/// apart, and nil in an interface is not the same as no value.
#[derive(Clone, Default)]
pub(super) struct Slot {
    pub(super) value: Value,
    pub(super) boxed: bool,
}

impl Slot {
    pub(super) fn plain(value: Value) -> Self {
        Self { value, boxed: false }
    }

    /// The name of its type, as errors have it.
    pub(super) fn type_name(&self) -> String {
        if self.boxed { "interface {}".to_owned() } else { self.value.type_name() }
    }
}

/// The node an execution is at, for its errors.
#[derive(Clone, Copy)]
pub(super) enum At<'t> {
    Start,
    Node(&'t Node),
    Branch(&'t Branch),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Expr(&'t Expr),
}

pub(super) type Executed<T> = Result<T, Box<ExecError>>;

/// The execution of one template.
pub(super) struct State<'s, 'e, 't> {
    pub(super) scope: &'s mut Scope<'e>,
    pub(super) tree: &'t Tree,
    pub(super) at: At<'t>,
    pub(super) variables: Vec<(Rc<str>, Slot)>,
    dot: Slot,
}

impl<'s, 'e, 't> State<'s, 'e, 't> {
    pub(super) fn new(scope: &'s mut Scope<'e>, tree: &'t Tree, data: Value) -> Self {
        Self::with_slot(scope, tree, Slot::plain(data))
    }

    pub(super) fn with_slot(scope: &'s mut Scope<'e>, tree: &'t Tree, dot: Slot) -> Self {
        let mut variables = Vec::with_capacity(8);
        variables.push((Rc::from("$"), dot.clone()));
        Self { scope, tree, at: At::Start, variables, dot }
    }

    pub(super) fn run(mut self) -> Executed<()> {
        if self.scope.depth > self.scope.limits.depth {
            let limit = self.scope.limits.depth;
            return Err(self.error(format!("exceeded maximum template depth ({limit})")));
        }
        let dot = self.dot.clone();
        self.walk_list(&dot, &self.tree.root).map(|_| ())
    }

    /// An error at the node the execution is at.
    pub(super) fn error(&self, message: impl Into<String>) -> Box<ExecError> {
        self.fail(message.into(), None)
    }

    pub(super) fn error_calling(&self, name: &str, failure: Failure) -> Box<ExecError> {
        self.fail(format!("error calling {name}: "), Some(Box::new(failure)))
    }

    fn fail(&self, message: String, cause: Option<Box<Failure>>) -> Box<ExecError> {
        let mut node = String::new();
        let pos = match self.at {
            At::Start => None,
            At::Node(it) => {
                it.write(&self.tree.source, &mut node);
                Some(it.pos())
            }
            At::Branch(it) => {
                it.write(&self.tree.source, &mut node);
                Some(it.pos)
            }
            At::Pipe(it) => write!(node, "{it}").map_or(None, |()| Some(it.pos)),
            At::Command(it) => write!(node, "{it}").map_or(None, |()| Some(it.pos)),
            At::Expr(it) => write!(node, "{it}").map_or(None, |()| Some(it.pos())),
        };
        let name = &self.tree.name;
        let Some(pos) = pos else {
            let head = format!("template: {name}: ");
            return Box::new(ExecError {
                head,
                message,
                cause,
                file: self.tree.source.name.to_string(),
                line: 0,
                column: 0,
                node,
            });
        };
        let place = self.tree.source.place(pos);
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        let line = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        let quoted = crate::format::quote(&(&**name).into());
        Box::new(ExecError {
            head: format!("template: {place}: executing {quoted} at <{node}>: "),
            message,
            cause,
            file: self.tree.source.name.to_string(),
            line,
            column,
            node,
        })
    }

    pub(super) fn variable(&self, name: &str) -> Executed<Slot> {
        match self.variables.iter().rev().find(|(known, _)| &**known == name) {
            Some((_, slot)) => Ok(slot.clone()),
            None => Err(self.error(format!("undefined variable: {name}"))),
        }
    }

    pub(super) fn assign(&mut self, name: &str, slot: Slot) -> Executed<()> {
        match self.variables.iter_mut().rev().find(|(known, _)| &**known == name) {
            Some((_, old)) => *old = slot,
            None => return Err(self.error(format!("undefined variable: {name}"))),
        }
        Ok(())
    }

    /// Counts a node against the limits.
    pub(super) fn step(&mut self) -> Executed<()> {
        self.scope.steps += 1;
        if self.scope.steps > self.scope.limits.steps {
            return Err(self.error("exceeded maximum number of steps"));
        }
        Ok(())
    }
}
