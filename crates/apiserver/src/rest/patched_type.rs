//! What a JSON or merge patch made, decoded as what it says it is.
//!
//! Upstream converts what is of another version of the kind, takes what is of no version at all for the internal form,
//! whose fields have other names, and decodes custom resources as anything.

use super::call::Call;
use super::{custom, decode};
use kinds::Resource;
use kinds::custom::Custom;
use object::decode::{Decoded, TypeMeta, decode_node, sniff};
use object::json::{self, Node};
use object::patch::Rejected;
use object::{Status, Value, View, schema};
use std::sync::Arc;

/// What a patch made.
pub(super) struct Made {
    pub(super) value: Value,
    /// What strictness has to say about it.
    pub(super) strict: Vec<String>,
    /// It is of no version: nothing but its kind is understood.
    pub(super) is_nameless: bool,
}

impl From<Decoded> for Made {
    fn from(decoded: Decoded) -> Made {
        Made { value: decoded.value, strict: decoded.strict, is_nameless: false }
    }
}

/// Decodes the JSON of what a patch made.
///
/// # Errors
/// The outer one is the answer, the inner one why it cannot be decoded.
pub(super) fn decode(call: &Call, text: &[u8]) -> Result<Result<Made, String>, Status> {
    // It may be too deep.
    let node = json::parse(text).map_err(|_| Rejected::status())?;
    match call.custom_body() {
        Some(custom) => of_custom(call, custom, node, text),
        None => of_builtin(call, node, text),
    }
}

fn of_builtin(call: &Call, node: Node<'_>, text: &[u8]) -> Result<Result<Made, String>, Status> {
    let ty = call.body_type().ok_or_else(|| Status::internal("the kind has no schema"))?;
    Ok(match type_of(call, &node, text) {
        Ok(Patched::Own) => decode_node(schema::builtin(), ty, node).map(Made::from),
        Ok(Patched::Version(other)) => return of_other_version(call, &other, node),
        Ok(Patched::Internal) => Ok(Made { value: Value::Null, strict: unknown_fields(&node), is_nameless: true }),
        Err(why) => Err(why),
    })
}

/// What a built-in object is after a patch.
enum Patched {
    /// Of the call's kind and version.
    Own,
    /// Of another version of it.
    Version(Arc<Resource>),
    /// Of no version.
    Internal,
}

/// Tells what a built-in object says it is.
fn type_of(call: &Call, node: &Node<'_>, text: &[u8]) -> Result<Patched, String> {
    let (body, found) = (&call.body, sniff(node)?);
    let is_own_kind = found.kind.is_empty() || found.kind == body.kind;
    if is_own_kind && found.api_version == body.api_version {
        return Ok(Patched::Own);
    }
    let (group, version) = split(&found.api_version);
    let kind = if found.kind.is_empty() { body.kind.as_str() } else { &found.kind };
    if version.is_empty() && !group.is_empty() && group != split(&body.api_version).0 {
        return Err(no_version(&String::from_utf8_lossy(text)));
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

/// An object of another version of the kind, converted to the call's.
fn of_other_version(call: &Call, other: &Resource, node: Node<'_>) -> Result<Result<Made, String>, Status> {
    let builtin = schema::builtin();
    let (Some(from), Some(to)) = (builtin.find(&other.type_name), call.own_type()) else {
        return Err(Status::internal("the kind has no schema"));
    };
    let Decoded { mut value, strict } = match decode_node(builtin, from, node) {
        Ok(decoded) => decoded,
        Err(why) => return Ok(Err(why)),
    };
    other.strategy.defaults(&mut value);
    if let Some(stored) = &other.stored {
        value = stored.conversion.to_stored(value);
    }
    if let Some(stored) = &call.resource.stored {
        value = stored.conversion.from_stored(value);
    }
    object::decode::normalise(builtin, to, &mut value).map_err(Status::internal)?;
    Ok(Ok(Made { value, strict, is_nameless: false }))
}

/// What strictness has to say of an object that is taken for the internal form.
fn unknown_fields(node: &Node<'_>) -> Vec<String> {
    let Node::Map(entries) = node else { return Vec::new() };
    let names = entries.iter().map(|(name, _)| name).filter(|name| !matches!(&***name, "kind" | "apiVersion"));
    names.map(|name| format!("unknown field {name:?}")).collect()
}

/// 400: the internal form of an object has no name.
pub(super) fn nameless(call: &Call) -> Status {
    let url = &call.info.name;
    Status::bad_request(format!(
        "the name of the object ({url} based on URL) was undeterminable: name must be provided"
    ))
}

fn of_custom(call: &Call, custom: &Custom, node: Node<'_>, text: &[u8]) -> Result<Result<Made, String>, Status> {
    if let Err(why) = sniff(&node) {
        return Ok(Err(why));
    }
    let (mut value, mut strict) = match node.into_value_strict() {
        Ok(read) => read,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let view = View::from(&value);
    if view.str("kind").is_empty() {
        return Ok(Err(format!("Object 'Kind' is missing in '{}'", String::from_utf8_lossy(text))));
    }
    if split(view.str("apiVersion")).1.is_empty() {
        return Err(Status::internal(no_version("object has no apiVersion field")));
    }
    // Of what is sent as a status nothing else is looked at.
    if call.info.subresource != "status" {
        custom::check_type(custom, &value)?;
    }
    Ok(custom.own().coerce(&mut value).map(|unknown| {
        strict.extend(custom::told(unknown));
        Made { value, strict, is_nameless: false }
    }))
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
