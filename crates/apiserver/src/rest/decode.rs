//! From a client's bytes to an object, and from a stored entry to one.

use super::call::Call;
use super::custom;
use super::options::FieldValidation;
use super::raws;
use crate::http::media::{self, Encoding};
use crate::object_codec;
use crate::storage::Entry;
use bytes::Bytes;
use kinds::Resource;
use object::decode::{self, Decoded, TypeMeta};
use object::json::{self, Node};
use object::protobuf::{self, Envelope};
use object::schema::{self, TypeId};
use object::{Status, Value, raw};
use std::fmt::Display;
use std::sync::Arc;

/// Where upstream registers its kinds; part of a message.
const SCHEME: &str = "pkg/api/legacyscheme/scheme.go:30";
/// Where it registers those of the aggregator.
const AGGREGATOR_SCHEME: &str = "pkg/apiserver/scheme/scheme.go:28";
/// Where the scales of custom resources are.
const CUSTOM_SCALE_SCHEME: &str = "k8s.io/client-go/scale/util.go:146";
/// Where it registers the definitions of custom resources.
const DEFINITIONS_SCHEME: &str = "pkg/apiserver/apiserver.go:55";

/// Decodes the body of a create or an update: an object of the call's kind, in canonical form, with defaults.
pub(crate) fn body(call: &Call, body: &Bytes, validation: FieldValidation) -> Result<Value, Status> {
    let object = match call.custom_body() {
        Some(custom) => custom::body(call, custom, body, validation),
        None => builtin_body(call, body, validation),
    }?;
    if let Some(record) = &call.record {
        record.understood(&raws::plain(call, &object));
    }
    Ok(object)
}

fn builtin_body(call: &Call, body: &Bytes, validation: FieldValidation) -> Result<Value, Status> {
    let wanted = call.body.kind.as_str();
    let ((mut decoded, found), mut strict) = match media::content_encoding(call.content_type())? {
        Encoding::Json => match json::parse(body) {
            Ok(node) => {
                let (mut decoded, found) = node_as(call, wanted, node, body)?;
                raws::spell(call, body, &mut decoded.value);
                ((decoded, found), Vec::new())
            }
            Err(error) => return Err(unrecognized(wanted, &decode::bad_json(&error.to_string()), body)),
        },
        Encoding::Yaml => {
            let (value, strict) = yaml_value(body).map_err(|why| unrecognized(wanted, &why, body))?;
            let text = json::go_text(&value);
            let node = json::parse(text.as_bytes()).map_err(Status::internal)?;
            let (mut decoded, found) = node_as(call, wanted, node, body)?;
            raws::respell(call, &mut decoded.value);
            ((decoded, found), strict)
        }
        Encoding::Protobuf => {
            let envelope = protobuf::open(body).map_err(|why| unrecognized(wanted, &why.to_string(), body))?;
            let own = |why| refusal(call, wanted, &envelope.type_meta, why, body);
            let ty = type_of(call, wanted, &envelope.type_meta).map_err(own)?;
            let value = protobuf_value(&envelope, ty).map_err(own)?;
            let plain = Node::from(raws::plain(call, &value).into_owned());
            let (mut decoded, found) = node_as(call, wanted, plain, body)?;
            raws::carry(call, &mut decoded.value, &value);
            ((decoded, found), Vec::new())
        }
    };
    strict.append(&mut decoded.strict);
    report(call, validation, strict, |why| {
        let version = call.body.api_version.rsplit('/').next().unwrap_or_default();
        format!("{wanted} in version {version:?} cannot be handled as a {wanted}: {why}")
    })?;
    let is_other = !found.api_version.is_empty() && found.api_version != call.body.api_version;
    if is_other && !is_old_eviction(wanted, &found) {
        return Err(Status::bad_request(format!(
            "the API version in the data ({}) does not match the expected API version ({})",
            found.api_version, call.body.api_version
        )));
    }
    let mut object = decoded.value;
    finish(call, &mut object);
    Ok(object)
}

/// The value of an opened protobuf body, as though it had been sent as JSON.
fn protobuf_value(envelope: &Envelope<'_>, ty: TypeId) -> Result<Value, String> {
    let mut value = protobuf::read(schema::builtin(), ty, envelope.raw).map_err(|error| error.to_string())?;
    for (name, text) in [("apiVersion", &envelope.type_meta.api_version), ("kind", &envelope.type_meta.kind)] {
        if !text.is_empty() {
            value[name] = text.as_str().into();
        }
    }
    Ok(value)
}

/// The value of a YAML body, with what strictness has to say about it.
pub(super) fn yaml_value(body: &[u8]) -> Result<(Value, Vec<String>), String> {
    let text = String::from_utf8_lossy(body);
    let reading = yaml::to_json_lenient(&text).map_err(|error| error.to_string())?;
    let strict = reading.duplicates.iter().map(ToString::to_string).collect::<Vec<_>>();
    let strict =
        if strict.is_empty() { strict } else { vec![format!("yaml: unmarshal errors:\n  {}", strict.join("\n  "))] };
    Ok((reading.value, strict))
}

fn node_as(call: &Call, wanted: &str, node: Node<'_>, body: &Bytes) -> Result<(Decoded, TypeMeta), Status> {
    let found = decode::sniff(&node).map_err(|why| unrecognized(wanted, &why, body))?;
    let refuse = |why| refusal(call, wanted, &found, why, body);
    let ty = type_of(call, wanted, &found).map_err(refuse)?;
    let decoded = decode::decode_node(schema::builtin(), ty, node).map_err(refuse)?;
    check_type(call, wanted, &found).map_err(refuse)?;
    Ok((decoded, found))
}

/// 400 for a body that says what it is and cannot be handled.
fn refusal(call: &Call, wanted: &str, found: &TypeMeta, why: String, body: &Bytes) -> Status {
    let version = call.body.api_version.as_str();
    let own = if found.api_version.is_empty() { version } else { &found.api_version };
    let own = own.rsplit('/').next().unwrap_or(own);
    let kind = if found.kind.is_empty() { wanted } else { &found.kind };
    Status::bad_request(decode::bad_request(wanted, Some((own, kind)), &why, body))
}

/// The type that the body says it is.
pub(super) fn type_of(call: &Call, wanted: &str, found: &TypeMeta) -> Result<TypeId, String> {
    let own = call.body_type().ok_or_else(|| format!("the kind {wanted} has no schema"))?;
    let same_kind = found.kind.is_empty() || found.kind == wanted;
    let old_scale = wanted == "Scale"
        && matches!(found.api_version.as_str(), "extensions/v1beta1" | "apps/v1beta1" | "apps/v1beta2");
    if same_kind && (old_scale || is_old_eviction(wanted, found)) {
        return Ok(own);
    }
    let same_version = found.api_version.is_empty() || found.api_version == call.body.api_version.as_str();
    if same_kind && same_version {
        return Ok(own);
    }
    let version = if found.api_version.is_empty() { call.body.api_version.as_str() } else { &found.api_version };
    let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
    let kind = if found.kind.is_empty() { wanted } else { &found.kind };
    let registry = call.core.registry.load();
    let resource = registry.find_kind(group, version, kind);
    resource.and_then(|resource| schema::builtin().find(&resource.type_name)).ok_or_else(|| {
        let list = kind.strip_suffix("List").and_then(|kind| registry.find_kind(group, version, kind));
        if list.is_some() || is_of_every_version(group, version, kind) {
            return foreign_kind(call, version, kind);
        }
        let shown = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let scheme = match call.resource.group.as_ref() {
            "apiregistration.k8s.io" => AGGREGATOR_SCHEME,
            "apiextensions.k8s.io" => DEFINITIONS_SCHEME,
            _ if call.resource.custom.is_some() => CUSTOM_SCALE_SCHEME,
            _ => SCHEME,
        };
        format!("no kind {kind:?} is registered for version {shown:?} in scheme {scheme:?}")
    })
}

/// Evictions may be of the version in which clients sent them for years.
fn is_old_eviction(wanted: &str, found: &TypeMeta) -> bool {
    wanted == "Eviction" && found.api_version == "policy/v1beta1"
}

/// A body of another kind cannot be handled, even though it can be read.
fn check_type(call: &Call, wanted: &str, found: &TypeMeta) -> Result<(), String> {
    if found.kind.is_empty() || found.kind == wanted {
        return Ok(());
    }
    let version = if found.api_version.is_empty() { call.body.api_version.as_str() } else { &found.api_version };
    let version = version.rsplit('/').next().unwrap_or(version);
    Err(foreign_kind(call, version, &found.kind))
}

pub(super) fn foreign_kind(call: &Call, version: &str, kind: &str) -> String {
    format!("converting ({version}.{kind}) to ({}): unknown conversion", internal_type(call))
}

/// Kinds that belong to no resource: options and events of watches in every version, and what the core group answers.
fn is_of_every_version(group: &str, version: &str, kind: &str) -> bool {
    let options = ["Create", "Delete", "Get", "List", "Patch", "Update"];
    let is_options = kind.strip_suffix("Options").is_some_and(|verb| options.contains(&verb)) || kind == "WatchEvent";
    let answers = ["APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "List", "Status"];
    let is_core = (group, version) == ("", "v1");
    let is_group = kinds::builtin().iter().any(|resource| resource.group == group && resource.version == version);
    (is_options && (is_core || is_group)) || (is_core && answers.contains(&kind))
}

/// Upstream's internal type of the bodies.
fn internal_type(call: &Call) -> String {
    let group = call.body.api_version.rsplit_once('/').map_or("core", |(group, _)| group);
    format!("{}.{}", group.split('.').next().unwrap_or(group), call.body.kind)
}

pub(super) fn unrecognized(wanted: &str, why: &str, body: &Bytes) -> Status {
    Status::bad_request(decode::bad_request(wanted, None, why, body))
}

/// Ignores, tells or refuses what strict decoding found.
pub(crate) fn report(
    call: &Call,
    validation: FieldValidation,
    strict: Vec<String>,
    refusal: impl FnOnce(&str) -> String,
) -> Result<(), Status> {
    match validation {
        FieldValidation::Ignore => Ok(()),
        _ if strict.is_empty() => Ok(()),
        FieldValidation::Warn => {
            let lines =
                strict.iter().flat_map(|text| text.strip_prefix("yaml: unmarshal errors:\n").unwrap_or(text).lines());
            call.warnings.extend(lines.map(|line| line.trim_start().to_owned()));
            Ok(())
        }
        FieldValidation::Strict => {
            Err(Status::bad_request(refusal(&format!("strict decoding error: {}", strict.join(", ")))))
        }
    }
}

/// Sets the type of a decoded object and fills its defaults.
pub(crate) fn finish(call: &Call, object: &mut Value) {
    if !object.is_object() {
        *object = Value::Object(object::Map::new());
    }
    object["kind"] = call.body.kind.as_str().into();
    object["apiVersion"] = call.body.api_version.as_str().into();
    if call.body.is_own {
        call.resource.strategy.defaults(object);
    }
    // Of custom resources, rules see the metadata as it would be sent.
    if call.resource.custom.is_some()
        && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.retain(|name, value| name == "managedFields" || !value.as_array().is_some_and(Vec::is_empty));
    }
}

/// Brings an object that has passed all rules into the form in which it is stored: without empty lists and maps.
pub(crate) fn settle(call: &Call, object: &mut Value) -> Result<(), Status> {
    if reform(object, call.own_type(), decode::normalise)? {
        // Upstream defaults what it reads from its store, too.
        call.resource.strategy.defaults(object);
    }
    Ok(())
}

/// Brings the body of a request into the form in which it would be sent.
pub(crate) fn omit_empty(call: &Call, object: &mut Value) -> Result<(), Status> {
    reform(object, call.body_type(), decode::omit_empty).map(drop)
}

/// The object as its owners are told: as it would be sent, but for the insides of lists that are owned as one; `None` if
/// that is what it is already.
pub(crate) fn as_owned(call: &Call, object: &Value) -> Result<Option<Value>, Status> {
    if !call.body_type().is_some_and(|ty| decode::has_empty(schema::builtin(), ty, object)) {
        return Ok(None);
    }
    let mut sent = object.clone();
    reform(&mut sent, call.body_type(), decode::omit_unowned)?;
    Ok(Some(sent))
}

/// Brings an object with empty lists or maps into a form; false if there are none.
fn reform(
    object: &mut Value,
    ty: Option<TypeId>,
    form: fn(&schema::Schema, TypeId, &mut Value) -> Result<(), String>,
) -> Result<bool, Status> {
    let Some(ty) = ty.filter(|&ty| decode::has_empty(schema::builtin(), ty, object)) else { return Ok(false) };
    let spelled = schema::builtin().has_raws(ty).then(|| object.clone());
    let (kind, version) = (object["kind"].take(), object["apiVersion"].take());
    form(schema::builtin(), ty, object).map_err(Status::internal)?;
    if let Some(spelled) = spelled {
        raw::carry(schema::builtin(), ty, object, &spelled, raw::Form::Kept);
    }
    object["kind"] = kind;
    object["apiVersion"] = version;
    Ok(true)
}

/// True if an entry's bytes can be handed out as objects of the resource.
pub(crate) fn is_in_form(resource: &Resource, entry: &Entry) -> bool {
    match &resource.custom {
        Some(custom) => entry.attached.form == custom.own().form,
        None => resource.stored.is_none(),
    }
}

/// The objects of entries, in the call's version. Custom resources are converted together.
pub(crate) fn stored_all(call: &Call, entries: &[Arc<Entry>]) -> Result<Vec<Value>, Status> {
    match &call.resource.custom {
        Some(custom) => custom::stored(custom, entries.iter().map(|entry| &**entry)),
        None => entries.iter().map(|entry| stored(call, entry)).collect(),
    }
}

/// The object of an entry, in the call's version, with spellings (see `raws`).
pub(crate) fn stored(call: &Call, entry: &Entry) -> Result<Value, Status> {
    if let Some(custom) = &call.resource.custom {
        return Ok(custom::stored(custom, std::iter::once(entry))?.pop().unwrap_or_default());
    }
    let unreadable =
        |error: &dyn Display| Status::internal(format!("the stored object {} cannot be read: {error}", entry.key));
    if let Some(ty) = call.resource.raws {
        return object_codec::spelled(ty, &entry.value).map_err(|error| unreadable(&error));
    }
    let object: Value = serde_json::from_slice(&entry.value).map_err(|error| unreadable(&error))?;
    let Some(stored) = &call.resource.stored else { return Ok(object) };
    let mut object = stored.conversion.from_stored(object);
    if let Some(ty) = schema::builtin().find(&call.resource.type_name) {
        decode::normalise(schema::builtin(), ty, &mut object).map_err(Status::internal)?;
    }
    object["kind"] = call.resource.kind.as_ref().into();
    object["apiVersion"] = call.resource.api_version().into();
    Ok(object)
}

/// The `DeleteOptions` in the body of a delete; null if there is none.
pub(crate) fn delete_options(call: &Call, body: &Bytes) -> Result<Value, Status> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let ty = schema::builtin()
        .find("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions")
        .ok_or_else(|| Status::internal("DeleteOptions has no schema"))?;
    let value = match media::content_encoding(call.content_type())? {
        Encoding::Json => {
            json::parse(body).map_err(|error| Status::bad_request(decode::bad_json(&error.to_string())))?.into_value()
        }
        Encoding::Yaml => yaml_value(body).map_err(Status::bad_request)?.0,
        Encoding::Protobuf => {
            let envelope = protobuf::open(body).map_err(|why| Status::bad_request(why.to_string()))?;
            protobuf_value(&envelope, ty).map_err(Status::bad_request)?
        }
    };
    let text = json::go_text(&value);
    let node = json::parse(text.as_bytes()).map_err(Status::internal)?;
    let found = decode::sniff(&node).map_err(Status::bad_request)?;
    if !matches!(found.kind.as_str(), "" | "DeleteOptions") {
        let scheme = "pkg/apis/meta/internalversion/scheme/register.go:27";
        let version = if found.api_version.is_empty() { "meta.k8s.io/v1" } else { &found.api_version };
        return Err(Status::bad_request(format!(
            "no kind {:?} is registered for version {version:?} in scheme {scheme:?}",
            found.kind
        )));
    }
    Ok(decode::decode_node(schema::builtin(), ty, node).map_err(Status::bad_request)?.value)
}
