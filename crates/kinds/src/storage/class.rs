//! StorageClass and VolumeAttributesClass.

use super::validate_parameters;
use crate::change;
use crate::checks::{meta, meta_update, qualified_name};
use crate::columns::{name, object_age, or};
use crate::core::pod::warnings::deprecated_node_label;
use crate::strategy::{Column, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{validate_immutable_field, validate_label_name};
use object::names::name_is_dns_subdomain;
use object::{Value, View};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The rules of storage classes.
pub(super) struct StorageClass;
/// The rules of volume attributes classes.
pub(super) struct AttributesClass;

impl Strategy for StorageClass {
    fn defaults(&self, object: &mut Value) {
        let Some(object) = object.as_object_mut() else { return };
        change::set_default(object, "reclaimPolicy", "Delete");
        if object.get("volumeBindingMode").is_none_or(Value::is_null) {
            object.insert("volumeBindingMode".to_owned(), "Immediate".into());
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, false, name_is_dns_subdomain);
        errors.extend(validate_driver(object.str("provisioner"), &Path::new("provisioner")));
        errors.extend(validate_parameters(object.get("parameters"), true, &Path::new("parameters")));
        let policy = object.str("reclaimPolicy");
        if !matches!(policy, "" | "Delete" | "Retain") {
            errors.push(Error::not_supported(&Path::new("reclaimPolicy"), policy, &["Delete", "Retain"]));
        }
        let path = Path::new("volumeBindingMode");
        match object.opt_str("volumeBindingMode") {
            None => errors.push(Error::required(&path, "")),
            Some("Immediate" | "WaitForFirstConsumer") => {}
            Some(mode) => errors.push(Error::not_supported(&path, mode, &["Immediate", "WaitForFirstConsumer"])),
        }
        errors.extend(validate_topologies(object));
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = self.validate(object);
        errors.extend(meta_update(object, old));
        for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
            errors.extend(validate_immutable_field(object.get(field), old.get(field), &Path::new(field)));
        }
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warnings(object)
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        warnings(object)
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::text("Provisioner", "@provisioner"),
                Column::text("ReclaimPolicy", "@reclaimPolicy"),
                Column::text("VolumeBindingMode", "@volumeBindingMode"),
                Column::text("AllowVolumeExpansion", "@allowVolumeExpansion"),
                Column::AGE,
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let metadata = object.get("metadata");
        let marked = |key: &str| metadata.get("annotations").str(key) == "true";
        let default = marked("storageclass.kubernetes.io/is-default-class")
            || marked("storageclass.beta.kubernetes.io/is-default-class");
        let suffix = if default { " (default)" } else { "" };
        vec![
            format!("{}{suffix}", metadata.str("name")).into(),
            object.str("provisioner").into(),
            or(object.str("reclaimPolicy"), "Delete").into(),
            or(object.str("volumeBindingMode"), "Immediate").into(),
            object.bool("allowVolumeExpansion").into(),
            object_age(object, now),
        ]
    }
}

impl Strategy for AttributesClass {
    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, false, name_is_dns_subdomain);
        errors.extend(validate_driver(object.str("driverName"), &Path::new("driverName")));
        errors.extend(validate_parameters(object.get("parameters"), false, &Path::new("parameters")));
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        for field in ["driverName", "parameters"] {
            if object.get(field) != old.get(field) {
                errors.push(Error::forbidden(&Path::new(field), format!("updates to {field} are forbidden.")));
            }
        }
        errors.extend(self.validate(object));
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::NAME, Column::text("DriverName", "@driverName"), Column::AGE] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        vec![name(object), object.str("driverName").into(), object_age(object, now)]
    }
}

fn validate_driver(driver: &str, path: &Path<'_>) -> Errors {
    match driver {
        "" => vec![Error::required(path, "")],
        driver => qualified_name(&driver.to_lowercase(), path),
    }
}

/// Labels and the values that volumes of the class may have there.
type Term<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn validate_topologies(object: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let path = Path::new("allowedTopologies");
    // Upstream compares with as many empty terms as there are terms, too.
    let count = object.get("allowedTopologies").len();
    let mut seen: Vec<Term<'_>> = Vec::new();
    for (index, term) in object.list("allowedTopologies").enumerate() {
        let path = path.index(index);
        let path = path.child("matchLabelExpressions");
        let (term, found) = read_term(term, &path);
        errors.extend(found);
        let like = seen.iter().filter(|other| **other == term).count();
        let empty = if term.is_empty() { count } else { 0 };
        errors.extend((0..like + empty).map(|_| Error::duplicate(&path, "")));
        seen.push(term);
    }
    errors
}

fn read_term<'a>(term: View<'a>, path: &Path<'_>) -> (Term<'a>, Errors) {
    let mut errors = Errors::new();
    let mut labels = Term::new();
    for (index, expression) in term.list("matchLabelExpressions").enumerate() {
        let (path, key) = (path.index(index), expression.str("key"));
        let values = path.child("values");
        if expression.get("values").is_empty() {
            errors.push(Error::required(&values, ""));
        }
        let mut seen = HashSet::new();
        for (index, value) in expression.strings("values").enumerate() {
            if !seen.insert(value) {
                errors.push(Error::duplicate(&values.index(index), value));
            }
        }
        errors.extend(validate_label_name(key, &path.child("key")));
        if labels.insert(key, expression.strings("values").collect()).is_some() {
            errors.push(Error::duplicate(&path.child("key"), key));
        }
    }
    (labels, errors)
}

fn warnings(object: View<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    for (i, term) in object.list("allowedTopologies").enumerate() {
        for (j, expression) in term.list("matchLabelExpressions").enumerate() {
            if let Some(message) = deprecated_node_label(expression.str("key")) {
                warnings.push(format!("allowedTopologies[{i}].matchLabelExpressions[{j}].key: {message}"));
            }
        }
    }
    warnings
}
