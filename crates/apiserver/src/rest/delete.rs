//! delete: at once, with grace, or when the last finalizer is gone.

use super::call::Call;
use super::options::DeleteOptions;
use super::{answer, decode, metadata, write};
use crate::admission::{Attributes, Operation};
use crate::custom;
use crate::http::{Body, respond};
use crate::storage::Entry;
use ::http::Response;
use bytes::Bytes;
use object::{Status, Value, View, json};
use std::sync::Arc;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";
const CONFLICT_TRIES: usize = 64;

/// Answers a DELETE of one object.
pub(crate) async fn delete(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    let options = DeleteOptions::parse(&call.query, &decode::delete_options(call, &body)?)?;
    warn(call, &options);
    match delete_named(call, &call.info.name, &options, Asking::Admission).await? {
        Deleted::Gone(object) if call.resource.returns_deleted => {
            answer::one(call, 200, write::Stored::Unstored(object))
        }
        Deleted::Gone(object) => Ok(respond::value(200, call.accepted.encoding, &success(call, &object))),
        Deleted::Later(stored) => {
            // Upstream accepts only the deprecated way of asking so.
            answer::one(call, if options.orphan_dependents == Some(false) { 202 } else { 200 }, stored)
        }
    }
}

/// Tells a client that does not say what becomes of dependents, where that matters.
pub(crate) fn warn(call: &Call, options: &DeleteOptions) {
    if let Some(text) = call.resource.strategy.delete_warning().filter(|_| options.policy().is_none()) {
        call.warnings.push(text);
    }
}

/// What a delete did.
pub(crate) enum Deleted {
    /// The object is gone; this is what it was.
    Gone(Value),
    /// The object waits for its finalizers or its grace period.
    Later(write::Stored),
}

/// Whether admission has a say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// It has, about the name in the path, if there is one.
    Admission,
    /// It had its say about what leads to the delete.
    Nobody,
}

/// Deletes one object of the call's resource.
pub(crate) async fn delete_named(
    call: &Call,
    name: &str,
    options: &DeleteOptions,
    asking: Asking,
) -> Result<Deleted, Status> {
    call.deletion.get_or_init(|| options.to_value());
    for _ in 0..CONFLICT_TRIES {
        let not_found = || Status::not_found(call.resource.group_resource(), name);
        let current = call.named(name).ok_or_else(not_found)?;
        match try_delete(call, &current, options, asking).await {
            Err(status) if is_race(&status) => continue,
            done => return done,
        }
    }
    Err(write::modified(call))
}

/// A write in between; a failed precondition is a conflict too, but no race.
fn is_race(status: &Status) -> bool {
    status.reason == "Conflict" && status.message.contains("the object has been modified")
}

async fn try_delete(
    call: &Call,
    current: &Arc<Entry>,
    options: &DeleteOptions,
    asking: Asking,
) -> Result<Deleted, Status> {
    let mut object = decode::stored(call, current)?;
    check_preconditions(call, View::from(&object), options)?;
    if asking == Asking::Admission {
        let attributes = Attributes::new(call, Operation::Delete, &call.info.name, options.dry_run);
        call.core.admission.validate(&attributes, &object, Some(View::from(&object))).await?;
    }
    match plan(call, &mut object, options) {
        Plan::Remove => {
            write::remove(call, &mut object, current, options.dry_run).await?;
            Ok(Deleted::Gone(object))
        }
        Plan::Nothing => Ok(Deleted::Later(write::Stored::Entry(current.clone()))),
        Plan::Keep => Ok(Deleted::Later(write::replace(call, object, current, false, options.dry_run).await?)),
    }
}

/// What becomes of the object.
enum Plan {
    /// It goes now.
    Remove,
    /// It is changed (marked) and stays for a while.
    Keep,
    /// It is marked already and this delete adds nothing.
    Nothing,
}

/// Decides, and marks the object as the decision needs it.
fn plan(call: &Call, object: &mut Value, options: &DeleteOptions) -> Plan {
    let before = object.clone();
    if !metadata::is_deleting(View::from(&*object))
        && call.resource.strategy.mark_deleted(object, &call.core.now_text())
    {
        return Plan::Keep;
    }
    if is_namespace(call)
        && let Some(plan) = plan_of_namespace(call, object, options)
    {
        return plan;
    }
    let grace = match grace(call, object, options) {
        Grace::Pending => return Plan::Nothing,
        Grace::Set(seconds) => Some(seconds),
        Grace::None => None,
    };
    set_finalizers(call, object, options);
    let pending = !metadata::finalizers(View::from(&*object)).is_empty()
        || !View::from(&*object).get("spec").get("finalizers").is_empty();
    match grace {
        Some(seconds) if seconds > 0 || pending => Plan::Keep,
        Some(_) => Plan::Remove,
        None if pending => {
            mark_deleting(call, object);
            if *object == before { Plan::Nothing } else { Plan::Keep }
        }
        None => Plan::Remove,
    }
}

/// A namespace is marked, without a grace period, and nothing more is done to it until its contents are gone.
fn plan_of_namespace(call: &Call, object: &mut Value, options: &DeleteOptions) -> Option<Plan> {
    if !metadata::is_deleting(View::from(&*object)) {
        metadata::set(object, "deletionTimestamp", call.core.now_text());
        object["status"]["phase"] = "Terminating".into();
        set_finalizers(call, object, options);
        return Some(Plan::Keep);
    }
    let has_contents = !View::from(&*object).get("spec").get("finalizers").is_empty();
    has_contents.then_some(Plan::Nothing)
}

fn is_namespace(call: &Call) -> bool {
    call.resource.group.is_empty() && call.resource.plural == "namespaces"
}

/// How a delete treats the grace period.
enum Grace {
    /// The kind knows no grace.
    None,
    /// The object was marked with this many seconds.
    Set(i64),
    /// It is being deleted already, and not later than this delete asks for.
    Pending,
}

fn grace(call: &Call, object: &mut Value, options: &DeleteOptions) -> Grace {
    let wanted = options.grace_period.map(|seconds| if seconds < 0 { 1 } else { seconds });
    let view = View::from(&*object);
    let Some(strategy_grace) = call.resource.strategy.grace_period(view, wanted) else { return Grace::None };
    let own = view.get("metadata");
    if let Some(deletion) = own.opt_str("deletionTimestamp") {
        let Some(current) = own.opt_int("deletionGracePeriodSeconds") else { return Grace::None };
        return match wanted {
            Some(wanted) if wanted < current => {
                let at = object::time::parse_seconds(deletion).unwrap_or_default() - current + wanted;
                metadata::set(object, "deletionTimestamp", object::time::format_seconds(at));
                metadata::set(object, "deletionGracePeriodSeconds", wanted);
                Grace::Set(wanted)
            }
            _ => Grace::Pending,
        };
    }
    let at = call.core.now_seconds() + strategy_grace;
    metadata::set(object, "deletionTimestamp", object::time::format_seconds(at));
    metadata::set(object, "deletionGracePeriodSeconds", strategy_grace);
    bump_generation(object);
    Grace::Set(strategy_grace)
}

/// Marks an object that waits for its finalizers and knows no grace.
fn mark_deleting(call: &Call, object: &mut Value) {
    if !metadata::is_deleting(View::from(&*object)) {
        metadata::set(object, "deletionTimestamp", call.core.now_text());
        bump_generation(object);
    }
    metadata::set(object, "deletionGracePeriodSeconds", 0);
}

fn bump_generation(object: &mut Value) {
    let generation = View::from(&*object).get("metadata").int("generation");
    if generation > 0 {
        metadata::set(object, "generation", generation + 1);
    }
}

/// Adds or removes the garbage collector's finalizers as the propagation policy asks.
fn set_finalizers(call: &Call, object: &mut Value, options: &DeleteOptions) {
    let present = metadata::finalizers(View::from(&*object));
    let has = |name: &str| present.iter().any(|finalizer| finalizer == name);
    let has_dependents = call.resource.strategy.has_dependents();
    let orphan = match options.policy() {
        _ if !has_dependents => false,
        Some(policy) => policy == "Orphan",
        None if has(ORPHAN) => true,
        None if has(FOREGROUND) => false,
        None => call.resource.strategy.orphans_by_default(),
    };
    let foreground = match options.policy() {
        _ if !has_dependents => false,
        Some(policy) => policy == "Foreground",
        None => has(FOREGROUND) && !orphan,
    };
    let mut finalizers: Vec<String> =
        present.iter().filter(|name| *name != ORPHAN && *name != FOREGROUND).cloned().collect();
    if orphan {
        finalizers.push(ORPHAN.to_owned());
    }
    if foreground {
        finalizers.push(FOREGROUND.to_owned());
    }
    let same = finalizers.len() == present.len() && finalizers.iter().all(|name| present.contains(name));
    if !same {
        metadata::set(object, "finalizers", finalizers);
    }
}

pub(super) fn check_preconditions(call: &Call, object: View<'_>, options: &DeleteOptions) -> Result<(), Status> {
    let own = object.get("metadata");
    let resource = object::status::GroupResource { group: call.resource.stored_as().0, resource: &call.resource.kind };
    let differs = |wanted: &Option<String>, name: &str| {
        wanted.as_deref().filter(|&wanted| wanted != own.str(name)).map(str::to_owned)
    };
    if is_namespace(call) || custom::is_definition(&call.resource) {
        for (what, wanted, name) in
            [("UID", &options.uid, "uid"), ("ResourceVersion", &options.resource_version, "resourceVersion")]
        {
            let Some(wanted) = differs(wanted, name) else { continue };
            let is = own.str(name);
            let why = format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {is}");
            return Err(Status::conflict(call.resource.group_resource(), own.str("name"), why));
        }
    }
    if let Some(wanted) = differs(&options.uid, "uid") {
        let why = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({}). The object might have been deleted and then recreated",
            own.str("uid")
        );
        return Err(Status::conflict(resource, own.str("name"), why));
    }
    if let Some(wanted) = differs(&options.resource_version, "resourceVersion") {
        let why = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({}). The object might have been modified",
            own.str("resourceVersion")
        );
        return Err(Status::conflict(resource, own.str("name"), why));
    }
    Ok(())
}

/// The `Status` of a finished delete.
fn success(call: &Call, object: &Value) -> Value {
    let own = View::from(object).get("metadata");
    let mut details = json!({"name": own.str("name"), "kind": call.resource.plural, "uid": own.str("uid")});
    if !call.resource.group.is_empty() {
        details["group"] = call.resource.group.as_ref().into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
