//! Comparisons, by Go's kinds: a float is not comparable with an integer.

use std::cmp::Ordering;

use crate::exec::Failure;
use crate::func::Outcome;
use crate::value::{Kind, Value};

const BAD_TYPE: &str = "invalid type for comparison";

/// The basic kinds comparisons know.
#[derive(Clone, Copy)]
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Complex(f64, f64),
    Text(&'a [u8]),
}

fn basic(value: &Value) -> Option<Basic<'_>> {
    Some(match value {
        Value::Bool(value) => Basic::Bool(*value),
        Value::Int(value) | Value::Int64(value) => Basic::Int(*value),
        Value::Uint8(value) => Basic::Uint(u64::from(*value)),
        Value::Uint64(value) => Basic::Uint(*value),
        Value::Float(value) => Basic::Float(*value),
        Value::Complex(re, im) => Basic::Complex(*re, *im),
        Value::Str(text) => Basic::Text(text.as_bytes()),
        Value::Object(object) => Basic::Int(object.integer()?),
        _ => return None,
    })
}

fn incompatible(a: &Value, b: &Value) -> Failure {
    let (a, b) = (a.type_name(), b.type_name());
    Failure::new(format!("incompatible types for comparison: {a} and {b}"))
}

pub(super) fn eq(args: &[Value]) -> Outcome {
    if args.len() < 2 {
        return Err(Failure::new("missing argument for comparison"));
    }
    for other in &args[1..] {
        if equal(&args[0], other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn equal(a: &Value, b: &Value) -> Result<bool, Failure> {
    Ok(match (basic(a), basic(b)) {
        (Some(Basic::Bool(a)), Some(Basic::Bool(b))) => a == b,
        (Some(Basic::Int(a)), Some(Basic::Int(b))) => a == b,
        (Some(Basic::Uint(a)), Some(Basic::Uint(b))) => a == b,
        (Some(Basic::Int(a)), Some(Basic::Uint(b))) | (Some(Basic::Uint(b)), Some(Basic::Int(a))) => {
            u64::try_from(a) == Ok(b)
        }
        (Some(Basic::Float(a)), Some(Basic::Float(b))) => a == b,
        (Some(Basic::Complex(a, b)), Some(Basic::Complex(c, d))) => a == c && b == d,
        (Some(Basic::Text(a)), Some(Basic::Text(b))) => a == b,
        (None, None) => return same(a, b),
        _ if a.is_nil() || b.is_nil() => false,
        _ => return Err(incompatible(a, b)),
    })
}

/// Of values that are not basic: those of one kind can be compared with nil, and with each other where they hold no
/// list or map.
fn same(a: &Value, b: &Value) -> Result<bool, Failure> {
    let shown = |verb: &str, value: &Value| crate::format::sprintf(&verb.into(), std::slice::from_ref(value));
    let valid = !a.is_nil() && !b.is_nil();
    if valid && a.kind() != b.kind() {
        let (left, right) = (shown("%s", a), shown("%v", b));
        let (left, right) = (left.text(), right.text());
        let types = format!("{}, {}", a.type_name(), b.type_name());
        return Err(Failure::new(format!("non-comparable types {left}: {types}: {right}")));
    }
    if a.points_nowhere() || b.points_nowhere() {
        return Ok(a.points_nowhere() && b.points_nowhere());
    }
    if matches!(b.kind(), Kind::Slice | Kind::Map) {
        let text = shown("%s", b);
        return Err(Failure::new(format!("non-comparable type {}: {}", text.text(), b.type_name())));
    }
    Ok(a.deep_equal(b))
}

fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, Failure> {
    let bad = || Failure::new(BAD_TYPE);
    let (left, right) = (basic(a).ok_or_else(bad)?, basic(b).ok_or_else(bad)?);
    Ok(match (left, right) {
        (Basic::Int(a), Basic::Int(b)) => Some(a.cmp(&b)),
        (Basic::Uint(a), Basic::Uint(b)) => Some(a.cmp(&b)),
        (Basic::Int(a), Basic::Uint(b)) => Some(u64::try_from(a).map_or(Ordering::Less, |a| a.cmp(&b))),
        (Basic::Uint(a), Basic::Int(b)) => Some(u64::try_from(b).map_or(Ordering::Greater, |b| a.cmp(&b))),
        (Basic::Float(a), Basic::Float(b)) => a.partial_cmp(&b),
        (Basic::Text(a), Basic::Text(b)) => Some(a.cmp(b)),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => return Err(bad()),
        _ => return Err(incompatible(a, b)),
    })
}

pub(super) fn ne(args: &[Value]) -> Outcome {
    Ok(Value::Bool(!equal(&args[0], &args[1])?))
}

pub(super) fn lt(args: &[Value]) -> Outcome {
    Ok(Value::Bool(order(&args[0], &args[1])? == Some(Ordering::Less)))
}

pub(super) fn le(args: &[Value]) -> Outcome {
    Ok(Value::Bool(matches!(order(&args[0], &args[1])?, Some(Ordering::Less | Ordering::Equal))))
}

/// The inverse of `le`, as Go has it: it holds where there is no order.
pub(super) fn gt(args: &[Value]) -> Outcome {
    Ok(Value::Bool(!matches!(order(&args[0], &args[1])?, Some(Ordering::Less | Ordering::Equal))))
}

/// The inverse of `lt`.
pub(super) fn ge(args: &[Value]) -> Outcome {
    Ok(Value::Bool(order(&args[0], &args[1])? != Some(Ordering::Less)))
}
