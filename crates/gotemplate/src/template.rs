//! A set of templates that know each other.

use std::collections::HashMap;
use std::rc::Rc;

use crate::exec::{Environment, Failure, Limits, MissingKey, Scope};
use crate::func::Functions;
use crate::parse::ParseError;
use crate::value::{Str, Value};

/// Templates, parsed and ready to be executed as often as wanted.
pub struct Templates {
    functions: Functions,
    environment: Environment,
    missing: MissingKey,
    limits: Limits,
    root: Rc<str>,
    set: Rc<crate::exec::Set>,
    parsed: crate::exec::Parsed,
}

impl Templates {
    /// No templates yet. `root` is the name of the whole, which texts that have no name of their own go by.
    #[must_use]
    pub fn new(root: &str, functions: Functions, environment: Environment) -> Self {
        Self {
            functions,
            environment,
            missing: MissingKey::default(),
            limits: Limits::default(),
            root: root.into(),
            set: Rc::default(),
            parsed: crate::exec::Parsed::default(),
        }
    }

    /// Says what a missing key does.
    #[must_use]
    pub fn missing_key(mut self, missing: MissingKey) -> Self {
        self.missing = missing;
        self
    }

    /// Bounds the executions.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds a text, and what it defines. Of two templates with one name, the later one wins unless it is empty.
    ///
    /// # Errors
    /// Where the text is not a template.
    pub fn parse(&mut self, name: &str, text: &str) -> Result<(), ParseError> {
        let trees = crate::parse::parse(name, text, &self.functions)?;
        let set = Rc::get_mut(&mut self.set).expect("no execution outlives a borrow of the templates");
        trees.iter().for_each(|tree| set.add(tree));
        Ok(())
    }

    /// Executes a template.
    ///
    /// # Errors
    /// Where it is not there, or fails.
    pub fn execute(&self, name: &str, data: Value) -> Result<Str, Failure> {
        Scope {
            functions: &self.functions,
            environment: &self.environment,
            missing: self.missing,
            set: Rc::clone(&self.set),
            root: Rc::clone(&self.root),
            out: Vec::new(),
            depth: 0,
            limits: self.limits,
            steps: 0,
            written: 0,
            includes: HashMap::new(),
            parsed: &self.parsed,
        }
        .execute(name, data)
    }
}
