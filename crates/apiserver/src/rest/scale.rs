//! The subresource `scale`: the replicas of a workload, alone.

use super::call::Call;
use super::options::WriteOptions;
use super::{answer, decode, metadata, patch, update, write};
use crate::http::Body;
use ::http::Response;
use bytes::Bytes;
use kinds::scale;
use object::apply::{scale_to_parent, scale_to_subresource};
use object::status::GroupResource;
use object::{Status, Value, View};

const CONFLICT_TRIES: usize = 64;
/// What upstream says of any body that is no scale of a custom resource: the place where it makes what it looks in.
const UNKNOWN_SCALE: &str =
    r#"no kind is registered for the type v1.Scale in scheme "pkg/apiserver/customresource_handler.go:781""#;

/// Answers a request about a scale.
pub(crate) async fn scale(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    match call.verb {
        "get" => {
            let current = call.current().ok_or_else(|| call.not_found())?;
            let parent = decode::stored(call, &current)?;
            let scale = of(call, &parent)?;
            match call.resource.custom.as_ref().and_then(|custom| custom.scale.as_ref()) {
                Some(paths) if !scale::has_replicas(&call.resource, View::from(&parent)) => Err(Status::internal(
                    format_args!("the spec replicas field {} does not exist", object::quote::quote(&paths.spec)),
                )),
                _ => shown(call, scale),
            }
        }
        "update" | "patch" => write_scale(call, body).await,
        _ => Err(super::call::method_not_allowed()),
    }
}

/// Clients do not see who owns a scale's replicas; the workload itself tells.
fn shown(call: &Call, mut scale: Value) -> Result<Response<Body>, Status> {
    metadata::set(&mut scale, "managedFields", Value::Null);
    answer::passing(call, 200, scale)
}

/// The scale of a workload, with the owners of its replicas.
fn of(call: &Call, parent: &Value) -> Result<Value, Status> {
    let scale = scale::of(&call.resource, parent.into()).ok_or_else(Status::no_such_path)?;
    let mut scale = scale.map_err(|why| Status::internal(format_args!("failed to parse selector: {why}")))?;
    let managers = parent["metadata"].get("managedFields");
    if let Ok(Some(managers)) = scale_to_subresource(managers, &borrowed(&replica_paths(call))) {
        metadata::set(&mut scale, "managedFields", managers);
    }
    Ok(scale)
}

/// Where the replicas stand in each version. A built-in kind with a scale has one.
fn replica_paths(call: &Call) -> Vec<(String, String)> {
    let Some(custom) = &call.resource.custom else {
        return vec![(call.parent_version.clone(), scale::REPLICAS.to_owned())];
    };
    let registry = call.core.registry.load();
    let path = |version: &kinds::custom::Version| {
        let name = version.api_version.rsplit('/').next().unwrap_or_default();
        let resource = registry.find(&call.resource.group, name, &call.resource.plural);
        let scale = resource.and_then(|resource| resource.custom.as_ref()?.scale.as_ref());
        (version.api_version.clone(), scale.map_or("", |scale| scale.dotted()).to_owned())
    };
    custom.family.versions.iter().map(path).collect()
}

fn borrowed(paths: &[(String, String)]) -> Vec<(&str, &str)> {
    paths.iter().map(|(version, path)| (version.as_str(), path.as_str())).collect()
}

async fn write_scale(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    let (options, sent) = received(call, &body)?;
    for _ in 0..CONFLICT_TRIES {
        let current = call.current().ok_or_else(|| call.not_found())?;
        let old = decode::stored(call, &current)?;
        let old_scale = of(call, &old)?;
        let mut new_scale = match &sent {
            Some(scale) => scale.clone(),
            None if call.resource.is_custom() && patch::is_apply(call) => {
                return Err(refuse_apply(call, &body, &old_scale, &options));
            }
            None => patch::patched_passing(call, &body, &old_scale, &options)?,
        };
        check(call, &mut new_scale, &old)?;
        // An apply has noted its owners already.
        if !(call.verb == "patch" && patch::is_apply(call)) {
            super::ownership::on_update(call, &options, &mut new_scale, &old_scale);
        }
        let new = parent_of(call, &new_scale, &old)?;
        match update::store(call, new, &old, &current, &options).await? {
            Some(stored) => {
                let parent = stored.value(call)?;
                return shown(call, of(call, &parent)?);
            }
            None => continue,
        }
    }
    Err(write::modified(call))
}

/// The options, and the scale of an update (a patch needs the current one first).
fn received(call: &Call, body: &Bytes) -> Result<(WriteOptions, Option<Value>), Status> {
    if call.verb == "patch" {
        patch::check_media_type(call)?;
        let options = WriteOptions::parse(call, "PatchOptions", patch::is_apply(call))?;
        return Ok((options, None));
    }
    let options = WriteOptions::parse(call, "UpdateOptions", false)?;
    let mut scale = decode::body(call, body, options.field_validation).map_err(|status| match status.code {
        400 if call.resource.is_custom() => Status::bad_request(UNKNOWN_SCALE),
        _ => status,
    })?;
    metadata::match_namespace(&mut scale, call.namespace())?;
    update::check_name(call, View::from(&scale))?;
    Ok((options, Some(scale)))
}

/// Upstream converts scales of custom resources to no version, which server-side apply needs at its end, and at its start
/// where nobody owns the replicas yet.
fn refuse_apply(call: &Call, body: &Bytes, old: &Value, options: &WriteOptions) -> Status {
    let convert = |what: &str| {
        format!(
            "failed to convert {what} object (/; autoscaling/v1, Kind=Scale) to proper version: request to convert CR to an \
             invalid group/version: autoscaling/v1"
        )
    };
    let is_owned = !View::from(old).get("metadata").get("managedFields").is_empty();
    let why = match patch::patched_passing(call, body, old, options) {
        Err(status) if is_owned || status.code == 400 => return status,
        Ok(_) if is_owned => convert("new"),
        _ => format!("failed to create manager for existing fields: {}", convert("live")),
    };
    Status::plain(500, "", why)
}

fn check(call: &Call, scale: &mut Value, parent: &Value) -> Result<(), Status> {
    metadata::match_namespace(scale, call.namespace())?;
    update::check_name(call, View::from(&*scale))?;
    check_uid(call, View::from(&*scale), View::from(parent))?;
    if call.resource.is_custom() {
        // The rules of custom resources see the replicas.
        return Ok(());
    }
    write::check_kind("autoscaling", "Scale", &call.info.name, scale::validate(&call.resource, View::from(&*scale)))
}

/// An update is bound to the object with its uid; of patches, those of built-in kinds are compared with what they made.
fn check_uid(call: &Call, scale: View<'_>, parent: View<'_>) -> Result<(), Status> {
    let (wanted, actual) = (scale.get("metadata").str("uid"), parent.get("metadata").str("uid"));
    if wanted.is_empty() || wanted == actual {
        return Ok(());
    }
    match (call.verb, call.resource.is_custom()) {
        ("update", _) => Err(write::uid_precondition(call, scale, actual)),
        (_, true) => Ok(()),
        (_, false) => {
            let resource = format!("{}/scale", call.resource.plural);
            let resource = GroupResource { group: &call.resource.group, resource: &resource };
            let why = format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {actual}");
            Err(Status::conflict(resource, &call.info.name, why))
        }
    }
}

/// The workload with the replicas of a scale, and their owners.
fn parent_of(call: &Call, new_scale: &Value, old: &Value) -> Result<Value, Status> {
    let mut parent = old.clone();
    scale::write(&call.resource, &mut parent, new_scale.into())?;
    let version = View::from(new_scale).get("metadata").str("resourceVersion");
    if !version.is_empty() || !call.resource.is_custom() {
        metadata::set(&mut parent, "resourceVersion", version);
    }
    let managers = scale_to_parent(
        old["metadata"].get("managedFields"),
        new_scale["metadata"].get("managedFields"),
        &call.parent_version,
        &borrowed(&replica_paths(call)),
    );
    let managers = managers.map_err(|why| Status::internal(format_args!("failed to decode managed fields: {why}")))?;
    metadata::set(&mut parent, "managedFields", managers.unwrap_or(Value::Null));
    Ok(parent)
}
