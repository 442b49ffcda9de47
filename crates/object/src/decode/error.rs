//! Where decoding stands, and what went wrong there.
//!
//! Two paths lead to each place: the one of strict errors (`spec.containers[0].name`), and the one of Go's type errors,
//! which names struct fields alone, inlined structs included (`spec.volumes.VolumeSource.hostPath`), after the name of
//! the struct that holds the last one.

use crate::schema::{Field, Schema, StructType, Text, Type};
use std::fmt::{self, Write};

/// A place in the tree; built on the stack, written out only when something is wrong.
pub(super) struct At<'a> {
    pub(super) parent: Option<&'a At<'a>>,
    pub(super) step: Step<'a>,
}

/// How a place is reached from the one above.
pub(super) enum Step<'a> {
    /// The object itself.
    Top(&'a StructType),
    /// What a decoder inside a decoder began with.
    Inner(&'a Type),
    /// A field of a struct.
    Field(&'a Field, &'a StructType),
    /// An item of a list.
    Index(usize),
    /// An entry of a map.
    Key(&'a str),
}

impl At<'_> {
    /// The path of strict errors; empty at the top.
    pub(super) fn strict_path(&self) -> String {
        let mut out = self.parent.map(At::strict_path).unwrap_or_default();
        let name: &str = match self.step {
            Step::Top(_) | Step::Inner(_) => return out,
            Step::Index(index) => {
                write!(out, "[{index}]").expect("writing to a String does not fail");
                return out;
            }
            Step::Field(field, _) => &field.name,
            Step::Key(key) => key,
        };
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(name);
        out
    }

    /// Go's field path, and the name of the struct that holds the last field.
    fn go_path(&self) -> (String, String) {
        let Step::Field(field, owner) = self.step else {
            return self.parent.map(At::go_path).unwrap_or_default();
        };
        let mut path = self.parent.map(At::go_path).unwrap_or_default().1;
        for name in [&*field.inlined, &*field.name] {
            if !path.is_empty() && !name.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        }
        let name = owner.go_name.rsplit('.').next().unwrap_or_default();
        (name.to_owned(), path)
    }

    /// Go's name for the type here.
    pub(super) fn go_type(&self, schema: &Schema) -> Text {
        match self.step {
            Step::Top(ty) => ty.go_name.clone(),
            Step::Inner(ty) => schema.go_name(ty),
            Step::Field(field, _) => schema.go_type(field),
            Step::Index(_) | Step::Key(_) => {
                let whole = self.parent.map(|parent| parent.go_type(schema)).unwrap_or_default();
                Text::Owned(schema.go_item(&whole).to_owned())
            }
        }
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// A value of a wrong type.
    Mismatch {
        /// What it was, e.g. `number 3.5`.
        value: String,
        /// Name of the struct that holds the field; empty where there is none.
        owner: String,
        /// Go's field path; empty where there is none.
        path: String,
        /// What Go wanted.
        go: String,
    },
    /// Anything else, in full.
    Text(String),
}

impl Problem {
    pub(super) fn mismatch(value: &str, at: &At<'_>, go: &str) -> Problem {
        let (owner, path) = at.go_path();
        Problem::Mismatch { value: value.to_owned(), owner, path, go: go.to_owned() }
    }

    /// As the decoder around the one that found it tells it.
    pub(super) fn inside(self, at: &At<'_>) -> Problem {
        let Problem::Mismatch { value, path: inner, go, .. } = self else { return self };
        let (owner, mut path) = at.go_path();
        if !path.is_empty() && !inner.is_empty() {
            path.push('.');
        }
        path.push_str(&inner);
        Problem::Mismatch { value, owner, path, go }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Text(text) => f.write_str(text),
            Problem::Mismatch { value, owner, path, go } if owner.is_empty() && path.is_empty() => {
                write!(f, "json: cannot unmarshal {value} into Go value of type {go}")
            }
            Problem::Mismatch { value, owner, path, go } => {
                write!(f, "json: cannot unmarshal {value} into Go struct field {owner}.{path} of type {go}")
            }
        }
    }
}
