//! Values with fields and methods of their own: times, certificates, a chart's files.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use super::{Entries, Str, Value};
use crate::func::Signature;

/// A kind, as `reflect` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nil.
    Invalid,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `uint8`
    Uint8,
    /// `float64`
    Float64,
    /// `complex128`
    Complex128,
    /// `string`
    String,
    /// `slice`
    Slice,
    /// `map`
    Map,
    /// `struct`
    Struct,
    /// `ptr`
    Ptr,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Struct => "struct",
            Self::Ptr => "ptr",
        })
    }
}

/// What a name after a dot means for an object.
pub enum Member {
    /// A field and its value.
    Field(Value),
    /// A method, to be called with what this says.
    Method(&'static Signature),
}

/// A value with fields and methods of its own.
pub trait Object {
    /// What `%T` says of it.
    fn type_name(&self) -> String;
    /// Its kind.
    fn kind(&self) -> Kind;
    /// The field or method of this name.
    fn member(&self, name: &str) -> Option<Member>;
    /// Calls a method that [`member`](Object::member) told of, with arguments that fit its signature.
    ///
    /// # Errors
    /// What the method has to say.
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String>;
    /// Its text, where it has a `String` method.
    fn text(&self) -> Option<String> {
        None
    }
    /// The map, list or struct fields that it stands for in loops, in print and in JSON.
    fn plain(&self) -> Option<Value> {
        None
    }
    /// Its text in JSON, where it says one itself.
    fn json_text(&self) -> Option<String> {
        None
    }
    /// What a missing key gives, of an object of kind map.
    fn zero(&self) -> Value {
        Value::Nil
    }
    /// Its number, where it is one (a duration).
    fn integer(&self) -> Option<i64> {
        None
    }
    /// The exported fields of a struct, in the order of their declaration.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
    /// For functions that know the type.
    fn as_any(&self) -> &dyn Any;
}

/// `[]uint8`: the bytes of a file.
pub struct Bytes(pub Rc<[u8]>);

impl Object for Bytes {
    fn type_name(&self) -> String {
        "[]uint8".to_owned()
    }
    fn kind(&self) -> Kind {
        Kind::Slice
    }
    fn member(&self, _: &str) -> Option<Member> {
        None
    }
    fn call(&self, name: &str, _: &[Value]) -> Result<Value, String> {
        Err(format!("no method {name}"))
    }
    fn plain(&self) -> Option<Value> {
        Some(Value::list(self.0.iter().map(|byte| Value::Uint8(*byte)).collect()))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Value {
    /// The bytes of a `[]uint8`.
    #[must_use]
    pub fn as_bytes(&self) -> Option<Str> {
        let Self::Object(object) = self else { return None };
        object.as_any().downcast_ref::<Bytes>().map(|bytes| Str::from_bytes(bytes.0.to_vec()))
    }
}

/// A struct of exported fields, without methods.
pub struct Struct {
    /// What `%T` says of it.
    pub name: &'static str,
    /// The names in the order of the declaration, and their values.
    pub fields: Vec<(&'static str, Value)>,
}

impl Object for Struct {
    fn type_name(&self) -> String {
        self.name.to_owned()
    }
    fn kind(&self) -> Kind {
        Kind::Struct
    }
    fn member(&self, name: &str) -> Option<Member> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| Member::Field(value.clone()))
    }
    fn call(&self, name: &str, _: &[Value]) -> Result<Value, String> {
        Err(format!("no method {name}"))
    }
    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.fields.clone()
    }
    fn plain(&self) -> Option<Value> {
        Some(Value::map(self.fields.iter().map(|(k, v)| (Rc::from(*k), v.clone())).collect::<Entries>()))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
