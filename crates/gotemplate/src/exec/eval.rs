//! Evaluates pipelines, commands and operands.

use super::state::{At, Executed, Slot, State};
use crate::func::Ty;
use crate::parse::{Command, Expr, Number, Pipe};
use crate::value::{Str, Value};

impl<'t> State<'_, '_, 't> {
    /// The value of a pipeline; what it declares is put on the stack, for the caller to take off.
    pub(super) fn pipeline(&mut self, dot: &Slot, pipe: &'t Pipe) -> Executed<Slot> {
        self.at = At::Pipe(pipe);
        let mut value = None;
        for command in &pipe.commands {
            let mut slot = self.command(dot, command, value)?;
            slot.boxed = false;
            value = Some(slot);
        }
        let value = value.unwrap_or_default();
        for name in &pipe.decl {
            if pipe.assign {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name.clone(), value.clone()));
            }
        }
        Ok(value)
    }

    fn command(&mut self, dot: &Slot, command: &'t Command, last: Option<Slot>) -> Executed<Slot> {
        let Some(first) = command.args.first() else { return Ok(Slot::default()) };
        let args = &command.args[1..];
        match first {
            Expr::Field { names, .. } => {
                self.at = At::Expr(first);
                return self.field_chain(dot, dot.clone(), first, names, args, last);
            }
            Expr::Chain { node, names, .. } => {
                return self.chain(dot, first, node, names, args, last);
            }
            Expr::Function { id, .. } => return self.function(dot, (first, Some(command)), *id, last),
            Expr::Pipe(pipe) => {
                self.not_a_function(first, args, last.as_ref())?;
                return self.pipeline(dot, pipe);
            }
            Expr::Variable { name, names, .. } => {
                return self.variable_node(dot, first, name, names, args, last);
            }
            _ => {}
        }
        self.at = At::Expr(first);
        self.not_a_function(first, args, last.as_ref())?;
        match first {
            Expr::Nil(_) => Err(self.error("nil is not a command")),
            first => self.constant(dot, first),
        }
    }

    fn not_a_function(&self, first: &Expr, args: &[Expr], last: Option<&Slot>) -> Executed<()> {
        if args.is_empty() && last.is_none() {
            return Ok(());
        }
        Err(self.error(format!("can't give argument to non-function {first}")))
    }

    fn constant(&self, dot: &Slot, expr: &Expr) -> Executed<Slot> {
        Ok(match expr {
            Expr::Bool(_, value) => Slot::plain(Value::Bool(*value)),
            Expr::Dot(_) => dot.clone(),
            Expr::Number(_, number) => Slot::plain(self.ideal(number)?),
            Expr::Text { text, .. } => Slot::plain(Value::Str(text.clone())),
            _ => Slot::default(),
        })
    }

    /// A number where nothing says what kind it should be.
    fn ideal(&self, number: &Number) -> Executed<Value> {
        if let Some((re, im)) = number.complex {
            return Ok(Value::Complex(re, im));
        }
        if number.is_float() {
            return Ok(Value::Float(number.float.unwrap_or(0.0)));
        }
        match number.int {
            Some(int) => Ok(Value::Int(int)),
            None => Err(self.error(format!("{} overflows int", number.text))),
        }
    }

    fn chain(
        &mut self,
        dot: &Slot,
        whole: &'t Expr,
        node: &'t Expr,
        names: &'t [std::rc::Rc<str>],
        args: &'t [Expr],
        last: Option<Slot>,
    ) -> Executed<Slot> {
        self.at = At::Expr(whole);
        if let Expr::Nil(_) = node {
            return Err(self.error(format!("indirection through explicit nil in {whole}")));
        }
        let receiver = match node {
            Expr::Pipe(pipe) => {
                self.at = At::Expr(node);
                self.pipeline(dot, pipe)?
            }
            Expr::Function { id, .. } => self.function(dot, (node, None), *id, None)?,
            node => Slot::plain(self.argument(dot, Ty::Any, node)?),
        };
        self.field_chain(dot, receiver, whole, names, args, last)
    }

    fn variable_node(
        &mut self,
        dot: &Slot,
        whole: &'t Expr,
        name: &str,
        names: &'t [std::rc::Rc<str>],
        args: &'t [Expr],
        last: Option<Slot>,
    ) -> Executed<Slot> {
        self.at = At::Expr(whole);
        let value = self.variable(name)?;
        if names.is_empty() {
            self.not_a_function(whole, args, last.as_ref())?;
            return Ok(value);
        }
        self.field_chain(dot, value, whole, names, args, last)
    }

    /// The value of an operand as an argument of this type.
    pub(super) fn argument(&mut self, dot: &Slot, ty: Ty, expr: &'t Expr) -> Executed<Value> {
        self.at = At::Expr(expr);
        let slot = match expr {
            Expr::Dot(_) => dot.clone(),
            Expr::Nil(_) if ty.can_be_nil() => return Ok(Value::Nil),
            Expr::Nil(_) => return Err(self.error(format!("cannot assign nil to {}", ty.name()))),
            Expr::Field { names, .. } => self.field_chain(dot, dot.clone(), expr, names, &[], None)?,
            Expr::Variable { name, names, .. } => self.variable_node(dot, expr, name, names, &[], None)?,
            Expr::Pipe(pipe) => self.pipeline(dot, pipe)?,
            Expr::Function { id, .. } => self.function(dot, (expr, None), *id, None)?,
            Expr::Chain { node, names, .. } => self.chain(dot, expr, node, names, &[], None)?,
            Expr::Bool(..) | Expr::Number(..) | Expr::Text { .. } => return self.literal(ty, expr),
        };
        self.validate(slot, ty)
    }

    fn literal(&self, ty: Ty, expr: &Expr) -> Executed<Value> {
        let wanted = |what: &str| Err(self.error(format!("expected {what}; found {expr}")));
        match (ty, expr) {
            (Ty::Any, expr) => self.constant(&Slot::default(), expr).map(|slot| slot.value),
            (Ty::Bool, Expr::Bool(_, value)) => Ok(Value::Bool(*value)),
            (Ty::Bool, _) => wanted("bool"),
            (Ty::Str | Ty::Named(_), Expr::Text { text, .. }) => Ok(Value::Str(Str::clone(text))),
            (Ty::Str | Ty::Named(_), _) => wanted("string"),
            (Ty::Int, Expr::Number(_, Number { int: Some(int), .. })) => Ok(Value::Int(*int)),
            (Ty::Int64, Expr::Number(_, Number { int: Some(int), .. })) => Ok(Value::Int64(*int)),
            (Ty::Int | Ty::Int64, _) => wanted("integer"),
            (Ty::Uint32, Expr::Number(_, Number { uint: Some(uint), .. })) => {
                Ok(Value::Int64(i64::from(u32::try_from(*uint & 0xffff_ffff).unwrap_or(0))))
            }
            (Ty::Uint32, _) => wanted("unsigned integer"),
            (Ty::Float, Expr::Number(_, Number { float: Some(float), .. })) => Ok(Value::Float(*float)),
            (Ty::Float, _) => wanted("float"),
            (Ty::Dict | Ty::List | Ty::Object(_), expr) => {
                Err(self.error(format!("can't handle {expr} for arg of type {}", ty.name())))
            }
        }
    }

    /// Whether a value goes where this type is wanted.
    pub(super) fn validate(&self, slot: Slot, ty: Ty) -> Executed<Value> {
        if ty.takes(&slot.value) && (ty == Ty::Any || !slot.value.is_nil()) {
            return Ok(slot.value);
        }
        if slot.value.is_nil() && !slot.boxed {
            if ty.can_be_nil() {
                return Ok(Value::Nil);
            }
            return Err(self.error(format!("invalid value; expected {}", ty.name())));
        }
        let got = if slot.value.is_nil() { "interface {}".to_owned() } else { slot.value.type_name() };
        Err(self.error(format!("wrong type for value; expected {}; got {got}", ty.name())))
    }
}
