//! Lists.

use std::rc::Rc;

use super::cast::to_int64;
use super::defaults::empty;
use crate::func::Ty::{Any, Int, Str as Text};
use crate::func::{Args, Function, Outcome, want_list};
use crate::value::{List, ListType, Value};
use crate::{Failure, Scope, functions};

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "list" (; Any) Plain |args| Ok(Value::list(args.to_vec()));
        "tuple" (; Any) Plain |args| Ok(Value::list(args.to_vec()));
        "append" (Any, Any) Plain push;
        "push" (Any, Any) Plain push;
        "mustAppend" (Any, Any) Plain push;
        "mustPush" (Any, Any) Plain push;
        "prepend" (Any, Any) Plain prepend;
        "mustPrepend" (Any, Any) Plain prepend;
        "chunk" (Int, Any) Plain chunk;
        "mustChunk" (Int, Any) Plain chunk;
        "first" (Any) Plain |args| Ok(find(args, "first")?.items.first().cloned().unwrap_or_default());
        "mustFirst" (Any) Plain |args| Ok(find(args, "first")?.items.first().cloned().unwrap_or_default());
        "last" (Any) Plain |args| Ok(find(args, "last")?.items.last().cloned().unwrap_or_default());
        "mustLast" (Any) Plain |args| Ok(find(args, "last")?.items.last().cloned().unwrap_or_default());
        "rest" (Any) Plain |args| part(args, "rest", 1, 0);
        "mustRest" (Any) Plain |args| part(args, "rest", 1, 0);
        "initial" (Any) Plain |args| part(args, "initial", 0, 1);
        "mustInitial" (Any) Plain |args| part(args, "initial", 0, 1);
        "reverse" (Any) Plain |args| Ok(Value::list(find(args, "reverse")?.items.iter().rev().cloned().collect()));
        "mustReverse" (Any) Plain |args| Ok(Value::list(find(args, "reverse")?.items.iter().rev().cloned().collect()));
        "compact" (Any) Plain compact;
        "mustCompact" (Any) Plain compact;
        "uniq" (Any) Plain uniq;
        "mustUniq" (Any) Plain uniq;
        "without" (Any; Any) Plain without;
        "mustWithout" (Any; Any) Plain without;
        "has" (Any, Any) Plain has;
        "mustHas" (Any, Any) Plain has;
        "slice" (Any; Any) Plain slice;
        "mustSlice" (Any; Any) Plain slice;
        "concat" (; Any) Plain concat;
        "shuffle" (Text) Scoped shuffle;
    }
}

fn find(args: &[Value], what: &str) -> Result<Rc<List>, Failure> {
    want_list(&args[0], &format!("Cannot find {what} on type"))
}

fn part(args: &[Value], what: &str, front: usize, back: usize) -> Outcome {
    let list = find(args, what)?;
    if list.items.is_empty() {
        return Ok(Value::list_or_nil(ListType::Any, Vec::new()));
    }
    let end = list.items.len().saturating_sub(back);
    Ok(Value::list(list.items.get(front..end).unwrap_or_default().to_vec()))
}

fn push(args: &[Value]) -> Outcome {
    let mut items = want_list(&args[0], "Cannot push on type")?.items.clone();
    items.push(args[1].clone());
    Ok(Value::list(items))
}

fn prepend(args: &[Value]) -> Outcome {
    let list = want_list(&args[0], "Cannot prepend on type")?;
    let mut items = Vec::with_capacity(list.items.len() + 1);
    items.push(args[1].clone());
    items.extend_from_slice(&list.items);
    Ok(Value::list(items))
}

fn chunk(args: &[Value]) -> Outcome {
    let list = want_list(&args[1], "Cannot chunk type")?;
    let size = usize::try_from(args.int(0)).ok().filter(|size| *size > 0);
    let size = size.ok_or_else(|| Failure::new("runtime error: makeslice: len out of range"))?;
    let items = list.items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect();
    Ok(Value::List(Rc::new(List { ty: ListType::Lists, items, nil: false })))
}

fn compact(args: &[Value]) -> Outcome {
    let list = want_list(&args[0], "Cannot compact on type")?;
    Ok(Value::list(list.items.iter().filter(|item| !empty(item)).cloned().collect()))
}

fn uniq(args: &[Value]) -> Outcome {
    let list = find(args, "uniq")?;
    let mut items: Vec<Value> = Vec::new();
    // Texts, the usual elements of long lists, are looked up by their hash.
    let mut texts = std::collections::HashSet::new();
    for item in &list.items {
        let new = match item {
            Value::Str(text) => texts.insert(text.as_bytes().to_vec()),
            item => !items.iter().any(|seen| seen.deep_equal(item)),
        };
        if new {
            items.push(item.clone());
        }
    }
    Ok(Value::list(items))
}

fn without(args: &[Value]) -> Outcome {
    let list = find(args, "without")?;
    let keep = |item: &&Value| !args[1..].iter().any(|omit| omit.deep_equal(item));
    Ok(Value::list(list.items.iter().filter(keep).cloned().collect()))
}

fn has(args: &[Value]) -> Outcome {
    if args[1].is_nil() {
        return Ok(false.into());
    }
    let list = want_list(&args[1], "Cannot find has on type")?;
    Ok(list.items.iter().any(|item| item.deep_equal(&args[0])).into())
}

fn slice(args: &[Value]) -> Outcome {
    let list = want_list(&args[0], "list should be type of slice or array but")?;
    let length = list.items.len();
    if length == 0 {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map_or(0, to_int64);
    let end = args.get(2).map_or_else(|| i64::try_from(length).unwrap_or(i64::MAX), to_int64);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let items = range.and_then(|(start, end)| list.items.get(start..end));
    let items = items.ok_or_else(|| Failure::new("reflect.Value.Slice: slice index out of bounds"))?;
    if args[0].as_bytes().is_some() {
        let byte = |item: &Value| if let Value::Uint8(byte) = item { *byte } else { 0 };
        return Ok(Value::object(crate::value::Bytes(Some(items.iter().map(byte).collect()))));
    }
    Ok(Value::List(Rc::new(List { ty: list.ty, items: items.to_vec(), nil: false })))
}

fn concat(args: &[Value]) -> Outcome {
    let mut items = Vec::new();
    for arg in args {
        if arg.is_nil() {
            return Err(Failure::new("runtime error: invalid memory address or nil pointer dereference"));
        }
        let list = arg.as_list();
        let list = list.ok_or_else(|| Failure::new(format!("Cannot concat type {} as list", arg.kind())))?;
        items.extend_from_slice(&list.items);
    }
    Ok(Value::list_or_nil(ListType::Any, items))
}

/// A text with its characters in another order.
fn shuffle(scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
    let mut chars: Vec<char> = args.text(0).chars().collect();
    for index in (1..chars.len()).rev() {
        let mut bytes = [0; 8];
        (scope.environment().random)(&mut bytes);
        let range = u64::try_from(index + 1).unwrap_or(u64::MAX);
        let other = usize::try_from(u64::from_le_bytes(bytes) % range).unwrap_or(0);
        chars.swap(index, other);
    }
    Ok(chars.into_iter().collect::<String>().into())
}
