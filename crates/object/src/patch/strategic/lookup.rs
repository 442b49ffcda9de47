//! What the schema says about the fields of a place.

use super::Error;
use crate::schema::{Field, Schema, Type, TypeId};

/// The type of a place.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    schema: &'a Schema,
    ty: Ty<'a>,
}

#[derive(Clone, Copy)]
enum Ty<'a> {
    Struct(TypeId),
    Other(&'a Type),
}

/// A field and how a patch treats it.
pub(super) struct Known<'a> {
    /// The type of the field's value; for lists, of the items.
    pub(super) shape: Shape<'a>,
    /// The list merges instead of being replaced.
    pub(super) merges: bool,
    /// The map is replaced instead of being merged.
    pub(super) replaces: bool,
    /// Of the map only the keys that a patch names stay, where it says so.
    pub(super) retains: bool,
    /// By what items of a list are told apart; empty for lists of scalars.
    pub(super) key: &'a str,
}

impl<'a> Shape<'a> {
    pub(super) fn of_struct(schema: &'a Schema, ty: TypeId) -> Shape<'a> {
        Shape { schema, ty: Ty::Struct(ty) }
    }

    /// What is known of the field called `name`.
    pub(super) fn field(self, name: &str) -> Result<Known<'a>, Error> {
        let field = self.find(name)?;
        Ok(Known {
            shape: self.with(&field.ty),
            merges: field.patch.merge,
            replaces: field.patch.replace,
            retains: field.patch.retain_keys,
            key: &field.patch.merge_key,
        })
    }

    /// What is known of the list called `name`.
    pub(super) fn list(self, name: &str) -> Result<Known<'a>, Error> {
        let field = self.find(name)?;
        let item = match &field.ty {
            Type::List(item) if matches!(**item, Type::List(_)) => {
                return Err(Error::Other("unexpected slice of slice".to_owned()));
            }
            Type::List(item) => item,
            // A pointer to something else: upstream takes what it points at for the items' type.
            other if field.pointer => other,
            _ => return Err(Error::Other(format!("expected slice or array type, but got: {}", self.kind()))),
        };
        Ok(Known {
            shape: self.with(item),
            merges: field.patch.merge,
            replaces: field.patch.replace,
            retains: field.patch.retain_keys,
            key: &field.patch.merge_key,
        })
    }

    /// How Go names the kind of this type.
    pub(super) fn kind(self) -> &'static str {
        match self.ty {
            Ty::Struct(_) => "struct",
            Ty::Other(ty) => match ty {
                Type::Map(_) => "map",
                Type::List(_) | Type::Bytes => "slice",
                Type::String => "string",
                Type::Bool => "bool",
                Type::Int32 => "int32",
                Type::Int64 => "int64",
                Type::Float64 => "float64",
                _ => "struct",
            },
        }
    }

    fn with(self, ty: &'a Type) -> Shape<'a> {
        let ty = match ty {
            Type::Struct(id) => Ty::Struct(*id),
            other => Ty::Other(other),
        };
        Shape { schema: self.schema, ty }
    }

    fn find(self, name: &str) -> Result<&'a Field, Error> {
        let missing = |ty: &str| {
            let ty = ty.rsplit('.').next().unwrap_or(ty);
            let name = crate::quote::quote(name);
            Error::Other(format!("unable to find api field in struct {ty} for the json field {name}"))
        };
        match self.ty {
            Ty::Struct(id) => {
                let ty = self.schema.get(id);
                let alike = || ty.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
                ty.field(name).or_else(alike).ok_or_else(|| missing(&ty.go_name))
            }
            Ty::Other(_) if self.kind() == "struct" => Err(missing("RawExtension")),
            Ty::Other(_) => Err(Error::Other(format!(
                "merging an object in json but data type is not struct, instead is: {}",
                self.kind()
            ))),
        }
    }
}
