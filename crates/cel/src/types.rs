//! Types of expressions, and how messages name them.

use std::fmt;
use std::sync::Arc;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Of something that is wrong already; agrees with everything.
    Error,
    /// Known only when it is evaluated.
    Dyn,
    /// `null`
    Null,
    /// `true` and `false`
    Bool,
    /// 64 bits with a sign.
    Int,
    /// 64 bits without one.
    Uint,
    /// A floating point number.
    Double,
    /// Text.
    Str,
    /// Bytes.
    Bytes,
    /// A moment.
    Timestamp,
    /// A length of time.
    Duration,
    /// A list of such items.
    List(Arc<Type>),
    /// A map from keys to values.
    Map(Arc<(Type, Type)>),
    /// Something with fields, by name; the environment knows the fields.
    Object(Arc<str>),
    /// Something without fields, with parameters.
    Opaque(Arc<str>, Arc<[Type]>),
    /// A type as a value.
    Kind(Option<Arc<Type>>),
    /// To be found out by the checker; in a signature, one of its parameters.
    Param(u32),
}

/// The name of optional values' type.
const OPTIONAL: &str = "optional_type";

impl Type {
    /// A list.
    pub fn list(item: Type) -> Type {
        Type::List(Arc::new(item))
    }

    /// A map.
    pub fn map(key: Type, value: Type) -> Type {
        Type::Map(Arc::new((key, value)))
    }

    /// A value that may be absent.
    pub fn optional(of: Type) -> Type {
        Type::Opaque(OPTIONAL.into(), [of].into())
    }

    /// Something with fields.
    pub fn object(name: &str) -> Type {
        Type::Object(name.into())
    }

    /// Something without fields or parameters.
    pub fn opaque(name: &str) -> Type {
        Type::Opaque(name.into(), [].into())
    }

    /// What an optional value holds.
    pub fn unwrapped(&self) -> Option<&Type> {
        match self {
            Type::Opaque(name, parameters) if &**name == OPTIONAL => parameters.first(),
            _ => None,
        }
    }

    /// What it is called at run time, without parameters.
    pub fn name(&self) -> &str {
        match self {
            Type::Error => "error",
            Type::Dyn | Type::Param(_) => "dyn",
            Type::Null => "null_type",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Uint => "uint",
            Type::Double => "double",
            Type::Str => "string",
            Type::Bytes => "bytes",
            Type::Timestamp => "google.protobuf.Timestamp",
            Type::Duration => "google.protobuf.Duration",
            Type::List(_) => "list",
            Type::Map(_) => "map",
            Type::Object(name) | Type::Opaque(name, _) => name,
            Type::Kind(_) => "type",
        }
    }

    /// As the checker's messages write it.
    pub fn in_message(&self) -> String {
        match self {
            Type::Error => "!error!".to_owned(),
            Type::Null => "null".to_owned(),
            Type::Timestamp => "timestamp".to_owned(),
            Type::Duration => "duration".to_owned(),
            Type::Param(number) => format!("_var{number}"),
            _ => self.with_parameters(Type::in_message),
        }
    }

    fn parameters(&self) -> Vec<&Type> {
        match self {
            Type::List(item) => vec![item],
            Type::Map(pair) => vec![&pair.0, &pair.1],
            Type::Opaque(_, parameters) => parameters.iter().collect(),
            Type::Kind(Some(of)) => vec![of],
            _ => Vec::new(),
        }
    }

    fn with_parameters(&self, write: impl Fn(&Type) -> String) -> String {
        let parameters: Vec<String> = self.parameters().into_iter().map(write).collect();
        if parameters.is_empty() {
            return self.name().to_owned();
        }
        format!("{}({})", self.name(), parameters.join(", "))
    }
}

/// With the names that types have at run time.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_parameters(Type::to_string))
    }
}
