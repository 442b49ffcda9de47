//! Expressions made ready to be evaluated: names resolved to places, functions to code, literals to values.

mod cost;
mod lower;
mod overload;
mod run;

use crate::check::Checked;
use crate::library::Function;
use crate::messages;
use crate::value::{Fault, Key, Map, Struct, Val, Valued};
use cost::Cost;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use run::{Activation, Evaluated, Variables};

/// Most that one expression may cost.
pub const PER_CALL_LIMIT: u64 = 1_000_000;

/// An expression that can be evaluated, by many at once.
#[derive(Debug)]
pub struct Program {
    root: Node,
}

impl Checked {
    /// Makes the expression ready.
    ///
    /// # Errors
    /// If literals in it cannot be what they are converted to.
    pub fn program(&self) -> Result<Program, String> {
        lower::lower(self).map(|root| Program { root }).map_err(|fault| fault.to_string())
    }
}

/// The variable whose fields are other expressions.
pub const VARIABLES: &str = "variables";

/// One step.
#[derive(Debug)]
enum Node {
    Const(Val<'static>),
    /// A variable, by its place among those handed in.
    Global(usize),
    /// A local variable, by its place from the outermost.
    Local(usize),
    /// `variables.name`
    Variable(String),
    Select(Box<Node>, Arc<str>),
    Has(Box<Node>, Arc<str>),
    OptionalSelect(Box<Node>, Arc<str>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Condition(Box<[Node; 3]>),
    NotStrictlyFalse(Box<Node>),
    Matches(Box<Node>, Regex, u64),
    Call(Box<Call>),
    /// `accumulator + [item]`, which adds to the accumulator where it stands.
    Append(usize, Box<Node>),
    List(Vec<(Node, bool)>),
    Map(Vec<(Node, Node, bool)>),
    Struct(String, Vec<(String, Node, bool)>),
    Fold(Box<Fold>),
}

#[derive(Debug)]
struct Call {
    /// As it is named when it does not take its arguments; empty if it is not.
    name: Box<str>,
    function: Function,
    cost: Cost,
    args: Vec<Node>,
}

#[derive(Debug)]
struct Fold {
    range: Node,
    /// Whether two variables are set for each item.
    two: bool,
    /// A name for a value, not a loop.
    bind: bool,
    init: Node,
    condition: Node,
    step: Node,
    result: Node,
}

/// A list with what optional members hold.
fn list<'a>(items: impl Iterator<Item = Result<(Val<'a>, bool), Fault>>) -> Valued<'a> {
    let mut out = Vec::new();
    for item in items {
        out.extend(present(item?)?);
    }
    Ok(Val::list(out))
}

/// The value of a member, if it has one.
fn present(member: (Val<'_>, bool)) -> Result<Option<Val<'_>>, Fault> {
    match member {
        (value, false) => Ok(Some(value)),
        (Val::Optional(of), true) => Ok(of.map(|of| (*of).clone())),
        (other, true) => {
            Err(Fault::new(format!("cannot initialize optional list element from non-optional value {other}")))
        }
    }
}

fn map<'a>(entries: impl Iterator<Item = Result<(Val<'a>, Val<'a>, bool), Fault>>) -> Valued<'a> {
    let mut out = BTreeMap::new();
    for entry in entries {
        let (key, value, optional) = entry?;
        let at = Key::of(&key).ok_or_else(|| Fault::new(format!("unsupported key type: {}", key.type_of().name())))?;
        if let Some(value) = present((value, optional))?
            && out.insert(at, value).is_some()
        {
            return Err(Fault::new(format!("Failed with repeated key: {key}")));
        }
    }
    Ok(Val::Map(Map::Owned(Arc::new(out))))
}

fn structure<'a>(name: &str, fields: impl Iterator<Item = Result<(String, Val<'a>, bool), Fault>>) -> Valued<'a> {
    let mut out = BTreeMap::new();
    for field in fields {
        let (field, value, optional) = field?;
        out.extend(present((value, optional))?.map(|value| (field, value)));
    }
    if let Some(made) = messages::make(name, &out) {
        return made;
    }
    Ok(Val::Map(Map::Struct(Arc::new(Struct { name: name.to_owned(), fields: out }))))
}
