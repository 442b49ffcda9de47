//! Which overloads a call can mean.

use super::Checker;
use crate::signatures::{Overload, overloads};
use crate::syntax::ast::{Call, Expr, Id, Kind, Literal};
use crate::types::Type;

impl Checker<'_> {
    pub(super) fn call(&mut self, expr: &mut Expr) -> Type {
        let id = expr.id;
        let Kind::Call(call) = &mut expr.kind else { return Type::Error };
        if call.function == "_?._" {
            return self.optional_select(id, call);
        }
        for arg in &mut call.args {
            self.expr(arg);
        }
        let Some(target) = &mut call.target else {
            if let Some(rest) = call.function.strip_prefix('.') {
                call.function = rest.to_owned();
            }
            return match overloads(&call.function) {
                Some(all) => self.resolve(id, call, all),
                None => self.undeclared(id, &call.function),
            };
        };
        // `a.b.c()` may be a function of that name, or `c` called on `a.b`.
        if let Some(prefix) = target.qualified_name() {
            let name = format!("{}.{}", prefix.trim_start_matches('.'), call.function);
            if let Some(all) = overloads(&name).filter(|_| self.env.has_function(&name)) {
                call.function = name;
                call.target = None;
                return self.resolve(id, call, all);
            }
        }
        self.expr(target);
        match overloads(&call.function) {
            Some(all) => self.resolve(id, call, all),
            None => self.undeclared(id, &call.function),
        }
    }

    fn optional_select(&mut self, id: Id, call: &mut Call) -> Type {
        let [operand, field] = call.args.as_mut_slice() else { return Type::Error };
        let Kind::Literal(Literal::Str(field)) = &mut field.kind else {
            self.report(id, "unsupported optional field selection".to_owned());
            return Type::Error;
        };
        let of = self.field(id, operand, &field.clone(), true);
        if let Some(name) = self.reserved(operand, field) {
            *field = name.into();
        }
        if let Some(all) = overloads("_?._") {
            self.overloads[id as usize] = all.iter().collect();
        }
        self.known(&of)
    }

    fn resolve(&mut self, id: Id, call: &Call, all: &'static [Overload]) -> Type {
        let args: Vec<&Expr> = call.target.iter().chain(&call.args).collect();
        if matches!(call.function.as_str(), "_&&_" | "_||_") {
            return self.logical(id, &args, all);
        }
        let types: Vec<Type> = args.iter().map(|arg| self.type_of(arg)).collect();
        let mut result: Option<Type> = None;
        for overload in all.iter().filter(|overload| overload.member == call.target.is_some()) {
            let (wanted, output) = self.instance(overload);
            if !self.mapping.assign_all(&types, &wanted) {
                continue;
            }
            self.overloads[id as usize].push(overload);
            let output = self.known(&output);
            result = Some(match result {
                None => output,
                Some(before) if before == Type::Dyn || before == output => before,
                Some(_) => Type::Dyn,
            });
        }
        result.unwrap_or_else(|| {
            self.no_overload(id, call, &types);
            Type::Error
        })
    }

    fn logical(&mut self, id: Id, args: &[&Expr], all: &'static [Overload]) -> Type {
        let mut result = Type::Bool;
        for arg in args {
            let of = self.type_of(arg);
            if !self.mapping.assign(&of, &Type::Bool) {
                self.mismatch(arg.id, &Type::Bool, &of);
                result = Type::Error;
            }
        }
        self.overloads[id as usize] = all.iter().collect();
        result
    }

    /// The types of an overload with parameters of its own.
    fn instance(&mut self, overload: &Overload) -> (Vec<Type>, Type) {
        let fresh: Vec<Type> = (0..overload.parameters).map(|_| self.mapping.fresh()).collect();
        let args = overload.args.iter().map(|of| instantiate(of, &fresh)).collect();
        (args, instantiate(&overload.result, &fresh))
    }

    fn no_overload(&mut self, id: Id, call: &Call, types: &[Type]) {
        let shown: Vec<String> = types.iter().map(|of| self.mapping.substitute(of, true).in_message()).collect();
        let signature = match (&call.target, shown.split_first()) {
            (Some(_), Some((target, args))) => format!("{target}.({})", args.join(", ")),
            _ => format!("({})", shown.join(", ")),
        };
        let function = &call.function;
        self.report(id, format!("found no matching overload for '{function}' applied to '{signature}'"));
    }
}

fn instantiate(of: &Type, fresh: &[Type]) -> Type {
    match of {
        Type::Param(number) => fresh.get(*number as usize).cloned().unwrap_or(Type::Dyn),
        Type::List(item) => Type::list(instantiate(item, fresh)),
        Type::Map(pair) => Type::map(instantiate(&pair.0, fresh), instantiate(&pair.1, fresh)),
        Type::Opaque(name, parameters) => {
            Type::Opaque(name.clone(), parameters.iter().map(|of| instantiate(of, fresh)).collect())
        }
        Type::Kind(Some(of)) => Type::Kind(Some(instantiate(of, fresh).into())),
        other => other.clone(),
    }
}
