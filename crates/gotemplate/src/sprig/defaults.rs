//! Defaults, emptiness, and JSON.

use crate::func::Ty::{Any, Bool, Str as Text};
use crate::func::{Args, Function, Outcome};
use crate::value::{Kind, Str, Value};
use crate::{Failure, functions};

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "default" (Any; Any) Plain |args| Ok(match args.get(1) {
            Some(given) if !empty(given) => given.clone(),
            _ => args[0].clone(),
        });
        "empty" (Any) Plain |args| Ok(empty(&args[0]).into());
        "coalesce" (; Any) Plain |args| Ok(args.iter().find(|arg| !empty(arg)).cloned().unwrap_or_default());
        "all" (; Any) Plain |args| Ok((!args.iter().any(empty)).into());
        "any" (; Any) Plain |args| Ok(args.iter().any(|arg| !empty(arg)).into());
        "ternary" (Any, Any, Bool) Plain |args| Ok(args[if args[2].truth() { 0 } else { 1 }].clone());
        "fromJson" (Text) Plain |args| Ok(crate::from_json_text(&args.str(0)).unwrap_or_default());
        "mustFromJson" (Text) Plain |args| crate::from_json_text(&args.str(0)).map_err(Failure::new);
        "toJson" (Any) Plain |args| Ok(json(args, |value| crate::to_json_text(value, true)).unwrap_or_else(|_| "".into()));
        "mustToJson" (Any) Plain |args| json(args, |value| crate::to_json_text(value, true));
        "toPrettyJson" (Any) Plain |args| Ok(json(args, crate::to_json_pretty).unwrap_or_else(|_| "".into()));
        "mustToPrettyJson" (Any) Plain |args| json(args, crate::to_json_pretty);
        "toRawJson" (Any) Plain |args| json(args, |value| crate::to_json_text(value, false));
        "mustToRawJson" (Any) Plain |args| json(args, |value| crate::to_json_text(value, false));
        "deepCopy" (Any) Plain deep_copy;
        "mustDeepCopy" (Any) Plain deep_copy;
    }
}

/// Whether a value is the zero of its type, or has no elements; structs never are.
pub(super) fn empty(value: &Value) -> bool {
    match value {
        Value::Object(object) if matches!(object.kind(), Kind::Struct | Kind::Ptr) => false,
        value => !value.truth(),
    }
}

fn deep_copy(args: &[Value]) -> Outcome {
    if args[0].is_nil() {
        return Err(Failure::new("reflect: call of reflect.Value.Type on zero Value"));
    }
    args[0].deep_copy().map_err(Failure::new)
}

fn json(args: &[Value], write: impl Fn(&Value) -> Result<String, String>) -> Outcome {
    write(&args[0]).map(|text| Value::Str(Str::from(text))).map_err(Failure::new)
}
