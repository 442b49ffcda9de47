//! update, and the steps that update, patch and apply share.

use super::options::WriteOptions;
use super::ownership::Moment;
use super::{Call, addresses, answer, create, decode, devices, metadata, ownership, write};
use crate::admission::{Attributes, Operation};
use crate::http::Body;
use crate::storage::Entry;
use ::http::Response;
use bytes::Bytes;
use kinds::Request;
use object::field::{Error, Path};
use object::{Status, Value, View};
use std::sync::Arc;

/// How often an update without a resource version is tried again when others write in between.
const CONFLICT_TRIES: usize = 64;

/// Answers a PUT.
pub(crate) async fn update(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    let options = WriteOptions::parse(call, "UpdateOptions", false)?;
    for _ in 0..CONFLICT_TRIES {
        // Read again for a second try, since there is seldom one.
        let mut new = sent(call, &body, &options)?;
        let Some(current) = call.current() else {
            return create_instead(call, new, &options).await;
        };
        let mut old = decode::stored(call, &current)?;
        call.resource.strategy.live(&mut old);
        check_uid(call, View::from(&new), View::from(&old))?;
        ownership::on_update(call, &options, &mut new, &old);
        match store(call, new, &old, &current, &options).await? {
            Some(stored) => return answer::one(call, 200, stored),
            None => continue,
        }
    }
    Err(write::modified(call))
}

/// The object that was sent, decoded, with defaults.
fn sent(call: &Call, body: &Bytes, options: &WriteOptions) -> Result<Value, Status> {
    let mut object = decode::body(call, body, options.field_validation)?;
    metadata::match_namespace(&mut object, call.namespace())?;
    check_name(call, View::from(&object))?;
    ownership::dedup_owner_references(call, &mut object, Moment::Decoded);
    Ok(object)
}

async fn create_instead(call: &Call, mut object: Value, options: &WriteOptions) -> Result<Response<Body>, Status> {
    // A PUT of a status creates too, where a PUT of the object does; so it is upstream.
    let creates = matches!(call.info.subresource.as_str(), "" | "status");
    if !creates || !call.resource.strategy.allow_create_on_update() {
        return Err(call.not_found());
    }
    if !View::from(&object).get("metadata").str("uid").is_empty() {
        return Err(write::uid_precondition(call, View::from(&object), ""));
    }
    metadata::set(&mut object, "resourceVersion", Value::Null);
    ownership::on_create(call, options, &mut object);
    let stored = create::create_on_update(call, object, options).await?;
    answer::one(call, 201, stored)
}

/// Takes a changed object from the client's form to the store. `None`: somebody else wrote in between.
pub(crate) async fn store(
    call: &Call,
    new: Value,
    old: &Value,
    current: &Arc<Entry>,
    options: &WriteOptions,
) -> Result<Option<write::Stored>, Status> {
    store_named(call, &call.info.name, new, old, current, options).await
}

/// Like [`store`], where the path does not name the object (`bindings`).
pub(crate) async fn store_named(
    call: &Call,
    name: &str,
    mut new: Value,
    old: &Value,
    current: &Arc<Entry>,
    options: &WriteOptions,
) -> Result<Option<write::Stored>, Status> {
    let old_view = View::from(old);
    let attributes = Attributes::new(call, Operation::Update, name, options.dry_run);
    call.core.admission.admit(&attributes, &mut new, Some(old_view)).await?;
    ownership::dedup_owner_references(call, &mut new, Moment::Admitted);
    check_resource_version(call, &new, old_view)?;
    metadata::copy(&mut new, "resourceVersion", old_view);
    before_update(call, &mut new, old_view, options.dry_run)?;
    ownership::ignore_mere_times(&mut new, old);
    let attributes = Attributes::new(call, Operation::Update, name, options.dry_run);
    call.core.admission.validate(&attributes, &new, Some(old_view)).await?;
    decode::settle(call, &mut new)?;
    if !options.dry_run {
        metadata::set(&mut new, "selfLink", Value::Null);
    }
    let deletes = finishes_deletion(View::from(&new), old_view);
    match write::replace(call, new, current, deletes, options.dry_run).await {
        Ok(stored) => Ok(Some(stored)),
        // With the next try the client's resource version, if it gave one, is compared again.
        Err(status) if status.reason == "Conflict" => Ok(None),
        Err(status) => Err(status),
    }
}

/// Generic rules of an update, then the kind's.
fn before_update(call: &Call, new: &mut Value, old: View<'_>, dry_run: bool) -> Result<(), Status> {
    let strategy = call.strategy();
    let old_metadata = old.get("metadata");
    metadata::copy(new, "generation", old);
    addresses::assign(call, new, old, dry_run)?;
    let now = call.core.now_text();
    strategy.prepare_for_update(new, old, &Request { user: &call.user, now: &now });
    if View::from(&*new).get("metadata").str("uid").is_empty() {
        metadata::copy(new, "uid", old);
    }
    metadata::copy(new, "creationTimestamp", old);
    if old_metadata.has("deletionTimestamp") {
        metadata::copy(new, "deletionTimestamp", old);
    }
    if old_metadata.has("deletionGracePeriodSeconds")
        && !View::from(&*new).get("metadata").has("deletionGracePeriodSeconds")
    {
        metadata::copy(new, "deletionGracePeriodSeconds", old);
    }
    let view = View::from(&*new);
    let mut errors = write::validate_metadata(&call.resource, view);
    errors.extend(write::validate_metadata_update(view, old));
    errors.extend(devices::check_status(call, view, old));
    errors.extend(strategy.validate_update(view, old));
    if !errors.is_empty() {
        call.warnings.extend(strategy.warnings_on_refusal(view, old, &errors));
    }
    write::check(&call.resource, view.get("metadata").str("name"), errors)?;
    call.warnings.extend(strategy.warnings_on_update(view, old));
    strategy.canonicalize(new);
    Ok(())
}

/// The uid in the body of an update is a precondition.
fn check_uid(call: &Call, object: View<'_>, old: View<'_>) -> Result<(), Status> {
    let (wanted, actual) = (object.get("metadata").str("uid"), old.get("metadata").str("uid"));
    if wanted.is_empty() || wanted == actual { Ok(()) } else { Err(write::uid_precondition(call, object, actual)) }
}

/// The client's resource version, if it gives one, has to be the object's.
fn check_resource_version(call: &Call, new: &Value, old: View<'_>) -> Result<(), Status> {
    let text = View::from(new).get("metadata").str("resourceVersion");
    let version = write::parse_version(text)?;
    if version == 0 {
        if call.strategy().allow_unconditional_update() {
            return Ok(());
        }
        let path = Path::new("metadata");
        let error = Error::invalid(&path.child("resourceVersion"), 0, "must be specified for an update");
        return Err(Status::invalid(&call.resource.group, &call.resource.plural, &call.info.name, &[error]));
    }
    if text != old.get("metadata").str("resourceVersion") {
        return Err(write::modified(call));
    }
    Ok(())
}

/// The name in the body has to be the name in the path.
pub(crate) fn check_name(call: &Call, object: View<'_>) -> Result<(), Status> {
    let (name, wanted) = (object.get("metadata").str("name"), &call.info.name);
    if name.is_empty() {
        return Err(Status::bad_request(format!(
            "the name of the object ({wanted} based on URL) was undeterminable: name must be provided"
        )));
    }
    if name != wanted {
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({wanted})"
        )));
    }
    Ok(())
}

/// True if this update takes away the last thing that kept a deleted object alive.
fn finishes_deletion(new: View<'_>, old: View<'_>) -> bool {
    let old = old.get("metadata");
    new.get("metadata").get("finalizers").is_empty()
        && old.has("deletionTimestamp")
        && old.int("deletionGracePeriodSeconds") == 0
        && new.get("metadata").int("deletionGracePeriodSeconds") == 0
        && new.get("spec").get("finalizers").is_empty()
}
