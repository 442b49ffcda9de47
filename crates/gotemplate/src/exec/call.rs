//! Calls functions.

use super::Failure;
use super::state::{At, Executed, Slot, State};
use crate::func::{FuncId, Run, Signature, Ty};
use crate::parse::{Command, Expr};
use crate::sprig::MAX_TEXT;
use crate::value::Value;

/// The complaint about what `call` was to call: no value of ours is a function.
fn not_a_function(written: &Expr, value: &Value) -> Failure {
    let written = match written {
        Expr::Pipe(pipe) => pipe.to_string(),
        other => other.to_string(),
    };
    Failure::new(format!("non-function {written} of type {}", value.type_name()))
}

fn is_field(written: &Expr) -> bool {
    match written {
        Expr::Field { .. } | Expr::Chain { .. } => true,
        Expr::Variable { names, .. } => !names.is_empty(),
        _ => false,
    }
}

/// What a function made, with its size; refused where it is so large that more of it would not do.
fn bounded(value: Value) -> Result<(Value, usize), Failure> {
    let size = match &value {
        Value::Str(text) => text.len(),
        Value::List(list) => list.items.len().saturating_mul(size_of::<Value>()),
        _ => 0,
    };
    match size <= MAX_TEXT {
        true => Ok((value, size)),
        false => Err(Failure::new("output length overflow")),
    }
}

impl<'t> State<'_, '_, 't> {
    pub(super) fn function(
        &mut self,
        dot: &Slot,
        (node, command): (&'t Expr, Option<&'t Command>),
        id: FuncId,
        last: Option<Slot>,
    ) -> Executed<Slot> {
        self.at = At::Expr(node);
        let args = command.map_or(&[][..], |command| &command.args[1..]);
        let function = self.scope.functions.get(id);
        if let Run::And | Run::Or = function.run {
            let stop = matches!(function.run, Run::Or);
            return self.short_circuit(dot, function.name, stop, args, last);
        }
        let values = self.arguments(dot, function.signature, function.name, args, last)?;
        self.step()?;
        let outcome = match &function.run {
            Run::Plain(run) => run(&values),
            Run::Scoped(run) => run(self.scope, &values),
            Run::Host(run) => run(self.scope, &values),
            Run::And | Run::Or => Ok(Value::Nil),
        };
        let outcome = match (function.name, args.first(), values.first()) {
            // The message names the argument as it is written.
            ("call", Some(first), Some(value)) if !value.is_nil() => Err(not_a_function(first, value)),
            // What a field holds is known to be a pointer, even where there is none.
            ("len", Some(first), Some(Value::Nil)) if is_field(first) => Err(Failure::new("len of nil pointer")),
            _ => outcome.and_then(bounded),
        };
        match outcome {
            Ok((value, size)) => self.count_output(size).map(|()| Slot::plain(value)),
            Err(failure) => {
                self.at = command.map_or(At::Expr(node), At::Command);
                Err(self.error_calling(function.name, failure))
            }
        }
    }

    /// The arguments of a call, as many and of such types as the signature wants.
    pub(super) fn arguments(
        &mut self,
        dot: &Slot,
        signature: &Signature,
        name: &str,
        args: &'t [Expr],
        last: Option<Slot>,
    ) -> Executed<Vec<Value>> {
        let given = args.len() + usize::from(last.is_some());
        let fixed = signature.fixed.len();
        if signature.variadic.is_some() && given < fixed {
            let got = args.len();
            return Err(self.error(format!("wrong number of args for {name}: want at least {fixed} got {got}")));
        }
        if signature.variadic.is_none() && given != fixed {
            return Err(self.error(format!("wrong number of args for {name}: want {fixed} got {given}")));
        }
        let ty = |index: usize| signature.fixed.get(index).copied().or(signature.variadic).unwrap_or(Ty::Any);
        let mut values = Vec::with_capacity(given);
        for (index, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, ty(index), arg)?);
        }
        if let Some(last) = last {
            values.push(self.last_argument(last, ty(args.len()))?);
        }
        Ok(values)
    }

    /// `and` stops at the first false argument, `or` at the first true one.
    fn short_circuit(
        &mut self,
        dot: &Slot,
        name: &str,
        stop: bool,
        args: &'t [Expr],
        last: Option<Slot>,
    ) -> Executed<Slot> {
        if args.is_empty() && last.is_none() {
            return Err(self.error(format!("wrong number of args for {name}: want at least 1 got 0")));
        }
        let mut value = Value::Nil;
        for arg in args {
            value = self.argument(dot, Ty::Any, arg)?;
            if value.truth() == stop {
                return Ok(Slot::plain(value));
            }
        }
        Ok(last.map_or_else(|| Slot::plain(value), |last| Slot::plain(last.value)))
    }
}
