//! get

use super::{Call, answer, write};
use crate::http::Body;
use ::http::Response;
use object::Status;
use std::time::Duration;

/// How long a read waits for a resource version that is not there yet.
const FRESHNESS_WAIT: Duration = Duration::from_secs(3);

/// Answers a GET of one object.
pub(crate) async fn get(call: &Call) -> Result<Response<Body>, Status> {
    if call.query.flag("export") {
        return Err(Status::bad_request("the export parameter, deprecated since v1.14, is no longer supported"));
    }
    wait_for_version(call, call.query.text("resourceVersion")).await?;
    let entry = call.current().ok_or_else(|| call.not_found())?;
    answer::one(call, 200, write::Stored::Entry(entry))
}

/// Waits until the store is as new as the client asks.
///
/// # Errors
/// 504 if it does not get there, 500 if the version is no number; Events, which upstream reads from its store without a
/// cache between, are not waited for, and of them it is 400.
pub(crate) async fn wait_for_version(call: &Call, version: &str) -> Result<(), Status> {
    let is_cached = call.resource.stored_as() != ("", "events");
    let wanted = if is_cached { write::asked_version(version)? } else { list_version(version)? };
    let patience = if is_cached { FRESHNESS_WAIT } else { Duration::ZERO };
    if call.core.store.wait_for(wanted, patience).await {
        return Ok(());
    }
    let mut status = too_large_version(wanted, call.core.store.snapshot().revision());
    if let Some(details) = status.details.as_mut().filter(|_| !is_cached) {
        details.retry_after_seconds = 0;
    }
    Err(status)
}

/// The resource version that a list asks for; "" is 0.
///
/// # Errors
/// 400 if it is no number.
pub(crate) fn list_version(version: &str) -> Result<u64, Status> {
    write::asked_version(version)
        .map_err(|status| Status::bad_request(format!("invalid resource version: {}", status.message)))
}

/// 504: the asked version is in the future.
pub(crate) fn too_large_version(wanted: u64, current: u64) -> Status {
    let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
    let mut status = Status::timeout(message);
    let cause = object::status::Cause {
        reason: "ResourceVersionTooLarge".to_owned(),
        message: "Too large resource version".to_owned(),
        field: String::new(),
    };
    status.details =
        Some(Box::new(object::status::Details { causes: vec![cause], retry_after_seconds: 1, ..Default::default() }));
    status
}
