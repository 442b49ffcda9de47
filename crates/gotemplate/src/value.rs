//! The values templates work on: Go's kinds, as far as a template can tell them apart.
//!
//! A value is cheap to clone: text, lists, maps and objects are shared, never copied. Maps can change under a
//! template (`set`, `unset`, `merge` work in place), as they do in Go. Lists never change.
//!
//! Deliberately absent: Go's sized integers other than the few a template can come across.

mod carried;
mod convert;
mod object;
mod text;
pub(crate) mod walk;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use walk::Walk;

use crate::func::Signature;

pub use carried::{carry, shown};
pub use object::{Bytes, Kind, Member, Object, Struct};
pub use text::Str;

/// The entries of a map, in Go's order of iteration in templates: by key.
pub type Entries = BTreeMap<Rc<str>, Value>;

/// A value of a template.
#[derive(Clone, Default)]
pub enum Value {
    /// Go's untyped nil.
    #[default]
    Nil,
    /// `bool`
    Bool(bool),
    /// `int`, what integer constants and most functions give.
    Int(i64),
    /// `int64`, what arithmetic gives.
    Int64(i64),
    /// `uint8`, what indexing text gives.
    Uint8(u8),
    /// `uint64`, what the parts of a version are.
    Uint64(u64),
    /// `float64`, what every number of a values file is.
    Float(f64),
    /// `complex128`, which only constants give.
    Complex(f64, f64),
    /// `string`
    Str(Str),
    /// A slice.
    List(Rc<List>),
    /// A map with string keys.
    Map(Rc<Map>),
    /// Anything with fields or methods of its own.
    Object(Rc<dyn Object>),
}

/// The element type of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListType {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Str,
    /// `[]int`
    Int,
    /// `[][]interface {}`
    Lists,
}

/// A slice; immutable.
pub struct List {
    /// What its elements are declared to be.
    pub ty: ListType,
    /// The elements.
    pub items: Vec<Value>,
    /// Whether it is a slice that was never made, which JSON writes as `null`.
    pub nil: bool,
}

/// The type of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapType {
    /// `map[string]interface {}`
    Any,
    /// `map[string]string`
    Str,
    /// A `map[string]string` that was never made, which JSON writes as `null`.
    NilStr,
    /// A `map[string]interface {}` that was never made, which JSON writes as `null`.
    NilAny,
    /// A named type over `map[string]interface {}`.
    Named(&'static NamedMap),
}

/// A named type of maps, and its methods.
pub struct NamedMap {
    /// What `%T` says of it.
    pub name: &'static str,
    /// What can be called on such a map; a key of the same name is out of reach.
    pub methods: &'static [MapMethod],
}

/// A method of a named type of maps.
pub struct MapMethod {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub signature: Signature,
    /// Its code.
    pub run: fn(&Map, &[Value]) -> Result<Value, String>,
}

impl PartialEq for NamedMap {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for NamedMap {}

impl std::fmt::Debug for NamedMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A map with string keys; shared, and changed in place.
pub struct Map {
    /// What its elements are declared to be.
    pub ty: MapType,
    entries: RefCell<Entries>,
}

impl Drop for List {
    fn drop(&mut self) {
        if self.items.iter().any(Value::has_elements) {
            walk::dismantle(std::mem::take(&mut self.items));
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let entries = self.entries.get_mut();
        if entries.values().any(Value::has_elements) {
            walk::dismantle(std::mem::take(entries).into_values().collect());
        }
    }
}

impl List {
    /// What `%T` says of it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.ty {
            ListType::Any => "[]interface {}",
            ListType::Str => "[]string",
            ListType::Int => "[]int",
            ListType::Lists => "[][]interface {}",
        }
    }
}

impl Map {
    /// A `map[string]interface {}` of these entries.
    #[must_use]
    pub fn new(entries: Entries) -> Self {
        Self { ty: MapType::Any, entries: RefCell::new(entries) }
    }

    /// A map of this type.
    #[must_use]
    pub fn typed(ty: MapType, entries: Entries) -> Self {
        Self { ty, entries: RefCell::new(entries) }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        self.entries.borrow().get(key).cloned()
    }

    /// Whether the key is there, whatever its value.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.entries.borrow().contains_key(key)
    }

    /// Sets a key.
    pub fn insert(&self, key: Rc<str>, value: Value) {
        self.entries.borrow_mut().insert(key, value);
    }

    /// Removes a key.
    pub fn remove(&self, key: &str) {
        self.entries.borrow_mut().remove(key);
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries as they are now, by key: what is changed meanwhile is not seen.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(Rc<str>, Value)> {
        self.entries.borrow().iter().map(|(key, value)| (Rc::clone(key), value.clone())).collect()
    }

    /// What `%T` says of it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.ty {
            MapType::Any | MapType::NilAny => "map[string]interface {}",
            MapType::Str | MapType::NilStr => "map[string]string",
            MapType::Named(named) => named.name,
        }
    }

    /// The method of this name, of a map whose type has methods.
    pub(crate) fn method(&self, name: &str) -> Option<&'static MapMethod> {
        let MapType::Named(named) = self.ty else { return None };
        named.methods.iter().find(|method| method.name == name)
    }

    /// Whether its elements are declared to be texts.
    pub(crate) fn holds_text(&self) -> bool {
        matches!(self.ty, MapType::Str | MapType::NilStr)
    }

    /// Whether it was never made.
    pub(crate) fn is_nil(&self) -> bool {
        matches!(self.ty, MapType::NilStr | MapType::NilAny) && self.is_empty()
    }

    /// What a missing key gives: the zero value of the elements' type.
    #[must_use]
    pub fn zero(&self) -> Value {
        if self.holds_text() { Value::Str(Str::default()) } else { Value::Nil }
    }
}

impl Value {
    /// A `[]interface {}`.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(List { ty: ListType::Any, items, nil: false }))
    }

    /// A slice that was never made, where there are no elements.
    #[must_use]
    pub fn list_or_nil(ty: ListType, items: Vec<Self>) -> Self {
        let nil = items.is_empty();
        Self::List(Rc::new(List { ty, items, nil }))
    }

    /// A `[]string`.
    #[must_use]
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Self {
        let items = items.into_iter().map(|item| Self::Str(item.into())).collect();
        Self::List(Rc::new(List { ty: ListType::Str, items, nil: false }))
    }

    /// A `[]int`.
    #[must_use]
    pub fn ints(items: impl IntoIterator<Item = i64>) -> Self {
        let items = items.into_iter().map(Self::Int).collect();
        Self::List(Rc::new(List { ty: ListType::Int, items, nil: false }))
    }

    /// A `map[string]interface {}`.
    #[must_use]
    pub fn map(entries: Entries) -> Self {
        Self::Map(Rc::new(Map::new(entries)))
    }

    /// An object.
    #[must_use]
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Rc::new(object))
    }

    /// What `%T` says of it.
    #[must_use]
    pub fn type_name(&self) -> String {
        match self {
            Self::Nil => "<nil>".to_owned(),
            Self::Bool(_) => "bool".to_owned(),
            Self::Int(_) => "int".to_owned(),
            Self::Int64(_) => "int64".to_owned(),
            Self::Uint8(_) => "uint8".to_owned(),
            Self::Uint64(_) => "uint64".to_owned(),
            Self::Float(_) => "float64".to_owned(),
            Self::Complex(..) => "complex128".to_owned(),
            Self::Str(_) => "string".to_owned(),
            Self::List(list) => list.type_name().to_owned(),
            Self::Map(map) => map.type_name().to_owned(),
            Self::Object(object) => object.type_name(),
        }
    }

    /// Its kind, as `reflect` names it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int64(_) => Kind::Int64,
            Self::Uint8(_) => Kind::Uint8,
            Self::Uint64(_) => Kind::Uint64,
            Self::Float(_) => Kind::Float64,
            Self::Complex(..) => Kind::Complex128,
            Self::Str(_) => Kind::String,
            Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Object(object) => object.kind(),
        }
    }

    /// Whether `if` takes it for true: not the zero of its type, and not empty.
    #[must_use]
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Int64(value) => *value != 0,
            Self::Uint8(value) => *value != 0,
            Self::Uint64(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex(re, im) => *re != 0.0 || *im != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => match object.kind() {
                Kind::Struct | Kind::Ptr => true,
                Kind::Int64 => object.integer().unwrap_or(0) != 0,
                _ => self.elements().is_some_and(|count| count > 0),
            },
        }
    }

    /// How many elements a list, a map or a text has; none for everything else.
    #[must_use]
    pub fn elements(&self) -> Option<usize> {
        match self {
            Self::Str(text) => Some(text.len()),
            Self::List(list) => Some(list.items.len()),
            Self::Map(map) => Some(map.len()),
            Self::Object(object) if matches!(object.kind(), Kind::Map | Kind::Slice) => {
                object.plain().and_then(|plain| plain.elements())
            }
            _ => None,
        }
    }

    /// The list it is, or that an object of kind slice stands for.
    #[must_use]
    pub fn as_list(&self) -> Option<Rc<List>> {
        match self {
            Self::List(list) => Some(Rc::clone(list)),
            Self::Object(object) if object.kind() == Kind::Slice => match object.plain()? {
                Self::List(list) => Some(list),
                _ => None,
            },
            _ => None,
        }
    }

    /// The map it is, or that an object of kind map stands for.
    #[must_use]
    pub fn as_map(&self) -> Option<Rc<Map>> {
        match self {
            Self::Map(map) => Some(Rc::clone(map)),
            Self::Object(object) if object.kind() == Kind::Map => match object.plain()? {
                Self::Map(map) => Some(map),
                _ => None,
            },
            _ => None,
        }
    }

    /// The text it is.
    #[must_use]
    pub fn as_str(&self) -> Option<&Str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// Whether it is nil.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// Whether it is nil, or a list, map or pointer that was never made.
    pub(crate) fn points_nowhere(&self) -> bool {
        match self {
            Self::Nil => true,
            Self::List(list) => list.nil,
            Self::Map(map) => map.is_nil(),
            Self::Object(object) => object.is_nil(),
            _ => false,
        }
    }

    /// The type it has, or that a pointer points to.
    pub(crate) fn pointed_type_name(&self) -> String {
        let name = self.type_name();
        name.strip_prefix('*').map_or_else(|| name.clone(), str::to_owned)
    }

    /// Whether it is a list or dictionary with something in it.
    fn has_elements(&self) -> bool {
        match self {
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.is_empty(),
            _ => false,
        }
    }

    /// Whether it can be gone through to its end: it does not hold itself, and is not too large.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.is_within(&mut Walk::default(), 0)
    }

    fn is_within(&self, walk: &mut Walk, depth: usize) -> bool {
        walk.visit(self, depth).is_ok()
            && match self {
                Self::List(list) => list.items.iter().all(|item| item.is_within(walk, depth + 1)),
                Self::Map(map) => map.entries.borrow().values().all(|item| item.is_within(walk, depth + 1)),
                _ => true,
            }
    }

    /// `reflect.DeepEqual`: the same types all the way down, and the same values.
    #[must_use]
    pub fn deep_equal(&self, other: &Self) -> bool {
        self.equals(other, &mut Walk::default(), 0)
    }

    fn equals(&self, other: &Self, walk: &mut Walk, depth: usize) -> bool {
        if walk.visit(self, depth).is_err() {
            return false;
        }
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) | (Self::Int64(a), Self::Int64(b)) => a == b,
            (Self::Uint8(a), Self::Uint8(b)) => a == b,
            (Self::Uint64(a), Self::Uint64(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Complex(a, b), Self::Complex(c, d)) => a == c && b == d,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                Rc::ptr_eq(a, b)
                    || a.ty == b.ty
                        && a.items.len() == b.items.len()
                        && a.items.iter().zip(&b.items).all(|(a, b)| a.equals(b, walk, depth + 1))
            }
            (Self::Map(a), Self::Map(b)) => {
                Rc::ptr_eq(a, b)
                    || a.ty == b.ty && same_entries(&a.entries.borrow(), &b.entries.borrow(), walk, depth + 1)
            }
            (Self::Object(a), Self::Object(b)) => {
                Rc::ptr_eq(a, b) || a.type_name() == b.type_name() && a.text() == b.text() && a.text().is_some()
            }
            _ => false,
        }
    }

    /// A copy that shares no map with this one.
    ///
    /// # Errors
    /// Where the value holds itself, or is too large.
    pub fn deep_copy(&self) -> Result<Self, String> {
        self.copy(&mut Walk::default(), 0)
    }

    fn copy(&self, walk: &mut Walk, depth: usize) -> Result<Self, String> {
        walk.visit(self, depth)?;
        Ok(match self {
            Self::List(list) => {
                let items: Result<_, String> = list.items.iter().map(|item| item.copy(walk, depth + 1)).collect();
                Self::List(Rc::new(List { ty: list.ty, items: items?, nil: list.nil }))
            }
            Self::Map(map) => {
                let mut entries = Entries::new();
                for (key, value) in map.snapshot() {
                    entries.insert(key, value.copy(walk, depth + 1)?);
                }
                Self::Map(Rc::new(Map::typed(map.ty, entries)))
            }
            other => other.clone(),
        })
    }
}

fn same_entries(a: &Entries, b: &Entries, walk: &mut Walk, depth: usize) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|((ka, va), (kb, vb))| ka == kb && va.equals(vb, walk, depth))
}
