//! What can be told of literals before anything is evaluated: times, expressions, members of one type, formats.

use super::Checked;
use crate::issues::Issues;
use crate::library::{convert, format};
use crate::syntax::ast::{Call, Expr, Id, Kind, Literal};
use crate::types::Type;

/// Checks all literals.
pub(super) fn check(checked: &Checked, offsets: &[usize], issues: &mut Issues) {
    Literals { checked, offsets, issues }.expr(&checked.root, false);
}

struct Literals<'c> {
    checked: &'c Checked,
    offsets: &'c [usize],
    issues: &'c mut Issues,
}

impl Literals<'_> {
    fn report(&mut self, id: Id, message: impl Into<String>) {
        self.issues.add(self.offsets[id as usize], message);
    }

    fn mismatch(&mut self, at: &Expr, expected: &Type, found: &Type) {
        self.report(at.id, format!("expected type '{}' but found '{}'", expected.in_message(), found.in_message()));
    }

    /// `mixed` tells whether members may be of several types, as those of what is formatted may.
    fn expr(&mut self, expr: &Expr, mixed: bool) {
        match &expr.kind {
            Kind::Call(call) => {
                self.call(call);
                self.format(expr, call);
            }
            Kind::List(_) if !mixed => self.list(expr),
            Kind::Map(_) if !mixed => self.map(expr),
            _ => {}
        }
        let mixed = mixed || matches!(&expr.kind, Kind::Call(call) if call.function == "format");
        for child in expr.children() {
            self.expr(child, mixed);
        }
    }

    fn call(&mut self, call: &Call) {
        let Some(arg) = call.args.first() else { return };
        let Kind::Literal(literal) = &arg.kind else { return };
        let wrong = match (call.function.as_str(), literal) {
            ("duration", Literal::Str(text)) => convert::parse_duration(text).is_none(),
            ("timestamp", Literal::Str(text)) => convert::parse_timestamp(text).is_none(),
            ("timestamp", Literal::Int(seconds)) => convert::timestamp_of(*seconds).is_none(),
            ("matches", Literal::Str(text)) => object::pattern::compile(text).is_err(),
            _ => false,
        };
        if wrong {
            self.report(arg.id, format!("invalid {} argument", call.function));
        }
    }

    fn list(&mut self, expr: &Expr) {
        let Kind::List(items) = &expr.kind else { return };
        let of = |item: &crate::syntax::ast::Item| member(self.checked.type_of(&item.value), item.optional);
        let types: Vec<Type> = items.iter().map(of).collect();
        let Some(first) = types.first() else { return };
        if let Some(at) = types.iter().position(|of| !equivalent(first, of)) {
            self.mismatch(&items[at].value, first, &types[at]);
        }
    }

    fn map(&mut self, expr: &Expr) {
        let Kind::Map(entries) = &expr.kind else { return };
        let checked = self.checked;
        let Some(first) = entries.first() else { return };
        let key = checked.type_of(&first.key);
        let value = member(checked.type_of(&first.value), first.optional);
        for entry in &entries[1..] {
            let of_key = checked.type_of(&entry.key);
            if !equivalent(key, of_key) {
                self.mismatch(&entry.key, key, of_key);
            }
            let of_value = member(checked.type_of(&entry.value), entry.optional);
            if !equivalent(&value, &of_value) {
                self.mismatch(&entry.value, &value, &of_value);
            }
        }
    }

    /// Holds a literal format against the types of what it is given.
    fn format(&mut self, expr: &Expr, call: &Call) {
        let (Some(target), [args], "format") = (&call.target, call.args.as_slice(), call.function.as_str()) else {
            return;
        };
        let (Kind::Literal(Literal::Str(text)), Kind::List(items)) = (&target.kind, &args.kind) else { return };
        let mut used = 0;
        let checked = format::walk(text, |clause| {
            used += 1;
            let Some(item) = items.get(used - 1) else {
                return Err((expr.id, format!("index {} out of range", used - 1)));
            };
            self.clause(clause, &item.value, expr.id)
        });
        match checked {
            Err((id, message)) => self.report(id, message),
            Ok(_) if items.len() > used => {
                let count = items.len();
                let message = format!("too many arguments supplied to string.format (expected {used}, got {count})");
                self.report(expr.id, message);
            }
            Ok(_) => {}
        }
    }

    /// Nothing, where the type fits the clause. What is no clause is told of the call.
    fn clause(&self, clause: Result<format::Clause, String>, arg: &Expr, id: Id) -> Result<String, (Id, String)> {
        let clause = clause.map_err(|message| (id, message))?;
        let of = self.checked.type_of(arg);
        if clause == format::Clause::String {
            return self.text(arg);
        }
        if *of == Type::Dyn || clause.takes(of) {
            return Ok(String::new());
        }
        Err((arg.id, clause.refusal(of.name())))
    }

    fn text(&self, arg: &Expr) -> Result<String, (Id, String)> {
        let of = self.checked.type_of(arg);
        if *of != Type::Dyn && !format::Clause::String.takes(of) {
            return Err((arg.id, format::Clause::String.refusal(of.name())));
        }
        match &arg.kind {
            Kind::List(items) => items.iter().try_for_each(|item| self.text(&item.value).map(drop))?,
            Kind::Map(entries) => {
                for entry in entries {
                    self.text(&entry.key)?;
                    self.text(&entry.value)?;
                }
            }
            _ => {}
        }
        Ok(String::new())
    }
}

fn member(of: &Type, optional: bool) -> Type {
    if optional { of.unwrapped().unwrap_or(of).clone() } else { of.clone() }
}

fn equivalent(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Kind(_), Type::Kind(_)) => true,
        _ => a == b,
    }
}
