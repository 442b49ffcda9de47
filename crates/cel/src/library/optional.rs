//! Values that may be absent.

use super::Function;
use super::operators::{find, one, two};
use crate::value::{Fault, List, Val, Valued};

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "optional.of" => |args| one(args, |of| Ok(of.clone().some())),
        "optional.ofNonZeroValue" => {
            |args| one(args, |of| Ok(if of.is_zero() { Val::Optional(None) } else { of.clone().some() }))
        }
        "optional.none" => |_| Ok(Val::Optional(None)),
        "optional.unwrap" | "unwrapOpt" => unwrap,
        "value" => value,
        "hasValue" => |args| one(args, |of| Ok(Val::Bool(optional(of)?.is_some()))),
        // What is no optional value stands for itself.
        "or" => |args| two(args, |a, b| Ok(if matches!(a, Val::Optional(None)) { b.clone() } else { a.clone() })),
        "orValue" => |args| {
            two(args, |a, b| match a {
                Val::Optional(of) => Ok(of.as_deref().unwrap_or(b).clone()),
                other => Ok(other.clone()),
            })
        },
        "_[?_]" => |args| two(args, at),
        "first" => |args| one(args, |of| edge(of, |list| list.get(0))),
        "last" => |args| one(args, |of| edge(of, |list| list.get(list.len().checked_sub(1)?))),
        _ => return None,
    })
}

fn optional<'v, 'a>(of: &'v Val<'a>) -> Result<Option<&'v Val<'a>>, Fault> {
    match of {
        Val::Optional(of) => Ok(of.as_deref()),
        _ => Err(Fault::NoOverload),
    }
}

fn value<'a>(args: &[Val<'a>]) -> Valued<'a> {
    one(args, |of| optional(of)?.cloned().ok_or_else(|| Fault::new("optional.none() dereference")))
}

fn unwrap<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let [Val::List(list)] = args else { return Err(Fault::NoOverload) };
    let mut items = Vec::new();
    for item in list.iter() {
        match item? {
            Val::Optional(of) => items.extend(of.map(|of| (*of).clone())),
            other => return Err(Fault::new(format!("value {other} is not optional"))),
        }
    }
    Ok(Val::list(items))
}

fn at<'a>(of: &Val<'a>, key: &Val<'a>) -> Valued<'a> {
    let target = match of {
        Val::Optional(None) => return Ok(Val::Optional(None)),
        Val::Optional(Some(inner)) => inner,
        other => other,
    };
    Ok(find(target, key).transpose()?.map_or(Val::Optional(None), Val::some))
}

fn edge<'a>(of: &Val<'a>, item: impl Fn(&List<'a>) -> Option<Valued<'a>>) -> Valued<'a> {
    match of {
        Val::List(list) => Ok(item(list).transpose()?.map_or(Val::Optional(None), Val::some)),
        _ => Err(Fault::NoOverload),
    }
}
