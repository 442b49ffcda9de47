//! An object on its way to a client that wants a part of it, or rows of a table: read without being made a tree, and
//! written from its own bytes where it has them.

use super::call::Call;
use super::decode;
use crate::object_codec;
use crate::storage::Entry;
use kinds::Resource;
use object::packed::FromText;
use object::{Packed, Status, Value, View, json};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

/// An object to be shown.
pub(crate) enum Shown<'a> {
    /// As it is stored: its bytes as they are answered, and the same to be read (without the owners of its fields), once
    /// that is wanted.
    Stored(&'a Entry, Cow<'a, [u8]>, OnceCell<Packed>),
    /// Converted from a built-in version; metadata alone are those that are stored.
    Converted(&'a Entry, Value),
    /// A tree of its own.
    Value(Value),
}

impl<'a> Shown<'a> {
    /// The object of an entry, in the call's version.
    ///
    /// # Errors
    /// 500 if the entry cannot be read, or a custom resource not be converted.
    pub(crate) fn of(call: &Call, entry: &'a Entry) -> Result<Shown<'a>, Status> {
        if decode::is_in_form(&call.resource, entry) {
            let bytes = object_codec::sent(&call.resource, &entry.value);
            return Ok(Shown::Stored(entry, bytes, OnceCell::new()));
        }
        let object = decode::stored(call, entry)?;
        Ok(if call.resource.custom.is_some() { Shown::Value(object) } else { Shown::Converted(entry, object) })
    }

    /// To read, but for the owners of fields, which may be absent.
    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Shown::Stored(entry, _, packed) => packed.get_or_init(|| packed_of(entry)).view(),
            Shown::Converted(_, value) | Shown::Value(value) => View::from(value),
        }
    }

    /// Writes the JSON of the whole.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Shown::Stored(_, bytes, _) => out.extend_from_slice(bytes),
            Shown::Converted(_, value) | Shown::Value(value) => write_value(out, value),
        }
    }

    /// Writes the JSON of the whole as an item of a list: it does not say what it is, unless it is a custom resource.
    pub(crate) fn write_item(&self, out: &mut Vec<u8>, resource: &Resource) {
        match self {
            _ if resource.custom.is_some() => self.write(out),
            Shown::Stored(_, bytes, _) => {
                out.push(b'{');
                out.extend_from_slice(bytes.get(object_codec::prefix_length(resource) + 1..).unwrap_or_default());
            }
            Shown::Converted(_, value) | Shown::Value(value) => {
                let mut value = value.clone();
                super::list::as_item(resource, &mut value);
                write_value(out, &value);
            }
        }
    }

    /// Writes the JSON of the metadata.
    pub(crate) fn write_metadata(&self, out: &mut Vec<u8>) {
        match self {
            Shown::Stored(entry, ..) | Shown::Converted(entry, _) => {
                out.extend_from_slice(object_codec::metadata_of(&entry.value));
            }
            Shown::Value(value) => write_value(out, &value["metadata"]),
        }
    }
}

/// The objects of entries, one after the other: those that need no conversion as they are stored.
pub(crate) enum Objects {
    /// To be read when they are wanted.
    Stored(Arc<Call>, std::vec::IntoIter<Arc<Entry>>),
    /// Custom resources, which were converted together.
    Converted(std::vec::IntoIter<Value>),
}

impl Objects {
    /// The objects of entries, in the call's version.
    ///
    /// # Errors
    /// 500 if custom resources cannot be converted.
    pub(crate) fn of(call: &Arc<Call>, entries: Vec<Arc<Entry>>) -> Result<Objects, Status> {
        let must_convert = |entry: &Arc<Entry>| !decode::is_in_form(&call.resource, entry);
        if call.resource.custom.is_some() && entries.iter().any(must_convert) {
            return Ok(Objects::Converted(decode::stored_all(call, &entries)?.into_iter()));
        }
        Ok(Objects::Stored(call.clone(), entries.into_iter()))
    }

    /// Does something with the next object; `None` if there is none.
    pub(crate) fn with_next(&mut self, act: impl FnOnce(Shown<'_>)) -> Option<Result<(), Status>> {
        match self {
            Objects::Stored(call, entries) => {
                let entry = entries.next()?;
                Some(Shown::of(call, &entry).map(act))
            }
            Objects::Converted(values) => {
                act(Shown::Value(values.next()?));
                Some(Ok(()))
            }
        }
    }
}

/// The object, without the owners of its fields, to be read.
fn packed_of(entry: &Entry) -> Packed {
    let form = FromText { without_managed_fields: true, type_meta: None };
    Packed::from_json(&entry.value, form).unwrap_or_else(|error| {
        // What is whole is worth more than none of it.
        tracing::error!(%error, key = &*entry.key, "a stored object cannot be read");
        Packed::new(Value::Null)
    })
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    json::write(out, value);
}
