//! From a checked tree to steps.

use super::cost::Cost;
use super::overload::no_overload;
use super::{Call, Fold, Node, VARIABLES, list, map};
use crate::check::Checked;
use crate::decl::unescape;
use crate::library::{self, formats};
use crate::syntax::ast::{self, Expr, Kind, Literal};
use crate::types::Type;
use crate::value::{Fault, Text, Val};
use std::sync::Arc;

type Lowered = Result<Node, Fault>;

/// Makes steps of a tree.
pub(super) fn lower(checked: &Checked) -> Lowered {
    Lower { checked, locals: Vec::new() }.expr(&checked.root)
}

struct Lower<'c> {
    checked: &'c Checked,
    /// Names of local variables, the innermost last.
    locals: Vec<String>,
}

impl Lower<'_> {
    fn expr(&mut self, expr: &Expr) -> Lowered {
        match &expr.kind {
            Kind::Literal(literal) => Ok(Node::Const(value(literal))),
            Kind::Ident(name) => self.ident(expr, name),
            Kind::Select(select) => self.select(select),
            Kind::Call(call) => self.call(expr, call),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Struct { name, fields } => {
                let field = |field: &ast::Field| Ok((field.name.clone(), self.expr(&field.value)?, field.optional));
                Ok(Node::Struct(name.clone(), fields.iter().map(field).collect::<Result<_, Fault>>()?))
            }
            Kind::Fold(fold) => self.fold(fold),
        }
    }

    fn boxed(&mut self, expr: &Expr) -> Result<Box<Node>, Fault> {
        self.expr(expr).map(Box::new)
    }

    fn ident(&mut self, expr: &Expr, name: &str) -> Lowered {
        if let Some(at) = self.locals.iter().rposition(|local| local == name) {
            return Ok(Node::Local(at));
        }
        if let Some(at) = self.checked.variables.iter().position(|known| known == name) {
            return Ok(Node::Global(at));
        }
        match self.checked.type_of(expr) {
            Type::Kind(Some(of)) => Ok(Node::Const(Val::Type((**of).clone()))),
            Type::Kind(None) => Ok(Node::Const(Val::Type(Type::Kind(None)))),
            _ => Err(Fault::new(format!("no such attribute(s): {name}"))),
        }
    }

    fn select(&mut self, select: &ast::Select) -> Lowered {
        let is_variables = matches!(&select.operand.kind, Kind::Ident(name) if name == VARIABLES)
            && !self.locals.iter().any(|local| local == VARIABLES);
        if is_variables {
            let variable = Node::Variable(select.field.clone());
            return Ok(if select.test { Node::Const(Val::Bool(true)) } else { variable });
        }
        let operand = self.boxed(&select.operand)?;
        let field = self.field(&select.field);
        Ok(if select.test { Node::Has(operand, field) } else { Node::Select(operand, field) })
    }

    fn field(&self, name: &str) -> Arc<str> {
        if self.checked.escaped_fields { unescape(name).into() } else { name.into() }
    }

    fn call(&mut self, expr: &Expr, call: &ast::Call) -> Lowered {
        let args = || call.target.iter().chain(&call.args);
        let overloads = &self.checked.overloads[expr.id as usize];
        // Where several overloads can be meant, none is told to what costs.
        let overload = if let [only] = overloads.as_slice() { only.id } else { "" };
        match call.function.as_str() {
            "_&&_" => Ok(Node::And(Box::new(self.array(args())?))),
            "_||_" => Ok(Node::Or(Box::new(self.array(args())?))),
            "_?_:_" => Ok(Node::Condition(Box::new(self.array(args())?))),
            "@not_strictly_false" => {
                let [of] = self.array(args())?;
                Ok(Node::NotStrictlyFalse(Box::new(of)))
            }
            "_?._" => self.optional_select(call),
            "matches" => self.matches(call, overload),
            "_+_" if is_append(call) => self.append(call),
            name => self.function(name, overload, &args().collect::<Vec<_>>()),
        }
    }

    fn function(&mut self, name: &str, overload: &str, args: &[&Expr]) -> Lowered {
        if let Some(constant) = formats::constant(name) {
            return Ok(Node::Const(constant));
        }
        let mut told = name;
        let known = if name == "sum" { sum(overload) } else { name };
        let function = library::function(known).ok_or_else(|| Fault::new(format!("no such function: {name}")))?;
        let args = args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<Node>, Fault>>()?;
        match args.as_slice() {
            [Node::Const(of)] if is_conversion(name) => {
                let made = function(std::slice::from_ref(of)).map_err(|fault| match fault {
                    Fault::NoOverload => no_overload(name, std::slice::from_ref(of)),
                    other => other,
                });
                return made.map(Node::Const);
            }
            // Expressions that are literals are looked at here already.
            [_, Node::Const(Val::Str(pattern)), ..] if matches!(name, "find" | "findAll") => {
                object::pattern::compile(pattern).map_err(Fault::new)?;
                told = "";
            }
            _ => {}
        }
        Ok(Node::Call(Box::new(Call { name: told.into(), function, cost: Cost::of(name, overload), args })))
    }

    /// Exactly as many nodes as wanted.
    fn array<'e, const N: usize>(&mut self, args: impl Iterator<Item = &'e Expr>) -> Result<[Node; N], Fault> {
        let nodes = args.map(|arg| self.expr(arg)).collect::<Result<Vec<Node>, Fault>>()?;
        nodes.try_into().map_err(|_| Fault::NoOverload)
    }

    fn append(&mut self, call: &ast::Call) -> Lowered {
        let Some(Kind::List(items)) = call.args.get(1).map(|arg| &arg.kind) else { return Err(Fault::NoOverload) };
        let item = items.first().ok_or(Fault::NoOverload)?;
        let at = self.locals.iter().rposition(|local| local == ast::ACCUMULATOR).ok_or(Fault::NoOverload)?;
        Ok(Node::Append(at, self.boxed(&item.value)?))
    }

    fn optional_select(&mut self, call: &ast::Call) -> Lowered {
        let [operand, field] = call.args.as_slice() else { return Err(Fault::NoOverload) };
        let Kind::Literal(Literal::Str(field)) = &field.kind else { return Err(Fault::NoOverload) };
        let field = self.field(field);
        Ok(Node::OptionalSelect(self.boxed(operand)?, field))
    }

    /// An expression that is a literal is compiled here.
    fn matches(&mut self, call: &ast::Call, overload: &str) -> Lowered {
        let args: Vec<&Expr> = call.target.iter().chain(&call.args).collect();
        if let [text, pattern] = args.as_slice()
            && let Kind::Literal(Literal::Str(source)) = &pattern.kind
        {
            let regex = object::pattern::compile(source).map_err(Fault::new)?;
            return Ok(Node::Matches(self.boxed(text)?, regex, source.chars().count() as u64));
        }
        self.function("matches", overload, &args)
    }

    fn list(&mut self, items: &[ast::Item]) -> Lowered {
        let item = |item: &ast::Item| Ok((self.expr(&item.value)?, item.optional));
        let nodes = items.iter().map(item).collect::<Result<Vec<(Node, bool)>, Fault>>()?;
        let constants: Option<Vec<_>> =
            nodes.iter().map(|(node, optional)| Some((constant(node)?, *optional))).collect();
        match constants {
            Some(values) => list(values.into_iter().map(Ok)).map(Node::Const),
            None => Ok(Node::List(nodes)),
        }
    }

    fn map(&mut self, entries: &[ast::Entry]) -> Lowered {
        let entry = |entry: &ast::Entry| Ok((self.expr(&entry.key)?, self.expr(&entry.value)?, entry.optional));
        let nodes = entries.iter().map(entry).collect::<Result<Vec<(Node, Node, bool)>, Fault>>()?;
        let constants: Option<Vec<_>> =
            nodes.iter().map(|(key, value, optional)| Some((constant(key)?, constant(value)?, *optional))).collect();
        match constants.map(|values| map(values.into_iter().map(Ok))) {
            Some(Ok(value)) => Ok(Node::Const(value)),
            _ => Ok(Node::Map(nodes)),
        }
    }

    fn fold(&mut self, fold: &ast::Fold) -> Lowered {
        let range = self.expr(&fold.range)?;
        let init = self.expr(&fold.init)?;
        let depth = self.locals.len();
        self.locals.push(fold.accumulator.clone());
        self.locals.push(fold.variable.clone());
        self.locals.extend(fold.second.clone());
        let condition = self.expr(&fold.condition)?;
        let step = self.expr(&fold.step)?;
        self.locals.truncate(depth + 1);
        let result = self.expr(&fold.result)?;
        self.locals.truncate(depth);
        let (two, bind) = (fold.second.is_some(), fold.is_bind());
        Ok(Node::Fold(Box::new(Fold { range, two, bind, init, condition, step, result })))
    }
}

/// Whether a call adds one item to the accumulator of the innermost fold.
fn is_append(call: &ast::Call) -> bool {
    let [left, right] = call.args.as_slice() else { return false };
    let accumulates = matches!(&left.kind, Kind::Ident(name) if name == ast::ACCUMULATOR);
    accumulates && matches!(&right.kind, Kind::List(items) if items.len() == 1 && !items[0].optional)
}

fn constant(node: &Node) -> Option<Val<'static>> {
    match node {
        Node::Const(value) => Some(value.clone()),
        _ => None,
    }
}

fn value(literal: &Literal) -> Val<'static> {
    match literal {
        Literal::Null => Val::Null,
        Literal::Bool(value) => Val::Bool(*value),
        Literal::Int(value) => Val::Int(*value),
        Literal::Uint(value) => Val::Uint(*value),
        Literal::Double(value) => Val::Double(*value),
        Literal::Str(text) => Val::Str(Text::Shared(text.clone())),
        Literal::Bytes(bytes) => Val::Bytes(bytes.clone()),
    }
}

/// Conversions of literals are done once, here.
fn is_conversion(name: &str) -> bool {
    matches!(name, "bool" | "bytes" | "double" | "duration" | "dyn" | "int" | "string" | "timestamp" | "type" | "uint")
}

/// What adds up items of a type, which tells what nothing adds up to.
fn sum(overload: &str) -> &'static str {
    match overload {
        "list_uint_sum_uint" => "sum@uint",
        "list_double_sum_double" => "sum@double",
        "list_duration_sum_duration" => "sum@duration",
        _ => "sum",
    }
}
