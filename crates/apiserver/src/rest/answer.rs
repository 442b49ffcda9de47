//! What a verb answers: one object in the form that was agreed on.

use super::call::Call;
use super::write::Stored;
use super::{decode, table};
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
            let object = stored.value(call)?;
            let table = table::of_one(call, version, object)?;
            Ok(respond::value(code, encoding, &table))
        }
        Shape::PartialObject(version) => {
            let object = stored.value(call)?;
            Ok(respond::value(code, encoding, &partial(version, object)))
        }
        Shape::PartialList(_) => Err(Status::not_acceptable(format!(
            "you requested PartialObjectMetadataList, but the requested object is not a list (*{})",
            go_type(call, "")
        ))),
    }
}

/// Answers with an object that is nowhere stored: a review, a scale, a token.
pub(crate) fn passing(call: &Call, code: u16, object: &Value) -> Response<Body> {
    respond::value(code, call.accepted.encoding, object)
}

/// Answers that all went well, with nothing to show.
pub(crate) fn success(call: &Call, code: u16) -> Response<Body> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code});
    respond::value(code, call.accepted.encoding, &status)
}

/// The metadata of an object, as an object.
pub(crate) fn partial(version: &str, mut object: Value) -> Value {
    let metadata = object["metadata"].take();
    json!({"kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": metadata})
}

/// The internal type's name, as upstream's errors show it.
pub(crate) fn go_type(call: &Call, suffix: &str) -> String {
    let group = call.resource.group.split('.').next().unwrap_or_default();
    let package = if group.is_empty() { "core" } else { group };
    format!("{package}.{}{suffix}", call.resource.kind)
}

/// The object's bytes in the version that was asked for.
pub(crate) fn own_bytes(call: &Call, stored: &Stored) -> Result<Bytes, Status> {
    match stored {
        Stored::Entry(entry) if !decode::is_in_form(&call.resource, entry) => {
            let object = stored.value(call)?;
            Ok(crate::object_codec::encode_plain(&call.resource.kind, &call.resource.api_version(), &object).into())
        }
        _ => Ok(stored.bytes(&call.resource)),
    }
}
