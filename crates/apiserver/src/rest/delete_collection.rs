//! deletecollection: deletes each object that the selectors choose.

use super::call::Call;
use super::delete::{self, Deleted};
use super::options::DeleteOptions;
use super::selection::Selection;
use super::{decode, list, write};
use crate::http::media::Shape;
use crate::http::{Body, respond};
use crate::storage;
use ::http::Response;
use bytes::Bytes;
use object::{Status, Value, json};

/// Answers a DELETE of a collection with what was deleted.
pub(crate) async fn delete_collection(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    let selection = Selection::parse(call)?;
    let options = DeleteOptions::parse(&call.query, &decode::delete_options(call, &body)?)?;
    let snapshot = call.core.store.snapshot();
    let prefix = storage::prefix(&call.resource, call.namespace());
    let mut items: Vec<Value> = Vec::new();
    for entry in snapshot.range(&prefix, None).filter(|entry| selection.matches(entry)) {
        match delete::delete_named(call, &entry.attached.name, &options).await {
            Ok(deleted) => items.push(item(call, deleted)?),
            Err(status) if status.reason == "NotFound" => {}
            Err(status) => return Err(status),
        }
    }
    let mut metadata = json!({"resourceVersion": snapshot.revision().to_string()});
    if call.resource.custom.is_some() && matches!(call.accepted.shape, Shape::Object) {
        metadata["continue"] = "".into();
    }
    let list = match call.accepted.shape {
        Shape::PartialList(version) => {
            let items = if items.is_empty() { Value::Null } else { items.into() };
            json!({"kind": "PartialObjectMetadataList", "apiVersion": format!("meta.k8s.io/{version}"),
                "metadata": metadata, "items": items})
        }
        _ => json!({"kind": call.resource.list_kind(), "apiVersion": call.resource.api_version(),
            "metadata": metadata, "items": items}),
    };
    Ok(respond::value(200, call.accepted.encoding, &list))
}

fn item(call: &Call, deleted: Deleted) -> Result<Value, Status> {
    let mut object = match deleted {
        Deleted::Gone(object) | Deleted::Later(write::Stored::Unstored(object)) => object,
        Deleted::Later(write::Stored::Entry(entry)) => decode::stored(call, &entry)?,
    };
    list::as_item(&call.resource, &mut object);
    Ok(object)
}
