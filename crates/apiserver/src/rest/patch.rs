//! patch: JSON patch, merge patch, strategic merge patch, and server-side apply.

use super::call::Call;
use super::options::{FieldValidation, WriteOptions};
use super::{answer, create, custom, decode, metadata, ownership, raws, text_patch, update, write};
use crate::http::Body;
use ::http::Response;
use bytes::Bytes;
use object::apply::same_but_owners;
use object::decode::Decoded;
use object::field::{Error, Path};
use object::json::{self, Node};
use object::patch::{go_print, strategic};
use object::{Status, Value, View, schema};

const CONFLICT_TRIES: usize = 64;

/// How a patch is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
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
        Some("application/strategic-merge-patch+json") if call.resource.custom.is_none() => Ok(Kind::Strategic),
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
    match kind {
        Kind::Json | Kind::Merge => text_patch::changed(call, kind, body, old, options),
        Kind::Strategic | Kind::Apply => by_strategic_patch(call, body, old, options),
    }
}

fn by_strategic_patch(call: &Call, body: &Bytes, old: &Value, options: &WriteOptions) -> Result<Value, Status> {
    let old = raws::plain(call, old);
    let (patch, mut strict) = json::read(body).map_err(|error| Status::bad_request(error.to_string()))?;
    let patch = match patch {
        Value::Object(patch) => patch,
        Value::Null => object::Map::new(),
        other => {
            let found = Node::from(other).kind();
            let why = format!("json: cannot unmarshal {found} into Go value of type map[string]interface {{}}");
            return Err(Status::bad_request(why));
        }
    };
    let ty = call.body_type().ok_or_else(|| Status::internal("the kind has no schema"))?;
    let fields = old.as_object().cloned().unwrap_or_default();
    let merged = strategic::apply(fields, patch, schema::builtin(), ty).map_err(|error| error.status())?;
    // Errors alone show it, and they may take their time.
    let refuse = |why: String| refused(&shown(body, &old), why);
    let Decoded { value: mut new, strict: more } =
        object::decode::decode_merged(schema::builtin(), ty, Value::Object(merged)).map_err(refuse)?;
    strict.extend(more);
    report(call, options.field_validation, strict, refuse)?;
    raws::respell(call, &mut new);
    decode::finish(call, &mut new);
    Ok(new)
}

/// 422: what a patch made cannot be taken. Shows what came out, or the patch, if it is a strategic one.
pub(super) fn refused(shown: &str, why: String) -> Status {
    Status::invalid("", "", "", &[Error::invalid(&Path::new("patch"), shown, why)])
}

/// Ignores, tells or refuses what strict decoding found in a patch and in what it made.
pub(super) fn report(
    call: &Call,
    validation: FieldValidation,
    strict: Vec<String>,
    refuse: impl FnOnce(String) -> Status,
) -> Result<(), Status> {
    match validation {
        FieldValidation::Strict if !strict.is_empty() => {
            Err(refuse(format!("strict decoding error: {}", strict.join(", "))))
        }
        validation => decode::report(call, validation, strict, str::to_owned),
    }
}

/// A strategic patch as errors show it.
fn shown(body: &[u8], old: &Value) -> String {
    let mut patch = match json::read(body) {
        Ok((Value::Object(patch), _)) => patch,
        _ => object::Map::new(),
    };
    strategic::forget_directives(&mut patch, old);
    go_print(&Value::Object(patch))
}

/// What an applied configuration has made, in the form of the kind.
fn decoded(call: &Call, mut value: Value) -> Result<Result<Value, String>, Status> {
    if let Some(custom) = call.custom_body() {
        return Ok(custom.own().coerce_applied(&mut value).map(|_| value));
    }
    let ty = call.body_type().ok_or_else(|| Status::internal("the kind has no schema"))?;
    Ok(object::decode::decode_merged(schema::builtin(), ty, value).map(|decoded| decoded.value))
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
    // YAML knows larger whole numbers than JSON.
    let configuration = match Node::from(reading.value).into_value() {
        Value::Null => Value::Object(object::Map::new()),
        value @ Value::Object(_) => value,
        other => {
            let kind = Node::from(other).kind();
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
    let mut new = decoded(call, merged)?.map_err(fail)?;
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
