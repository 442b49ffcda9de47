//! The same object as another resource: who is about one version sees requests about all of them.

use crate::admission::Attributes;
use crate::rest::raws;
use kinds::{Resource, scale};
use object::decode::{self, Decoded};
use object::raw::{self, Form};
use object::schema;
use object::{Status, Value, View};
use std::sync::Arc;

/// The objects of a request as they are seen; null where there is none.
pub(in crate::admission) struct Seen {
    pub(in crate::admission) object: Value,
    pub(in crate::admission) old: Value,
}

/// Other resources under which the request's object can be reached.
pub(in crate::admission) fn of(attributes: &Attributes<'_>) -> Vec<Arc<Resource>> {
    let own = attributes.resource;
    let registry = attributes.call.core.registry.load();
    let is_other = |other: &&Arc<Resource>| {
        other.stored_as() == own.stored_as()
            && other.custom.is_some() == own.custom.is_some()
            && (&other.group, &other.version, &other.plural) != (&own.group, &own.version, &own.plural)
            && (attributes.subresource.is_empty()
                || other.subresources.iter().any(|subresource| subresource.name == attributes.subresource))
    };
    registry.entries().iter().filter(is_other).cloned().collect()
}

/// The request's objects as those of `resource`.
pub(in crate::admission) fn seen(
    attributes: &Attributes<'_>,
    resource: &Arc<Resource>,
    object: &Value,
    old: Option<View<'_>>,
) -> Result<Seen, Status> {
    let show = |object: &Value| -> Result<Value, Status> {
        let object = &*raws::plain(attributes.call, object);
        if object.is_null() {
            return Ok(Value::Null);
        }
        if is_scale(attributes) {
            return match scale::of(attributes.resource, View::from(object)) {
                Some(Ok(scale)) => Ok(scale),
                _ => Ok(object.clone()),
            };
        }
        if !attributes.call.body.is_own {
            return as_sent(&attributes.call.body.type_name, object.clone());
        }
        as_sent(&resource.type_name, convert(attributes.resource, resource, object.clone())?)
    };
    let old = old.map(View::to_value).unwrap_or_default();
    Ok(Seen { object: show(object)?, old: show(&old)? })
}

/// Without the empty lists and maps that are not sent.
fn as_sent(type_name: &str, mut object: Value) -> Result<Value, Status> {
    let builtin = schema::builtin();
    let Some(ty) = builtin.find(type_name).filter(|&ty| decode::has_empty(builtin, ty, &object)) else {
        return Ok(object);
    };
    let (kind, version) = (object["kind"].take(), object["apiVersion"].take());
    decode::omit_empty(builtin, ty, &mut object).map_err(Status::internal)?;
    object["kind"] = kind;
    object["apiVersion"] = version;
    Ok(object)
}

fn is_scale(attributes: &Attributes<'_>) -> bool {
    attributes.subresource == "scale"
}

/// What somebody made of the object, as the request has it: in form, with defaults. A strict reading refuses fields that
/// there are not.
pub(in crate::admission) fn taken_back(
    attributes: &Attributes<'_>,
    resource: &Arc<Resource>,
    patched: Value,
    object: &Value,
    is_strict: bool,
) -> Result<Value, Status> {
    let own = attributes.resource;
    if is_scale(attributes) {
        let mut parent = object.clone();
        scale::write(own, &mut parent, View::from(&patched))?;
        return Ok(parent);
    }
    let body = &attributes.call.body;
    if !body.is_own {
        // What a subresource takes is of one version, whoever sees it.
        return decoded(&body.type_name, patched, is_strict);
    }
    let mut made = in_form(resource, patched, is_strict)?;
    resource.strategy.defaults(&mut made);
    let mut made = convert(resource, own, made)?;
    if let Some(ty) = own.raws {
        // It came from what was sent on, and what was changed in it came as values.
        raw::respell(schema::builtin(), ty, &mut made);
        raw::carry(schema::builtin(), ty, &mut made, object, Form::Sent);
    }
    made["kind"] = own.kind.as_ref().into();
    made["apiVersion"] = own.api_version().into();
    Ok(made)
}

fn in_form(resource: &Resource, mut object: Value, is_strict: bool) -> Result<Value, Status> {
    if let Some(custom) = &resource.custom {
        custom.own().coerce(&mut object).map_err(Status::internal)?;
        return Ok(object);
    }
    decoded(&resource.type_name, object, is_strict)
}

fn decoded(type_name: &str, object: Value, is_strict: bool) -> Result<Value, Status> {
    let builtin = schema::builtin();
    let Some(ty) = builtin.find(type_name) else { return Ok(object) };
    let (kind, version) = (object["kind"].clone(), object["apiVersion"].clone());
    let Decoded { mut value, strict } = decode::decode(builtin, ty, object).map_err(Status::internal)?;
    if is_strict && !strict.is_empty() {
        return Err(Status::internal(format_args!("strict decoding error: {}", strict.join(", "))));
    }
    value["kind"] = kind;
    value["apiVersion"] = version;
    Ok(value)
}

fn convert(from: &Arc<Resource>, to: &Arc<Resource>, object: Value) -> Result<Value, Status> {
    if (&from.group, &from.version) == (&to.group, &to.version) {
        return Ok(object);
    }
    if let Some(custom) = &to.custom {
        let converted = custom.family.convert(vec![object], custom.own()).map_err(Status::internal)?;
        return Ok(converted.into_iter().next().unwrap_or_default());
    }
    let kept = match &from.stored {
        Some(stored) => stored.conversion.to_stored(object),
        None => object,
    };
    let mut object = match &to.stored {
        Some(stored) => stored.conversion.from_stored(kept),
        None => kept,
    };
    let builtin = schema::builtin();
    if let Some(ty) = builtin.find(&to.type_name) {
        decode::normalise(builtin, ty, &mut object).map_err(Status::internal)?;
    }
    object["kind"] = to.kind.as_ref().into();
    object["apiVersion"] = to.api_version().into();
    Ok(object)
}
