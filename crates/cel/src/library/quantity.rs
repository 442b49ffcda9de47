//! Amounts, and what they share with versions: comparisons by method.

use super::Function;
use super::operators::{one, two};
use crate::value::{Fault, Opaque, Val, Valued};
use object::quantity::{Format, Quantity};
use std::cmp::Ordering;
use std::sync::Arc;

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "quantity" => |args| {
            text(args, |text| match Quantity::parse(text) {
                Ok(quantity) => Ok(amount(quantity)),
                Err(error) => Err(Fault::new(error.to_string())),
            })
        },
        "isQuantity" => |args| text(args, |text| Ok(Val::Bool(Quantity::parse(text).is_ok()))),
        "sign" => |args| on(args, |of| Ok(Val::Int(i64::from(of.sign())))),
        "asApproximateFloat" => |args| on(args, |of| Ok(Val::Double(of.approximate()))),
        "isInteger" => |args| on(args, |of| Ok(Val::Bool(whole(of).is_some()))),
        "asInteger" => {
            |args| on(args, |of| whole(of).map(Val::Int).ok_or_else(|| Fault::new("cannot convert value to integer")))
        }
        "add" => |args| changed(args, Quantity::add),
        "sub" => |args| changed(args, Quantity::sub),
        "isGreaterThan" => |args| ordered(args, |order| Val::Bool(order.is_gt())),
        "isLessThan" => |args| ordered(args, |order| Val::Bool(order.is_lt())),
        "compareTo" => |args| ordered(args, |order| Val::Int(order as i64)),
        _ => return super::semver::function(name),
    })
}

fn amount<'a>(quantity: Quantity) -> Val<'a> {
    Val::Opaque(Opaque::Quantity(Arc::new(quantity)))
}

/// A function of one text.
pub(super) fn text<'a>(args: &[Val<'a>], then: impl Fn(&str) -> Valued<'a>) -> Valued<'a> {
    match args {
        [Val::Str(text)] => then(text),
        _ => Err(Fault::NoOverload),
    }
}

fn on<'a>(args: &[Val<'a>], then: impl Fn(&Quantity) -> Valued<'a>) -> Valued<'a> {
    one(args, |of| match of {
        Val::Opaque(Opaque::Quantity(quantity)) => then(quantity),
        _ => Err(Fault::NoOverload),
    })
}

/// The amount as an integer, if it is one of 64 bits.
fn whole(of: &Quantity) -> Option<i64> {
    let value = of.value();
    of.cmp_int(value).is_eq().then_some(value)
}

fn changed<'a>(args: &[Val<'a>], change: fn(&mut Quantity, &Quantity)) -> Valued<'a> {
    two(args, |a, b| {
        let Val::Opaque(Opaque::Quantity(a)) = a else { return Err(Fault::NoOverload) };
        let mut result = (**a).clone();
        match b {
            Val::Opaque(Opaque::Quantity(b)) => change(&mut result, b),
            Val::Int(b) => change(&mut result, &Quantity::new(*b, Format::DecimalExponent)),
            _ => return Err(Fault::NoOverload),
        }
        Ok(amount(result))
    })
}

fn ordered<'a>(args: &[Val<'a>], then: impl Fn(Ordering) -> Val<'a>) -> Valued<'a> {
    two(args, |a, b| match (a, b) {
        (Val::Opaque(Opaque::Quantity(a)), Val::Opaque(Opaque::Quantity(b))) => Ok(then(a.cmp(b))),
        (Val::Opaque(Opaque::Semver(a)), Val::Opaque(Opaque::Semver(b))) => Ok(then(a.compare(b))),
        _ => Err(Fault::NoOverload),
    })
}
