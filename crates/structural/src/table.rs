//! The schema as types for server-side apply: what is one map or list to an owner, what is many fields.

use crate::{Additional, Kind, ListType, Node};
use object::schema::{self, Field, Merge, Schema, StructType, Type, TypeId};

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The types of a whole object. `name` is the kind's, as OpenAPI names it.
pub fn build(node: &Node, name: &str) -> (Schema, TypeId) {
    let mut table = Table { schema: Schema::default(), meta: None, count: 0 };
    let builtin = schema::builtin();
    table.meta = builtin.find(OBJECT_META).map(|id| table.schema.adopt(builtin, id));
    let id = table.object(node, true, name.to_owned());
    (table.schema, id)
}

struct Table {
    schema: Schema,
    meta: Option<TypeId>,
    /// Types made so far, to tell them apart.
    count: usize,
}

impl Table {
    fn object(&mut self, node: &Node, has_meta: bool, name: String) -> TypeId {
        let mut fields: Vec<Field> = Vec::with_capacity(node.properties.len() + 3);
        if has_meta {
            fields.extend(["apiVersion", "kind"].map(|name| Field::new(name, Type::String)));
            fields.extend(self.meta.map(|meta| Field::new("metadata", Type::Struct(meta))));
        }
        for (name, property) in &node.properties {
            if has_meta && crate::is_meta_field(name) {
                continue;
            }
            let (ty, merge) = self.of(property);
            let default = property.default.clone().map(Box::new);
            fields.push(Field { merge, default, ..Field::new(name.clone(), ty) });
        }
        let mut ty = StructType::new(name.clone(), name, fields);
        ty.atomic = node.atomic_map;
        ty.preserve_unknown = node.preserves;
        self.schema.insert(ty)
    }

    /// The type of a value, and how it is merged.
    fn of(&mut self, node: &Node) -> (Type, Merge) {
        if node.int_or_string {
            return (Type::IntOrString, Merge::Default);
        }
        let map_merge = if node.atomic_map { Merge::Atomic } else { Merge::Default };
        match node.kind {
            Kind::String => (Type::String, Merge::Default),
            Kind::Boolean => (Type::Bool, Merge::Default),
            Kind::Integer => (Type::Int64, Merge::Default),
            Kind::Number => (Type::Float64, Merge::Default),
            Kind::Array => {
                let item = node.items.as_deref().map_or(Type::Any, |items| self.inner(items));
                let merge = match node.list_type {
                    ListType::Atomic => Merge::Atomic,
                    ListType::Set => Merge::Set,
                    ListType::Map => Merge::MapList(node.map_keys.iter().cloned().map(Into::into).collect()),
                };
                (Type::List(Box::new(item)), merge)
            }
            Kind::Object => match &node.additional {
                Additional::Schema(values) => (Type::Map(Box::new(self.inner(values))), map_merge),
                Additional::Allowed(true) => (Type::Map(Box::new(Type::Any)), map_merge),
                _ => {
                    self.count += 1;
                    let name = format!("object{}", self.count);
                    (Type::Struct(self.object(node, node.embedded, name)), map_merge)
                }
            },
            Kind::Any => (Type::Any, map_merge),
        }
    }

    /// The type of items and values, which have no field to say how they are merged.
    fn inner(&mut self, node: &Node) -> Type {
        match self.of(node) {
            (ty, Merge::Default) => ty,
            (ty @ Type::Struct(_), _) => ty,
            (ty, merge) => Type::Merged(Box::new((ty, merge))),
        }
    }
}
