//! Functions: their names, what they take, and how they are called.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use crate::exec::{Failure, Scope};
use crate::value::{Kind, List, Map, Str, Value};

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    /// `interface {}`
    Any,
    /// `string`
    Str,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `uint32`
    Uint32,
    /// `float64`
    Float,
    /// `map[string]interface {}`
    Dict,
    /// `[]interface {}`
    List,
    /// An object of this type.
    Object(&'static str),
    /// A string of a type of its own.
    Named(&'static str),
}

impl Ty {
    /// As `reflect` writes the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Str => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Dict => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Object(name) | Self::Named(name) => name,
        }
    }

    /// Whether nil can be given for it.
    #[must_use]
    pub fn can_be_nil(self) -> bool {
        matches!(self, Self::Any | Self::Dict | Self::List)
    }

    /// Whether a value can be given for it.
    #[must_use]
    pub fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _)
            | (Self::Str, Value::Str(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Int, Value::Int(_))
            | (Self::Int64, Value::Int64(_))
            | (Self::Float, Value::Float(_)) => true,
            (Self::Dict, Value::Map(map)) => !map.holds_text(),
            (Self::List, Value::List(list)) => list.ty == crate::value::ListType::Any,
            (Self::Object(name), Value::Object(object)) => object.type_name() == name,
            _ => false,
        }
    }
}

/// The parameters of a function or method.
#[derive(Debug)]
pub struct Signature {
    /// Those that have to be given.
    pub fixed: &'static [Ty],
    /// What any further ones are.
    pub variadic: Option<Ty>,
}

/// What a function gives.
pub type Outcome = Result<Value, Failure>;

/// A function that the host program gives.
pub type HostFunction = Rc<dyn Fn(&mut Scope<'_>, &[Value]) -> Outcome>;

/// The code of a function.
#[derive(Clone)]
pub enum Run {
    /// Needs nothing but its arguments.
    Plain(fn(&[Value]) -> Outcome),
    /// Uses the execution: templates, clock, randomness.
    Scoped(fn(&mut Scope<'_>, &[Value]) -> Outcome),
    /// Belongs to the host program.
    Host(HostFunction),
    /// `and`, which stops at the first false argument.
    And,
    /// `or`, which stops at the first true argument.
    Or,
}

/// A function.
#[derive(Clone)]
pub struct Function {
    /// Its name in templates.
    pub name: &'static str,
    /// What it takes.
    pub signature: &'static Signature,
    /// Its code.
    pub run: Run,
}

/// The index of a function.
pub type FuncId = u32;

/// The functions that templates can call.
#[derive(Clone, Default)]
pub struct Functions {
    table: Vec<Function>,
    names: HashMap<&'static str, FuncId>,
}

impl Functions {
    /// Those of text/template alone.
    #[must_use]
    pub fn builtin() -> Self {
        let mut functions = Self::default();
        functions.extend(crate::builtins::table());
        functions
    }

    /// Those of text/template and sprig.
    #[must_use]
    pub fn sprig() -> Self {
        let mut functions = Self::builtin();
        crate::sprig::add(&mut functions);
        functions
    }

    /// Adds functions; a later one of the same name wins.
    pub fn extend(&mut self, functions: impl IntoIterator<Item = Function>) {
        for function in functions {
            let id = self.table.len();
            self.names.insert(function.name, FuncId::try_from(id).expect("fewer functions than that"));
            self.table.push(function);
        }
    }

    /// Takes a function away.
    pub fn remove(&mut self, name: &str) {
        self.names.remove(name);
    }

    /// Finds a function.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<FuncId> {
        self.names.get(name).copied()
    }

    /// The function of an index that [`find`](Self::find) gave.
    #[must_use]
    pub fn get(&self, id: FuncId) -> &Function {
        &self.table[id as usize]
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Writes a table of functions: name, parameters, kind of code, code.
///
/// `"trunc" (Int, Str) Plain trunc;` — after a semicolon in the parentheses stands the type of further arguments.
#[macro_export]
macro_rules! functions {
    ($($name:literal ($($fixed:expr),* $(; $more:expr)?) $kind:ident $($code:expr)?;)*) => {
        [$($crate::Function {
            name: $name,
            signature: &$crate::Signature {
                fixed: &[$($fixed),*],
                variadic: $crate::functions!(@more $($more)?),
            },
            run: $crate::functions!(@run $kind $($code)?),
        }),*]
    };
    (@more) => { None };
    (@more $more:expr) => { Some($more) };
    (@run $kind:ident) => { $crate::Run::$kind };
    (@run $kind:ident $code:expr) => { $crate::Run::$kind($code) };
}

/// Reads arguments, which the caller has checked against the signature.
pub trait Args {
    /// A text.
    fn text(&self, index: usize) -> Cow<'_, str>;
    /// A text, with its bytes.
    fn str(&self, index: usize) -> Str;
    /// An integer.
    fn int(&self, index: usize) -> i64;
    /// A map; nil is an empty one.
    fn dict(&self, index: usize) -> Rc<Map>;
    /// The arguments from here on.
    fn from(&self, index: usize) -> &[Value];
}

impl Args for [Value] {
    fn text(&self, index: usize) -> Cow<'_, str> {
        match self.get(index) {
            Some(Value::Str(text)) => text.text(),
            _ => Cow::Borrowed(""),
        }
    }

    fn str(&self, index: usize) -> Str {
        match self.get(index) {
            Some(Value::Str(text)) => text.clone(),
            _ => Str::default(),
        }
    }

    fn int(&self, index: usize) -> i64 {
        match self.get(index) {
            Some(Value::Int(number) | Value::Int64(number)) => *number,
            _ => 0,
        }
    }

    fn dict(&self, index: usize) -> Rc<Map> {
        match self.get(index) {
            Some(Value::Map(map)) => Rc::clone(map),
            _ => Rc::new(Map::new(crate::value::Entries::new())),
        }
    }

    fn from(&self, index: usize) -> &[Value] {
        self.get(index..).unwrap_or_default()
    }
}

/// The list an argument has to be, or the panic of `reflect` on nil, or the function's own complaint.
///
/// # Errors
/// `complaint` with the kind's name, for anything but a list.
pub fn want_list(value: &Value, complaint: &str) -> Result<Rc<List>, Failure> {
    if value.is_nil() {
        return Err(Failure::new("runtime error: invalid memory address or nil pointer dereference"));
    }
    value.as_list().ok_or_else(|| match value.kind() {
        Kind::Invalid => Failure::new(complaint),
        kind => Failure::new(format!("{complaint} {kind}")),
    })
}
