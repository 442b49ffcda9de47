//! What executions share: the functions, the templates, the output, the limits.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::error::{ExecError, Failure};
use super::state::State;
use crate::func::Functions;
use crate::parse::Tree;
use crate::value::{Str, Value};

/// What a missing key of a map does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// Gives no value.
    #[default]
    Default,
    /// Gives the zero value of the element type.
    Zero,
    /// Stops the execution.
    Error,
}

/// Fills bytes with randomness.
pub type Dice = Box<dyn Fn(&mut [u8])>;
/// Gives the addresses of a host.
pub type Resolver = Box<dyn Fn(&str) -> Vec<String>>;

/// Where templates get what is not in them: time and chance.
pub struct Environment {
    /// Nanoseconds since 1970.
    pub now: Box<dyn Fn() -> i128>,
    /// Fills bytes with randomness.
    pub random: Dice,
    /// The addresses of a host; none where lookups are not allowed.
    pub resolve: Option<Resolver>,
}

/// Bounds of an execution.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Templates within templates.
    pub depth: usize,
    /// Nodes executed, all in all.
    pub steps: u64,
    /// Bytes written, and those of texts and lists that functions made, all in all.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 20_000, steps: u64::MAX, output: usize::MAX }
    }
}

/// Templates by name; those that `tpl` adds cover the ones below.
#[derive(Default)]
pub(crate) struct Set {
    pub(crate) own: HashMap<Rc<str>, Rc<Tree>>,
    pub(crate) below: Option<Rc<Set>>,
}

impl Set {
    pub(crate) fn find(&self, name: &str) -> Option<&Rc<Tree>> {
        let mut set = Some(self);
        while let Some(this) = set {
            if let Some(tree) = this.own.get(name) {
                return Some(tree);
            }
            set = this.below.as_deref();
        }
        None
    }

    /// Adds a tree; an empty one replaces nothing.
    pub(crate) fn add(&mut self, tree: &Rc<Tree>) {
        if tree.is_empty() && self.find(&tree.name).is_some() {
            return;
        }
        self.own.insert(Rc::clone(&tree.name), Rc::clone(tree));
    }
}

/// What executions share.
pub struct Scope<'e> {
    pub(crate) functions: &'e Functions,
    pub(crate) environment: &'e Environment,
    pub(crate) missing: MissingKey,
    pub(crate) set: Rc<Set>,
    pub(crate) root: Rc<str>,
    pub(crate) out: Vec<u8>,
    pub(crate) depth: usize,
    pub(crate) limits: Limits,
    pub(crate) steps: u64,
    pub(crate) written: usize,
    pub(crate) includes: HashMap<Rc<str>, usize>,
    pub(crate) parsed: &'e Parsed,
}

/// Texts that `tpl` has parsed before.
pub(crate) type Parsed = RefCell<HashMap<Rc<str>, Rc<Vec<Rc<Tree>>>>>;

impl<'e> Scope<'e> {
    /// The clock, the dice, the resolver.
    #[must_use]
    pub fn environment(&self) -> &'e Environment {
        self.environment
    }

    /// Executes a template to a text of its own.
    ///
    /// # Errors
    /// Where the template is not there, or fails.
    pub fn execute(&mut self, name: &str, data: Value) -> Result<Str, Failure> {
        let Some(tree) = self.set.find(name).map(Rc::clone) else {
            let (name, root) = (crate::format::quote(&name.into()), crate::format::quote(&(&*self.root).into()));
            return Err(Failure::new(format!("template: no template {name} associated with template {root}")));
        };
        self.execute_tree(&tree, data).map_err(|error| Failure::wrap("", *error))
    }

    pub(crate) fn execute_tree(&mut self, tree: &Tree, data: Value) -> Result<Str, Box<ExecError>> {
        let outer = std::mem::take(&mut self.out);
        self.depth += 1;
        let done = State::new(self, tree, data.clone()).run();
        self.depth -= 1;
        let text = std::mem::replace(&mut self.out, outer);
        done.map(|()| Str::from_bytes(text))
    }

    /// Executes a text as a template, with what the templates define and itself defines.
    ///
    /// # Errors
    /// Where the text is not a template, or fails.
    pub fn execute_text(&mut self, text: &Str, data: Value) -> Result<Str, Failure> {
        let trees = self.parse_cached(text)?;
        let main = trees.iter().find(|tree| tree.name == self.root).map(Rc::clone);
        let outer = Rc::clone(&self.set);
        if trees.len() > 1 || main.as_ref().is_some_and(|main| !main.is_empty()) {
            let mut set = Set { own: HashMap::new(), below: Some(Rc::clone(&outer)) };
            trees.iter().for_each(|tree| set.add(tree));
            self.set = Rc::new(set);
        }
        let done = match main {
            Some(main) => self.execute_tree(&main, data),
            None => Ok(Str::default()),
        };
        self.set = outer;
        done.map_err(|error| {
            let text = crate::format::quote(text);
            Failure::wrap(format!("error during tpl function execution for {text}: "), *error)
        })
    }

    fn parse_cached(&self, text: &Str) -> Result<Rc<Vec<Rc<Tree>>>, Failure> {
        if let Some(trees) = self.parsed.borrow().get(&*text.text()) {
            return Ok(Rc::clone(trees));
        }
        let trees = crate::parse::parse(&self.root, &text.text(), self.functions)
            .map_err(|error| Failure::new(format!("cannot parse template {}: {error}", crate::format::quote(text))))?;
        let trees = Rc::new(trees);
        self.parsed.borrow_mut().insert(text.shared(), Rc::clone(&trees));
        Ok(trees)
    }
}
