//! What is told of arguments that no overload of a function takes.

use crate::signatures::overloads;
use crate::types::Type;
use crate::value::{Fault, List, Val};

/// The fault of a call whose function found that its arguments fit nothing.
///
/// A function that was looked up by the types of its arguments names them. One that every value brings along (`+`, `<`)
/// is only named if the first argument lacks it; what is wrong with the others is found by that argument, which does not
/// know what it is called by.
pub(super) fn no_overload(name: &str, args: &[Val<'_>]) -> Fault {
    if let Some(operation) = Operation::of(name) {
        let is_asked = args.first().is_some_and(|first| operation.is_had_by(first) || receives(first));
        return if is_asked { Fault::NoOverload } else { Fault::new(format!("no such overload: {name}")) };
    }
    let takes = |signature: &[Type]| {
        signature.len() == args.len() && signature.iter().zip(args).all(|(ty, arg)| is_of(ty, arg))
    };
    if overloads(name).into_iter().flatten().any(|overload| takes(&overload.args)) {
        return Fault::NoOverload;
    }
    let types: Vec<String> = args.iter().map(|arg| arg.type_of().name().to_owned()).collect();
    Fault::new(match (name, types.as_slice()) {
        ("flatten", [of, depth @ ..]) => format!("no such overload: {of}.flatten({})", depth.join(", ")),
        _ => format!("no such overload: {name}({})", types.join(", ")),
    })
}

/// What values bring along.
enum Operation {
    Add,
    Subtract,
    Multiply,
    Remainder,
    Negate,
    Compare,
    Size,
    Match,
    /// It is not asked for.
    Any,
}

impl Operation {
    fn of(name: &str) -> Option<Operation> {
        Some(match name {
            "_+_" => Operation::Add,
            "_-_" => Operation::Subtract,
            "_*_" | "_/_" => Operation::Multiply,
            "_%_" => Operation::Remainder,
            "-_" => Operation::Negate,
            "_<_" | "_<=_" | "_>_" | "_>=_" => Operation::Compare,
            "size" => Operation::Size,
            "matches" => Operation::Match,
            "!_" | "@in" | "_[_]" | "type" | "dyn" | "startsWith" | "endsWith" | "contains" => Operation::Any,
            _ => return None,
        })
    }

    fn is_had_by(&self, value: &Val<'_>) -> bool {
        let is_number = matches!(value, Val::Int(_) | Val::Uint(_) | Val::Double(_));
        let is_time = matches!(value, Val::Timestamp(_) | Val::Duration(_));
        let is_text = matches!(value, Val::Str(_) | Val::Bytes(_));
        match self {
            Operation::Add => is_number || is_time || is_text || matches!(value, Val::List(_)),
            Operation::Subtract => is_number || is_time,
            Operation::Multiply => is_number,
            Operation::Remainder => matches!(value, Val::Int(_) | Val::Uint(_)),
            Operation::Negate => matches!(value, Val::Int(_) | Val::Double(_) | Val::Duration(_) | Val::Bool(_)),
            Operation::Compare => is_number || is_time || is_text || matches!(value, Val::Bool(_)),
            Operation::Size => is_text || matches!(value, Val::List(_) | Val::Map(_)),
            Operation::Match => matches!(value, Val::Str(_)),
            Operation::Any => true,
        }
    }
}

/// True if a value is asked for whatever it may have.
fn receives(value: &Val<'_>) -> bool {
    matches!(value, Val::Str(_) | Val::Timestamp(_) | Val::Duration(_))
}

/// True if a value can be an argument of a type; of what it holds the first one counts.
fn is_of<'a>(ty: &Type, value: &Val<'a>) -> bool {
    match (ty, value) {
        (Type::Dyn | Type::Param(_), _) => true,
        (Type::List(item), Val::List(list)) => first(list).is_none_or(|first| is_of(item, &first)),
        (Type::Map(pair), Val::Map(map)) => {
            let Some(key) = map.keys().next() else { return true };
            is_of(&pair.0, &key) && map.get(&key).and_then(Result::ok).is_none_or(|value| is_of(&pair.1, &value))
        }
        (ty, value) => ty.name() == value.type_of().name(),
    }
}

fn first<'a>(list: &List<'a>) -> Option<Val<'a>> {
    list.get(0)?.ok()
}
