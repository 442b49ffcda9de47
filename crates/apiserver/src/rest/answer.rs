//! What a verb answers: one object in the form that was agreed on.

use super::call::Call;
use super::table;
use super::write::Stored;
use crate::http::media::Shape;
use crate::http::{Body, respond};
use ::http::Response;
use bytes::Bytes;
use object::{Status, Value, json};

/// Answers with one object.
pub(crate) fn one(call: &Call, code: u16, stored: Stored) -> Result<Response<Body>, Status> {
    let encoding = call.accepted.encoding;
    match call.accepted.shape {
        Shape::Object => Ok(respond::encoded(code, encoding, own_bytes(call, &stored)?)),
        Shape::Table(version) => {
            let object = own_value(call, &stored)?;
            let table = table::of_one(call, version, &object)?;
            Ok(respond::value(code, encoding, &table))
        }
        Shape::PartialObject(version) => {
            let object = own_value(call, &stored)?;
            Ok(respond::value(code, encoding, &partial(version, &object)))
        }
        Shape::PartialList(_) => Err(Status::not_acceptable(format!(
            "you requested PartialObjectMetadataList, but the requested object is not a list (*{})",
            go_type(call, "")
        ))),
    }
}

/// The metadata of an object, as an object.
pub(crate) fn partial(version: &str, object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": object["metadata"]})
}

/// The internal type's name, as upstream's errors show it.
pub(crate) fn go_type(call: &Call, suffix: &str) -> String {
    let group = call.resource.group.split('.').next().unwrap_or_default();
    let package = if group.is_empty() { "core" } else { group };
    format!("{package}.{}{suffix}", call.resource.kind)
}

/// The object's bytes in the version that was asked for.
pub(crate) fn own_bytes(call: &Call, stored: &Stored) -> Result<Bytes, Status> {
    match (stored, &call.resource.stored) {
        (Stored::Entry(_), Some(_)) => {
            let object = own_value(call, stored)?;
            Ok(crate::object_codec::encode_plain(&call.resource.kind, &call.resource.api_version(), &object).into())
        }
        _ => Ok(stored.bytes(&call.resource)),
    }
}

fn own_value(call: &Call, stored: &Stored) -> Result<Value, Status> {
    match stored {
        Stored::Entry(entry) => super::decode::stored(call, entry),
        Stored::Unstored(object) => Ok(object.clone()),
    }
}
