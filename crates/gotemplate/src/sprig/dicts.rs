//! Dictionaries.

use super::cast::strval;
use super::merge::merge_maps;
use crate::func::Ty::{Any, Dict, Str as Text};
use crate::func::{Args, Function, Outcome};
use crate::value::{Entries, MapType, Value};
use crate::{Failure, functions};

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "dict" (; Any) Plain dict;
        "get" (Dict, Text) Plain |args| Ok(args.dict(0).get(&args.text(1)).unwrap_or_else(|| "".into()));
        "set" (Dict, Text, Any) Plain set;
        "unset" (Dict, Text) Plain |args| {
            args.dict(0).remove(&args.text(1));
            Ok(args[0].clone())
        };
        "hasKey" (Dict, Text) Plain |args| Ok(args.dict(0).has(&args.text(1)).into());
        "pluck" (Text; Dict) Plain pluck;
        "keys" (; Dict) Plain keys;
        "pick" (Dict; Text) Plain pick;
        "omit" (Dict; Text) Plain omit;
        "values" (Dict) Plain |args| Ok(Value::list(args.dict(0).snapshot().into_iter().map(|(_, value)| value).collect()));
        "merge" (Dict; Dict) Plain |args| merged(args, false);
        "mustMerge" (Dict; Dict) Plain |args| merged(args, false);
        "mergeOverwrite" (Dict; Dict) Plain |args| merged(args, true);
        "mustMergeOverwrite" (Dict; Dict) Plain |args| merged(args, true);
        "dig" (; Any) Plain dig;
    }
}

fn dict(args: &[Value]) -> Outcome {
    let mut entries = Entries::new();
    for pair in args.chunks(2) {
        entries.insert(strval(&pair[0]).shared(), pair.get(1).cloned().unwrap_or_else(|| "".into()));
    }
    Ok(Value::map(entries))
}

fn set(args: &[Value]) -> Outcome {
    match &args[0] {
        Value::Map(map) => {
            map.insert(args.str(1).shared(), args[2].clone());
            Ok(args[0].clone())
        }
        _ => Err(Failure::new("assignment to entry in nil map")),
    }
}

fn pluck(args: &[Value]) -> Outcome {
    let key = args.text(0);
    Ok(Value::list((1..args.len()).filter_map(|index| args.dict(index).get(&key)).collect()))
}

fn keys(args: &[Value]) -> Outcome {
    let all = (0..args.len()).flat_map(|index| args.dict(index).snapshot());
    Ok(Value::strings(all.map(|(key, _)| key)))
}

fn pick(args: &[Value]) -> Outcome {
    let dict = args.dict(0);
    let wanted = args.from(1).iter().filter_map(Value::as_str);
    let found = wanted.filter_map(|key| dict.get(&key.text()).map(|value| (key.shared(), value)));
    Ok(Value::map(found.collect()))
}

fn omit(args: &[Value]) -> Outcome {
    let entries: Entries = args.dict(0).snapshot().into_iter().collect();
    let dict = Value::map(entries);
    if let Value::Map(map) = &dict {
        args.from(1).iter().filter_map(Value::as_str).for_each(|key| map.remove(&key.text()));
    }
    Ok(dict)
}

fn merged(args: &[Value], overwrite: bool) -> Outcome {
    let target = args.dict(0);
    for source in args.from(1) {
        if let Value::Map(source) = source {
            merge_maps(&target, source, overwrite, 0);
        }
    }
    Ok(match &args[0] {
        Value::Nil => Value::Map(target),
        given => given.clone(),
    })
}

fn dig(args: &[Value]) -> Outcome {
    let [path @ .., default, dict] = args else { return Err(Failure::new("dig needs at least three arguments")) };
    if path.is_empty() {
        return Err(Failure::new("dig needs at least three arguments"));
    }
    let mut step = dict.clone();
    for key in path {
        let plain = step.as_map().filter(|map| matches!(map.ty, MapType::Any | MapType::NilAny));
        let Some(map) = plain else { return Err(conversion(&step, "map[string]interface {}")) };
        let key = key.as_str().ok_or_else(|| conversion(key, "string"))?;
        match map.get(&key.text()) {
            Some(value) => step = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(step)
}

/// The panic of a type assertion.
fn conversion(value: &Value, wanted: &str) -> Failure {
    let is = if value.is_nil() { "nil".to_owned() } else { value.type_name() };
    Failure::new(format!("interface conversion: interface {{}} is {is}, not {wanted}"))
}
