//! Validation of the metrics that an autoscaler follows.

use super::spec::{Versions, validate_reference, wrong_version};
use crate::core::resource_names::validate_container_resource_name;
use object::View;
use object::field::{Error, Errors, Path};
use object::names::{is_dns1123_label, is_path_segment_name};
use object::quantity::Quantity;

const TYPES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
/// Types with the field that belongs to each, in the order in which they are looked at.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];

/// Validates `metrics`.
pub(super) fn validate_all(spec: View<'_>, old: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    let objects = old.list("metrics").filter(|metric| metric.str("type") == "Object" && metric.has("object"));
    let wrong_before = objects
        .map(|metric| metric.get("object").get("describedObject"))
        .any(|object| wrong_version(object, Versions::Core).is_some());
    let versions = if wrong_before { Versions::Any } else { Versions::Core };
    let mut countable = false;
    for (index, metric) in spec.list("metrics").enumerate() {
        validate_metric(metric, versions, &list.index(index), errors);
        countable |= matches!(metric.str("type"), "Object" | "External");
    }
    if spec.opt_int("minReplicas") == Some(0) && !countable {
        let detail = "must specify at least one Object or External metric to support scaling to zero replicas";
        errors.push(Error::forbidden(list, detail));
    }
}

fn validate_metric(metric: View<'_>, versions: Versions, path: &Path<'_>, errors: &mut Errors) {
    let (kind, type_path) = (metric.str("type"), path.child("type"));
    if kind.is_empty() {
        errors.push(Error::required(&type_path, "must specify a metric source type"));
    }
    if !TYPES.contains(&kind) {
        errors.push(Error::not_supported(&type_path, kind, &TYPES));
    }
    let mut present: Vec<&str> = SOURCES.iter().map(|(_, field)| *field).filter(|field| metric.has(field)).collect();
    if let Some(first) = present.first() {
        validate_source(first, metric.get(first), versions, &path.child(first), errors);
    }
    let expected = SOURCES.iter().find(|(name, _)| *name == kind).map(|(_, field)| *field);
    match expected {
        Some(field) if !metric.has(field) => {
            let detail = "must populate information for the given metric source";
            errors.push(Error::required(&path.child(field), detail));
        }
        Some(_) => {}
        None => errors.push(Error::not_supported(&type_path, kind, &TYPES)),
    }
    if present.len() != 1 {
        present.retain(|field| Some(*field) != expected);
        for field in present {
            errors.push(Error::forbidden(&path.child(field), "must populate the given metric source only"));
        }
    }
}

fn validate_source(field: &str, source: View<'_>, versions: Versions, path: &Path<'_>, errors: &mut Errors) {
    let (target, place) = (source.get("target"), path.child("target"));
    if field == "object" {
        validate_reference(source.get("describedObject"), versions, &path.child("describedObject"), errors);
    }
    match field {
        "object" | "external" | "pods" => validate_identifier(source.get("metric"), &path.child("metric"), errors),
        _ => validate_resource(field, source, path, errors),
    }
    validate_target(target, &place, errors);
    let (value, average) = (target.has("value"), target.has("averageValue"));
    let utilization = target.has("averageUtilization");
    let missing = |name: &str, detail: &str| Error::required(&place.child(name), detail);
    match field {
        "object" if !value && !average => {
            errors.push(missing("averageValue", "must set either a target value or averageValue"));
        }
        "external" if !value && !average => {
            let detail = "must set either a target value for metric or a per-pod target";
            errors.push(missing("averageValue", detail));
        }
        "external" if value && average => {
            let detail = "may not set both a target value for metric and a per-pod target";
            errors.push(Error::forbidden(&place.child("value"), detail));
        }
        "pods" if !average => errors.push(missing("averageValue", "must specify a positive target averageValue")),
        "resource" | "containerResource" if !utilization && !average => {
            let detail = "must set either a target raw value or a target utilization";
            errors.push(missing("averageUtilization", detail));
        }
        "resource" | "containerResource" if utilization && average => {
            let detail = "may not set both a target raw value and a target utilization";
            errors.push(Error::forbidden(&place.child("averageValue"), detail));
        }
        _ => {}
    }
}

fn validate_resource(field: &str, source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (name, place) = (source.str("name"), path.child("name"));
    if name.is_empty() {
        errors.push(Error::required(&place, "must specify a resource name"));
    } else if field == "containerResource" {
        errors.extend(validate_container_resource_name(name, &place));
    }
    if field == "containerResource" {
        let (container, place) = (source.str("container"), path.child("container"));
        if container.is_empty() {
            errors.push(Error::required(&place, "must specify a container"));
        } else {
            let messages = is_dns1123_label(container);
            errors.extend(messages.into_iter().map(|message| Error::invalid(&place, container, message)));
        }
    }
}

fn validate_identifier(metric: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (name, place) = (metric.str("name"), path.child("name"));
    if name.is_empty() {
        errors.push(Error::required(&place, "must specify a metric name"));
    }
    errors.extend(is_path_segment_name(name).into_iter().map(|message| Error::invalid(&place, name, message)));
}

fn validate_target(target: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (kind, place) = (target.str("type"), path.child("type"));
    if kind.is_empty() {
        errors.push(Error::required(&place, "must specify a metric target type"));
    }
    if !["Utilization", "Value", "AverageValue"].contains(&kind) {
        errors.push(Error::invalid(&place, kind, "must be either Utilization, Value, or AverageValue"));
    }
    for name in ["value", "averageValue"] {
        if target.has(name) && Quantity::from_view(target.get(name)).sign() != 1 {
            errors.push(Error::invalid(&path.child(name), target.get(name).to_value(), "must be positive"));
        }
    }
    if let Some(percent) = target.opt_int("averageUtilization").filter(|percent| *percent < 1) {
        errors.push(Error::invalid(&path.child("averageUtilization"), percent, "must be greater than 0"));
    }
}
