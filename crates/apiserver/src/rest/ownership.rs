//! Who owns which field: managed fields, kept up to date by every write.

use super::call::Call;
use super::options::WriteOptions;
use super::{decode, metadata, raws};
use crate::registry::Registry;
use kinds::Resource;
use kinds::custom::Family;
use object::apply::{self, ConvertError, Filter, Operation, Versions};
use object::schema::{self, Schema, TypeId};
use object::{Status, Value, View};
use std::borrow::Cow;
use std::sync::Arc;

/// Where the owners of a new object are.
pub(crate) enum Claim {
    /// In its managed fields, if it has any.
    InObject,
    /// Beside it, as text: nobody looks at them before they are stored.
    Beside(Option<Vec<u8>>),
}

impl Claim {
    /// The text that is not in the object.
    pub(crate) fn text(&self) -> Option<&[u8]> {
        match self {
            Claim::InObject => None,
            Claim::Beside(text) => text.as_deref(),
        }
    }
}

/// Finds the creator's fields in a new object, and records them there only if somebody will look at them.
pub(crate) fn claim(call: &Call, options: &WriteOptions, object: &mut Value) -> Claim {
    let is_kept_otherwise = call.resource.custom.is_some() || call.resource.stored.is_some();
    let is_sent = View::from(&*object).get("metadata").get("managedFields").exists();
    let plain = raws::plain(call, object);
    let sent = decode::as_owned(call, &plain).map(|sent| sent.or_else(|| owned(plain)));
    if options.dry_run || is_kept_otherwise || is_sent || sent.is_err() || call.core.admission.shows_objects() {
        on_create(call, options, object);
        return Claim::InObject;
    }
    let sent = sent.ok().flatten();
    let sent = sent.as_ref().unwrap_or(object);
    Claim::Beside(with_operation(call, options, |operation| apply::claim(operation, sent)))
}

/// Records the creator's fields in a new object.
pub(crate) fn on_create(call: &Call, options: &WriteOptions, object: &mut Value) {
    record(call, options, object, None);
}

/// Records what an update changes.
pub(crate) fn on_update(call: &Call, options: &WriteOptions, object: &mut Value, old: &Value) {
    record(call, options, object, Some(old));
}

fn owned(object: Cow<'_, Value>) -> Option<Value> {
    match object {
        Cow::Owned(object) => Some(object),
        Cow::Borrowed(_) => None,
    }
}

/// Fields are told by what would be sent, not by what rules still have to see.
fn record(call: &Call, options: &WriteOptions, object: &mut Value, old: Option<&Value>) {
    let old = old.map(|old| raws::plain(call, old));
    let (old, plain) = (old.as_deref(), raws::plain(call, object));
    let sent = converted(call, object).or_else(|| decode::as_owned(call, &plain).ok().flatten());
    let Some(mut sent) = sent.or_else(|| owned(plain)) else {
        with_operation(call, options, |operation| apply::update(operation, old, object));
        return;
    };
    if View::from(&*object).get("metadata").get("managedFields").exists() && sent["metadata"]["managedFields"].is_null()
    {
        // No owners at all is a wish: they are forgotten.
        metadata::set(&mut sent, "managedFields", vec![Value::Null]);
    }
    with_operation(call, options, |operation| apply::update(operation, old, &mut sent));
    metadata::set(object, "managedFields", sent["metadata"]["managedFields"].take());
}

/// The object as it is after it has been in the version in which its kind is stored, if that is another one.
fn converted(call: &Call, object: &Value) -> Option<Value> {
    let stored = call.resource.stored.as_ref().filter(|_| call.body.is_own)?;
    let mut sent = stored.conversion.from_stored(stored.conversion.to_stored(object.clone()));
    let ty = call.body_type()?;
    object::decode::normalise(schema::builtin(), ty, &mut sent).ok()?;
    sent["kind"] = call.body.kind.as_str().into();
    sent["apiVersion"] = call.body.api_version.as_str().into();
    Some(sent)
}

/// Merges an applied configuration into the live object, or into a new one.
///
/// # Errors
/// 409 if other managers own what it changes; 400 and 500 in upstream's words.
pub(crate) fn apply_configuration(
    call: &Call,
    options: &WriteOptions,
    live: Option<&Value>,
    configuration: &Value,
) -> Result<Value, Status> {
    let force = options.force.unwrap_or_default();
    let mut merged = with_operation(call, options, |operation| apply::apply(operation, live, configuration, force))
        .map_err(|status| *status)?;
    if let Some(metadata) = merged.get_mut("metadata").and_then(Value::as_object_mut) {
        // Of these, unlike of other lists, upstream does not tell an empty one from none.
        metadata
            .retain(|name, value| name != "ownerReferences" || value.as_array().is_none_or(|list| !list.is_empty()));
    }
    Ok(merged)
}

fn with_operation<R>(call: &Call, options: &WriteOptions, run: impl FnOnce(&Operation<'_>) -> R) -> R {
    let versions = ServedVersions::of(call);
    let now = call.core.now_text();
    let reset: Vec<String> = call.strategy().reset_fields().iter().map(|path| path.join(".")).collect();
    let reset: Vec<&str> = reset.iter().map(String::as_str).collect();
    run(&Operation {
        versions: &versions,
        api_version: &call.body.api_version,
        kind: &call.body.kind,
        subresource: &call.info.subresource,
        reset: Filter::Reset(&reset),
        manager: &options.manager,
        now: &now,
    })
}

/// The versions in which the call's kind is served.
struct ServedVersions<'a> {
    resource: &'a Arc<Resource>,
    registry: arc_swap::Guard<Arc<Registry>>,
    /// The versions of a custom resource, served or not.
    family: Option<Arc<Family>>,
    /// The one type of a body that is not the resource's own.
    other: Option<(&'a str, TypeId)>,
}

impl ServedVersions<'_> {
    fn of(call: &Call) -> ServedVersions<'_> {
        let other = (!call.body.is_own).then(|| Some((call.body.api_version.as_str(), call.body_type()?))).flatten();
        let family = call.custom_body().map(|custom| custom.family.clone());
        ServedVersions { resource: &call.resource, registry: call.core.registry.load(), family, other }
    }

    fn find(&self, api_version: &str) -> Option<&Arc<Resource>> {
        if self.resource.is_of_version(api_version) {
            return Some(self.resource);
        }
        let (stored, kind) = (self.resource.stored_as(), &self.resource.kind);
        // Upstream cannot compare objects across groups, and forgets who owned what in the other one.
        let is_other = |entry: &&Arc<Resource>| {
            entry.group == self.resource.group
                && entry.kind == *kind
                && entry.is_of_version(api_version)
                && entry.stored_as() == stored
        };
        self.registry.entries().iter().find(is_other)
    }
}

impl Versions for ServedVersions<'_> {
    fn schema_of(&self, api_version: &str) -> Option<(&Schema, TypeId)> {
        if let Some((version, ty)) = &self.other {
            return (*version == api_version).then_some((schema::builtin(), *ty));
        }
        if let Some(family) = &self.family {
            return Some(family.version(api_version)?.table());
        }
        let resource = self.find(api_version)?;
        Some((schema::builtin(), schema::builtin().find(&resource.type_name)?))
    }

    fn convert(&self, object: &Value, from: &str, to: &str) -> Result<Value, ConvertError> {
        if let Some(family) = &self.family {
            let wanted = family.version(to).ok_or(ConvertError::NoSuchVersion)?;
            let converted = family.convert(vec![object.clone()], wanted).map_err(ConvertError::Failed)?;
            return Ok(converted.into_iter().next().unwrap_or_default());
        }
        let (Some(from), Some(to)) = (self.find(from), self.find(to)) else { return Err(ConvertError::NoSuchVersion) };
        let kept = match &from.stored {
            Some(stored) => stored.conversion.to_stored(object.clone()),
            None => object.clone(),
        };
        let mut object = match &to.stored {
            Some(stored) => stored.conversion.from_stored(kept),
            None => kept,
        };
        object["apiVersion"] = to.api_version().into();
        Ok(object)
    }
}

/// Keeps the old times in the managed fields if nothing but them changed.
pub(crate) fn ignore_mere_times(object: &mut Value, old: &Value) {
    apply::keep_times(object, old);
}

/// Drops owner references that name the same uid twice, and tells the client.
pub(crate) fn dedup_owner_references(call: &Call, object: &mut Value, moment: Moment) {
    let references = View::from(&*object).get("metadata").get("ownerReferences");
    let mut kept: Vec<Value> = Vec::with_capacity(references.len());
    let mut twice: Vec<&str> = Vec::new();
    for reference in references.as_slice() {
        if kept.contains(reference) {
            twice.push(View::from(reference).str("uid"));
        } else {
            kept.push(reference.clone());
        }
    }
    if !twice.is_empty() {
        let when = match moment {
            Moment::Decoded => "",
            Moment::Admitted => " after mutating admission happens",
        };
        call.warnings.push(format!(
            ".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            twice.join(", ")
        ));
        metadata::set(object, "ownerReferences", kept);
    }
}

/// When an object is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// As it was sent.
    Decoded,
    /// After mutating admission.
    Admitted,
}
