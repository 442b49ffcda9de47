//! Validation of definitions, but for their schemas.
//!
//! What all versions have in common stands in `spec` itself in upstream's internal form, and errors name it there.

use super::conversion::{self, Bundle};
use super::{field_path, open_api, rules, shown, structural};
use crate::checks;
use object::field::{Error, Errors, Path};
use object::meta::{validate_immutable_field, validate_object_meta, validate_object_meta_update};
use object::names::{is_dns1035_label, is_dns1123_subdomain, name_is_dns_subdomain};
use object::quote::{is_printable, quote};
use object::{Value, View};
use std::collections::BTreeSet;

const APPROVED: &str = "api-approved.kubernetes.io";
const COLUMN_KINDS: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const MOST_SELECTABLE: usize = 8;

/// Validates a new definition.
pub(super) fn validate(object: View<'_>) -> Errors {
    let (meta, spec) = (object.get("metadata"), object.get("spec"));
    let wanted = format!("{}.{}", spec.at(&["names", "plural"]).as_str(), spec.str("group"));
    let name_rule = |name: &str, prefix| {
        let mut messages = name_is_dns_subdomain(name, prefix);
        if name != wanted {
            messages.push("must be spec.names.plural+\".\"+spec.group".to_owned());
        }
        messages
    };
    let mut errors = validate_object_meta(meta, false, name_rule, &Path::new("metadata"));
    validate_spec(spec, Bundle::Any, &mut errors);
    validate_rest(object, View::ABSENT, &mut errors);
    errors
}

/// Validates a changed definition.
pub(super) fn validate_update(object: View<'_>, old: View<'_>) -> Errors {
    let mut errors = validate_object_meta_update(object.get("metadata"), old.get("metadata"), &Path::new("metadata"));
    let (spec, old_spec) = (object.get("spec"), old.get("spec"));
    let is_established = old
        .get("status")
        .list("conditions")
        .any(|condition| condition.str("type") == "Established" && condition.str("status") == "True");
    validate_spec(spec, Bundle::after(old_spec, is_established), &mut errors);
    let path = Path::new("spec");
    let names = path.child("names");
    if is_established {
        errors.extend(validate_immutable_field(spec.get("scope"), old_spec.get("scope"), &path.child("scope")));
        let kind = |spec: View<'_>| spec.get("names").str("kind").to_owned();
        if kind(spec) != kind(old_spec) {
            errors.push(Error::invalid(&names.child("kind"), kind(spec), object::meta::FIELD_IMMUTABLE));
        }
    }
    errors.extend(validate_immutable_field(spec.get("group"), old_spec.get("group"), &path.child("group")));
    let plural = |spec: View<'_>| spec.get("names").str("plural").to_owned();
    if plural(spec) != plural(old_spec) {
        errors.push(Error::invalid(&names.child("plural"), plural(spec), object::meta::FIELD_IMMUTABLE));
    }
    validate_rest(object, old, &mut errors);
    errors
}

/// Validates a changed status.
pub(super) fn validate_status_update(object: View<'_>, old: View<'_>) -> Errors {
    let mut errors = validate_object_meta_update(object.get("metadata"), old.get("metadata"), &Path::new("metadata"));
    let status = Path::new("status");
    validate_names(object.at(&["status", "acceptedNames"]), &status.child("acceptedNames"), &mut errors);
    errors
}

fn validate_rest(object: View<'_>, old: View<'_>, errors: &mut Errors) {
    let status = Path::new("status");
    validate_names(object.at(&["status", "acceptedNames"]), &status.child("acceptedNames"), errors);
    validate_stored_versions(object, &status.child("storedVersions"), errors);
    validate_approval(object, old, errors);
    if object.get("spec").bool("preserveUnknownFields") && !old.get("spec").bool("preserveUnknownFields") {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema \
                      instead";
        errors.push(Error::invalid(&Path::new("spec").child("preserveUnknownFields"), true, detail));
    }
}

/// Which parts are the same in all versions.
pub(super) struct Common {
    pub(super) schema: bool,
    pub(super) subresources: bool,
    pub(super) columns: bool,
    pub(super) selectable: bool,
}

impl Common {
    fn of(versions: View<'_>) -> Common {
        let same = |name: &str| {
            let mut parts = versions.items().map(|version| version.get(name));
            parts.next().is_none_or(|first| parts.all(|part| part.same(first)))
        };
        Common {
            schema: same("schema"),
            subresources: same("subresources"),
            columns: same("additionalPrinterColumns"),
            selectable: same("selectableFields"),
        }
    }
}

fn validate_spec(spec: View<'_>, bundle: Bundle, errors: &mut Errors) {
    let path = Path::new("spec");
    validate_group(spec.str("group"), &path.child("group"), errors);
    errors.extend(checks::required_one_of(spec.str("scope"), &["Cluster", "Namespaced"], &path.child("scope")));
    let (versions, list) = (spec.get("versions"), path.child("versions"));
    for (index, version) in versions.items().enumerate() {
        if !version.get("schema").has("openAPIV3Schema") {
            let item = list.index(index);
            errors.push(Error::required(&item.child("schema").child("openAPIV3Schema"), ""));
        }
    }
    let has_default = |version: View<'_>| has_default_if(version.at(&["schema", "openAPIV3Schema"]));
    if spec.bool("preserveUnknownFields") && versions.items().any(has_default) {
        let detail = "must be false in order to use defaults in the schema";
        errors.push(Error::invalid(&path.child("preserveUnknownFields"), true, detail));
    }
    let common = Common::of(versions);
    for (index, version) in versions.items().enumerate() {
        let (item, name) = (list.index(index), version.str("name"));
        if let Some(detail) = joined(is_dns1035_label(name)) {
            errors.push(Error::invalid(&item.child("name"), name, detail));
        }
        validate_version(version, &common, &item, errors);
    }
    validate_set_of_versions(versions, &common, &path, errors);
    let (names, place) = (spec.get("names"), path.child("names"));
    for name in ["plural", "singular", "kind", "listKind"] {
        if names.str(name).is_empty() {
            errors.push(Error::required(&place.child(name), ""));
        }
    }
    validate_names(names, &place, errors);
    if let Some(first) = versions.items().next() {
        let has_status = versions.items().any(has_status);
        if common.schema {
            validate_schema(first.get("schema"), has_status, &path.child("validation"), errors);
        }
        if common.subresources {
            validate_subresources(first.get("subresources"), &path.child("subresources"), errors);
        }
        if common.columns {
            validate_columns(first.get("additionalPrinterColumns"), &path.child("additionalPrinterColumns"), errors);
        }
        if common.selectable {
            validate_selectable(first, &path.child("selectableFields"), errors);
        }
    }
    conversion::validate(spec, bundle, &path.child("conversion"), errors);
}

fn validate_group(group: &str, path: &Path<'_>, errors: &mut Errors) {
    if group.is_empty() {
        errors.push(Error::required(path, ""));
    } else if let Some(detail) = joined(is_dns1123_subdomain(group)) {
        errors.push(Error::invalid(path, group, detail));
    } else if !group.contains('.') {
        errors.push(Error::invalid(path, group, "should be a domain with at least one dot"));
    }
}

fn validate_version(version: View<'_>, common: &Common, path: &Path<'_>, errors: &mut Errors) {
    if let Some(warning) = version.opt_str("deprecationWarning") {
        let place = path.child("deprecationWarning");
        for fault in faults_of_warning(warning, version.bool("deprecated")) {
            errors.push(Error::invalid(&place, warning, fault));
        }
    }
    if !common.schema {
        validate_schema(version.get("schema"), has_status(version), &path.child("schema"), errors);
    }
    if !common.subresources {
        validate_subresources(version.get("subresources"), &path.child("subresources"), errors);
    }
    if !common.columns {
        validate_columns(version.get("additionalPrinterColumns"), &path.child("additionalPrinterColumns"), errors);
    }
    if !common.selectable {
        validate_selectable(version, &path.child("selectableFields"), errors);
    }
}

fn faults_of_warning(warning: &str, deprecated: bool) -> Vec<String> {
    if !deprecated {
        return vec!["can only be set for deprecated versions".to_owned()];
    }
    let mut faults = Vec::new();
    if warning.len() > 256 {
        faults.push("must be <= 256 characters long".to_owned());
    }
    if warning.is_empty() {
        faults.push("must not be an empty string".to_owned());
    }
    if let Some((index, _)) = warning.char_indices().find(|(_, c)| !is_printable(*c)) {
        let what = "must only contain printable UTF-8 characters; non-printable character found at index";
        faults.push(format!("{what} {index}"));
    }
    faults
}

fn validate_set_of_versions(versions: View<'_>, common: &Common, path: &Path<'_>, errors: &mut Errors) {
    let list = path.child("versions");
    let shown = || match versions.exists() {
        true => versions.items().map(|version| shown::version(version, common)).collect::<Vec<_>>().into(),
        false => Value::Null,
    };
    let names: BTreeSet<&str> = versions.items().map(|version| version.str("name")).collect();
    if names.len() != versions.len() {
        errors.push(Error::invalid_shown(&list, show_all(&shown()), "must contain unique version names"));
    }
    if versions.items().filter(|version| version.bool("storage")).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(Error::invalid_shown(&list, show_all(&shown()), detail));
    }
    // The first version stands a second time in the internal form.
    if let Some(name) = versions.items().next().map(|version| version.str("name")).filter(|name| !name.is_empty())
        && let Some(detail) = joined(is_dns1035_label(name))
    {
        errors.push(Error::invalid(&path.child("version"), name, detail));
    }
}

/// Texts of versions, as a list.
fn show_all(versions: &Value) -> String {
    match versions.as_array() {
        Some(list) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            format!("[{}]", texts.join(","))
        }
        None => "null".to_owned(),
    }
}

fn has_status(version: View<'_>) -> bool {
    version.get("subresources").has("status")
}

fn validate_names(names: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    for name in ["plural", "singular"] {
        let text = names.str(name);
        if let Some(detail) = joined(is_dns1035_label(text)).filter(|_| !text.is_empty()) {
            errors.push(Error::invalid(&path.child(name), text, detail));
        }
    }
    for name in ["kind", "listKind"] {
        let text = names.str(name);
        if let Some(faults) = joined(is_dns1035_label(&text.to_lowercase())).filter(|_| !text.is_empty()) {
            let detail = format!("may have mixed case, but should otherwise match: {faults}");
            errors.push(Error::invalid(&path.child(name), text, detail));
        }
    }
    validate_labels(names, "shortNames", path, errors);
    let (kind, list_kind) = (names.str("kind"), names.str("listKind"));
    if !kind.is_empty() && kind == list_kind {
        errors.push(Error::invalid(&path.child("listKind"), list_kind, "kind and listKind may not be the same"));
    }
    validate_labels(names, "categories", path, errors);
}

fn validate_labels(names: View<'_>, name: &'static str, path: &Path<'_>, errors: &mut Errors) {
    let list = path.child(name);
    for (index, label) in names.strings(name).enumerate() {
        if let Some(detail) = joined(is_dns1035_label(label)) {
            errors.push(Error::invalid(&list.index(index), label, detail));
        }
    }
}

fn validate_schema(validation: View<'_>, has_status: bool, path: &Path<'_>, errors: &mut Errors) {
    let schema = validation.get("openAPIV3Schema");
    if !schema.exists() {
        return;
    }
    let (mut found, place) = (Errors::new(), path.child("openAPIV3Schema"));
    if has_status {
        open_api::validate_root_with_status(schema, path, &mut found);
    }
    if schema.bool("nullable") {
        found.push(Error::forbidden(&place.child("nullable"), "nullable cannot be true at the root"));
    }
    let unsupported = structural::unsupported(schema);
    let mut is_structural = false;
    if unsupported.is_none() {
        let faults = structural::validate(schema, &place);
        is_structural = faults.is_empty();
        if faults.is_empty() && has_default(schema) {
            found.extend(::structural::validate_defaults(::structural::Node::parse(schema), &place));
        }
        found.extend(faults);
    }
    let before = found.len();
    open_api::validate(schema, &place, &mut found);
    // What rules say counts only in a schema that is fine otherwise.
    if is_structural && found.len() == before {
        rules::validate(schema, &place, &mut found);
    }
    if let Some(fault) = unsupported.filter(|_| found.is_empty()) {
        found.push(Error::invalid(&place, "", fault));
    }
    errors.append(&mut found);
}

/// True if any part of a schema has a default.
fn has_default(schema: View<'_>) -> bool {
    schema.get("default").exists()
        || has_default_if(schema.get("items"))
        || has_default_if(schema.get("additionalProperties"))
        || schema.get("properties").entries().any(|(_, property)| has_default(property))
}

fn has_default_if(schema: View<'_>) -> bool {
    schema.exists() && has_default(schema)
}

fn validate_subresources(subresources: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let scale = subresources.get("scale");
    if !scale.exists() {
        return;
    }
    let parent = path.child("scale");
    for (name, root) in [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")] {
        let (text, place) = (scale.str(name), parent.child(name));
        if text.is_empty() {
            errors.push(Error::required(&place, ""));
        } else if !validate_json_path(text, &place, errors) && !text.starts_with(root) {
            let detail = format!("should be a json path under {}", root.trim_end_matches('.'));
            errors.push(Error::invalid(&place, text, detail));
        }
    }
    let (text, place) = (scale.str("labelSelectorPath"), parent.child("labelSelectorPath"));
    let rooted = text.starts_with(".spec.") || text.starts_with(".status.");
    if !text.is_empty() && !validate_json_path(text, &place, errors) && !rooted {
        errors.push(Error::invalid(&place, text, "should be a json path under either .spec or .status"));
    }
}

fn validate_columns(columns: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    for (index, column) in columns.items().enumerate() {
        let path = list.index(index);
        if column.str("name").is_empty() {
            errors.push(Error::required(&path.child("name"), ""));
        }
        let (kind, detail) = (column.str("type"), format!("must be one of {}", COLUMN_KINDS.join(",")));
        if kind.is_empty() {
            errors.push(Error::required(&path.child("type"), detail));
        } else if !COLUMN_KINDS.contains(&kind) {
            errors.push(Error::invalid(&path.child("type"), kind, detail));
        }
        let format = column.str("format");
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let detail = format!("must be one of {}", COLUMN_FORMATS.join(","));
            errors.push(Error::invalid(&path.child("format"), format, detail));
        }
        let (json_path, place) = (column.str("jsonPath"), path.child("JSONPath"));
        if json_path.is_empty() {
            errors.push(Error::required(&place, ""));
        } else {
            validate_json_path(json_path, &place, errors);
        }
    }
}

/// Tells of a path that is none; true if it did.
fn validate_json_path(text: &str, path: &Path<'_>, errors: &mut Errors) -> bool {
    let wrong = !text.starts_with('.');
    if wrong {
        errors.push(Error::invalid(path, text, "must be a simple json path starting with ."));
    }
    wrong
}

fn validate_selectable(version: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    let (fields, schema) = (version.get("selectableFields"), version.at(&["schema", "openAPIV3Schema"]));
    let mut seen = BTreeSet::new();
    for (index, field) in fields.items().enumerate() {
        let item = list.index(index);
        let (place, text) = (item.child("jsonPath"), field.str("jsonPath"));
        if text.is_empty() {
            errors.push(Error::required(&place, ""));
            continue;
        }
        let (names, found) = match field_path::resolve(text, schema, field_path::Notation::Dots) {
            Ok(found) => found,
            Err(why) => {
                errors.push(Error::invalid(&place, text, format!("is an invalid path: {why}")));
                continue;
            }
        };
        if names.first().is_some_and(|name| name == "metadata") {
            errors.push(Error::invalid(&place, text, "must not point to fields in metadata"));
        }
        if !matches!(found.str("type"), "string" | "boolean" | "integer") {
            let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings \
                          with formats are allowed.";
            errors.push(Error::invalid(&place, text, detail));
        }
        if !seen.insert(names) {
            errors.push(Error::duplicate(&place, text));
        }
    }
    if seen.len() > MOST_SELECTABLE {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        errors.push(Error::too_many(list, count(seen.len()), count(MOST_SELECTABLE)));
    }
}

fn validate_stored_versions(object: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (stored, versions) = (object.at(&["status", "storedVersions"]), object.at(&["spec", "versions"]));
    if stored.is_empty() {
        errors.push(Error::invalid(path, stored.to_value(), "must have at least one stored version"));
        return;
    }
    // A version that is there twice is found once.
    let mut left: BTreeSet<&str> = stored.items().map(View::as_str).collect();
    for version in versions.items() {
        let name = version.str("name");
        if !left.remove(name) && version.bool("storage") {
            let detail = format!("must have the storage version {name}");
            errors.push(Error::invalid(path, stored.to_value(), detail));
        }
    }
    for (index, name) in stored.items().map(View::as_str).enumerate() {
        if !versions.items().any(|version| version.str("name") == name) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in \
                 spec.versions until a storage migration ensures no data remains persisted in {name} and removes \
                 {name} from status.storedVersions"
            );
            errors.push(Error::invalid(&path.index(index), name, detail));
        }
    }
}

/// Whether somebody approved an API in a group of Kubernetes' own.
#[derive(PartialEq, Eq)]
enum Approval {
    Missing,
    Bypassed,
    Given,
    Invalid,
}

impl Approval {
    fn of(object: View<'_>) -> Approval {
        match object.at(&["metadata", "annotations"]).str(APPROVED) {
            "" => Approval::Missing,
            text if text.starts_with("unapproved") => Approval::Bypassed,
            text => match text.split_once("://") {
                Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() && !rest.starts_with('/') => {
                    Approval::Given
                }
                _ => Approval::Invalid,
            },
        }
    }
}

fn validate_approval(object: View<'_>, old: View<'_>, errors: &mut Errors) {
    let group = object.get("spec").str("group");
    let owned = ["k8s.io", "kubernetes.io"];
    let is_owned = |domain: &&str| group == *domain || group.strip_suffix(domain).is_some_and(|g| g.ends_with('.'));
    let state = Approval::of(object);
    if !owned.iter().any(is_owned) || (old.exists() && Approval::of(old) == state) {
        return;
    }
    let path = Path::new("metadata");
    let list = path.child("annotations");
    let place = list.key(APPROVED);
    let head = format!("protected groups must have approval annotation {}", quote(APPROVED));
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    match state {
        Approval::Missing => errors.push(Error::required(&place, format!("{head}, {see}"))),
        Approval::Invalid => {
            let detail = format!("{head} with either a URL or a reason starting with \"unapproved\", {see}");
            let text = object.at(&["metadata", "annotations"]).str(APPROVED);
            errors.push(Error::invalid(&place, text, detail));
        }
        Approval::Given | Approval::Bypassed => {}
    }
}

fn joined(messages: Vec<String>) -> Option<String> {
    (!messages.is_empty()).then(|| messages.join(","))
}
