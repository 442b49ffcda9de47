//! patch: JSON patch, merge patch, strategic merge patch, and server-side apply.

use super::call::Call;
use super::options::{FieldValidation, WriteOptions};
use super::patched_type::{self, Patched};
use super::{answer, create, custom, decode, metadata, ownership, raws, update, write};
use crate::http::Body;
use ::http::Response;
use bytes::Bytes;
use kinds::Resource;
use object::apply::same_but_owners;
use object::decode::Decoded;
use object::field::{Error, Path};
use object::patch::{go_print, json as json_patch, layout, merge, strategic};
use object::schema::TypeId;
use object::{Status, Value, View, json, schema};

const CONFLICT_TRIES: usize = 64;
/// Most operations of a JSON patch.
const MAX_OPERATIONS: usize = 10_000;

/// How a patch is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own, with merge keys.
    Strategic,
    /// Server-side apply.
    Apply,
}

/// Answers a PATCH.
pub(crate) async fn patch(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    let kind = kind(call)?;
    let options = WriteOptions::parse(call, "PatchOptions", kind == Kind::Apply)?;
    for _ in 0..CONFLICT_TRIES {
        let Some(current) = call.current() else {
            return create_by_apply(call, kind, &body, &options).await;
        };
        let mut old = decode::stored(call, &current)?;
        call.resource.strategy.live(&mut old);
        let mut new = match kind {
            Kind::Apply => applied(call, &body, Some(&old), &options)?,
            _ => patched(call, kind, &body, &old, &options)?,
        };
        check_identity(call, &mut new)?;
        match update::store(call, new, &old, &current, &options).await? {
            Some(stored) => return answer::one(call, 200, stored),
            None => continue,
        }
    }
    Err(write::modified(call))
}

/// An apply to a name that does not exist creates the object.
async fn create_by_apply(
    call: &Call,
    kind: Kind,
    body: &Bytes,
    options: &WriteOptions,
) -> Result<Response<Body>, Status> {
    if kind != Kind::Apply || !call.info.subresource.is_empty() {
        return Err(call.not_found());
    }
    let mut new = applied(call, body, None, options)?;
    let uid = View::from(&new).get("metadata").str("uid");
    if !uid.is_empty() {
        let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        return Err(Status::conflict(call.resource.group_resource(), &call.info.name, why));
    }
    check_identity(call, &mut new)?;
    let stored = create::create_on_update(call, new, options).await?;
    answer::one(call, 201, stored)
}

/// A patch may change neither name nor namespace.
fn check_identity(call: &Call, new: &mut Value) -> Result<(), Status> {
    metadata::match_namespace(new, call.namespace())?;
    update::check_name(call, View::from(&*new))
}

fn kind(call: &Call) -> Result<Kind, Status> {
    // Media types of patches are compared as they are, not in any case.
    match call.content_type().split(';').next().map(str::trim) {
        Some("application/json-patch+json") => Ok(Kind::Json),
        Some("application/merge-patch+json") => Ok(Kind::Merge),
        Some("application/strategic-merge-patch+json") if call.custom_body().is_none() => Ok(Kind::Strategic),
        Some("application/apply-patch+yaml") => Ok(Kind::Apply),
        _ if call.resource.custom.is_some() => Err(custom::unknown_patch()),
        _ => {
            let mut status = Status::unsupported_media_type("415: Unsupported Media Type");
            status.details = Some(Box::default());
            Err(status)
        }
    }
}

/// 415 unless the body is one of the patches that the resource takes.
pub(crate) fn check_media_type(call: &Call) -> Result<(), Status> {
    kind(call).map(drop)
}

/// True if the request is a server-side apply.
pub(crate) fn is_apply(call: &Call) -> bool {
    matches!(kind(call), Ok(Kind::Apply))
}

/// An object that is not stored itself (a scale) as a patch changes it, decoded.
pub(crate) fn patched_passing(call: &Call, body: &Bytes, old: &Value, options: &WriteOptions) -> Result<Value, Status> {
    match kind(call)? {
        Kind::Apply => applied(call, body, Some(old), options),
        kind => changed(call, kind, body, old, options),
    }
}

/// The object as a patch changes it, decoded, with defaults, its owners recorded.
fn patched(call: &Call, kind: Kind, body: &Bytes, old: &Value, options: &WriteOptions) -> Result<Value, Status> {
    let mut new = changed(call, kind, body, old, options)?;
    ownership::on_update(call, options, &mut new, old);
    Ok(new)
}

fn changed(call: &Call, kind: Kind, body: &Bytes, old: &Value, options: &WriteOptions) -> Result<Value, Status> {
    let plain = raws::plain(call, old);
    let outcome = match kind {
        Kind::Json => by_json_patch(body, &plain, options)?,
        Kind::Merge => by_merge_patch(body, &plain, options)?,
        Kind::Strategic | Kind::Apply => by_strategic_patch(call, body, &plain)?,
    };
    let Outcome { value, mut strict } = outcome;
    // Errors alone show it, and they may take their time.
    let json = || shown(call, kind, body, old);
    let refuse = |why: String| {
        let error = Error::invalid(&Path::new("patch"), json(), why);
        Status::invalid("", "", "", &[error])
    };
    let report = |strict: Vec<String>| match options.field_validation {
        FieldValidation::Strict if !strict.is_empty() => {
            Err(refuse(format!("strict decoding error: {}", strict.join(", "))))
        }
        validation => decode::report(call, validation, strict, str::to_owned),
    };
    let patched = match call.custom_body() {
        Some(custom) => patched_type::check_custom(call, custom, &value, json)?.map(|()| Patched::Own),
        None if kind == Kind::Strategic => Ok(Patched::Own),
        None => patched_type::of_builtin(call, &value, json),
    };
    let (mut new, more) = match patched.map_err(refuse)? {
        Patched::Own => {
            let Decoded { value, strict: more } = decoded(call, kind, value)?.map_err(refuse)?;
            let ty = call.body_type().filter(|_| matches!(kind, Kind::Json | Kind::Merge) && !more.is_empty());
            (
                value,
                match ty {
                    Some(ty) => in_order(ty, &json(), more),
                    None => more,
                },
            )
        }
        Patched::Version(other) => {
            let (value, more) = of_other_version(call, &other, value)?.map_err(refuse)?;
            let ty = schema::builtin().find(&other.type_name).filter(|_| !more.is_empty());
            (
                value,
                match ty {
                    Some(ty) => in_order(ty, &json(), more),
                    None => more,
                },
            )
        }
        Patched::Internal => {
            strict.extend(patched_type::unknown_fields(&value));
            report(strict)?;
            return Err(patched_type::nameless(call));
        }
    };
    strict.extend(more);
    report(strict)?;
    match kind {
        _ if raws::holder(call).is_none() => {}
        Kind::Json | Kind::Merge => raws::spell(call, json().as_bytes(), &mut new),
        Kind::Strategic | Kind::Apply => raws::respell(call, &mut new),
    }
    decode::finish(call, &mut new);
    Ok(new)
}

/// An object of another version of the kind, converted to the call's, with what strictness has to say about it.
fn of_other_version(
    call: &Call,
    other: &Resource,
    value: Value,
) -> Result<Result<(Value, Vec<String>), String>, Status> {
    let builtin = schema::builtin();
    let (Some(from), Some(to)) = (builtin.find(&other.type_name), call.own_type()) else {
        return Err(Status::internal("the kind has no schema"));
    };
    let Decoded { mut value, strict } = match object::decode::decode(builtin, from, value) {
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
    Ok(Ok((value, strict)))
}

/// What a patch has made, in the form of the kind.
fn decoded(call: &Call, kind: Kind, mut value: Value) -> Result<Result<Decoded, String>, Status> {
    if let Some(custom) = call.custom_body() {
        let own = custom.own();
        let unknown = if kind == Kind::Apply { own.coerce_applied(&mut value) } else { own.coerce(&mut value) };
        return Ok(unknown.map(|unknown| custom::decoded(value, unknown)));
    }
    let ty = call.body_type().ok_or_else(|| Status::internal("the kind has no schema"))?;
    Ok(match kind {
        Kind::Strategic | Kind::Apply => object::decode::decode_merged(schema::builtin(), ty, value),
        _ => object::decode::decode(schema::builtin(), ty, value),
    })
}

/// What strictness has to say of what a patch made, in the order in which it stands there.
fn in_order(ty: TypeId, json: &str, strict: Vec<String>) -> Vec<String> {
    object::decode::decode_text(schema::builtin(), ty, json.as_bytes()).map_or(strict, |decoded| decoded.strict)
}

/// What a patch made of the object's JSON.
struct Outcome {
    value: Value,
    /// What strictness has to say about the patch itself.
    strict: Vec<String>,
}

/// The bad value that an error about a patch shows: what came out, or the patch, if it is a strategic one.
fn shown(call: &Call, kind: Kind, body: &Bytes, old: &Value) -> String {
    let Ok((patch, _)) = json::read(body) else { return String::new() };
    let ty = call.body_type().filter(|_| call.custom_body().is_none()).map(|ty| (schema::builtin(), ty));
    match kind {
        Kind::Json => {
            let Ok(patch) = json_patch::Patch::decode(patch) else { return String::new() };
            let result = patch.apply(old.clone()).unwrap_or_default();
            layout::after_operations(ty, old, &patch, body, &result)
        }
        Kind::Merge => {
            let result = merge::apply(old.clone(), patch.clone()).unwrap_or(patch);
            layout::after_merge(ty, old, body, &result)
        }
        Kind::Strategic | Kind::Apply => {
            let Value::Object(mut patch) = patch else { return go_print(&Value::Object(object::Map::new())) };
            strategic::forget_directives(&mut patch, old);
            go_print(&Value::Object(patch))
        }
    }
}

fn by_json_patch(body: &Bytes, old: &Value, options: &WriteOptions) -> Result<Outcome, Status> {
    let (value, duplicates) = json::read(body).map_err(|error| match options.field_validation {
        FieldValidation::Ignore => Status::bad_request(error.to_string()),
        _ => Status::bad_request(format!("error decoding patch: {error}")),
    })?;
    let patch = match options.field_validation {
        FieldValidation::Ignore => json_patch::Patch::decode_unchecked(value).map_err(Status::bad_request),
        _ => {
            json_patch::Patch::decode(value).map_err(|why| Status::bad_request(format!("error decoding patch: {why}")))
        }
    }?
    .written_as(body);
    if patch.len() > MAX_OPERATIONS {
        let got = patch.len();
        return Err(Status::too_large(format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {got}"
        )));
    }
    let strict = duplicates
        .into_iter()
        .chain(patch.unknown_fields.iter().map(|field| format!("unknown field {field:?}")))
        .map(|text| format!("json patch {text}"))
        .collect();
    let value = patch.apply(old.clone()).map_err(|_| object::patch::Rejected::status())?;
    Ok(Outcome { value, strict })
}

fn by_merge_patch(body: &Bytes, old: &Value, options: &WriteOptions) -> Result<Outcome, Status> {
    let (patch, strict) = json::read(body).map_err(|error| match options.field_validation {
        FieldValidation::Ignore => Status::bad_request("Invalid JSON Patch"),
        _ => Status::bad_request(format!("error decoding patch: {error}")),
    })?;
    let value = match (options.field_validation, patch) {
        // Nobody looks at what replaces the whole, as long as it is a list.
        (FieldValidation::Ignore, list @ Value::Array(_)) => list,
        (FieldValidation::Ignore, patch) if !patch.is_object() => {
            return Err(Status::bad_request("Invalid JSON Patch"));
        }
        (_, patch) => merge::apply(old.clone(), patch).map_err(Status::bad_request)?,
    };
    Ok(Outcome { value, strict })
}

fn by_strategic_patch(call: &Call, body: &Bytes, old: &Value) -> Result<Outcome, Status> {
    let (patch, strict) = json::read(body).map_err(|error| Status::bad_request(error.to_string()))?;
    let patch = match patch {
        Value::Object(patch) => patch,
        Value::Null => object::Map::new(),
        other => {
            let found = match other {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            let why = format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}");
            return Err(Status::bad_request(why));
        }
    };
    let ty = call.body_type().ok_or_else(|| Status::internal("the kind has no schema"))?;
    let old = old.as_object().cloned().unwrap_or_default();
    let value = strategic::apply(old, patch, schema::builtin(), ty).map_err(|error| error.status())?;
    Ok(Outcome { value: Value::Object(value), strict })
}

/// What a merged object that cannot be decoded is told before the reason.
fn unconverted(object: &Value) -> String {
    let view = View::from(object);
    let (metadata, kind, version) = (view.get("metadata"), view.str("kind"), view.str("apiVersion"));
    let version = if version.contains('/') { version.to_owned() } else { format!("/{version}") };
    let (namespace, name) = (metadata.str("namespace"), metadata.str("name"));
    format!(
        "failed to convert new object ({namespace}/{name}; {version}, Kind={kind}) to proper version: unable to convert \
         unstructured object to {version}, Kind={kind}"
    )
}

/// The object as an applied configuration makes it, decoded, with defaults, its owners recorded.
fn applied(call: &Call, body: &Bytes, old: Option<&Value>, options: &WriteOptions) -> Result<Value, Status> {
    let text = String::from_utf8_lossy(body);
    let refuse = |why: String| Status::bad_request(format!("error decoding YAML: {why}"));
    let reading =
        yaml::to_json_lenient(&text).map_err(|error| refuse(format!("error converting YAML to JSON: {error}")))?;
    let configuration = match reading.value {
        Value::Null => Value::Object(object::Map::new()),
        value @ Value::Object(_) => value,
        other => {
            let kind = if other.is_array() {
                "array"
            } else if other.is_string() {
                "string"
            } else if other.is_boolean() {
                "bool"
            } else {
                "number"
            };
            return Err(refuse(format!(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
            )));
        }
    };
    let plain = old.map(|old| raws::plain(call, old));
    let merged = ownership::apply_configuration(call, options, plain.as_deref(), &configuration)?;
    if !reading.duplicates.is_empty() {
        let lines: Vec<String> = reading.duplicates.iter().map(ToString::to_string).collect();
        let why = format!("error converting YAML to JSON: yaml: unmarshal errors:\n  {}", lines.join("\n  "));
        match options.field_validation {
            FieldValidation::Strict => return Err(Status::bad_request(format!("error strict decoding YAML: {why}"))),
            FieldValidation::Warn => call.warnings.extend(lines),
            FieldValidation::Ignore => {}
        }
    }
    let managed = View::from(&merged).get("metadata").get("managedFields").to_value();
    let unconverted = unconverted(&configuration);
    let fail = |why: String| Status::plain(500, "", format!("{unconverted}: {why}"));
    let mut new = decoded(call, Kind::Apply, merged)?.map_err(fail)?.value;
    decode::finish(call, &mut new);
    metadata::set(&mut new, "managedFields", managed);
    if raws::holder(call).is_some() {
        match old.zip(plain).filter(|(_, plain)| same_but_owners(&new, plain)) {
            // What changes nothing leaves everything as it was spelled.
            Some((old, _)) => raws::carry(call, &mut new, old),
            None => raws::respell(call, &mut new),
        }
    }
    Ok(new)
}
