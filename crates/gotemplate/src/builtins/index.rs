//! `index` and `slice`.

use std::rc::Rc;

use crate::exec::Failure;
use crate::func::Outcome;
use crate::value::{Kind, List, Str, Value};

pub(super) fn index(args: &[Value]) -> Outcome {
    let mut item = args[0].clone();
    if item.is_nil() {
        return Err(Failure::new("index of untyped nil"));
    }
    for key in &args[1..] {
        item = step(&item, key)?;
    }
    Ok(item)
}

fn step(item: &Value, key: &Value) -> Outcome {
    if item.is_nil() {
        return Err(Failure::new("index of nil pointer"));
    }
    if let Value::Str(text) = item {
        let bytes = text.as_bytes();
        return bytes
            .get(position(key, bytes.len())?)
            .map(|byte| Value::Uint8(*byte))
            .ok_or_else(|| past_end("string"));
    }
    if let Some(list) = item.as_list() {
        return list.items.get(position(key, list.items.len())?).cloned().ok_or_else(|| past_end("slice"));
    }
    if let Some(map) = item.as_map() {
        return match key {
            Value::Str(key) => Ok(map.get(&key.text()).unwrap_or_else(|| match item {
                Value::Object(object) => object.zero(),
                _ => map.zero(),
            })),
            Value::Nil => Err(Failure::new("value is nil; should be of type string")),
            key => Err(Failure::new(format!("value has type {}; should be string", key.type_name()))),
        };
    }
    Err(Failure::new(format!("can't index item of type {}", item.pointed_type_name())))
}

fn past_end(what: &str) -> Failure {
    Failure::new(format!("reflect: {what} index out of range"))
}

/// An index, which Go lets be one past the end.
fn position(key: &Value, length: usize) -> Result<usize, Failure> {
    let number = match key {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Uint8(number) => i64::from(*number),
        Value::Uint64(number) => number.cast_signed(),
        Value::Nil => return Err(Failure::new("cannot index slice/array with nil")),
        key => return Err(Failure::new(format!("cannot index slice/array with type {}", key.type_name()))),
    };
    let out_of_range = || Failure::new(format!("index out of range: {number}"));
    usize::try_from(number).ok().filter(|number| *number <= length).ok_or_else(out_of_range)
}

pub(super) fn slice(args: &[Value]) -> Outcome {
    let item = &args[0];
    if item.is_nil() {
        return Err(Failure::new("slice of untyped nil"));
    }
    if args.len() > 4 {
        return Err(Failure::new(format!("too many slice indexes: {}", args.len() - 1)));
    }
    let length = match (item.kind(), item.elements()) {
        (Kind::String, Some(_)) if args.len() == 4 => return Err(Failure::new("cannot 3-index slice a string")),
        (Kind::String | Kind::Slice, Some(length)) => length,
        _ => return Err(Failure::new(format!("can't slice item of type {}", item.pointed_type_name()))),
    };
    let mut bounds = [0, length, length];
    for (bound, key) in bounds.iter_mut().zip(&args[1..]) {
        *bound = position(key, length)?;
    }
    let [start, end, capacity] = bounds;
    if start > end {
        return Err(Failure::new(format!("invalid slice index: {start} > {end}")));
    }
    if end > capacity {
        return Err(Failure::new(format!("invalid slice index: {end} > {capacity}")));
    }
    if let Value::Str(text) = item {
        return Ok(Str::from_bytes(text.as_bytes()[start..end].to_vec()).into());
    }
    let list =
        item.as_list().ok_or_else(|| Failure::new(format!("can't slice item of type {}", item.pointed_type_name())))?;
    Ok(Value::List(Rc::new(List { ty: list.ty, items: list.items[start..end].to_vec(), nil: false })))
}
