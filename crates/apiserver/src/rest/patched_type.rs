//! What a JSON or merge patch made of `apiVersion` and `kind`.
//!
//! Upstream decodes what came out as what it says it is: another version of the kind is converted, no version at all is
//! taken for the internal form, whose fields have other names, and custom resources are decoded as anything.

use super::call::Call;
use super::{custom, decode};
use kinds::Resource;
use kinds::custom::Custom;
use object::decode::{TypeMeta, sniff};
use object::json::Node;
use object::{Status, Value};
use std::sync::Arc;

/// What a built-in object is after a patch.
pub(super) enum Patched {
    /// Of the call's kind and version.
    Own,
    /// Of another version of it.
    Version(Arc<Resource>),
    /// Of no version: nothing but its kind is understood.
    Internal,
}

/// Tells what a built-in object says it is. `json` is the text that upstream decodes.
///
/// # Errors
/// Why it cannot be decoded.
pub(super) fn of_builtin(call: &Call, object: &Value, json: impl Fn() -> String) -> Result<Patched, String> {
    let body = &call.body;
    let is_own_kind = match object.get("kind") {
        None | Some(Value::Null) => true,
        Some(kind) => kind.as_str().is_some_and(|kind| kind.is_empty() || kind == body.kind),
    };
    if is_own_kind && object["apiVersion"].as_str() == Some(&body.api_version) {
        return Ok(Patched::Own);
    }
    let found = sniff(&Node::from(object.clone()))?;
    let (group, version) = split(&found.api_version);
    let kind = if found.kind.is_empty() { body.kind.as_str() } else { &found.kind };
    if version.is_empty() && !group.is_empty() {
        return Err(no_version(&json()));
    }
    if version.is_empty() && is_own_kind {
        // The scale of a custom resource has no other form.
        return Ok(if call.resource.custom.is_some() { Patched::Own } else { Patched::Internal });
    }
    if is_own_kind && (group, version) == split(&body.api_version) {
        return Ok(Patched::Own);
    }
    if let Some(other) = call.core.registry.load().find_kind(group, version, kind).filter(|_| body.is_own)
        && is_own_kind
        && other.stored_as() == call.resource.stored_as()
    {
        return Ok(Patched::Version(other.clone()));
    }
    let found = TypeMeta { api_version: join(group, version), kind: kind.to_owned() };
    decode::type_of(call, &body.kind, &found)?;
    let version = if version.is_empty() { split(&body.api_version).1 } else { version };
    Err(decode::foreign_kind(call, version, kind))
}

/// What strictness has to say of an object that is taken for the internal form.
pub(super) fn unknown_fields(object: &Value) -> Vec<String> {
    let names = object.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    names.filter(|name| !matches!(*name, "kind" | "apiVersion")).map(|name| format!("unknown field {name:?}")).collect()
}

/// 400: the internal form of an object has no name.
pub(super) fn nameless(call: &Call) -> Status {
    let url = &call.info.name;
    Status::bad_request(format!(
        "the name of the object ({url} based on URL) was undeterminable: name must be provided"
    ))
}

/// Whether a custom resource is still one of its kind. `json` is the text that upstream decodes.
///
/// # Errors
/// The outer one is the answer, the inner one why it cannot be decoded.
pub(super) fn check_custom(
    call: &Call,
    custom: &Custom,
    object: &Value,
    json: impl Fn() -> String,
) -> Result<Result<(), String>, Status> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("kind") == custom.family.kind && text("apiVersion") == custom.own().api_version {
        return Ok(Ok(()));
    }
    if let Err(why) = sniff(&Node::from(object.clone())) {
        return Ok(Err(why));
    }
    if text("kind").is_empty() {
        return Ok(Err(format!("Object 'Kind' is missing in '{}'", json())));
    }
    if split(text("apiVersion")).1.is_empty() {
        return Err(Status::internal(no_version("object has no apiVersion field")));
    }
    // Of what is sent as a status nothing else is looked at.
    if call.info.subresource != "status" {
        custom::check_type(custom, object)?;
    }
    Ok(Ok(()))
}

fn no_version(json: &str) -> String {
    format!("Object 'apiVersion' is missing in '{json}'")
}

/// Group and version.
pub(super) fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The way back.
pub(super) fn join(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}
