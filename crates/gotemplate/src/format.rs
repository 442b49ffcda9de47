//! Go's `fmt`: printf with its verbs, print, println, and how each kind of value reads.

mod float;
mod float_verb;
mod integer;
mod pointer;
mod quote;
mod verb;
mod verbs;

pub use float::{float_e, float_f, float_g, json_float};
use float_verb::Float;
pub use quote::quote;
pub(crate) use quote::{is_print, quote_rune};

use crate::value::{Kind, Str, Value};
use verb::Verb;

/// `fmt.Sprintf`.
#[must_use]
pub fn sprintf(format: &Str, args: &[Value]) -> Str {
    let mut printer = verbs::Printer::new(args);
    printer.run(format.as_bytes());
    Str::from_bytes(printer.out)
}

/// `fmt.Sprint`: a space between two operands of which neither is a text.
#[must_use]
pub fn sprint(args: &[Value]) -> Str {
    let mut out = Vec::new();
    let mut text_before = true;
    for arg in args {
        let text = matches!(arg, Value::Str(_));
        if !text && !text_before {
            out.push(b' ');
        }
        write_any(&mut out, arg);
        text_before = text;
    }
    Str::from_bytes(out)
}

/// `fmt.Sprintln`.
#[must_use]
pub fn sprintln(args: &[Value]) -> Str {
    let mut out = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        write_any(&mut out, arg);
    }
    out.push(b'\n');
    Str::from_bytes(out)
}

/// `%v`.
#[must_use]
pub fn any(value: &Value) -> Str {
    match value {
        Value::Str(text) => text.clone(),
        value => {
            let mut out = Vec::new();
            write_any(&mut out, value);
            Str::from_bytes(out)
        }
    }
}

/// Writes a value as a template prints it: what a pointer points to, and with methods that belong to the pointer.
pub(crate) fn write_printed(out: &mut Vec<u8>, value: &Value) {
    let Value::Object(object) = value else { return write_any(out, value) };
    match object.printed_text() {
        Some(text) => out.extend_from_slice(text.as_bytes()),
        None if object.kind() == Kind::Ptr => Verb::plain('v').fields(out, object.as_ref(), 0),
        None => write_any(out, value),
    }
}

/// Writes `%v` of a value.
pub fn write_any(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Str(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Int(value) | Value::Int64(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Float(value) => out.extend_from_slice(float_g(*value, None).as_bytes()),
        value => Verb::plain('v').write(out, value, 0),
    }
}
