//! One thing that is wrong, and what becomes of it as a field error.

use object::Value;
use object::field::{Error, Errors, Path};
use object::quote::quote;

/// What kind of wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Required,
    NotSupported,
    TooLong,
    TooMany,
    WrongType,
    Other,
    /// Not about a field.
    Plain,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) path: String,
    pub(super) value: Value,
    pub(super) message: String,
    pub(super) limit: i64,
    pub(super) supported: Vec<Value>,
}

impl Fault {
    pub(super) fn new(code: Code, path: &str, value: impl Into<Value>, message: String) -> Fault {
        Fault { code, path: path.to_owned(), value: value.into(), message, limit: -1, supported: Vec::new() }
    }

    pub(super) fn plain(message: String) -> Fault {
        Fault::new(Code::Plain, "", Value::Null, message)
    }

    pub(super) fn wrong_type(path: &str, wanted: &str, found: &str) -> Fault {
        let message = format!("{path} in body must be of type {wanted}: {}", quote(found));
        Fault::new(Code::WrongType, path, found, message)
    }
}

/// As field errors below `base`.
pub(super) fn to_errors(faults: Vec<Fault>, base: &Path<'_>) -> Errors {
    faults.into_iter().map(|fault| to_error(fault, base)).collect()
}

fn to_error(fault: Fault, base: &Path<'_>) -> Error {
    let name = fault.path.trim_start_matches('.');
    let child = base.child(name);
    let path = if name.is_empty() { base } else { &child };
    let shown = if fault.value.is_null() { Value::from("") } else { fault.value.clone() };
    match fault.code {
        Code::Required => Error::required(path, ""),
        Code::NotSupported => {
            let texts: Vec<String> = fault.supported.iter().map(text_of).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            Error::not_supported(path, fault.value, &texts)
        }
        Code::TooLong => Error::too_long(path, fault.limit),
        Code::TooMany => Error::too_many(path, fault.value.as_i64().unwrap_or(-1), fault.limit),
        Code::WrongType => Error::type_invalid(path, shown, fault.message),
        Code::Other => Error::invalid(path, shown, fault.message),
        Code::Plain => Error::invalid(base, "", fault.message),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
