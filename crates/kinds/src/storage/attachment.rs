//! VolumeAttachment.

use crate::change;
use crate::checks::{each, meta};
use crate::columns::{name, object_age};
use crate::core::persistentvolume;
use crate::core::pod::volumes::network::csi_driver_name;
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::FIELD_IMMUTABLE;
use object::names::{inclusive_range_error, name_is_dns_subdomain};
use object::{Value, View, json};

const METADATA_MAX: usize = 256 * 1024;
const MESSAGE_MAX: usize = 1024;

/// The rules of volume attachments.
pub(super) struct VolumeAttachment;
/// The rules of `volumeattachments/status`.
struct Status;

impl Strategy for VolumeAttachment {
    fn defaults(&self, object: &mut Value) {
        if let Some(inline) = object.pointer_mut("/spec/source/inlineVolumeSpec").and_then(Value::as_object_mut) {
            persistentvolume::default_spec(inline);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        object["status"] = json!({"attached": false});
    }

    fn validate(&self, object: View<'_>) -> Errors {
        validate(object)
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        validate_change(object, old)
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column { format: "name", ..Column::text("Attacher", "@spec.attacher") },
                Column::text("PV", "@spec.source.persistentVolumeName"),
                Column::text("Node", "@spec.nodeName"),
                Column::typed("Attached", "boolean", "@status.attached"),
                Column::AGE,
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let spec = object.get("spec");
        vec![
            name(object),
            spec.str("attacher").into(),
            spec.get("source").str("persistentVolumeName").into(),
            spec.str("nodeName").into(),
            object.get("status").bool("attached").into(),
            object_age(object, now),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "spec");
        change::keep_metadata(object, old);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        validate_change(object, old)
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["metadata"], &["spec"]]
    }
}

fn validate(object: View<'_>) -> Errors {
    let mut errors = meta(object, false, name_is_dns_subdomain);
    let (spec, path) = (object.get("spec"), Path::new("spec"));
    csi_driver_name(spec.str("attacher"), &path.child("attacher"), &mut errors);
    validate_source(spec.get("source"), &path.child("source"), &mut errors);
    let node = spec.str("nodeName");
    errors.extend(each(name_is_dns_subdomain(node, false), node, &path.child("nodeName")));
    errors.extend(validate_status(object.get("status")));
    if let Some(volume) = spec.get("source").opt_str("persistentVolumeName") {
        let path = Path::new("spec.source.persistentVolumeName");
        errors.extend(each(name_is_dns_subdomain(volume, false), volume, &path));
    }
    errors
}

fn validate_source(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let why = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (source.has("inlineVolumeSpec"), source.opt_str("persistentVolumeName")) {
        (false, None) => errors.push(Error::required(path, why)),
        (true, Some(_)) => errors.push(Error::forbidden(path, why)),
        (false, Some("")) => {
            let why = "must specify non empty persistentVolumeName";
            errors.push(Error::required(&path.child("persistentVolumeName"), why));
        }
        (false, Some(_)) => {}
        (true, None) => {
            let spec = source.get("inlineVolumeSpec");
            persistentvolume::validate_inline_spec(spec, &path.child("inlineVolumeSpec"), errors);
        }
    }
}

fn validate_status(status: View<'_>) -> Errors {
    let path = Path::new("status");
    let mut errors = Errors::new();
    let size: usize =
        status.get("attachmentMetadata").entries().map(|(key, value)| key.len() + value.as_str().len()).sum();
    if size > METADATA_MAX {
        errors.push(Error::too_long(&path.child("attachmentMetadata"), METADATA_MAX as i64));
    }
    for field in ["attachError", "detachError"] {
        let (error, path) = (status.get(field), path.child(field));
        if error.str("message").len() > MESSAGE_MAX {
            errors.push(Error::too_long(&path.child("message"), METADATA_MAX as i64));
        }
        if let Some(code) = error.opt_int("errorCode").filter(|code| *code < 0) {
            let why = inclusive_range_error(0, i64::from(i32::MAX));
            errors.push(Error::invalid(&path.child("errorCode"), code, why));
        }
    }
    errors
}

fn validate_change(object: View<'_>, old: View<'_>) -> Errors {
    let mut errors = validate(object);
    let spec = object.get("spec");
    if !spec.same(old.get("spec")) {
        errors.push(Error::invalid_shown(&Path::new("spec"), show(spec), FIELD_IMMUTABLE));
    }
    errors
}

/// The spec as upstream shows it, with Go's field names.
fn show(spec: View<'_>) -> String {
    let source = spec.get("source");
    let inline = match source.has("inlineVolumeSpec") {
        true => crate::core::pod::dump::compact("PersistentVolumeSpec", source.get("inlineVolumeSpec")),
        false => "null".to_owned(),
    };
    let text = |field: &str| Value::from(spec.str(field));
    let volume = source.opt_str("persistentVolumeName").map_or(Value::Null, Value::from);
    format!(
        "{{\"Attacher\":{},\"Source\":{{\"PersistentVolumeName\":{volume},\"InlineVolumeSpec\":{inline}}},\"NodeName\":{}}}",
        text("attacher"),
        text("nodeName")
    )
}
