//! `componentstatuses`: what upstream asks three processes for, and what here is one process.

use super::call::Call;
use super::selection::Selection;
use super::{answer, list, write};
use crate::http::Body;
use ::http::Response;
use object::{Status, Value, json};

/// In upstream's words: what a healthy cluster of it shows.
const COMPONENTS: [&str; 3] = ["controller-manager", "scheduler", "etcd-0"];

/// Answers a GET of one component.
pub(super) fn get(call: &Call) -> Result<Response<Body>, Status> {
    let name = COMPONENTS.into_iter().find(|name| *name == call.info.name).ok_or_else(|| call.not_found())?;
    answer::one(call, 200, write::Stored::Unstored(status(call, name)))
}

/// Answers a GET of all components.
pub(super) fn list(call: &Call) -> Result<Response<Body>, Status> {
    let selection = Selection::parse(call)?;
    let items = COMPONENTS.into_iter().filter(|name| selection.matches_name(name));
    list::unstored(call, items.map(|name| status(call, name)))
}

/// The server answers only while its parts run, since they are one process.
fn status(call: &Call, name: &str) -> Value {
    json!({
        "kind": call.resource.kind, "apiVersion": call.resource.api_version(), "metadata": {"name": name},
        "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
    })
}
