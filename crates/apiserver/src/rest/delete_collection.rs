//! deletecollection: deletes each object of a page.

use super::call::Call;
use super::delete::Asking;
use super::options::DeleteOptions;
use super::{decode, delete, list};
use crate::http::media::Shape;
use crate::http::{Body, respond};
use ::http::Response;
use bytes::Bytes;
use object::{Status, json};
use std::sync::Arc;

/// Answers a DELETE of a collection with what was found, as it was before.
pub(crate) async fn delete_collection(call: &Arc<Call>, body: Bytes) -> Result<Response<Body>, Status> {
    let page = list::page_to_delete(call).await?;
    let options = DeleteOptions::parse(&call.query, &decode::delete_options(call, &body)?)?;
    delete::warn(call, &options);
    for entry in &page.items {
        match delete::delete_named(call, &entry.attached.name, &options, Asking::Admission).await {
            Err(status) if status.reason != "NotFound" => return Err(status),
            _ => {}
        }
    }
    if let Shape::PartialList(version) = &call.accepted.shape
        && page.items.is_empty()
    {
        // Here upstream has nil.
        let list = json!({"kind": "PartialObjectMetadataList", "apiVersion": format!("meta.k8s.io/{version}"),
            "metadata": page.metadata, "items": null});
        return Ok(respond::value(200, call.accepted.encoding, &list));
    }
    list::answer_page(call, page).await
}
