//! Lists and sets.

use super::Function;
use super::operators::{add, one, two};
use crate::value::{Fault, List, Val, Valued, compare, equal};
use std::cmp::Ordering;

/// Most items of a list that is made from nothing.
const MOST: i64 = 1_000_000;

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "isSorted" => is_sorted,
        "sum" => |args| sum(args, Val::Int(0)),
        "sum@uint" => |args| sum(args, Val::Uint(0)),
        "sum@double" => |args| sum(args, Val::Double(0.0)),
        "sum@duration" => |args| sum(args, Val::Duration(0)),
        "max" => |args| extreme(args, "max", Ordering::is_lt),
        "min" => |args| extreme(args, "min", Ordering::is_gt),
        "slice" => slice,
        "flatten" => flatten,
        "sort" => |args| one(args, |of| sorted(of, of)),
        "@sortByAssociatedKeys" => |args| two(args, sorted),
        "lists.range" => range,
        "reverse" => reverse,
        "distinct" => distinct,
        "sets.contains" => |args| sets(args, |a, b| b.iter().all(|item| has(a, item))),
        "sets.equivalent" => {
            |args| sets(args, |a, b| a.iter().all(|item| has(b, item)) && b.iter().all(|item| has(a, item)))
        }
        "sets.intersects" => |args| sets(args, |a, b| a.iter().any(|item| has(b, item))),
        _ => return None,
    })
}

fn list<'v, 'a>(of: &'v Val<'a>) -> Result<&'v List<'a>, Fault> {
    match of {
        Val::List(list) => Ok(list),
        _ => Err(Fault::NoOverload),
    }
}

fn has(items: &[Val<'_>], item: &Val<'_>) -> bool {
    items.iter().any(|other| equal(other, item))
}

fn sets<'a>(args: &[Val<'a>], holds: impl Fn(&[Val<'a>], &[Val<'a>]) -> bool) -> Valued<'a> {
    two(args, |a, b| Ok(Val::Bool(holds(&list(a)?.to_vec()?, &list(b)?.to_vec()?))))
}

fn is_sorted<'a>(args: &[Val<'a>]) -> Valued<'a> {
    one(args, |of| {
        let items = list(of)?.to_vec()?;
        for pair in items.windows(2) {
            match compare(&pair[0], &pair[1]) {
                Some(Ordering::Greater) => return Ok(Val::Bool(false)),
                Some(_) => {}
                None => return Err(Fault::NoOverload),
            }
        }
        Ok(Val::Bool(true))
    })
}

fn sum<'a>(args: &[Val<'a>], zero: Val<'a>) -> Valued<'a> {
    one(args, |of| {
        let items = list(of)?.to_vec()?;
        let mut items = items.into_iter();
        match items.next() {
            None => Ok(zero.clone()),
            Some(first) => items.try_fold(first, |total, item| add(&total, &item)),
        }
    })
}

fn extreme<'a>(args: &[Val<'a>], name: &str, replaced: fn(Ordering) -> bool) -> Valued<'a> {
    one(args, |of| {
        let mut found: Option<Val<'a>> = None;
        for item in list(of)?.iter() {
            let item = item?;
            let better = match &found {
                None => true,
                Some(known) => replaced(compare(known, &item).ok_or(Fault::NoOverload)?),
            };
            if better {
                found = Some(item);
            }
        }
        found.ok_or_else(|| Fault::new(format!("{name} called on empty list")))
    })
}

pub(super) fn index_of<'a>(list: &List<'a>, item: &Val<'a>) -> Valued<'a> {
    let found = list.to_vec()?.iter().position(|other| equal(other, item));
    Ok(Val::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}

pub(super) fn last_index_of<'a>(list: &List<'a>, item: &Val<'a>) -> Valued<'a> {
    let found = list.to_vec()?.iter().rposition(|other| equal(other, item));
    Ok(Val::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}

fn slice<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let [Val::List(list), Val::Int(start), Val::Int(end)] = args else { return Err(Fault::NoOverload) };
    let cannot = |why: String| Fault::new(format!("cannot slice({start}, {end}), {why}"));
    let (Ok(from), Ok(to)) = (usize::try_from(*start), usize::try_from(*end)) else {
        return Err(cannot("negative indexes not supported".to_owned()));
    };
    if from > to {
        return Err(cannot("start index must be less than or equal to end index".to_owned()));
    }
    if list.len() < to {
        return Err(cannot(format!("list is length {}", list.len())));
    }
    Ok(Val::list((from..to).filter_map(|at| list.get(at)).collect::<Result<_, Fault>>()?))
}

fn flatten<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let (list, depth) = match args {
        [Val::List(list)] => (list, 1),
        [Val::List(list), Val::Int(depth)] => (list, *depth),
        _ => return Err(Fault::NoOverload),
    };
    let depth = usize::try_from(depth).map_err(|_| Fault::new("level must be non-negative"))?;
    let mut items = Vec::new();
    flatten_into(list, depth, &mut items)?;
    Ok(Val::list(items))
}

fn flatten_into<'a>(list: &List<'a>, depth: usize, out: &mut Vec<Val<'a>>) -> Result<(), Fault> {
    for item in list.iter() {
        match item? {
            Val::List(inner) if depth > 0 => flatten_into(&inner, depth - 1, out)?,
            other => out.push(other),
        }
    }
    Ok(())
}

/// The items in the order of their keys.
fn sorted<'a>(of: &Val<'a>, keys: &Val<'a>) -> Valued<'a> {
    let (items, keys) = (list(of)?.to_vec()?, list(keys)?.to_vec()?);
    if items.len() != keys.len() {
        return Err(Fault::new(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {} and {} \
             elements respectively",
            items.len(),
            keys.len()
        )));
    }
    let Some(first) = keys.first() else { return Ok(of.clone()) };
    if compare(first, first).is_none() {
        return Err(Fault::new("list elements must be comparable"));
    }
    let kind = first.type_of();
    if keys.iter().any(|key| key.type_of() != kind) {
        return Err(Fault::new("list elements must have the same type"));
    }
    let mut pairs: Vec<(Val<'a>, Val<'a>)> = keys.into_iter().zip(items).collect();
    pairs.sort_by(|(a, _), (b, _)| compare(a, b).unwrap_or(Ordering::Equal));
    Ok(Val::list(pairs.into_iter().map(|(_, item)| item).collect()))
}

fn range<'a>(args: &[Val<'a>]) -> Valued<'a> {
    match args {
        [Val::Int(count)] if *count > MOST => Err(Fault::CostLimit),
        [Val::Int(count)] => Ok(Val::list((0..*count).map(Val::Int).collect())),
        _ => Err(Fault::NoOverload),
    }
}

fn reverse<'a>(args: &[Val<'a>]) -> Valued<'a> {
    one(args, |of| {
        let mut items = list(of)?.to_vec()?;
        items.reverse();
        Ok(Val::list(items))
    })
}

fn distinct<'a>(args: &[Val<'a>]) -> Valued<'a> {
    one(args, |of| {
        let mut items: Vec<Val<'a>> = Vec::new();
        for item in list(of)?.iter() {
            let item = item?;
            if !has(&items, &item) {
                items.push(item);
            }
        }
        Ok(Val::list(items))
    })
}
