//! Finds the type of every node, and which overloads its calls can mean.

mod calls;
mod literals;
mod unify;

use crate::env::Env;
use crate::issues::Issues;
use crate::messages;
use crate::signatures::Overload;
use crate::syntax::ast::{Entry, Expr, Field, Fold, Id, Item, Kind, Literal, Select};
use crate::syntax::{Parsed, RESERVED};
use crate::types::Type;
use unify::{Mapping, most_general};

/// An expression that means something.
#[derive(Debug)]
pub struct Checked {
    pub(crate) root: Expr,
    /// By [`Id`].
    pub(crate) types: Vec<Type>,
    /// By [`Id`]: what a call can mean.
    pub(crate) overloads: Vec<Vec<&'static Overload>>,
    /// The variables it may use, in the order in which their values are handed in.
    pub(crate) variables: Vec<String>,
    /// Whether fields are called as their escaped names say.
    pub(crate) escaped_fields: bool,
}

impl Checked {
    /// The type of its value.
    pub fn output(&self) -> &Type {
        self.type_of(&self.root)
    }

    /// Whether it mentions a variable.
    pub fn uses(&self, variable: &str) -> bool {
        mentions(&self.root, variable)
    }

    /// Whether it asks a variable for one of its fields.
    pub fn selects(&self, variable: &str, field: &str) -> bool {
        selects(&self.root, variable, field)
    }

    pub(crate) fn type_of(&self, expr: &Expr) -> &Type {
        self.types.get(expr.id as usize).unwrap_or(&Type::Dyn)
    }
}

fn mentions(expr: &Expr, variable: &str) -> bool {
    matches!(&expr.kind, Kind::Ident(name) if name == variable)
        || expr.children().into_iter().any(|child| mentions(child, variable))
}

fn selects(expr: &Expr, variable: &str, field: &str) -> bool {
    let is_variable = |expr: &Expr| matches!(&expr.kind, Kind::Ident(name) if name == variable);
    let here = match &expr.kind {
        Kind::Select(select) => is_variable(&select.operand) && select.field == field,
        Kind::Call(call) if call.function == "_?._" => {
            let named = |arg: &Expr| matches!(&arg.kind, Kind::Literal(Literal::Str(name)) if **name == *field);
            matches!(call.args.as_slice(), [operand, name] if is_variable(operand) && named(name))
        }
        _ => false,
    };
    here || expr.children().into_iter().any(|child| selects(child, variable, field))
}

/// Checks a tree.
pub(crate) fn check(env: &Env, parsed: Parsed) -> Result<Checked, Issues> {
    let Parsed { mut root, offsets } = parsed;
    let mut checker = Checker {
        env,
        types: vec![Type::Error; offsets.len()],
        overloads: vec![Vec::new(); offsets.len()],
        offsets,
        scopes: Vec::new(),
        mapping: Mapping::default(),
        issues: Issues::default(),
    };
    checker.expr(&mut root);
    let Checker { types, overloads, offsets, mapping, mut issues, .. } = checker;
    let types = types.iter().map(|of| mapping.substitute(of, true)).collect();
    let variables = env.variables().iter().map(|(name, _)| name.clone()).collect();
    let checked = Checked { root, types, overloads, variables, escaped_fields: env.has_escaped_fields() };
    if issues.is_empty() {
        literals::check(&checked, &offsets, &mut issues);
    }
    if issues.is_empty() { Ok(checked) } else { Err(issues) }
}

struct Checker<'e> {
    env: &'e Env,
    types: Vec<Type>,
    overloads: Vec<Vec<&'static Overload>>,
    offsets: Vec<usize>,
    /// Local variables, the innermost last.
    scopes: Vec<(String, Type)>,
    mapping: Mapping,
    issues: Issues,
}

impl Checker<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        let id = expr.id;
        let of = match &mut expr.kind {
            Kind::Literal(literal) => literal_type(literal),
            Kind::Ident(name) => self.ident(id, name),
            Kind::Select(_) => self.select(expr),
            Kind::Call(_) => self.call(expr),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Struct { name, fields } => self.structure(id, name, fields),
            Kind::Fold(fold) => self.fold(fold),
        };
        self.types[id as usize] = of;
    }

    fn type_of(&self, expr: &Expr) -> Type {
        self.types[expr.id as usize].clone()
    }

    fn known(&self, of: &Type) -> Type {
        self.mapping.substitute(of, false)
    }

    fn report(&mut self, id: Id, message: String) {
        self.issues.add(self.offsets[id as usize], message);
    }

    fn undeclared(&mut self, id: Id, name: &str) -> Type {
        self.report(id, format!("undeclared reference to '{name}' (in container '')"));
        Type::Error
    }

    fn mismatch(&mut self, id: Id, expected: &Type, found: &Type) {
        self.report(id, format!("expected type '{}' but found '{}'", expected.in_message(), found.in_message()));
    }

    fn lookup(&self, name: &str) -> Option<Type> {
        let local = self.scopes.iter().rev().find(|(known, _)| known == name).map(|(_, of)| of.clone());
        local.or_else(|| self.env.ident(name))
    }

    fn ident(&mut self, id: Id, name: &mut String) -> Type {
        match self.lookup(name) {
            Some(of) => {
                if let Some(rest) = name.strip_prefix('.') {
                    *name = rest.to_owned();
                }
                of
            }
            None => self.undeclared(id, name),
        }
    }

    fn select(&mut self, expr: &mut Expr) -> Type {
        if let Some(name) = expr.qualified_name()
            && let Some(of) = self.lookup(&name)
        {
            expr.kind = Kind::Ident(name);
            return of;
        }
        let id = expr.id;
        let Kind::Select(select) = &mut expr.kind else { return Type::Error };
        let Select { operand, field, test } = &mut **select;
        let (field, test) = (field.clone(), *test);
        let of = self.field(id, operand, &field, false);
        if let Some(name) = self.reserved(operand, &field) {
            select.field = name;
        }
        if test { Type::Bool } else { self.known(&of) }
    }

    /// The field that a reserved word means behind a dot: it is declared by its escaped name.
    fn reserved(&self, operand: &Expr, field: &str) -> Option<String> {
        let of = self.known(&self.type_of(operand));
        let Type::Object(of) = of.unwrapped().unwrap_or(&of) else { return None };
        let is_own = !RESERVED.contains(&field) || self.env.field(of, field).is_some();
        let name = format!("__{field}__");
        (!is_own && self.env.field(of, &name).is_some()).then_some(name)
    }

    /// The type of a field, and that it is one.
    fn field(&mut self, id: Id, operand: &mut Expr, field: &str, optional: bool) -> Type {
        self.expr(operand);
        let of = self.known(&self.type_of(operand));
        let (target, was_optional) = match of.unwrapped() {
            Some(inner) => (inner.clone(), true),
            None => (of, false),
        };
        let result = match &target {
            Type::Map(pair) => pair.1.clone(),
            Type::Object(name) => self.field_type(id, name, field),
            Type::Param(_) => {
                self.mapping.assign(&Type::Dyn, &target);
                Type::Dyn
            }
            Type::Dyn | Type::Error => Type::Dyn,
            other => {
                self.report(id, format!("type '{}' does not support field selection", other.in_message()));
                Type::Dyn
            }
        };
        if was_optional || optional { Type::optional(result) } else { result }
    }

    fn field_type(&mut self, id: Id, of: &str, field: &str) -> Type {
        if !self.env.is_struct(of) && messages::type_of(of).is_none() {
            self.report(id, format!("unexpected failed resolution of '{of}'"));
            return Type::Error;
        }
        let reserved = || RESERVED.contains(&field).then(|| self.env.field(of, &format!("__{field}__"))).flatten();
        self.env.field(of, field).or_else(reserved).unwrap_or_else(|| {
            self.report(id, format!("undefined field '{field}'"));
            Type::Error
        })
    }

    /// The type of a member that may be marked as optional.
    fn member(&mut self, value: &Expr, optional: bool) -> Type {
        let of = self.type_of(value);
        if !optional {
            return of;
        }
        match of.unwrapped() {
            Some(inner) => inner.clone(),
            None if of == Type::Dyn => of,
            None => {
                self.mismatch(value.id, &Type::optional(of.clone()), &of);
                of
            }
        }
    }

    fn list(&mut self, items: &mut [Item]) -> Type {
        let mut joined = None;
        for item in items {
            self.expr(&mut item.value);
            let of = self.member(&item.value, item.optional);
            joined = Some(self.join(joined, of));
        }
        Type::list(joined.unwrap_or_else(|| self.mapping.fresh()))
    }

    fn map(&mut self, entries: &mut [Entry]) -> Type {
        let (mut keys, mut values) = (None, None);
        for entry in entries {
            self.expr(&mut entry.key);
            let key = self.type_of(&entry.key);
            keys = Some(self.join(keys, key));
            self.expr(&mut entry.value);
            let value = self.member(&entry.value, entry.optional);
            values = Some(self.join(values, value));
        }
        let key = keys.unwrap_or_else(|| self.mapping.fresh());
        Type::map(key, values.unwrap_or_else(|| self.mapping.fresh()))
    }

    /// One type for two members.
    fn join(&mut self, before: Option<Type>, of: Type) -> Type {
        match before {
            None => of,
            Some(before) if self.mapping.assign(&before, &of) => most_general(&before, &of).clone(),
            Some(_) => Type::Dyn,
        }
    }

    fn structure(&mut self, id: Id, name: &mut String, fields: &mut [Field]) -> Type {
        if let Some(rest) = name.strip_prefix('.') {
            *name = rest.to_owned();
        }
        let of = match self.lookup(name) {
            None => return self.undeclared(id, name),
            Some(Type::Kind(Some(of))) => (*of).clone(),
            Some(other) => {
                self.report(id, format!("'{}' is not a type", other.name()));
                Type::Error
            }
        };
        if !matches!(of, Type::Object(_) | Type::Error) && messages::type_of(name).is_none() {
            self.report(id, format!("'{}' is not a message type", of.name()));
            return Type::Error;
        }
        for field in fields {
            self.expr(&mut field.value);
            let expected = self.field_type(field.id, name, &field.name);
            let value = self.member(&field.value, field.optional);
            if !self.mapping.assign(&expected, &value) {
                let (name, expected, value) = (&field.name, expected.in_message(), value.in_message());
                let message = format!("expected type of field '{name}' is '{expected}' but provided type is '{value}'");
                self.report(field.id, message);
            }
        }
        of
    }

    fn fold(&mut self, fold: &mut Fold) -> Type {
        self.expr(&mut fold.range);
        self.expr(&mut fold.init);
        let range = self.known(&self.type_of(&fold.range));
        let accumulator = self.type_of(&fold.init);
        let depth = self.scopes.len();
        self.scopes.push((fold.accumulator.clone(), accumulator.clone()));
        let (first, second) = self.variables(&range, fold);
        self.scopes.push((fold.variable.clone(), first));
        if let Some(name) = &fold.second {
            self.scopes.push((name.clone(), second));
        }
        self.expr(&mut fold.condition);
        self.assert(&fold.condition, &Type::Bool);
        self.expr(&mut fold.step);
        self.assert(&fold.step, &accumulator);
        self.scopes.truncate(depth + 1);
        self.expr(&mut fold.result);
        self.scopes.truncate(depth);
        self.known(&self.type_of(&fold.result))
    }

    /// The types of a fold's variables.
    fn variables(&mut self, range: &Type, fold: &Fold) -> (Type, Type) {
        match range {
            Type::List(item) if fold.second.is_some() => (Type::Int, (**item).clone()),
            Type::List(item) => ((**item).clone(), Type::Dyn),
            Type::Map(pair) => (pair.0.clone(), pair.1.clone()),
            Type::Dyn | Type::Error | Type::Param(_) => {
                self.mapping.assign(&Type::Dyn, range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let message = format!(
                    "expression of type '{}' cannot be range of a comprehension (must be list, map, or dynamic)",
                    other.in_message()
                );
                self.report(fold.range.id, message);
                (Type::Error, Type::Error)
            }
        }
    }

    fn assert(&mut self, expr: &Expr, expected: &Type) {
        let found = self.type_of(expr);
        if !self.mapping.assign(expected, &found) {
            self.mismatch(expr.id, expected, &found);
        }
    }
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::Str(_) => Type::Str,
        Literal::Bytes(_) => Type::Bytes,
    }
}
