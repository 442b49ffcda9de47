//! Schema facts: which fields a type has, and how each is sent, merged and defaulted.
//!
//! One table serves decoding (unknown fields, types), encoding (what is omitted), strategic merge patch (merge keys),
//! server-side apply (list types) and OpenAPI. The built-in kinds' table is [`builtin`]; a custom resource definition
//! makes a [`Schema`] of its own at run time, with the same types.
//!
//! Descriptions are not here: they come from `k8s-openapi` when a document is asked for.

use serde_json::Value;
use std::collections::HashMap;

/// A set of types that refer to each other.
#[derive(Debug, Default)]
pub struct Schema {
    types: Vec<StructType>,
    by_name: HashMap<String, TypeId>,
}

/// A type in its [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeId(u32);

/// A type with named fields.
#[derive(Debug)]
pub struct StructType {
    /// As OpenAPI names it, e.g. `io.k8s.api.core.v1.PodSpec`.
    pub name: String,
    /// As upstream's messages name it, e.g. `v1.PodSpec`.
    pub go_name: String,
    /// In declaration order, inlined fields in their place.
    pub fields: Vec<Field>,
    /// Owned and replaced as one by server-side apply (`x-kubernetes-map-type: atomic`).
    pub atomic: bool,
    /// Fields that are not listed are kept (`x-kubernetes-preserve-unknown-fields`).
    pub preserve_unknown: bool,
}

/// One field of a [`StructType`].
#[derive(Debug)]
pub struct Field {
    /// JSON name.
    pub name: String,
    /// Type of its value.
    pub ty: Type,
    /// What stands in an encoded object when the field has its zero value.
    pub emit: Emit,
    /// True if absence differs from the zero value (a Go pointer).
    pub pointer: bool,
    /// True if clients need not send it (not in OpenAPI's `required`).
    pub optional: bool,
    /// For lists, how server-side apply merges them; for maps and structs, whether they are atomic.
    pub merge: Merge,
    /// How strategic merge patch treats it.
    pub patch: Patch,
    /// The constant default, where the API declares one.
    pub default: Option<Value>,
    /// Protobuf field number; 0 if it has none.
    pub number: u32,
}

/// What stands in an encoded object when a field has its zero value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// Nothing: Go's `omitempty` on a value, pointer, list or map.
    Omit,
    /// The zero value itself: `""`, `0`, `false`, `null` for lists, maps and pointers, `{}` for structs.
    Zero,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A text; the name is Go's type where it is not plain `string` (`v1.Protocol`), for messages.
    String,
    /// `true` or `false`.
    Bool,
    /// 32-bit whole number.
    Int32,
    /// 64-bit whole number.
    Int64,
    /// 64-bit floating point number.
    Float64,
    /// Bytes, base64 in JSON.
    Bytes,
    /// `resource.Quantity`.
    Quantity,
    /// `intstr.IntOrString`.
    IntOrString,
    /// `metav1.Time`: RFC 3339, whole seconds, UTC; `null` when zero.
    Time,
    /// `metav1.MicroTime`: RFC 3339 with six fraction digits.
    MicroTime,
    /// `metav1.Duration`: Go's duration text.
    Duration,
    /// Any JSON value, untouched (`RawExtension`, `JSON`, `FieldsV1`).
    Any,
    /// A type with named fields.
    Struct(TypeId),
    /// A list.
    List(Box<Type>),
    /// A map with text keys.
    Map(Box<Type>),
}

/// How server-side apply merges a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Scalars, and granular structs and maps.
    Default,
    /// A list, map or struct owned and replaced as one.
    Atomic,
    /// A list of distinct scalars.
    Set,
    /// A list whose items are told apart by these fields.
    MapList(Vec<String>),
}

/// How strategic merge patch treats a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Lists merge instead of being replaced.
    pub merge: bool,
    /// The key by which items of a merged list are told apart; empty for lists of scalars.
    pub merge_key: String,
    /// Keys that the patch does not name are removed where `$retainKeys` is given.
    pub retain_keys: bool,
}

impl Schema {
    /// The type called `name`, as OpenAPI names it.
    pub fn find(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }

    /// The type behind an id of this schema.
    pub fn get(&self, id: TypeId) -> &StructType {
        &self.types[id.0 as usize]
    }

    /// All types.
    pub fn types(&self) -> impl ExactSizeIterator<Item = &StructType> {
        self.types.iter()
    }

    /// Adds a type, or replaces the one of the same name, and tells its id.
    pub fn insert(&mut self, ty: StructType) -> TypeId {
        if let Some(&id) = self.by_name.get(&ty.name) {
            self.types[id.0 as usize] = ty;
            return id;
        }
        let id = TypeId(u32::try_from(self.types.len()).expect("fewer than four billion types"));
        self.by_name.insert(ty.name.clone(), id);
        self.types.push(ty);
        id
    }
}

impl StructType {
    /// The field with this JSON name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}
