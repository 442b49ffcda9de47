//! create

use super::options::WriteOptions;
use super::ownership::Moment;
use super::{Call, addresses, answer, decode, devices, metadata, ownership, write};
use crate::admission::{Attributes, Operation};
use crate::authz;
use crate::http::Body;
use ::http::Response;
use bytes::Bytes;
use kinds::Request;
use object::{Status, Value, View};

/// How often a generated name that exists already is made anew.
const GENERATE_NAME_TRIES: usize = 8;

/// Answers a POST to a collection.
pub(crate) async fn create(call: &Call, body: Bytes) -> Result<Response<Body>, Status> {
    let options = WriteOptions::parse(call, "CreateOptions", false)?;
    let mut object = decode::body(call, &body, options.field_validation)?;
    metadata::wipe_system_fields(&mut object);
    metadata::match_namespace(&mut object, call.namespace())?;
    ownership::dedup_owner_references(call, &mut object, Moment::Decoded);
    let owners = ownership::claim(call, &options, &mut object);
    let stored = create_object(call, object, owners, &options).await?;
    answer::one(call, 201, stored)
}

/// Admits, validates and stores a decoded new object.
pub(crate) async fn create_object(
    call: &Call,
    mut object: Value,
    owners: ownership::Claim,
    options: &WriteOptions,
) -> Result<write::Stored, Status> {
    admit(call, &mut object, options).await?;
    ownership::dedup_owner_references(call, &mut object, Moment::Admitted);
    let generated = {
        let metadata = View::from(&object).get("metadata");
        (metadata.str("name").is_empty() && !metadata.str("generateName").is_empty())
            .then(|| metadata.str("generateName").to_owned())
    };
    // Nothing else is ever tried again.
    let may_return = generated.is_some() || addresses::concerns(call);
    for attempt in 1.. {
        let mut candidate = if may_return { object.clone() } else { object.take() };
        if let Some(prefix) = &generated {
            let name =
                if call.resource.strategy.adds_suffix() { metadata::generate_name(prefix) } else { prefix.clone() };
            metadata::set(&mut candidate, "name", name);
        }
        prepare(call, &mut candidate, options).await?;
        if !options.dry_run {
            refuse_resource_version(View::from(&candidate))?;
        }
        match write::create(call, candidate, &owners, options.dry_run).await {
            Err(status) if may_return && write::is_taken(&status) && attempt < GENERATE_NAME_TRIES => continue,
            Err(status) if status.reason == "AlreadyExists" && generated.is_some() => {
                if attempt == GENERATE_NAME_TRIES {
                    return Err(generated_name_conflict(status));
                }
            }
            done => return done,
        }
    }
    unreachable!("the loop above ends by returning")
}

async fn admit(call: &Call, object: &mut Value, options: &WriteOptions) -> Result<(), Status> {
    let name = View::from(&*object).get("metadata").str("name").to_owned();
    if call.resource.custom.as_ref().is_some_and(|custom| custom.terminating) {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(Status::forbidden(call.resource.group_resource(), &name, why));
    }
    let attributes = Attributes::new(call, Operation::Create, &name, options.dry_run);
    call.core.admission.admit(&attributes, object, None).await
}

/// All that happens to a new object between mutating admission and the store.
async fn prepare(call: &Call, object: &mut Value, options: &WriteOptions) -> Result<(), Status> {
    let resource = &call.resource;
    metadata::fill_system_fields(&call.core, object);
    addresses::assign(call, object, View::ABSENT, options.dry_run)?;
    let now = call.core.now_text();
    resource.strategy.prepare_for_create(object, &Request { user: &call.user, now: &now });
    let view = View::from(&*object);
    let name = view.get("metadata").str("name").to_owned();
    call.warnings.extend(resource.strategy.warnings_of_prepare(view));
    let mut errors = devices::check_new(call, view);
    errors.extend(resource.strategy.validate(view));
    write::check(resource, &name, errors)?;
    write::check(resource, &name, write::validate_metadata(resource, view))?;
    call.warnings.extend(resource.strategy.warnings_on_create(view));
    resource.strategy.canonicalize(object);
    let attributes = Attributes::new(call, Operation::Create, &name, options.dry_run);
    call.core.admission.validate(&attributes, object, None).await?;
    decode::settle(call, object)
}

/// Prepares a new object that an update or an apply makes.
pub(crate) async fn create_on_update(
    call: &Call,
    mut object: Value,
    options: &WriteOptions,
) -> Result<write::Stored, Status> {
    may_create(call)?;
    admit(call, &mut object, options).await?;
    prepare(call, &mut object, options).await?;
    write::create(call, object, &ownership::Claim::InObject, options.dry_run).await
}

/// Who may update may not therefore create.
fn may_create(call: &Call) -> Result<(), Status> {
    let info = &call.info;
    call.core.authorizer.require(&authz::Attributes {
        version: &info.version,
        namespace: &info.namespace,
        name: &info.name,
        ..authz::Attributes::resource(&call.user, "create", &info.group, &info.resource)
    })
}

/// What is posted to be stored has no version yet. Texts that are no version are ignored, as upstream does.
fn refuse_resource_version(object: View<'_>) -> Result<(), Status> {
    match object.get("metadata").str("resourceVersion").parse::<u64>() {
        Ok(version) if version > 0 => {
            Err(Status::plain(500, "", "resourceVersion should not be set on objects to be created"))
        }
        _ => Ok(()),
    }
}

fn generated_name_conflict(mut status: Status) -> Status {
    status.message.push_str(", the server was not able to generate a unique name for the object");
    if let Some(details) = &mut status.details {
        details.retry_after_seconds = 1;
    }
    status
}
