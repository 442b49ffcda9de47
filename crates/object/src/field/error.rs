//! One field error, and how upstream words it.

use super::Path;
use crate::json::go_text;
use crate::patch::go_print;
use crate::quote::quote;
use std::fmt;
use value::Value;

/// The field errors of one object, in the order in which they were found.
pub type Errors = Vec<Error>;

/// What kind of wrong a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The value refers to something that does not exist.
    NotFound,
    /// A value must be given.
    Required,
    /// The value may stand only once.
    Duplicate,
    /// The value is malformed or out of bounds.
    Invalid,
    /// The value is none of an enumeration.
    NotSupported,
    /// The value is well formed and not permitted here.
    Forbidden,
    /// The text is too long; the value is not shown.
    TooLong,
    /// The text is too short; the value is not shown.
    TooShort,
    /// The list has too many items.
    TooMany,
    /// The list has too few items.
    TooFew,
    /// The value is not of the schema's type.
    TypeInvalid,
    /// Not the client's fault.
    Internal,
}

impl ErrorKind {
    /// The `reason` of a cause in a `Status`.
    pub fn reason(self) -> &'static str {
        match self {
            ErrorKind::NotFound => "FieldValueNotFound",
            ErrorKind::Required => "FieldValueRequired",
            ErrorKind::Duplicate => "FieldValueDuplicate",
            ErrorKind::Invalid => "FieldValueInvalid",
            ErrorKind::NotSupported => "FieldValueNotSupported",
            ErrorKind::Forbidden => "FieldValueForbidden",
            ErrorKind::TooLong => "FieldValueTooLong",
            ErrorKind::TooShort => "FieldValueTooShort",
            ErrorKind::TooMany => "FieldValueTooMany",
            ErrorKind::TooFew => "FieldValueTooFew",
            ErrorKind::TypeInvalid => "FieldValueTypeInvalid",
            ErrorKind::Internal => "InternalError",
        }
    }

    fn words(self) -> &'static str {
        match self {
            ErrorKind::NotFound => "Not found",
            ErrorKind::Required => "Required value",
            ErrorKind::Duplicate => "Duplicate value",
            ErrorKind::Invalid | ErrorKind::TypeInvalid => "Invalid value",
            ErrorKind::NotSupported => "Unsupported value",
            ErrorKind::Forbidden => "Forbidden",
            ErrorKind::TooLong => "Too long",
            ErrorKind::TooShort => "Too short",
            ErrorKind::TooMany => "Too many",
            ErrorKind::TooFew => "Too few",
            ErrorKind::Internal => "Internal error",
        }
    }
}

/// One field error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of wrong it is.
    pub kind: ErrorKind,
    /// Where, as [`Path`] writes it.
    pub field: String,
    /// The bad value as it is shown, if it is shown.
    shown: Option<String>,
    /// Why it is wrong, and what would be right. May be empty.
    pub detail: String,
}

impl Error {
    /// A value must be given.
    pub fn required(path: &Path<'_>, detail: impl Into<String>) -> Error {
        Error::hidden(ErrorKind::Required, path, detail)
    }

    /// The value is malformed or out of bounds.
    pub fn invalid(path: &Path<'_>, value: impl Into<Value>, detail: impl Into<String>) -> Error {
        Error::shown(ErrorKind::Invalid, path, show(&value.into()), detail)
    }

    /// The value is malformed; `shown` is its text as upstream would print it (for values that are not plain JSON).
    pub fn invalid_shown(path: &Path<'_>, shown: impl Into<String>, detail: impl Into<String>) -> Error {
        Error::shown(ErrorKind::Invalid, path, shown.into(), detail)
    }

    /// The value is malformed, and not shown.
    pub fn invalid_hidden(path: &Path<'_>, detail: impl Into<String>) -> Error {
        Error::hidden(ErrorKind::Invalid, path, detail)
    }

    /// The value is not of the schema's type.
    pub fn type_invalid(path: &Path<'_>, value: impl Into<Value>, detail: impl Into<String>) -> Error {
        Error::shown(ErrorKind::TypeInvalid, path, show(&value.into()), detail)
    }

    /// The value may stand only once.
    pub fn duplicate(path: &Path<'_>, value: impl Into<Value>) -> Error {
        Error::shown(ErrorKind::Duplicate, path, show(&value.into()), "")
    }

    /// The value may stand only once; `shown` is its text as upstream would print it.
    pub fn duplicate_shown(path: &Path<'_>, shown: impl Into<String>) -> Error {
        Error::shown(ErrorKind::Duplicate, path, shown.into(), "")
    }

    /// The value may stand only once, and is not shown.
    pub fn duplicate_hidden(path: &Path<'_>) -> Error {
        Error::hidden(ErrorKind::Duplicate, path, "")
    }

    /// The value refers to something that does not exist.
    pub fn not_found(path: &Path<'_>, value: impl Into<Value>) -> Error {
        Error::shown(ErrorKind::NotFound, path, show(&value.into()), "")
    }

    /// The value is none of `supported`, which are named in the order given (upstream mostly sorts them).
    pub fn not_supported(path: &Path<'_>, value: impl Into<Value>, supported: &[&str]) -> Error {
        let quoted: Vec<String> = supported.iter().map(|value| quote(value)).collect();
        let detail = if quoted.is_empty() { String::new() } else { format!("supported values: {}", quoted.join(", ")) };
        Error::shown(ErrorKind::NotSupported, path, show(&value.into()), detail)
    }

    /// The value is none of `supported`; `shown` is its text as upstream would print it (for whole structs).
    pub fn not_supported_shown(path: &Path<'_>, shown: impl Into<String>, supported: &[&str]) -> Error {
        Error { shown: Some(shown.into()), ..Error::not_supported(path, Value::Null, supported) }
    }

    /// The value is well formed and not permitted here.
    pub fn forbidden(path: &Path<'_>, detail: impl Into<String>) -> Error {
        Error::hidden(ErrorKind::Forbidden, path, detail)
    }

    /// The text has more than `max` bytes.
    pub fn too_long(path: &Path<'_>, max: i64) -> Error {
        let detail = if max >= 0 {
            format!("may not be more than {max} {}", if max == 1 { "byte" } else { "bytes" })
        } else {
            "value is too long".to_owned()
        };
        Error::hidden(ErrorKind::TooLong, path, detail)
    }

    /// The text has more than `max` characters.
    pub fn too_long_characters(path: &Path<'_>, max: i64) -> Error {
        let detail = if max >= 0 {
            format!("may not be more than {max} {}", if max == 1 { "character" } else { "characters" })
        } else {
            "value is too long".to_owned()
        };
        Error::hidden(ErrorKind::TooLong, path, detail)
    }

    /// The text has fewer than `min` bytes.
    pub fn too_short(path: &Path<'_>, min: i64) -> Error {
        let detail = format!("must be at least {min} {}", if min == 1 { "character" } else { "characters" });
        Error::hidden(ErrorKind::TooShort, path, detail)
    }

    /// The list has `actual` items and may have `max`; negative numbers are not told.
    pub fn too_many(path: &Path<'_>, actual: i64, max: i64) -> Error {
        let detail = if max >= 0 {
            format!("must have at most {max} {}", if max == 1 { "item" } else { "items" })
        } else {
            "has too many items".to_owned()
        };
        Error { shown: (actual >= 0).then(|| actual.to_string()), ..Error::hidden(ErrorKind::TooMany, path, detail) }
    }

    /// The list has `actual` items and must have `min`.
    pub fn too_few(path: &Path<'_>, actual: i64, min: i64) -> Error {
        let detail = if min >= 0 {
            format!("must have at least {min} {}", if min == 1 { "item" } else { "items" })
        } else {
            "has too few items".to_owned()
        };
        Error { shown: (actual >= 0).then(|| actual.to_string()), ..Error::hidden(ErrorKind::TooFew, path, detail) }
    }

    /// Not the client's fault.
    pub fn internal(path: &Path<'_>, detail: impl Into<String>) -> Error {
        Error::hidden(ErrorKind::Internal, path, detail)
    }

    /// What stands behind the field's name: `Invalid value: "x": must be …`.
    pub fn body(&self) -> String {
        let mut text = self.kind.words().to_owned();
        for part in self.shown.iter().map(String::as_str).chain((!self.detail.is_empty()).then_some(&*self.detail)) {
            text.push_str(": ");
            text.push_str(part);
        }
        text
    }

    fn hidden(kind: ErrorKind, path: &Path<'_>, detail: impl Into<String>) -> Error {
        let mut field = path.to_string();
        if field.is_empty() {
            field.push_str("<nil>");
        }
        Error { kind, field, shown: None, detail: detail.into() }
    }

    fn shown(kind: ErrorKind, path: &Path<'_>, shown: String, detail: impl Into<String>) -> Error {
        Error { shown: Some(shown), ..Error::hidden(kind, path, detail) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// A bad value as an error shows it: texts quoted, numbers plain, the rest as JSON.
pub fn show(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Array(_) | Value::Object(_) | Value::Null => go_text(value),
        scalar => go_print(scalar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_worded_as_upstream_words_them() {
        let path = Path::new("spec");
        assert_eq!(Error::required(&path.child("x"), "").to_string(), "spec.x: Required value");
        assert_eq!(Error::invalid(&path, "a\"b", "must not").to_string(), r#"spec: Invalid value: "a\"b": must not"#);
        assert_eq!(
            Error::not_supported(&path, "z", &["a", "b"]).to_string(),
            r#"spec: Unsupported value: "z": supported values: "a", "b""#
        );
        assert_eq!(Error::invalid(&path, 1e6, "").to_string(), "spec: Invalid value: 1e+06");
        assert_eq!(Error::invalid(&path, vec![1.0], "").to_string(), "spec: Invalid value: [1]");
        assert_eq!(Error::too_many(&path, 3, 2).to_string(), "spec: Too many: 3: must have at most 2 items");
        assert_eq!(Error::too_long(&path, 63).to_string(), "spec: Too long: may not be more than 63 bytes");
    }
}
