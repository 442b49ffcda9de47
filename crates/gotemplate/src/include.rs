//! `include` and `tpl`: templates called as functions, as Helm adds them.

use crate::func::Ty::{Any, Str as Text};
use crate::func::{Args, Function, Outcome};
use crate::value::{Str, Value};
use crate::{Failure, Scope, functions};

/// How often a template may be included within itself.
const MAX_NESTED: usize = 1_000;

/// `include NAME DATA` and `tpl TEXT DATA`.
#[must_use]
pub fn include_functions() -> Vec<Function> {
    functions! {
        "include" (Text, Any) Scoped include;
        "tpl" (Text, Any) Scoped tpl;
    }
    .to_vec()
}

fn include(scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
    let name = args.str(0).shared();
    let nested = scope.includes.entry(name.clone()).or_insert(0);
    if *nested > MAX_NESTED {
        let message = format!("rendering template has a nested reference name: {name}: unable to execute template");
        return Err(Failure::new(message));
    }
    *nested += 1;
    let text = scope.execute(&name, args[1].clone());
    if let Some(nested) = scope.includes.get_mut(&name) {
        *nested -= 1;
    }
    text.map(Value::Str)
}

fn tpl(scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
    let text = args.str(0);
    if !text.as_bytes().windows(2).any(|two| two == b"{{") {
        return Ok(without_no_value(text).into());
    }
    scope.execute_text(&text, args[1].clone()).map(|text| without_no_value(text).into())
}

/// Nothing stands where a value is missing.
fn without_no_value(text: Str) -> Str {
    if !text.as_bytes().windows(10).any(|part| part == b"<no value>") {
        return text;
    }
    text.text().replace("<no value>", "").into()
}
