//! Claims of storage: the template of an ephemeral volume, and the spec that it shares with a claim of its own.

use crate::core::pod::checks::{NOT_POSITIVE, invalid_for_each, object_name, required};
use crate::core::resource_names::validate_resource_amount;
use object::field::{Error, Errors, Path};
use object::meta::{
    SelectorOptions, unset_in_templates, validate_annotations, validate_label_selector, validate_labels,
};
use object::quantity::Quantity;
use object::{View, names};

const ACCESS_MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// What a claim may keep because it had it already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClaimOptions {
    /// The API group of a data source need not be a domain.
    pub(crate) any_source_group: bool,
    /// The selector may hold invalid label values.
    pub(crate) invalid_selector_values: bool,
}

/// Validates a volume whose claim is made for the pod.
pub(super) fn validate_ephemeral(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let template = source.get("volumeClaimTemplate");
    let path = path.child("volumeClaimTemplate");
    if !template.exists() {
        return errors.push(Error::required(&path, ""));
    }
    validate_template_meta(template.get("metadata"), &path.child("metadata"), errors);
    validate_claim_spec(template.get("spec"), ClaimOptions::default(), &path.child("spec"), errors);
}

/// Only labels and annotations make sense in the metadata of a template.
pub(crate) fn validate_template_meta(meta: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    errors.extend(validate_annotations(meta.get("annotations"), &path.child("annotations")));
    errors.extend(validate_labels(meta.get("labels"), &path.child("labels")));
    for name in unset_in_templates() {
        let field = meta.get(name);
        // Empty lists, and whatever a pointer holds, are set.
        let is_set = match name {
            "generation" => field.as_int() != 0,
            "deletionGracePeriodSeconds" | "ownerReferences" | "finalizers" | "managedFields" => field.exists(),
            _ => !field.is_empty(),
        };
        if is_set {
            // Upstream's names of the fields are Go's, the first letter lowered.
            let shown = if name == "uid" { "uID" } else { name };
            errors.push(Error::forbidden(&path.child(shown), "cannot be set"));
        }
    }
}

/// Validates the spec of a claim.
pub(crate) fn validate_claim_spec(spec: View<'_>, options: ClaimOptions, path: &Path<'_>, errors: &mut Errors) {
    validate_access_modes_and_selector(spec, options, path, errors);
    validate_storage(spec, &path.child("resources"), errors);
    validate_class(spec, "storageClassName", path, errors);
    if let Some(mode) = spec.opt_str("volumeMode") {
        crate::core::pod::checks::one_of(mode, &["Block", "Filesystem"], &path.child("volumeMode"), errors);
    }
    validate_sources(spec, options, path, errors);
    validate_class(spec, "volumeAttributesClassName", path, errors);
}

fn validate_access_modes_and_selector(spec: View<'_>, options: ClaimOptions, path: &Path<'_>, errors: &mut Errors) {
    let at_modes = path.child("accessModes");
    let modes = spec.get("accessModes");
    if modes.is_empty() {
        errors.push(Error::required(&at_modes, "at least 1 access mode is required"));
    }
    if spec.has("selector") {
        let rules = SelectorOptions { allow_invalid_values: options.invalid_selector_values, ..Default::default() };
        errors.extend(validate_label_selector(spec.get("selector"), rules, &path.child("selector")));
    }
    let (mut alone, mut with_others) = (false, false);
    for mode in modes.items().map(View::as_str) {
        if !ACCESS_MODES.contains(&mode) {
            errors.push(Error::not_supported(&at_modes, mode, ACCESS_MODES));
        } else if mode == "ReadWriteOncePod" {
            alone = true;
        } else {
            with_others = true;
        }
    }
    if alone && with_others {
        errors.push(Error::forbidden(&at_modes, "may not use ReadWriteOncePod with other access modes"));
    }
}

fn validate_storage(spec: View<'_>, resources: &Path<'_>, errors: &mut Errors) {
    let path = resources.key("storage");
    let requested = spec.at(&["resources", "requests", "storage"]);
    if !requested.exists() {
        return errors.push(Error::required(&path, ""));
    }
    let amount = Quantity::from_view(requested);
    if amount.sign() <= 0 {
        errors.push(Error::invalid(&path, amount.to_string(), NOT_POSITIVE));
    } else {
        errors.extend(validate_resource_amount("storage", &amount, &path));
    }
}

fn validate_class(spec: View<'_>, field: &str, path: &Path<'_>, errors: &mut Errors) {
    let class = spec.str(field);
    if !class.is_empty() {
        object_name(class, &path.child(field), errors);
    }
}

fn validate_sources(spec: View<'_>, options: ClaimOptions, path: &Path<'_>, errors: &mut Errors) {
    let (source, reference) = (spec.get("dataSource"), spec.get("dataSourceRef"));
    for (name, source) in [("dataSource", source), ("dataSourceRef", reference)] {
        if source.exists() {
            validate_source(source, options, &path.child(name), errors);
        }
    }
    let namespace = reference.str("namespace");
    if !namespace.is_empty() {
        let at = path.child("dataSourceRef");
        invalid_for_each(names::name_is_dns_label(namespace, false), namespace, &at.child("namespace"), errors);
    }
    if !source.exists() || !reference.exists() {
        return;
    }
    let same = ["apiGroup", "kind", "name"].iter().all(|name| source.opt_str(name) == reference.opt_str(name));
    let detail = match (namespace, same) {
        ("", true) => return,
        ("", false) => "must match dataSourceRef",
        _ => "may not be specified when dataSourceRef.namespace is specified",
    };
    // Upstream shows the path itself as the bad value, which has no public parts.
    errors.push(Error::invalid_shown(path, "{}", detail));
}

fn validate_source(source: View<'_>, options: ClaimOptions, path: &Path<'_>, errors: &mut Errors) {
    required(source, "name", path, errors);
    required(source, "kind", path, errors);
    let (group, kind) = (source.str("apiGroup"), source.str("kind"));
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        errors.push(Error::invalid(path, kind, detail));
    }
    if !group.is_empty() && !options.any_source_group {
        invalid_for_each(names::is_dns1123_subdomain(group), group, &path.child("apiGroup"), errors);
    }
}
