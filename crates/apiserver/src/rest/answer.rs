//! What a verb answers: one object in the form that was agreed on.

use super::call::Call;
use super::shown::Shown;
use super::table::{self, Include};
use super::write::Stored;
use super::{decode, raws};
use crate::http::media::{Encoding, Shape};
use crate::http::{Body, respond};
use ::http::Response;
use bytes::Bytes;
use object::{Status, Value, json};

/// Answers with one object.
pub(crate) fn one(call: &Call, code: u16, stored: Stored) -> Result<Response<Body>, Status> {
    let encoding = call.accepted.encoding;
    match call.accepted.shape {
        // Messages hold what was sent, byte for byte.
        Shape::Object if encoding == Encoding::Protobuf && raws::holder(call).is_some() => {
            Ok(respond::value(code, encoding, &stored.value(call)?))
        }
        Shape::Object => Ok(respond::encoded(code, encoding, own_bytes(call, &stored)?)),
        Shape::Table(version) => {
            let include = Include::parse(call)?;
            let table = table::with_row(call, version, include, &shown(call, &stored)?);
            Ok(respond::encoded(code, encoding, table.into()))
        }
        Shape::PartialObject(version) => {
            let mut partial = Vec::new();
            write_partial(&mut partial, call, version, &shown(call, &stored)?);
            Ok(respond::encoded(code, encoding, partial.into()))
        }
        Shape::PartialList(_) => Err(Status::not_acceptable(format!(
            "you requested PartialObjectMetadataList, but the requested object is not a list (*{})",
            go_type(call, "")
        ))),
    }
}

/// Answers with an object that is nowhere stored: a review, a scale, a token.
pub(crate) fn passing(call: &Call, code: u16, object: Value) -> Result<Response<Body>, Status> {
    match call.accepted.shape {
        Shape::Object => Ok(respond::value(code, call.accepted.encoding, &object)),
        _ => one(call, code, Stored::Unstored(object)),
    }
}

/// Answers that all went well, with nothing to show.
pub(crate) fn success(call: &Call, code: u16) -> Response<Body> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code});
    respond::value(code, call.accepted.encoding, &status)
}

fn shown<'a>(call: &Call, stored: &'a Stored) -> Result<Shown<'a>, Status> {
    match stored {
        Stored::Entry(entry) => Shown::of(call, entry),
        Stored::Unstored(object) => Ok(Shown::Value(raws::plain(call, object).into_owned())),
    }
}

/// Writes the metadata of an object, as an object.
pub(crate) fn write_partial(out: &mut Vec<u8>, call: &Call, version: &str, object: &Shown<'_>) {
    let head = r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/"#;
    for part in [head, version, r#"","metadata":"#] {
        out.extend_from_slice(part.as_bytes());
    }
    let start = out.len();
    object.write_metadata(out);
    if let Some(annotation) = call.resource.strategy.annotation_for_field() {
        leave_out(annotation, out, start);
    }
    out.push(b'}');
}

/// Takes an annotation out of the metadata that stand at the end of a text.
fn leave_out(annotation: &str, out: &mut Vec<u8>, start: usize) {
    let Ok(metadata) = json::parse(&out[start..]) else { return };
    let mut metadata = metadata.into_value();
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else { return };
    annotations.remove(annotation);
    if annotations.is_empty()
        && let Some(metadata) = metadata.as_object_mut()
    {
        metadata.remove("annotations");
    }
    out.truncate(start);
    json::write(out, &metadata);
}

/// The internal type's name, as upstream's errors show it.
pub(crate) fn go_type(call: &Call, suffix: &str) -> String {
    if call.custom_body().is_some() {
        return format!("unstructured.Unstructured{suffix}");
    }
    let group = call.body.api_version.rsplit_once('/').map_or("core", |(group, _)| group);
    format!("{}.{}{suffix}", group.split('.').next().unwrap_or(group), call.body.kind)
}

/// The object's bytes in the version that was asked for.
pub(crate) fn own_bytes(call: &Call, stored: &Stored) -> Result<Bytes, Status> {
    match stored {
        Stored::Entry(entry) if !decode::is_in_form(&call.resource, entry) => {
            let object = stored.value(call)?;
            Ok(crate::object_codec::encode_plain(&call.resource, &object).into())
        }
        _ => Ok(stored.bytes(&call.resource)),
    }
}
