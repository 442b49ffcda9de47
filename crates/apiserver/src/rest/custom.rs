//! Custom resources where they differ from built-in kinds: in how bytes become an object. All else is common.

use super::call::Call;
use super::options::FieldValidation;
use super::{decode, patched_type};
use crate::http::media::{self, Encoding};
use crate::storage::Entry;
use bytes::Bytes;
use kinds::custom::Custom;
use object::decode::{bad_json, bad_request, sniff};
use object::field::{Error, Errors, Path};
use object::json::{self, Node};
use object::{Status, Value, View};

/// Patches that custom resources take.
const PATCHES: &str = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";

/// Decodes the body of a create or an update: pruned, its metadata in form, with defaults.
pub(super) fn body(call: &Call, custom: &Custom, body: &Bytes, validation: FieldValidation) -> Result<Value, Status> {
    let wanted = call.body.kind.as_str();
    let unrecognized = |why: &str| decode::unrecognized(wanted, why, body);
    let (node, mut strict) = match media::content_encoding(call.content_type())? {
        Encoding::Json => (json::parse(body).map_err(|error| unrecognized(&bad_json(&error.to_string())))?, Vec::new()),
        Encoding::Yaml => {
            let (value, strict) = decode::yaml_value(body).map_err(|why| unrecognized(&why))?;
            (Node::from(value), strict)
        }
        Encoding::Protobuf => return Err(unrecognized("custom resources are not sent as protobuf")),
    };
    let found = sniff(&node).map_err(|why| unrecognized(&why))?;
    // Go's decoder of unknown types, other than that of known ones, heeds the case of names.
    if found.kind.is_empty() || !has_kind(&node) {
        let text = String::from_utf8_lossy(body);
        return Err(unrecognized(&format!("Object 'Kind' is missing in '{text}'")));
    }
    let refuse = |why: &str| {
        let version = found.api_version.rsplit('/').next().unwrap_or_default();
        Status::bad_request(bad_request(wanted, Some((version, &found.kind)), why, body))
    };
    let (mut object, duplicates) = node.into_value_strict().map_err(|error| refuse(&error.to_string()))?;
    strict.extend(duplicates);
    if found.api_version != call.body.api_version {
        return Err(Status::bad_request(format!(
            "the API version in the data ({}) does not match the expected API version ({})",
            found.api_version, call.body.api_version
        )));
    }
    if let Err(misfit) = check_type(custom, &object)
        && !is_refused_before_its_type(call, View::from(&object).get("metadata"))
    {
        return Err(misfit);
    }
    strict.extend(told(custom.own().coerce(&mut object).map_err(|why| refuse(&why))?));
    decode::report(call, validation, strict, |why| {
        let version = call.body.api_version.rsplit('/').next().unwrap_or_default();
        format!("{wanted} in version {version:?} cannot be handled as a {wanted}: {why}")
    })?;
    decode::finish(call, &mut object);
    Ok(object)
}

/// An update that names another object, or none, is refused for that, and one of no version of what there is.
fn is_refused_before_its_type(call: &Call, metadata: View<'_>) -> bool {
    let is_update = call.verb == "update";
    is_update
        && (metadata.str("name") != call.info.name
            || (metadata.str("resourceVersion").is_empty() && call.current().is_some()))
}

fn has_kind(node: &Node<'_>) -> bool {
    matches!(node, Node::Map(entries) if entries.iter().any(|(name, _)| name == "kind"))
}

/// An object must be of the resource's kind.
pub(super) fn check_type(custom: &Custom, object: &Value) -> Result<(), Status> {
    let view = View::from(object);
    let (group, version) = patched_type::split(view.str("apiVersion"));
    let api_version = patched_type::join(group, version);
    let mut errors = Errors::new();
    let wanted = [
        ("kind", view.str("kind"), custom.family.kind.as_str()),
        ("apiVersion", &api_version, custom.own().api_version.as_str()),
    ];
    for (name, found, wanted) in wanted.into_iter().filter(|(_, found, wanted)| found != wanted) {
        errors.push(Error::invalid(&Path::new(name), found, format!("must be {wanted}")));
    }
    if errors.is_empty() {
        return Ok(());
    }
    let name = view.get("metadata").str("name");
    Err(Status::invalid(group, view.str("kind"), name, &errors))
}

/// What strictness has to say of fields that no schema has.
pub(super) fn told(unknown: Vec<String>) -> impl Iterator<Item = String> {
    unknown.into_iter().map(|path| format!("unknown field \"{path}\""))
}

/// The objects of entries, in the version of `custom`.
pub(crate) fn stored<'e>(custom: &Custom, entries: impl Iterator<Item = &'e Entry>) -> Result<Vec<Value>, Status> {
    let own = custom.own();
    let (mut objects, mut others) = (Vec::new(), Vec::new());
    for (place, entry) in entries.enumerate() {
        let object: Value = serde_json::from_slice(&entry.value)
            .map_err(|error| Status::internal(format!("the stored object {} cannot be read: {error}", entry.key)))?;
        if entry.attached.form != own.form {
            others.push(place);
        }
        objects.push(object);
    }
    if !others.is_empty() {
        let taken = others.iter().map(|&place| objects[place].take()).collect();
        let read = custom.family.read(taken, own).map_err(|why| Status::plain(500, "", why))?;
        others.into_iter().zip(read).for_each(|(place, object)| objects[place] = object);
    }
    Ok(objects)
}

/// 415: a patch of a form that custom resources do not take.
pub(super) fn unknown_patch() -> Status {
    Status::unsupported_media_type(format!(
        "the body of the request was in an unknown format - accepted media types include: {PATCHES}"
    ))
}
