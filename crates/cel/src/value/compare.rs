//! When values are equal, and which of two is less.

use super::{List, Map, Opaque, Val};
use crate::decl::ListOf;
use std::cmp::Ordering;

/// Whether two values are equal. Values of different types are not, but numbers are compared by what they are.
pub(crate) fn equal(a: &Val<'_>, b: &Val<'_>) -> bool {
    match (a, b) {
        (Val::Null, Val::Null) => true,
        (Val::List(a), Val::List(b)) => lists(a, b),
        (Val::Map(a), Val::Map(b)) => maps(a, b),
        (Val::Optional(a), Val::Optional(b)) => match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => equal(a, b),
            _ => false,
        },
        (Val::Type(a), Val::Type(b)) => a.name() == b.name(),
        (Val::Opaque(a), Val::Opaque(b)) => opaque(a, b),
        _ => compare(a, b) == Some(Ordering::Equal),
    }
}

/// The order of two values; `None` where there is none.
pub(crate) fn compare(a: &Val<'_>, b: &Val<'_>) -> Option<Ordering> {
    Some(match (a, b) {
        (Val::Bool(a), Val::Bool(b)) => a.cmp(b),
        (Val::Int(a), Val::Int(b)) => a.cmp(b),
        (Val::Uint(a), Val::Uint(b)) => a.cmp(b),
        (Val::Int(a), Val::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
        (Val::Uint(a), Val::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
        (Val::Double(a), Val::Double(b)) => a.partial_cmp(b)?,
        (Val::Double(a), Val::Int(b)) => with_integer(*a, i128::from(*b))?,
        (Val::Double(a), Val::Uint(b)) => with_integer(*a, i128::from(*b))?,
        (Val::Int(a), Val::Double(b)) => with_integer(*b, i128::from(*a))?.reverse(),
        (Val::Uint(a), Val::Double(b)) => with_integer(*b, i128::from(*a))?.reverse(),
        (Val::Str(a), Val::Str(b)) => (**a).cmp(&**b),
        (Val::Bytes(a), Val::Bytes(b)) => a.cmp(b),
        (Val::Timestamp(a), Val::Timestamp(b)) => a.cmp(b),
        (Val::Duration(a), Val::Duration(b)) => a.cmp(b),
        _ => return None,
    })
}

fn with_integer(a: f64, b: i128) -> Option<Ordering> {
    if a.is_nan() {
        return None;
    }
    if a.abs() > 1e20 {
        return a.partial_cmp(&0.0);
    }
    #[allow(clippy::cast_possible_truncation, reason = "it is below 1e20")]
    let whole = a.trunc() as i128;
    Some(whole.cmp(&b).then_with(|| a.fract().partial_cmp(&0.0).unwrap_or(Ordering::Equal)))
}

fn lists(a: &List<'_>, b: &List<'_>) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (Ok(a_items), Ok(b_items)) = (a.to_vec(), b.to_vec()) else { return false };
    match a.of() {
        Some(ListOf::Set) => a_items.iter().all(|item| b_items.iter().any(|other| equal(item, other))),
        Some(ListOf::Map(keys)) => {
            let same = |item: &Val<'_>| b_items.iter().any(|other| same_keys(keys, item, other) && equal(item, other));
            a_items.iter().all(same)
        }
        _ => a_items.iter().zip(&b_items).all(|(a, b)| equal(a, b)),
    }
}

/// Whether two items of a list of type map are one and the same.
pub(crate) fn same_keys(keys: &[String], a: &Val<'_>, b: &Val<'_>) -> bool {
    let (Val::Map(a), Val::Map(b)) = (a, b) else { return false };
    keys.iter().all(|key| match (a.field(key), b.field(key)) {
        (Some(Ok(a)), Some(Ok(b))) => equal(&a, &b),
        (None, None) => true,
        _ => false,
    })
}

fn maps(a: &Map<'_>, b: &Map<'_>) -> bool {
    if let (Map::Struct(a), Map::Struct(b)) = (a, b)
        && a.name != b.name
    {
        return false;
    }
    let Ok(entries) = a.entries() else { return false };
    let same = |(key, value): &(Val<'_>, Val<'_>)| match key {
        Val::Str(name) => matches!(b.field(name), Some(Ok(other)) if equal(value, &other)),
        key => b.entries().is_ok_and(|all| all.iter().any(|(k, other)| equal(k, key) && equal(value, other))),
    };
    a.len() == b.len() && entries.iter().all(same)
}

fn opaque(a: &Opaque<'_>, b: &Opaque<'_>) -> bool {
    match (a, b) {
        (Opaque::Quantity(a), Opaque::Quantity(b)) => a.cmp(b) == Ordering::Equal,
        (Opaque::Ip(a), Opaque::Ip(b)) => a == b,
        (Opaque::Cidr(a), Opaque::Cidr(b)) => a == b,
        (Opaque::Url(a), Opaque::Url(b)) => a == b,
        (Opaque::Semver(a), Opaque::Semver(b)) => a.compare(b) == Ordering::Equal,
        (Opaque::Format(a), Opaque::Format(b)) => a.name == b.name,
        _ => false,
    }
}
