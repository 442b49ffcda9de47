//! The rules of a custom kind: those that every custom resource is under, and its schema.

use super::{Custom, columns};
use crate::change::{keep, set_generation};
use crate::strategy::{Request, Strategy};
use object::field::{Error, ErrorKind, Errors, Path};
use object::meta::{validate_object_meta, validate_object_meta_update};
use object::names::{is_qualified_name, name_is_dns_subdomain};
use object::quote::quote;
use object::{Value, View};
use std::collections::BTreeSet;
use std::sync::Arc;
use structural::{embedded, lists, values};

/// The rules of a custom kind.
pub(super) struct Rules {
    custom: Arc<Custom>,
    namespaced: bool,
    /// Those of its status, if that is a subresource.
    status: Option<StatusRules>,
}

/// The rules of `…/status`.
struct StatusRules(Arc<Custom>);

impl Rules {
    pub(super) fn new(custom: Arc<Custom>, namespaced: bool, has_status: bool) -> Rules {
        let status = has_status.then(|| StatusRules(custom.clone()));
        Rules { custom, namespaced, status }
    }
}

impl Strategy for Rules {
    fn defaults(&self, object: &mut Value) {
        self.custom.own().fill_defaults(object);
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        if let Some(map) = object.as_object_mut().filter(|_| self.status.is_some()) {
            map.remove("status");
        }
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let Some(value) = object.value() else { return Errors::new() };
        let path = Path::new("metadata");
        let mut errors = validate_object_meta(object.get("metadata"), self.namespaced, name_is_dns_subdomain, &path);
        let node = &self.custom.own().node;
        errors.extend(values::validate(node, value, &Path::root()));
        errors.extend(self.custom.scale.iter().flat_map(|scale| scale.validate_spec(value)));
        errors.extend(self.custom.scale.iter().flat_map(|scale| scale.validate_status(value)));
        errors.extend(embedded::validate(node, value));
        errors.extend(lists::validate(node, value));
        check_rules(&self.custom, value, None, &mut errors);
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warnings(object, View::ABSENT)
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        if self.status.is_some() {
            keep(object, old, "status");
        }
        if !same_but_for_metadata(View::from(&*object), old) {
            set_generation(object, old.get("metadata").int("generation") + 1);
        }
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let Some(value) = object.value() else { return Errors::new() };
        let path = Path::new("metadata");
        let mut errors = validate_object_meta_update(object.get("metadata"), old.get("metadata"), &path);
        let node = &self.custom.own().node;
        errors.extend(values::validate_update(node, value, old.value(), &Path::root()));
        errors.extend(self.custom.scale.iter().flat_map(|scale| scale.validate_spec(value)));
        errors.extend(self.custom.scale.iter().flat_map(|scale| scale.validate_status(value)));
        errors.extend(embedded::validate(node, value));
        errors.extend(new_list_faults(&self.custom, value, old));
        check_rules(&self.custom, value, old.value(), &mut errors);
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        let mut texts = forgiven(&self.custom, object, old);
        texts.extend(warnings(object, old));
        texts
    }

    fn warnings_on_refusal(&self, object: View<'_>, old: View<'_>, errors: &Errors) -> Vec<String> {
        if errors.iter().any(blocks_rules) { Vec::new() } else { forgiven(&self.custom, object, old) }
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        self.status.as_ref().filter(|_| name == "status").map(|status| status as &dyn Strategy)
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn selectable_field(&self, object: View<'_>, name: &str) -> String {
        let path = self.custom.selectable.iter().find(|(known, _)| known == name).map(|(_, path)| path);
        let found = path.zip(object.value()).and_then(|(path, object)| path.find(object).first().copied());
        found.filter(|value| !value.is_null()).map(jsonpath::show).unwrap_or_default()
    }

    fn selects_by_namespace(&self) -> bool {
        false
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label not supported: {name}")
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        if self.status.is_some() { &[&["status"]] } else { &[] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let mut cells = vec![crate::columns::name(object)];
        if let Some(object) = object.value() {
            cells.extend(columns::cells(&self.custom.columns, object, now));
        }
        cells
    }
}

impl Strategy for StatusRules {
    /// Nothing but the status and the owners of fields is taken over.
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        let mut new = old.to_value();
        let sent = View::from(&*object);
        let managers = sent.get("metadata").get("managedFields").value().cloned();
        if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
            match managers {
                Some(managers) => drop(metadata.insert("managedFields".to_owned(), managers)),
                None => drop(metadata.remove("managedFields")),
            }
        }
        keep(&mut new, sent, "status");
        *object = new;
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let Some(value) = object.value() else { return Errors::new() };
        let path = Path::new("metadata");
        let mut errors = validate_object_meta_update(object.get("metadata"), old.get("metadata"), &path);
        let custom = &self.0;
        if let (Some(status), Some(node)) = (value.get("status"), custom.own().node.properties.get("status")) {
            let old = old.get("status").value();
            errors.extend(values::validate_update(node, status, old, &Path::new("status")));
        }
        errors.extend(custom.scale.iter().flat_map(|scale| scale.validate_status(value)));
        errors.extend(new_list_faults(custom, value, old));
        check_rules(custom, value, old.value(), &mut errors);
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        forgiven(&self.0, object, old)
    }

    fn warnings_on_refusal(&self, object: View<'_>, old: View<'_>, errors: &Errors) -> Vec<String> {
        if errors.iter().any(blocks_rules) { Vec::new() } else { forgiven(&self.0, object, old) }
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["metadata"], &["spec"]]
    }
}

fn same_but_for_metadata(a: View<'_>, b: View<'_>) -> bool {
    let rest = |object: View<'_>| -> Vec<(String, Value)> {
        object
            .entries()
            .filter(|(name, _)| *name != "metadata")
            .map(|(name, value)| (name.to_owned(), value.to_value()))
            .collect()
    };
    rest(a) == rest(b)
}

/// What is wrong with lists, if nothing was wrong with them before.
fn new_list_faults(custom: &Custom, value: &Value, old: View<'_>) -> Errors {
    let node = &custom.own().node;
    let errors = lists::validate(node, value);
    if errors.is_empty() || old.value().is_some_and(|old| !lists::validate(node, old).is_empty()) {
        return Errors::new();
    }
    errors
}

/// Holds an object against the rules in CEL (`x-kubernetes-validations`), unless it is so wrong that they could fail.
fn check_rules(custom: &Custom, value: &Value, old: Option<&Value>, errors: &mut Errors) {
    let node = &custom.own().node;
    if !node.has_rules {
        return;
    }
    if errors.iter().any(blocks_rules) {
        let why = "some validation rules were not checked because the object was invalid; correct the existing errors \
                   to complete validation";
        errors.push(Error::invalid(&Path::root(), Value::Null, why));
        return;
    }
    let Some(rules) = custom.own().rules() else { return };
    errors.extend(old.map_or_else(|| rules.evaluate(value), |old| rules.evaluate_update(node, value, old)));
}

/// Whether an object is so wrong that rules are not asked.
fn blocks_rules(error: &Error) -> bool {
    use ErrorKind::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
    matches!(error.kind, NotSupported | Required | TooLong | TooMany | TypeInvalid)
}

/// Rules that do not hold where nothing has changed. Rules are evaluated once more for it.
fn forgiven(custom: &Custom, object: View<'_>, old: View<'_>) -> Vec<String> {
    let (Some(object), Some(old), Some(rules)) = (object.value(), old.value(), custom.own().rules()) else {
        return Vec::new();
    };
    rules.forgiven(&custom.own().node, object, old).iter().map(Error::to_string).collect()
}

/// Finalizers that are new and not named as they should be.
fn warnings(object: View<'_>, old: View<'_>) -> Vec<String> {
    let finalizers = |object: View<'_>| -> BTreeSet<String> {
        object.get("metadata").strings("finalizers").map(str::to_owned).collect()
    };
    let added = &finalizers(object) - &finalizers(old);
    added.iter().flat_map(|name| warnings_of_finalizer(name)).collect()
}

fn warnings_of_finalizer(name: &str) -> Vec<String> {
    let told = |why: String| format!("metadata.finalizers: {}: {why}", quote(name));
    let mut texts: Vec<String> = is_qualified_name(name).into_iter().map(told).collect();
    let standard = matches!(name, "orphan" | "foregroundDeletion" | "kubernetes");
    if !name.contains('/') && !standard {
        let path = if name.contains('.') { " including a path (/)" } else { "" };
        texts.push(told(format!(
            "prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with other finalizer writers"
        )));
    }
    texts
}
