//! Operators, and what the language itself has beside them.

use super::Function;
use crate::decl::ListOf;
use crate::library::convert;
use crate::value::{Fault, Key, List, Map, Val, Valued, compare, equal};
use jiff::SignedDuration;
use std::cmp::Ordering;
use std::sync::Arc;

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "!_" => not,
        "-_" => negate,
        "_==_" => |args| two(args, |a, b| Ok(Val::Bool(equal(a, b)))),
        "_!=_" => |args| two(args, |a, b| Ok(Val::Bool(!equal(a, b)))),
        "_<_" => |args| order(args, Ordering::is_lt),
        "_<=_" => |args| order(args, Ordering::is_le),
        "_>_" => |args| order(args, Ordering::is_gt),
        "_>=_" => |args| order(args, Ordering::is_ge),
        "_+_" => |args| two(args, add),
        "_-_" => |args| two(args, subtract),
        "_*_" => |args| two(args, multiply),
        "_/_" => |args| two(args, divide),
        "_%_" => |args| two(args, remainder),
        "_[_]" => |args| two(args, index),
        "@in" => |args| two(args, contains),
        "size" => size,
        "type" => |args| one(args, |of| Ok(Val::Type(of.type_of()))),
        "dyn" => |args| one(args, |of| Ok(of.clone())),
        "cel.@mapInsert" => insert,
        _ => return None,
    })
}

/// The one argument.
pub(super) fn one<'a>(args: &[Val<'a>], then: impl Fn(&Val<'a>) -> Valued<'a>) -> Valued<'a> {
    match args {
        [of] => then(of),
        _ => Err(Fault::NoOverload),
    }
}

/// The two arguments.
pub(super) fn two<'a>(args: &[Val<'a>], then: impl Fn(&Val<'a>, &Val<'a>) -> Valued<'a>) -> Valued<'a> {
    match args {
        [a, b] => then(a, b),
        _ => Err(Fault::NoOverload),
    }
}

fn overflow() -> Fault {
    Fault::new("integer overflow")
}

fn uint_overflow() -> Fault {
    Fault::new("unsigned integer overflow")
}

fn not<'a>(args: &[Val<'a>]) -> Valued<'a> {
    match args {
        [Val::Bool(value)] => Ok(Val::Bool(!value)),
        _ => Err(Fault::NoOverload),
    }
}

fn negate<'a>(args: &[Val<'a>]) -> Valued<'a> {
    match args {
        [Val::Int(value)] => value.checked_neg().map(Val::Int).ok_or_else(overflow),
        [Val::Double(value)] => Ok(Val::Double(-value)),
        [Val::Duration(value)] => value.checked_neg().map(Val::Duration).ok_or_else(overflow),
        _ => Err(Fault::NoOverload),
    }
}

fn order<'a>(args: &[Val<'a>], holds: fn(Ordering) -> bool) -> Valued<'a> {
    two(args, |a, b| match (compare(a, b), a, b) {
        (Some(order), ..) => Ok(Val::Bool(holds(order))),
        (None, Val::Double(_), Val::Double(_) | Val::Int(_) | Val::Uint(_)) => {
            Err(Fault::new("NaN values cannot be ordered"))
        }
        (None, Val::Int(_) | Val::Uint(_), Val::Double(_)) => Err(Fault::new("NaN values cannot be ordered")),
        _ => Err(Fault::NoOverload),
    })
}

pub(super) fn add<'a>(a: &Val<'a>, b: &Val<'a>) -> Valued<'a> {
    Ok(match (a, b) {
        (Val::Int(a), Val::Int(b)) => Val::Int(a.checked_add(*b).ok_or_else(overflow)?),
        (Val::Uint(a), Val::Uint(b)) => Val::Uint(a.checked_add(*b).ok_or_else(uint_overflow)?),
        (Val::Double(a), Val::Double(b)) => Val::Double(a + b),
        (Val::Str(a), Val::Str(b)) => Val::text([&**a, &**b].concat()),
        (Val::Bytes(a), Val::Bytes(b)) => Val::Bytes([&**a, &**b].concat().into()),
        (Val::Duration(a), Val::Duration(b)) => Val::Duration(a.checked_add(*b).ok_or_else(overflow)?),
        (Val::Timestamp(time), Val::Duration(by)) | (Val::Duration(by), Val::Timestamp(time)) => {
            let moved = time.checked_add(SignedDuration::from_nanos(*by)).ok().and_then(convert::in_range);
            Val::Timestamp(moved.ok_or_else(|| Fault::new("timestamp overflow"))?)
        }
        (Val::List(a), Val::List(b)) => joined(a, b)?,
        _ => return Err(Fault::NoOverload),
    })
}

/// Two lists as one; sets and lists told apart by keys are merged.
fn joined<'a>(a: &List<'a>, b: &List<'a>) -> Valued<'a> {
    let of = a.of().cloned();
    let mut items = a.to_vec()?;
    for item in b.iter() {
        let item = item?;
        let known = match &of {
            Some(ListOf::Set) => items.iter().position(|known| equal(known, &item)),
            Some(ListOf::Map(keys)) => items.iter().position(|known| crate::value::same_keys(keys, known, &item)),
            _ => None,
        };
        match known.and_then(|at| items.get_mut(at)) {
            Some(slot) => *slot = item,
            None => items.push(item),
        }
    }
    Ok(Val::list(items))
}

fn subtract<'a>(a: &Val<'a>, b: &Val<'a>) -> Valued<'a> {
    Ok(match (a, b) {
        (Val::Int(a), Val::Int(b)) => Val::Int(a.checked_sub(*b).ok_or_else(overflow)?),
        (Val::Uint(a), Val::Uint(b)) => Val::Uint(a.checked_sub(*b).ok_or_else(uint_overflow)?),
        (Val::Double(a), Val::Double(b)) => Val::Double(a - b),
        (Val::Duration(a), Val::Duration(b)) => Val::Duration(a.checked_sub(*b).ok_or_else(overflow)?),
        (Val::Timestamp(time), Val::Duration(by)) => {
            let moved = time.checked_sub(SignedDuration::from_nanos(*by)).ok().and_then(convert::in_range);
            Val::Timestamp(moved.ok_or_else(|| Fault::new("timestamp overflow"))?)
        }
        (Val::Timestamp(a), Val::Timestamp(b)) => {
            let nanos = a.duration_since(*b).as_nanos();
            Val::Duration(i64::try_from(nanos).map_err(|_| overflow())?)
        }
        _ => return Err(Fault::NoOverload),
    })
}

fn multiply<'a>(a: &Val<'a>, b: &Val<'a>) -> Valued<'a> {
    Ok(match (a, b) {
        (Val::Int(a), Val::Int(b)) => Val::Int(a.checked_mul(*b).ok_or_else(overflow)?),
        (Val::Uint(a), Val::Uint(b)) => Val::Uint(a.checked_mul(*b).ok_or_else(uint_overflow)?),
        (Val::Double(a), Val::Double(b)) => Val::Double(a * b),
        _ => return Err(Fault::NoOverload),
    })
}

fn divide<'a>(a: &Val<'a>, b: &Val<'a>) -> Valued<'a> {
    Ok(match (a, b) {
        (Val::Int(_), Val::Int(0)) | (Val::Uint(_), Val::Uint(0)) => return Err(Fault::new("division by zero")),
        (Val::Int(a), Val::Int(b)) => Val::Int(a.checked_div(*b).ok_or_else(overflow)?),
        (Val::Uint(a), Val::Uint(b)) => Val::Uint(a.checked_div(*b).ok_or_else(uint_overflow)?),
        (Val::Double(a), Val::Double(b)) => Val::Double(a / b),
        _ => return Err(Fault::NoOverload),
    })
}

fn remainder<'a>(a: &Val<'a>, b: &Val<'a>) -> Valued<'a> {
    Ok(match (a, b) {
        (Val::Int(_), Val::Int(0)) | (Val::Uint(_), Val::Uint(0)) => return Err(Fault::new("modulus by zero")),
        (Val::Int(a), Val::Int(b)) => Val::Int(a.checked_rem(*b).ok_or_else(overflow)?),
        (Val::Uint(a), Val::Uint(b)) => Val::Uint(a.checked_rem(*b).ok_or_else(uint_overflow)?),
        _ => return Err(Fault::NoOverload),
    })
}

/// The place in a list that a number is.
fn position(of: &Val<'_>) -> Option<usize> {
    match Key::of(of)? {
        Key::Int(at) => usize::try_from(at).ok(),
        _ => None,
    }
}

pub(super) fn index<'a>(of: &Val<'a>, at: &Val<'a>) -> Valued<'a> {
    match of {
        Val::Optional(None) => Ok(Val::Optional(None)),
        Val::Optional(Some(inner)) => Ok(index(inner, at)?.some()),
        other => find(other, at).unwrap_or_else(|| {
            let (what, list) = (at.to_string(), matches!(other, Val::List(_)));
            Err(Fault::new(if list { format!("index out of bounds: {what}") } else { format!("no such key: {what}") }))
        }),
    }
}

/// What stands at a place, if something does.
pub(super) fn find<'a>(of: &Val<'a>, at: &Val<'a>) -> Option<Valued<'a>> {
    match of {
        Val::List(list) => match position(at) {
            Some(at) => list.get(at),
            None if matches!(at, Val::Int(_) | Val::Uint(_) | Val::Double(_)) => None,
            None => Some(Err(Fault::NoOverload)),
        },
        Val::Map(map) => map.get(at),
        _ => None,
    }
}

fn contains<'a>(item: &Val<'a>, of: &Val<'a>) -> Valued<'a> {
    match of {
        Val::List(List::Owned(items)) => Ok(Val::Bool(items.iter().any(|other| equal(item, other)))),
        Val::List(list) => {
            for other in list.iter() {
                if equal(item, &other?) {
                    return Ok(Val::Bool(true));
                }
            }
            Ok(Val::Bool(false))
        }
        Val::Map(map) => Ok(Val::Bool(map.get(item).is_some())),
        _ => Err(Fault::NoOverload),
    }
}

fn size<'a>(args: &[Val<'a>]) -> Valued<'a> {
    one(args, |of| match of {
        Val::Str(_) | Val::Bytes(_) | Val::List(_) | Val::Map(_) => {
            Ok(Val::Int(i64::try_from(of.size()).unwrap_or(i64::MAX)))
        }
        _ => Err(Fault::NoOverload),
    })
}

/// A map with one more entry, or all entries of another; no key may be there already.
fn insert<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let (map, added) = match args {
        [Val::Map(map), key, value] => (map, vec![(key.clone(), value.clone())]),
        [Val::Map(map), Val::Map(more)] => (map, more.entries()?),
        _ => return Err(Fault::NoOverload),
    };
    let mut entries = match map {
        Map::Owned(entries) => (**entries).clone(),
        other => {
            let keyed = |(key, value): (Val<'a>, Val<'a>)| Key::of(&key).map(|key| (key, value));
            other.entries()?.into_iter().filter_map(keyed).collect()
        }
    };
    for (key, value) in added {
        let at = Key::of(&key).ok_or_else(|| Fault::new(format!("unsupported key type: {}", key.type_of())))?;
        if entries.insert(at, value).is_some() {
            return Err(Fault::new(format!("insert failed: key {key} already exists")));
        }
    }
    Ok(Val::Map(Map::Owned(Arc::new(entries))))
}
