//! Fields, keys and methods: what comes after a dot.

use std::rc::Rc;

use super::scope::MissingKey;
use super::state::{Executed, Slot, State};
use crate::func::Ty;
use crate::parse::Expr;
use crate::value::{Kind, Map, Member, Object, Value};

impl<'t> State<'_, '_, 't> {
    /// Follows names from a receiver; arguments go to the last one.
    pub(super) fn field_chain(
        &mut self,
        dot: &Slot,
        mut receiver: Slot,
        node: &'t Expr,
        names: &'t [Rc<str>],
        args: &'t [Expr],
        last: Option<Slot>,
    ) -> Executed<Slot> {
        let Some((end, front)) = names.split_last() else { return Ok(receiver) };
        for name in front {
            receiver = self.field(dot, receiver, node, name, &[], None)?;
        }
        self.field(dot, receiver, node, end, args, last)
    }

    fn field(
        &mut self,
        dot: &Slot,
        receiver: Slot,
        node: &'t Expr,
        name: &str,
        args: &'t [Expr],
        last: Option<Slot>,
    ) -> Executed<Slot> {
        let has_args = !args.is_empty() || last.is_some();
        match &receiver.value {
            Value::Nil if receiver.boxed => Err(self.error(format!("nil pointer evaluating interface {{}}.{name}"))),
            Value::Nil if self.scope.missing == MissingKey::Error => {
                Err(self.error(format!("nil data; no entry for key {}", crate::format::quote(&name.into()))))
            }
            Value::Nil => Ok(Slot::default()),
            Value::Map(map) => {
                if let Some(method) = map.method(name) {
                    let map = Rc::clone(map);
                    let values = self.arguments(dot, &method.signature, name, args, last)?;
                    return self.called(node, name, (method.run)(&map, &values));
                }
                if has_args {
                    return Err(self.error(format!("{name} is not a method but has arguments")));
                }
                self.key(map, name)
            }
            Value::Object(object) => {
                let object = Rc::clone(object);
                self.member(dot, &object, &receiver, node, name, args, last)
            }
            _ => Err(self.no_field(&receiver, name)),
        }
    }

    fn no_field(&self, receiver: &Slot, name: &str) -> Box<super::ExecError> {
        self.error(format!("can't evaluate field {name} in type {}", receiver.type_name()))
    }

    fn key(&self, map: &Map, name: &str) -> Executed<Slot> {
        let boxed = !map.holds_text();
        if let Some(value) = map.get(name) {
            return Ok(Slot { value, boxed });
        }
        match self.scope.missing {
            MissingKey::Default => Ok(Slot::default()),
            MissingKey::Zero => Ok(Slot { value: map.zero(), boxed }),
            MissingKey::Error => {
                Err(self.error(format!("map has no entry for key {}", crate::format::quote(&name.into()))))
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a call takes its place, its receiver and its arguments")]
    fn member(
        &mut self,
        dot: &Slot,
        object: &Rc<dyn Object>,
        receiver: &Slot,
        node: &'t Expr,
        name: &str,
        args: &'t [Expr],
        last: Option<Slot>,
    ) -> Executed<Slot> {
        let has_args = !args.is_empty() || last.is_some();
        match object.member(name) {
            Some(Member::Method(signature)) => {
                let values = self.arguments(dot, signature, name, args, last)?;
                self.called(node, name, object.call(name, &values))
            }
            Some(Member::Field(_)) if has_args => {
                Err(self.error(format!("{name} has arguments but cannot be invoked as function")))
            }
            Some(Member::Field(value)) => Ok(Slot::plain(value)),
            None if object.kind() == Kind::Map => match object.plain() {
                Some(Value::Map(_)) if has_args => Err(self.error(format!("{name} is not a method but has arguments"))),
                Some(Value::Map(map)) => match map.get(name) {
                    Some(value) => Ok(Slot::plain(value)),
                    None => Ok(Slot::plain(object.zero())),
                },
                _ => Err(self.no_field(receiver, name)),
            },
            None => Err(self.no_field(receiver, name)),
        }
    }

    /// What a method gave, or how it failed.
    fn called(&mut self, node: &'t Expr, name: &str, gave: Result<Value, String>) -> Executed<Slot> {
        gave.map(Slot::plain).map_err(|message| {
            self.at = super::state::At::Expr(node);
            self.error_calling(name, message.into())
        })
    }

    /// The method call's or function's final argument, checked.
    pub(super) fn last_argument(&self, last: Slot, ty: Ty) -> Executed<Value> {
        self.validate(last, ty)
    }
}
