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
    /// `uint64`
    Uint64,
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
            Self::Uint64 => "uint64",
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
    /// Its text where a template prints it, where the method belongs to the pointer to it: `fmt` knows nothing of that.
    fn printed_text(&self) -> Option<String> {
        self.text()
    }
    /// What `%#v` says of it, where it has a `GoString` method.
    fn go_text(&self) -> Option<String> {
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
    /// Whether it is a pointer to nothing.
    fn is_nil(&self) -> bool {
        false
    }
    /// The exported fields of a struct, in the order of their declaration.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
    /// All fields of a struct, also those that are not exported: `fmt` shows them.
    fn inner_fields(&self) -> Vec<(&'static str, Value)> {
        self.fields()
    }
    /// The fields of a struct under the names that JSON has for them.
    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        self.fields()
    }
    /// For functions that know the type.
    fn as_any(&self) -> &dyn Any;
}

/// `[]uint8`: the bytes of a file; none where there is no such file.
pub struct Bytes(pub Option<Rc<[u8]>>);

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
        Some(Value::list(self.0.iter().flat_map(|bytes| bytes.iter()).map(|byte| Value::Uint8(*byte)).collect()))
    }
    fn is_nil(&self) -> bool {
        self.0.is_none()
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
        object
            .as_any()
            .downcast_ref::<Bytes>()
            .map(|bytes| Str::from_bytes(bytes.0.as_deref().unwrap_or_default().to_vec()))
    }
}

/// A struct of exported fields, without methods.
pub struct Struct {
    /// What `%T` says of it.
    pub name: &'static str,
    /// The names in the order of the declaration, and their values.
    pub fields: Vec<(&'static str, Value)>,
    /// Their names in JSON, where those are others.
    pub json_names: &'static [&'static str],
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
    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        if self.json_names.is_empty() {
            return self.fields();
        }
        self.json_names.iter().zip(&self.fields).map(|(name, (_, value))| (*name, value.clone())).collect()
    }
    fn plain(&self) -> Option<Value> {
        Some(Value::map(self.fields.iter().map(|(k, v)| (Rc::from(*k), v.clone())).collect::<Entries>()))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
