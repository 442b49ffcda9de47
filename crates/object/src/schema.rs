//! Schema facts: which fields a type has, and how each is sent, merged and defaulted.
//!
//! One table serves decoding (unknown fields, types), encoding (what is omitted), strategic merge patch (merge keys),
//! server-side apply (list types) and OpenAPI. The built-in kinds' table is [`builtin`]; a custom resource definition
//! makes a [`Schema`] of its own at run time, with the same types.
//!
//! Descriptions are not here: they come from `k8s-openapi` when a document is asked for.

mod builtin;
mod keys;
mod places;
mod raws;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use builtin::is_map;
pub use builtin::{builtin, builtin_type};

use places::Places;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use value::Value;

/// A name: borrowed from the compiled-in tables, or owned by a schema made at run time.
pub type Text = Cow<'static, str>;

/// A set of types that refer to each other.
#[derive(Debug, Default)]
pub struct Schema {
    types: Vec<StructType>,
    by_name: HashMap<Text, TypeId>,
    /// Go's named list and map types (`v1.ResourceList`), with what they are.
    aliases: HashMap<Text, Text>,
    /// See [`Schema::has_keys`]; found out when somebody asks, and forgotten when a type is added.
    keyed: OnceLock<Box<[bool]>>,
    /// See [`Schema::has_raws`]; likewise.
    raws: OnceLock<Box<[bool]>>,
}

/// A type in its [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeId(u32);

/// A type with named fields.
#[derive(Debug, Default)]
pub struct StructType {
    /// As OpenAPI names it, e.g. `io.k8s.api.core.v1.PodSpec`.
    pub name: Text,
    /// As upstream's messages name it, e.g. `v1.PodSpec`.
    pub go_name: Text,
    /// In declaration order, inlined fields in their place.
    pub fields: Vec<Field>,
    /// Owned and replaced as one by server-side apply (`x-kubernetes-map-type: atomic`).
    pub atomic: bool,
    /// Fields that are not listed are kept (`x-kubernetes-preserve-unknown-fields`).
    pub preserve_unknown: bool,
    /// Of which fields only one may be set (`x-kubernetes-unions`).
    pub union: Option<Box<Union>>,
    /// Indices of `fields`, ordered by name; made by [`Schema::insert`].
    by_name: Box<[u16]>,
    /// The same, each where its name leads to.
    places: Places,
    /// Indices of those `fields` that have a protobuf number, ordered by it and those around it.
    by_number: Box<[u16]>,
}

/// Fields of which only one may be set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Union {
    /// The field that tells which one is; empty if there is none.
    pub discriminator: Text,
    /// Each field with the discriminator's value for it.
    pub members: Vec<(Text, Text)>,
}

/// One field of a [`StructType`].
#[derive(Clone, Debug)]
pub struct Field {
    /// JSON name.
    pub name: Text,
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
    pub default: Option<Box<Value>>,
    /// The texts that the innermost type allows, as OpenAPI's `enum` lists them (sorted).
    pub values: Option<Arc<[Text]>>,
    /// Protobuf field number; 0 if it has none.
    pub number: u32,
    /// Protobuf numbers of the messages around it, outermost first: what JSON inlines, protobuf nests.
    pub inside: Box<[u32]>,
    /// Go's names of the structs that JSON inlines it from, outermost first, with dots between; mostly empty.
    pub inlined: Text,
    /// Go's type, where it does not follow from `ty`; see [`Schema::go_type`].
    pub go: Option<Text>,
}

/// What stands in an encoded object when a field has its zero value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// Nothing: Go's `omitempty` on a scalar, pointer, list or map, or `omitzero`.
    Omit,
    /// The zero value itself: `""`, `0`, `false`, `null` for lists, maps, pointers and times, `{}` for structs.
    Zero,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A text.
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
    /// Any JSON value, untouched (`RawExtension`, `JSON`, `FieldsV1`; [`Schema::go_type`] tells which).
    Any,
    /// A type with named fields.
    Struct(TypeId),
    /// A type with named fields, or something else in its place (`JSONSchemaPropsOrBool` and its like).
    StructOr(TypeId, Else),
    /// A list.
    List(Box<Type>),
    /// A map with text keys.
    Map(Box<Type>),
    /// A list, map or struct within a list or map that is merged in a way of its own. Only schemas of custom resources
    /// have such.
    Merged(Box<(Type, Merge)>),
}

/// What may stand in place of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Else {
    /// `true` or `false`.
    Bool,
    /// A list of such structs.
    List,
    /// A list of texts.
    Strings,
}

/// How server-side apply merges a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Scalars; structs as their type says; granular maps; lists of the built-in kinds without a list type, which are
    /// atomic.
    Default,
    /// A list, map or struct owned and replaced as one.
    Atomic,
    /// A struct whose fields are owned one by one though its type is atomic.
    Granular,
    /// A list of distinct scalars.
    Set,
    /// A list whose items are told apart by these fields.
    MapList(Vec<Text>),
}

/// How strategic merge patch treats a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Lists merge instead of being replaced.
    pub merge: bool,
    /// The key by which items of a merged list are told apart; empty for lists of scalars.
    pub merge_key: Text,
    /// Keys that the patch does not name are removed where `$retainKeys` is given.
    pub retain_keys: bool,
    /// Replaced as one, although it is a struct.
    pub replace: bool,
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

    /// True if a list whose items are told apart by keys may be in a value of this type, however deep.
    pub fn has_keys(&self, id: TypeId) -> bool {
        self.keyed.get_or_init(|| keys::keyed(&self.types))[id.0 as usize]
    }

    /// True if a value of this type may hold some that are kept as they were sent, however deep (see [`crate::raw`]).
    pub fn has_raws(&self, id: TypeId) -> bool {
        self.raws.get_or_init(|| raws::holders(&self.types))[id.0 as usize]
    }

    /// All types.
    pub fn types(&self) -> impl ExactSizeIterator<Item = &StructType> {
        self.types.iter()
    }

    /// Adds a type, or replaces the one of the same name, and tells its id. Of fields of the same name the first
    /// counts.
    pub fn insert(&mut self, mut ty: StructType) -> TypeId {
        ty.index_fields();
        self.keyed = OnceLock::new();
        self.raws = OnceLock::new();
        if let Some(&id) = self.by_name.get(&ty.name) {
            self.types[id.0 as usize] = ty;
            return id;
        }
        let id = TypeId(u32::try_from(self.types.len()).expect("fewer than four billion types"));
        self.by_name.insert(ty.name.clone(), id);
        self.types.push(ty);
        id
    }

    /// Copies a type of another schema with all that it refers to, and tells its id here.
    pub fn adopt(&mut self, other: &Schema, id: TypeId) -> TypeId {
        let theirs = other.get(id);
        if let Some(known) = self.find(&theirs.name) {
            return known;
        }
        // Present before its fields are, so that a type may refer to itself.
        let own = self.insert(StructType::new(theirs.name.clone(), theirs.go_name.clone(), Vec::new()));
        let adopt =
            |field: &Field, schema: &mut Schema| Field { ty: schema.adopt_type(other, &field.ty), ..field.clone() };
        let fields = theirs.fields.iter().map(|field| adopt(field, self)).collect();
        self.insert(StructType {
            name: theirs.name.clone(),
            go_name: theirs.go_name.clone(),
            fields,
            atomic: theirs.atomic,
            preserve_unknown: theirs.preserve_unknown,
            union: theirs.union.clone(),
            ..StructType::default()
        });
        own
    }

    fn adopt_type(&mut self, other: &Schema, ty: &Type) -> Type {
        match ty {
            Type::Struct(id) => Type::Struct(self.adopt(other, *id)),
            Type::StructOr(id, alternative) => Type::StructOr(self.adopt(other, *id), *alternative),
            Type::List(item) => Type::List(Box::new(self.adopt_type(other, item))),
            Type::Map(value) => Type::Map(Box::new(self.adopt_type(other, value))),
            Type::Merged(inner) => Type::Merged(Box::new((self.adopt_type(other, &inner.0), inner.1.clone()))),
            scalar => scalar.clone(),
        }
    }

    /// Go's name for the type of a field's value, pointers left out, as messages show it: `[]v1.Container`,
    /// `map[string]string`, `v1.Protocol`.
    pub fn go_type(&self, field: &Field) -> Text {
        field.go.clone().unwrap_or_else(|| self.go_name(&field.ty))
    }

    /// Go's name for a type without a name of its own in Go.
    pub fn go_name(&self, ty: &Type) -> Text {
        match ty {
            Type::String => "string".into(),
            Type::Bool => "bool".into(),
            Type::Int32 => "int32".into(),
            Type::Int64 => "int64".into(),
            Type::Float64 => "float64".into(),
            Type::Bytes => "[]uint8".into(),
            Type::Quantity => "resource.Quantity".into(),
            Type::IntOrString => "intstr.IntOrString".into(),
            Type::Time => "v1.Time".into(),
            Type::MicroTime => "v1.MicroTime".into(),
            Type::Duration => "v1.Duration".into(),
            Type::Any => "interface {}".into(),
            Type::Struct(id) => self.get(*id).go_name.clone(),
            Type::StructOr(id, other) => {
                let suffix = match other {
                    Else::Bool => "OrBool",
                    Else::List => "OrArray",
                    Else::Strings => "OrStringArray",
                };
                format!("{}{suffix}", self.get(*id).go_name).into()
            }
            Type::List(item) => format!("[]{}", self.go_name(item)).into(),
            Type::Map(value) => format!("map[string]{}", self.go_name(value)).into(),
            Type::Merged(inner) => self.go_name(&inner.0),
        }
    }

    /// Go's name for the items or values of the list or map type that Go calls `go`; `go` itself if it is neither.
    pub fn go_item<'a>(&'a self, go: &'a str) -> &'a str {
        let go = self.aliases.get(go).map_or(go, |text| text.as_ref());
        let item = match go.strip_prefix("[]") {
            Some(item) => item,
            None if go.starts_with("map[") => go.split_once(']').map_or(go, |(_, value)| value),
            None => go,
        };
        item.trim_start_matches('*')
    }
}

impl StructType {
    /// A type with these fields, neither atomic nor open.
    pub fn new(name: impl Into<Text>, go_name: impl Into<Text>, fields: Vec<Field>) -> StructType {
        StructType { name: name.into(), go_name: go_name.into(), fields, ..StructType::default() }
    }

    /// The field with this JSON name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.field_index(name).map(|index| &self.fields[index])
    }

    /// Where in `fields` the one with this JSON name is.
    pub fn field_index(&self, name: &str) -> Option<usize> {
        self.places.find(name, |index| self.fields.get(index).is_some_and(|field| field.name == name))
    }

    /// The fields ordered by JSON name.
    pub fn sorted_fields(&self) -> impl ExactSizeIterator<Item = &Field> {
        self.by_name.iter().map(|&i| &self.fields[usize::from(i)])
    }

    /// The field with this protobuf number in the messages numbered `inside`, which JSON inlines.
    pub(crate) fn numbered(&self, inside: &[u32], number: u32) -> Option<&Field> {
        let wanted = inside.iter().copied().chain([number]);
        let place =
            self.by_number.binary_search_by(|&i| self.fields[usize::from(i)].path().cmp(wanted.clone())).ok()?;
        Some(&self.fields[usize::from(self.by_number[place])])
    }

    /// Whether the message with this number in those numbered `inside` holds fields that JSON inlines.
    pub(crate) fn has_inside(&self, inside: &[u32], number: u32) -> bool {
        let wanted = inside.iter().copied().chain([number]);
        let path = |i: u16| self.fields[usize::from(i)].path();
        let place = self.by_number.partition_point(|&i| path(i).lt(wanted.clone()));
        self.by_number.get(place).is_some_and(|&i| path(i).take(inside.len() + 1).eq(wanted))
    }

    /// The fields that protobuf has, in its order.
    pub(crate) fn wire_order(&self) -> Vec<&Field> {
        self.by_number.iter().map(|&i| &self.fields[usize::from(i)]).collect()
    }

    fn index_fields(&mut self) {
        self.fields.truncate(usize::from(u16::MAX));
        let mut order: Vec<u16> = (0..).take(self.fields.len()).collect();
        order.sort_by(|&a, &b| self.fields[usize::from(a)].name.cmp(&self.fields[usize::from(b)].name));
        order.dedup_by(|b, a| self.fields[usize::from(*a)].name == self.fields[usize::from(*b)].name);
        self.places = Places::of(order.iter().map(|&i| (i, &*self.fields[usize::from(i)].name)));
        self.by_name = order.into();
        let mut numbered: Vec<u16> = (0..).take(self.fields.len()).collect();
        numbered.retain(|&i| self.fields[usize::from(i)].number > 0);
        numbered.sort_by(|&a, &b| self.fields[usize::from(a)].path().cmp(self.fields[usize::from(b)].path()));
        self.by_number = numbered.into();
    }
}

impl Field {
    /// Protobuf numbers from the outermost message that JSON inlines to the field itself.
    fn path(&self) -> impl Iterator<Item = u32> + Clone {
        self.inside.iter().copied().chain([self.number])
    }

    /// True if its value is kept as it was sent: a `RawExtension`.
    pub fn is_raw(&self) -> bool {
        self.ty == Type::Any && self.go.as_deref() == Some("runtime.RawExtension")
    }

    /// True if its type is a list that Go names and protobuf makes a message of, or a map of such.
    pub(crate) fn is_boxed_list(&self) -> bool {
        let item = self.go.as_deref().and_then(|go| go.rsplit(']').next());
        matches!(item, Some("v1.Verbs" | "v1.ExtraValue"))
    }

    /// True for a list that server-side apply owns and replaces as one.
    pub(crate) fn is_atomic_list(&self) -> bool {
        matches!(self.ty, Type::List(_)) && !matches!(self.merge, Merge::Set | Merge::MapList(_))
    }

    /// True for a time of which nil is told from the zero time.
    pub(crate) fn is_time_pointer(&self) -> bool {
        self.pointer && matches!(self.ty, Type::Time | Type::MicroTime)
    }

    /// An optional field that is omitted when zero and merged as its type says.
    pub fn new(name: impl Into<Text>, ty: Type) -> Field {
        Field {
            name: name.into(),
            ty,
            emit: Emit::Omit,
            pointer: false,
            optional: true,
            merge: Merge::Default,
            patch: Patch::default(),
            default: None,
            values: None,
            number: 0,
            inside: Box::default(),
            inlined: Text::default(),
            go: None,
        }
    }
}
