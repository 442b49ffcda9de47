//! The last steps of every write: validation results, preconditions, the store's transaction.

use super::ownership::Claim;
use super::{Call, addresses, metadata};
use crate::custom;
use crate::object_codec;
use crate::storage::{self, Entry, Facts};
use bytes::Bytes;
use kinds::Resource;
use object::field::{Error, Errors, Path};
use object::quote::quote;
use object::{Status, Value, View};
use std::borrow::Cow;
use std::sync::Arc;
use store::{CommitError, Expect, Template, Txn};

/// What a write leaves: an entry of the store, or, for dry runs, an object that is nowhere.
pub(crate) enum Stored {
    /// In the store.
    Entry(Arc<Entry>),
    /// Not in the store.
    Unstored(Value),
}

impl Stored {
    /// The object, in the call's version, with spellings (see `raws`).
    pub(crate) fn value(&self, call: &Call) -> Result<Value, Status> {
        match self {
            Stored::Entry(entry) => super::decode::stored(call, entry),
            Stored::Unstored(object) => Ok(object.clone()),
        }
    }

    /// The object's JSON bytes, as they are answered.
    pub(crate) fn bytes(&self, resource: &Resource) -> Bytes {
        match self {
            Stored::Entry(entry) => match object_codec::sent(resource, &entry.value) {
                Cow::Borrowed(_) => entry.value.clone(),
                Cow::Owned(bytes) => bytes.into(),
            },
            Stored::Unstored(object) => object_codec::encode_plain(resource, object).into(),
        }
    }
}

/// Stores a new object.
pub(crate) async fn create(call: &Call, mut object: Value, owners: &Claim, dry_run: bool) -> Result<Stored, Status> {
    let resource = &call.resource;
    let name = View::from(&object).get("metadata").str("name").to_owned();
    let key = storage::key(resource, call.namespace(), &name);
    let exists = || Status::already_exists(resource.group_resource(), &name);
    if dry_run {
        return match call.core.store.snapshot().get(&key) {
            Some(current) => Err(exists_already(call, exists(), Some(&**current))),
            None => Ok(Stored::Unstored(object)),
        };
    }
    metadata::set(&mut object, "resourceVersion", Value::Null);
    let (template, facts) = call.packed(&object, owners)?;
    let txn = Txn::new().guard(&*key, Expect::Absent).put_attached(&*key, template, facts);
    let txn = addresses::extend(call, txn, Some(&object), None);
    // Its memory serves other requests while the disk works.
    drop(object);
    match call.core.store.commit(txn).await {
        Ok(committed) => {
            settle(call, committed.revision).await;
            entry(committed, &key)
        }
        Err(CommitError::Conflict { key: other, .. }) if other != key => Err(taken(call)),
        Err(CommitError::Conflict { current, .. }) => Err(exists_already(call, exists(), current.as_deref())),
        Err(error) => Err(failed(&error)),
    }
}

/// Replaces `current`, or removes it for good if `deletes` is set.
///
/// # Errors
/// 409 if somebody else wrote in between.
pub(crate) async fn replace(
    call: &Call,
    mut object: Value,
    current: &Arc<Entry>,
    deletes: bool,
    dry_run: bool,
) -> Result<Stored, Status> {
    let (template, facts) = call.packed(&object, &Claim::InObject)?;
    if unchanged(&template, current) && !deletes {
        return Ok(Stored::Entry(current.clone()));
    }
    if dry_run {
        metadata::set(&mut object, "resourceVersion", current.mod_revision.to_string());
        return Ok(Stored::Unstored(object));
    }
    let guarded = Txn::new().guard(&*current.key, Expect::At(current.mod_revision));
    let old = if addresses::concerns(call) { Some(super::decode::stored(call, current)?) } else { None };
    let guarded = addresses::extend(call, guarded, (!deletes).then_some(&object), old.as_ref());
    if deletes {
        // Watchers see the object as it was stored last.
        let (template, _) = call.packed(&super::decode::stored(call, current)?, &Claim::InObject)?;
        commit(call, guarded.delete(&*current.key, Some(template))).await?;
        metadata::set(&mut object, "resourceVersion", current.mod_revision.to_string());
        return Ok(Stored::Unstored(object));
    }
    let committed = commit(call, guarded.put_attached(&*current.key, template, facts)).await?;
    entry(committed, &current.key)
}

/// Removes `current` for good. The object gets the resource version at which it went.
pub(crate) async fn remove(call: &Call, object: &mut Value, current: &Arc<Entry>, dry_run: bool) -> Result<(), Status> {
    if dry_run {
        return Ok(());
    }
    let txn = Txn::new().guard(&*current.key, Expect::At(current.mod_revision));
    let txn = addresses::extend(call, txn, None, Some(&*object));
    let (template, _) = call.packed(object, &Claim::InObject)?;
    let committed = commit(call, txn.delete(&*current.key, Some(template))).await?;
    metadata::set(object, "resourceVersion", committed.revision.to_string());
    Ok(())
}

async fn commit(call: &Call, txn: Txn<Facts>) -> Result<store::Committed<Facts>, Status> {
    let committed = call.core.store.commit(txn).await.map_err(|error| match error {
        CommitError::Conflict { .. } => modified(call),
        other => failed(&other),
    })?;
    settle(call, committed.revision).await;
    Ok(committed)
}

/// Rights that were granted or taken count from the answer on, and what is defined is served.
async fn settle(call: &Call, revision: u64) {
    if call.resource.group == "rbac.authorization.k8s.io" {
        call.core.follower.caught_up(revision).await;
    } else if custom::is_definition(&call.resource) {
        call.core.definitions.caught_up(revision).await;
    }
}

fn entry(committed: store::Committed<Facts>, key: &str) -> Result<Stored, Status> {
    let entry = committed.entries.into_iter().flatten().find(|entry| &*entry.key == key);
    entry.map(Stored::Entry).ok_or_else(|| Status::internal("the store answered a put without its entry"))
}

/// True if storing the object would change nothing but its resource version.
fn unchanged(template: &Template, current: &Entry) -> bool {
    let version = current.mod_revision.to_string();
    let at = template.revision_at.unwrap_or_default();
    current.value.len() == template.json.len() + version.len()
        && current.value.starts_with(&template.json[..at])
        && current.value.ends_with(&template.json[at..])
}

/// 422 about the object, if there are errors.
pub(crate) fn check(resource: &Resource, name: &str, errors: Errors) -> Result<(), Status> {
    // Of kinds that live in two groups, the one in which they are kept is named.
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid(resource.stored_as().0, &resource.kind, name, &errors)) }
}

/// 422 about an object of another kind than the resource's, if there are errors.
pub(crate) fn check_kind(group: &str, kind: &str, name: &str, errors: Errors) -> Result<(), Status> {
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid(group, kind, name, &errors)) }
}

/// The generic rules for metadata, after the kind's own.
pub(crate) fn validate_metadata(resource: &Resource, object: View<'_>) -> Errors {
    let path = Path::new("metadata");
    object::meta::validate_object_meta(
        object.get("metadata"),
        resource.is_namespaced(),
        object::names::path_segment_name,
        &path,
    )
}

/// The generic rules for changed metadata.
pub(crate) fn validate_metadata_update(object: View<'_>, old: View<'_>) -> Errors {
    let path = Path::new("metadata");
    object::meta::validate_object_meta_update(object.get("metadata"), old.get("metadata"), &path)
}

/// 409: the object is not what the client saw.
pub(crate) fn modified(call: &Call) -> Status {
    let why = "the object has been modified; please apply your changes to the latest version and try again";
    Status::conflict(call.resource.group_resource(), &call.info.name, why)
}

/// 409: the object has another uid than the client thinks.
pub(crate) fn uid_precondition(call: &Call, object: View<'_>, actual: &str) -> Status {
    let (group, plural) = call.resource.stored_as();
    let custom = format!("{group}/{plural}");
    // Where upstream keeps kinds that it once called otherwise.
    let folder = match plural {
        // These, and custom resources, are kept by their group.
        "apiservices" | "customresourcedefinitions" => &custom,
        _ if call.resource.is_custom() => &custom,
        "replicationcontrollers" => "controllers",
        "services" => "services/specs",
        "endpoints" => "services/endpoints",
        "nodes" => "minions",
        "ingresses" => "ingress",
        other => other,
    };
    let key = key_in_messages(call, folder, &call.info.name);
    let why = differs(&key, "UID", object.get("metadata").str("uid"), actual);
    Status::conflict(call.resource.group_resource(), &call.info.name, why)
}

/// Where upstream keeps an object, as its messages show it.
pub(crate) fn key_in_messages(call: &Call, folder: &str, name: &str) -> String {
    // Dry runs are checked before the key gets its root.
    let root = if call.query.all("dryRun").next().is_some() { "" } else { "/registry" };
    let namespace = if call.namespace().is_empty() { String::new() } else { format!("{}/", call.namespace()) };
    format!("{root}/{folder}/{namespace}{name}")
}

/// Why an object is not the one that a client means; `what` is the `UID` or `ResourceVersion` in question.
pub(crate) fn differs(key: &str, what: &str, wanted: &str, actual: &str) -> String {
    format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {actual}"
    )
}

/// A resource version as a number; "" is 0.
///
/// # Errors
/// 500 with Go's words, as upstream answers.
pub(crate) fn parse_version(text: &str) -> Result<u64, Status> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|error: std::num::ParseIntError| {
        let why = match error.kind() {
            std::num::IntErrorKind::PosOverflow => "value out of range",
            _ => "invalid syntax",
        };
        Status::plain(500, "", format!("strconv.ParseUint: parsing {}: {why}", quote(text)))
    })
}

/// The resource version that a GET or a watch asks for; "" is 0.
///
/// # Errors
/// 500, as upstream answers.
pub(crate) fn asked_version(text: &str) -> Result<u64, Status> {
    parse_version(text).map_err(|status| {
        let error = Error::invalid(&Path::new("resourceVersion"), text, status.message);
        Status::plain(500, "", error.to_string())
    })
}

/// Tells a client that the object that is in its way goes.
fn exists_already(call: &Call, mut status: Status, current: Option<&Entry>) -> Status {
    let object = current.and_then(|entry| super::decode::stored(call, entry).ok());
    if object.is_some_and(|object| metadata::is_deleting(View::from(&object))) {
        status.message = format!("object is being deleted: {}", status.message);
    }
    status
}

/// What the server chose for the object was taken by somebody else meanwhile.
const TAKEN: &str = "an address or port of the object was taken meanwhile; please try again";

fn taken(call: &Call) -> Status {
    Status::conflict(call.resource.group_resource(), &call.info.name, TAKEN)
}

/// True if another choice may succeed.
pub(crate) fn is_taken(status: &Status) -> bool {
    status.reason == "Conflict" && status.message.ends_with(TAKEN)
}

/// The store could not write.
fn failed(error: &CommitError<Facts>) -> Status {
    tracing::error!(error = %error, "a write was not stored");
    Status::internal(error)
}
