//! Brings what a client sent into the form in which objects are stored and sent.
//!
//! The form is Go's: decode into a struct, then encode it again. So what is not in the schema is dropped and told,
//! nulls vanish, times and quantities become canonical, zero values are omitted or written as the field's
//! [`Emit`] says. Errors are worded as the server's JSON package words them, with the Go field path. The result is the
//! same if it is decoded again, but for pointers to the zero time, which are sent as `null` and read as nothing.
//!
//! Empty lists and maps are the exception: storage does not tell them from nil, but rules do, so a decoded object has
//! those that were sent until [`normalise`] takes them away.
//!
//! Defaults are not applied here; that is `kinds`. After it has changed an object, [`normalise`] brings it back into
//! form. Neither is `apiVersion` or `kind` filled in.

pub(crate) mod base64;
#[cfg(test)]
mod corpus_tests;
mod empty;
mod error;
mod scalars;
mod sniff;
#[cfg(test)]
mod tests;
mod time;
mod zero;

pub use empty::has_empty;
pub use sniff::{TypeMeta, bad_json, bad_request, sniff};

use crate::json::{self, Node};
use crate::schema::{Else, Emit, Field, Schema, StructType, Type, TypeId};
use error::{At, Problem, Step};
use std::borrow::Cow;
use value::{Map, Value};
use zero::zero;

/// An object in its stored form, and what strictness has to say about what was sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// The object.
    pub value: Value,
    /// `unknown field "spec.x"` and `duplicate field "spec.y"`, in upstream's order, each once.
    pub strict: Vec<String>,
}

/// Decodes a JSON tree as it was parsed (see [`json::parse`]) as a type of the schema.
///
/// # Errors
/// The server's words for the first value of a wrong type.
pub fn decode_node(schema: &Schema, ty: TypeId, node: Node<'_>) -> Result<Decoded, String> {
    finish(Decoder::new(schema, Style::Json, Empties::All), ty, node)
}

/// Decodes a JSON text as a type of the schema.
///
/// # Errors
/// The server's words for bad JSON, or for the first value of a wrong type.
pub fn decode_text(schema: &Schema, ty: TypeId, text: &[u8]) -> Result<Decoded, String> {
    decode_node(schema, ty, json::parse(text).map_err(|error| error.to_string())?)
}

/// Decodes a value as a type of the schema, as though it had been sent as JSON with its keys sorted: YAML, JSON patch,
/// JSON merge patch, server-side apply.
///
/// # Errors
/// The server's words for the first value of a wrong type.
pub fn decode(schema: &Schema, ty: TypeId, value: Value) -> Result<Decoded, String> {
    decode_node(schema, ty, Node::from(value))
}

/// Decodes the result of a strategic merge patch or an apply, which upstream does by other code than JSON: errors are worded
/// otherwise (`unrecognized type: int32`), large whole numbers wrap, and unknown fields are sorted.
///
/// # Errors
/// The server's words for the first value of a wrong type.
pub fn decode_merged(schema: &Schema, ty: TypeId, value: Value) -> Result<Decoded, String> {
    let mut decoded = finish(Decoder::new(schema, Style::Merged, Empties::All), ty, Node::from(value))?;
    decoded.strict.sort();
    Ok(decoded)
}

/// Brings an object that was changed after decoding into form again.
///
/// # Errors
/// The server's words for a value of a wrong type; the object then lacks it.
pub fn normalise(schema: &Schema, ty: TypeId, value: &mut Value) -> Result<(), String> {
    reform(schema, ty, value, Empties::None)
}

/// Takes away the empty lists and maps that would not be sent, as they are when Go encodes an object that is not stored
/// yet.
///
/// # Errors
/// The server's words for a value of a wrong type; the object then lacks it.
pub fn omit_empty(schema: &Schema, ty: TypeId, value: &mut Value) -> Result<(), String> {
    reform(schema, ty, value, Empties::Sent)
}

/// Takes away what [`omit_empty`] takes away, but nothing from within lists that are owned as one: whether their items
/// have changed, upstream tells by comparing them as they are.
///
/// # Errors
/// The server's words for a value of a wrong type; the object then lacks it.
pub fn omit_unowned(schema: &Schema, ty: TypeId, value: &mut Value) -> Result<(), String> {
    reform(schema, ty, value, Empties::Owned)
}

fn reform(schema: &Schema, ty: TypeId, value: &mut Value, empties: Empties) -> Result<(), String> {
    let mut decoder = Decoder { again: true, ..Decoder::new(schema, Style::Json, empties) };
    *value = decoder.top(ty, Node::from(value.take()));
    decoder.problem.map_or(Ok(()), |problem| Err(problem.to_string()))
}

fn finish(mut decoder: Decoder<'_>, ty: TypeId, node: Node<'_>) -> Result<Decoded, String> {
    let value = decoder.top(ty, node);
    match decoder.problem {
        Some(problem) => Err(problem.to_string()),
        None => Ok(Decoded { value, strict: decoder.strict }),
    }
}

/// Whose rules and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// The JSON decoder's.
    Json,
    /// The converter's of strategic merge patches.
    Merged,
}

/// Which empty lists and maps are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Empties {
    /// None: storage has nil in their place.
    None,
    /// Those of fields that are sent when they are zero.
    Sent,
    /// Those, and all within lists that are owned as one.
    Owned,
    /// All that were there.
    All,
}

impl Empties {
    fn keep(self, field: &Field) -> bool {
        match self {
            Empties::All => true,
            Empties::Sent | Empties::Owned => field.emit == Emit::Zero,
            Empties::None => false,
        }
    }
}

struct Decoder<'s> {
    schema: &'s Schema,
    style: Style,
    empties: Empties,
    /// It was decoded before.
    again: bool,
    strict: Vec<String>,
    /// The first problem, or the one that ended decoding.
    problem: Option<Problem>,
    /// Upstream stopped here.
    ended: bool,
}

impl<'s> Decoder<'s> {
    fn new(schema: &'s Schema, style: Style, empties: Empties) -> Decoder<'s> {
        Decoder { schema, style, empties, again: false, strict: Vec::new(), problem: None, ended: false }
    }

    fn top(&mut self, id: TypeId, node: Node<'_>) -> Value {
        let at = At { parent: None, step: Step::Top(self.schema.get(id)) };
        match self.value(node, &Type::Struct(id), &at, Value::Null) {
            Value::Null => zero(self.schema, &Type::Struct(id)),
            value => value,
        }
    }

    /// Decodes a value. `before` is what an earlier duplicate of the key left. `null` stands for Go's nil.
    fn value(&mut self, node: Node<'_>, ty: &Type, at: &At<'_>, before: Value) -> Value {
        if self.ended {
            return Value::Null;
        }
        match (ty, node) {
            // What reads itself leaves a null alone.
            (Type::Any, Node::Null) if at.go_type(self.schema) != "interface {}" => before,
            (Type::Any, node) => self.any(node, at),
            (_, Node::Null) => self.null(ty, before),
            (Type::Struct(id), Node::Map(entries)) => {
                let before = if let Value::Object(map) = before { map } else { Map::new() };
                Value::Object(self.fields(entries, self.schema.get(*id), at, before))
            }
            (Type::List(item), Node::List(nodes)) => self.list(nodes, item, at),
            (Type::Map(item), Node::Map(entries)) => self.map(entries, item, at, before),
            (Type::StructOr(id, other), node) => self.either(node, *id, *other, at),
            (scalar, node) => self.scalar(node, scalar, at),
        }
    }

    /// Nil for what can be nil; what was there before for what cannot.
    fn null(&self, ty: &Type, before: Value) -> Value {
        match ty {
            Type::List(_) | Type::Map(_) | Type::Bytes | Type::Time | Type::MicroTime => Value::Null,
            Type::IntOrString | Type::Quantity | Type::StructOr(..) => zero(self.schema, ty),
            _ if before.is_null() => zero(self.schema, ty),
            _ => before,
        }
    }

    /// What has no schema of its own is kept as it is; Go tells of duplicates only in plain interfaces.
    fn any(&mut self, node: Node<'_>, at: &At<'_>) -> Value {
        if self.style == Style::Json && at.go_type(self.schema) == "interface {}" {
            let (value, told) = node.into_value_strict().unwrap_or_default();
            for text in told {
                let inner = text.trim_start_matches("duplicate field \"").trim_end_matches('"').to_owned();
                json::tell(&mut self.strict, "duplicate", &format!("{}.{inner}", at.strict_path()));
            }
            return value;
        }
        node.into_value()
    }

    // === Compounds ===

    fn fields(&mut self, entries: Vec<(Cow<'_, str>, Node<'_>)>, ty: &'s StructType, at: &At<'_>, mut map: Map) -> Map {
        let mut seen = Seen::default();
        for (key, node) in entries {
            let Some(index) = ty.field_index(&key) else {
                if ty.preserve_unknown {
                    map.insert(key.into_owned(), node.into_value());
                } else {
                    self.tell("unknown", at, &key);
                }
                continue;
            };
            let field = &ty.fields[index];
            let mut before = Value::Null;
            if seen.again(index) {
                before = map.remove(&field.name).unwrap_or_default();
                if self.style == Style::Json {
                    self.tell("duplicate", at, &field.name);
                }
            }
            let was_null = matches!(node, Node::Null) && !self.again;
            let value = self.field(node, field, ty, at, before);
            // A pointer to the zero time is sent as `null`, other than one to nothing.
            if value.is_null() && field.is_time_pointer() && !was_null {
                map.insert(key.into_owned(), value);
            } else if let Some(value) = kept(value, field, self.empties) {
                map.insert(key.into_owned(), value);
            }
        }
        for field in &ty.fields {
            if field.emit == Emit::Zero && !map.contains_key(&field.name) {
                let value = if field.pointer { Value::Null } else { zero(self.schema, &field.ty) };
                map.insert(field.name.clone().into_owned(), value);
            }
        }
        map
    }

    fn field(&mut self, node: Node<'_>, field: &'s Field, owner: &'s StructType, at: &At<'_>, before: Value) -> Value {
        if field.pointer && node == Node::Null {
            return Value::Null;
        }
        let at = At { parent: Some(at), step: Step::Field(field, owner) };
        let empties = self.empties;
        if empties == Empties::Owned && field.is_atomic_list() {
            self.empties = Empties::All;
        }
        let value = self.value(node, &field.ty, &at, before);
        self.empties = empties;
        value
    }

    fn list(&mut self, nodes: Vec<Node<'_>>, item: &Type, at: &At<'_>) -> Value {
        let mut items = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.into_iter().enumerate() {
            let at = At { parent: Some(at), step: Step::Index(index) };
            let value = self.value(node, item, &at, Value::Null);
            items.push(self.inside(value, item));
        }
        Value::Array(items)
    }

    fn map(&mut self, entries: Vec<(Cow<'_, str>, Node<'_>)>, item: &Type, at: &At<'_>, before: Value) -> Value {
        let mut map = Map::new();
        for (key, node) in entries {
            if map.contains_key(&key) && self.style == Style::Json {
                self.tell("duplicate", at, &key);
            }
            let inner = At { parent: Some(at), step: Step::Key(&key) };
            let value = self.value(node, item, &inner, Value::Null);
            map.insert(key.into_owned(), self.inside(value, item));
        }
        if let Value::Object(mut earlier) = before {
            earlier.extend(map);
            map = earlier;
        }
        Value::Object(map)
    }

    /// What stands for nil inside a list or map: storage keeps no nil bytes and no nil lists there.
    fn inside(&self, value: Value, ty: &Type) -> Value {
        match (&value, ty) {
            (Value::Null, Type::Bytes) => Value::from(""),
            (Value::Null, Type::Struct(_) | Type::String | Type::Bool | Type::Int32 | Type::Int64 | Type::Float64) => {
                zero(self.schema, ty)
            }
            _ => value,
        }
    }

    /// A `JSONSchemaPropsOr…`, which upstream decodes by a decoder of its own, without strictness.
    fn either(&mut self, node: Node<'_>, id: TypeId, other: Else, at: &At<'_>) -> Value {
        let ty = match (&node, other) {
            (Node::Map(_), _) => Type::Struct(id),
            (Node::List(_), Else::List) => Type::List(Box::new(Type::Struct(id))),
            (Node::List(_), Else::Strings) => Type::List(Box::new(Type::String)),
            (Node::Bool(flag), Else::Bool) => return Value::Bool(*flag),
            (_, Else::Bool) => return self.end(Problem::Text("boolean or JSON schema expected".to_owned())),
            _ => return Value::Null,
        };
        let mut inner = Decoder::new(self.schema, Style::Json, self.empties);
        let top = At { parent: None, step: Step::Inner(&ty) };
        let value = inner.value(node, &ty, &top, Value::Null);
        match inner.problem {
            Some(problem) => self.end(problem.inside(at)),
            None if value.as_array().is_some_and(Vec::is_empty) => Value::Null,
            None => value,
        }
    }

    // === What is wrong ===

    fn tell(&mut self, what: &str, at: &At<'_>, key: &str) {
        let path = at.strict_path();
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        json::tell(&mut self.strict, what, &path);
    }

    /// Notes a value of a wrong type and goes on; the first one is answered.
    fn mismatch(&mut self, value: &str, at: &At<'_>, go: &str) -> Value {
        if self.problem.is_none() {
            self.problem = Some(Problem::mismatch(value, at, go));
        }
        Value::Null
    }

    /// Ends decoding; this problem is answered, whatever was noted before.
    fn end(&mut self, problem: Problem) -> Value {
        if !self.ended {
            self.problem = Some(problem);
            self.ended = true;
        }
        Value::Null
    }
}

/// What stands in the object for a decoded value, if anything does.
fn kept(value: Value, field: &Field, empties: Empties) -> Option<Value> {
    let nothing = match &value {
        Value::Null => true,
        // Storage does not tell empty from nil.
        Value::Array(items) => items.is_empty() && matches!(field.ty, Type::List(_)) && !empties.keep(field),
        Value::Object(map) => map.is_empty() && matches!(field.ty, Type::Map(_)) && !empties.keep(field),
        Value::String(text) => return (!text.is_empty() || keeps_zero(field)).then_some(value),
        Value::Bool(flag) => return (*flag || keeps_zero(field)).then_some(value),
        Value::Number(number) => return (number.as_f64() != Some(0.0) || keeps_zero(field)).then_some(value),
    };
    match (nothing, field.emit) {
        (false, _) => Some(value),
        (true, Emit::Zero) => Some(Value::Null),
        (true, Emit::Omit) => None,
    }
}

fn keeps_zero(field: &Field) -> bool {
    field.pointer || field.emit == Emit::Zero || field.ty == Type::Any
}

/// Which fields of a struct were there already.
#[derive(Default)]
struct Seen {
    first: u64,
    more: Vec<usize>,
}

impl Seen {
    /// Notes a field, and tells whether it was there before.
    fn again(&mut self, index: usize) -> bool {
        if index >= 64 {
            let again = self.more.contains(&index);
            self.more.push(index);
            return again;
        }
        let again = self.first & (1 << index) != 0;
        self.first |= 1 << index;
        again
    }
}
