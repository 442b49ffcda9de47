//! The functions of text/template itself.

mod compare;
mod escape;
mod index;

use crate::exec::Failure;
use crate::func::Ty::{Any, Str};
use crate::func::{Args, Function, Outcome};
use crate::functions;
use crate::value::Value;

/// All of them.
pub(crate) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "and" (Any; Any) And;
        "or" (Any; Any) Or;
        "not" (Any) Plain |args| Ok(Value::Bool(!args[0].truth()));
        "call" (Any; Any) Plain call;
        "html" (; Any) Plain escape::html;
        "js" (; Any) Plain escape::js;
        "urlquery" (; Any) Plain escape::url_query;
        "index" (Any; Any) Plain index::index;
        "slice" (Any; Any) Plain index::slice;
        "len" (Any) Plain len;
        "print" (; Any) Plain |args| Ok(crate::format::sprint(args).into());
        "printf" (Str; Any) Plain |args| Ok(crate::format::sprintf(&args.str(0), args.from(1)).into());
        "println" (; Any) Plain |args| Ok(crate::format::sprintln(args).into());
        "eq" (Any; Any) Plain compare::eq;
        "ne" (Any, Any) Plain compare::ne;
        "lt" (Any, Any) Plain compare::lt;
        "le" (Any, Any) Plain compare::le;
        "gt" (Any, Any) Plain compare::gt;
        "ge" (Any, Any) Plain compare::ge;
    }
}

/// No value of ours is a function; what is none is told of where its name is known.
fn call(_: &[Value]) -> Outcome {
    Err(Failure::new("call of nil"))
}

fn len(args: &[Value]) -> Outcome {
    let value = &args[0];
    match value.elements() {
        Some(count) => Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX))),
        None if value.is_nil() => Err(Failure::new("reflect: call of reflect.Value.Type on zero Value")),
        None => Err(Failure::new(format!("len of type {}", value.pointed_type_name()))),
    }
}
