//! Configurations of webhooks, mutating and validating.

use super::{conditions, rules};
use crate::change::{count_generation_exactly, existing, set_default, set_generation};
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use crate::webhook_client;
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, validate_label_selector, validate_object_meta};
use object::names::{is_dns1035_label, is_fully_qualified_name, name_is_dns_subdomain};
use object::{Map, Value, View};
use std::collections::BTreeSet;

const ACCEPTED_VERSIONS: [&str; 2] = ["v1", "v1beta1"];
const SIDE_EFFECTS: [&str; 4] = ["None", "NoneOnDryRun", "Some", "Unknown"];
const NO_SIDE_EFFECTS: [&str; 2] = ["None", "NoneOnDryRun"];
const REINVOCATION: [&str; 2] = ["IfNeeded", "Never"];

/// Rules of configurations of mutating webhooks.
pub(super) const MUTATING: Webhooks = Webhooks { mutating: true };
/// Rules of configurations of validating webhooks.
pub(super) const VALIDATING: Webhooks = Webhooks { mutating: false };

/// Rules of either kind.
pub(super) struct Webhooks {
    mutating: bool,
}

impl Strategy for Webhooks {
    fn defaults(&self, object: &mut Value) {
        for hook in object.get_mut("webhooks").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(hook) = hook.as_object_mut() {
                self.default_hook(hook);
            }
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        self.validate_all(object, Strictness::OF_NEW)
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        count_generation_exactly(object, old, "webhooks");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        self.validate_all(object, Strictness::of_update(object, old))
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> &'static [Column] {
        const COUNT: &str = "Webhooks indicates the number of webhooks registered in this configuration";
        &[
            Column::NAME,
            Column { name: "Webhooks", kind: "integer", format: "", description: COUNT, priority: 0 },
            Column::AGE,
        ]
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let meta = object.get("metadata");
        let count = object.get("webhooks").len();
        vec![meta.str("name").into(), count.into(), age(meta.str("creationTimestamp"), now).into()]
    }
}

/// What is asked of new webhooks, and of changed ones only if the old ones met it.
#[derive(Clone, Copy)]
struct Strictness {
    conditions: bool,
    no_side_effects: bool,
    known_versions: bool,
    unique_names: bool,
    selectors: SelectorOptions,
}

impl Strictness {
    const OF_NEW: Strictness = Strictness {
        conditions: true,
        no_side_effects: true,
        known_versions: true,
        unique_names: true,
        selectors: SelectorOptions { allow_invalid_values: false, allow_unknown_operators: false },
    };

    fn of_update(object: View<'_>, old: View<'_>) -> Strictness {
        let (new, old) = (object.get("webhooks"), old.get("webhooks"));
        let same_conditions = new.len() == old.len()
            && new.items().zip(old.items()).all(|(a, b)| a.get("matchConditions") == b.get("matchConditions"));
        let names: BTreeSet<&str> = old.items().map(|hook| hook.str("name")).collect();
        let wrong_selector = |hook: View<'_>| {
            ["namespaceSelector", "objectSelector"].iter().any(|name| {
                !validate_label_selector(hook.get(name), SelectorOptions::default(), &Path::root()).is_empty()
            })
        };
        Strictness {
            conditions: !same_conditions,
            no_side_effects: old.items().all(|hook| NO_SIDE_EFFECTS.contains(&hook.str("sideEffects"))),
            known_versions: old.items().all(|hook| {
                let versions = hook.get("admissionReviewVersions");
                versions.is_empty() || versions.items().any(|version| ACCEPTED_VERSIONS.contains(&version.as_str()))
            }),
            unique_names: names.len() == old.len(),
            selectors: SelectorOptions {
                allow_invalid_values: old.items().any(wrong_selector),
                ..SelectorOptions::default()
            },
        }
    }
}

impl Webhooks {
    fn default_hook(&self, hook: &mut Map) {
        set_default(hook, "failurePolicy", "Fail");
        rules::default_matching(hook);
        set_default(hook, "timeoutSeconds", 10);
        if self.mutating {
            set_default(hook, "reinvocationPolicy", "Never");
        }
        rules::default_rules(hook.get_mut("rules"));
        if let Some(service) = hook.get_mut("clientConfig").and_then(|client| existing(client, &["service"])) {
            set_default(service, "port", 443);
        }
    }

    fn validate_all(&self, object: View<'_>, strictness: Strictness) -> Errors {
        let meta = object.get("metadata");
        let mut errors = validate_object_meta(meta, false, name_is_dns_subdomain, &Path::new("metadata"));
        let list = Path::new("webhooks");
        let mut seen = BTreeSet::new();
        for (index, hook) in object.list("webhooks").enumerate() {
            let path = list.index(index);
            self.validate_hook(hook, strictness, &path, &mut errors);
            let versions = hook.get("admissionReviewVersions");
            validate_versions(versions, strictness, &path.child("admissionReviewVersions"), &mut errors);
            let name = hook.str("name");
            if strictness.unique_names && !name.is_empty() && !seen.insert(name) {
                errors.push(Error::duplicate(&path.child("name"), name));
            }
        }
        errors
    }

    fn validate_hook(&self, hook: View<'_>, strictness: Strictness, path: &Path<'_>, errors: &mut Errors) {
        errors.extend(is_fully_qualified_name(&path.child("name"), hook.str("name")));
        let list = path.child("rules");
        for (index, rule) in hook.list("rules").enumerate() {
            rules::validate_rule(rule, &list.index(index), errors);
        }
        rules::validate_failure_policy(hook, path, errors);
        rules::validate_match_policy(hook, path, errors);
        validate_side_effects(hook, strictness, &path.child("sideEffects"), errors);
        if let Some(seconds) = hook.opt_int("timeoutSeconds").filter(|seconds| !(1..=30).contains(seconds)) {
            let detail = "the timeout value must be between 1 and 30 seconds";
            errors.push(Error::invalid(&path.child("timeoutSeconds"), seconds, detail));
        }
        for name in ["namespaceSelector", "objectSelector"] {
            errors.extend(validate_label_selector(hook.get(name), strictness.selectors, &path.child(name)));
        }
        if self.mutating {
            rules::one_of(hook, "reinvocationPolicy", &REINVOCATION, path, errors);
        }
        webhook_client::validate(hook.get("clientConfig"), &path.child("clientConfig"), errors);
        if strictness.conditions {
            conditions::validate(hook.get("matchConditions"), false, &path.child("matchConditions"), errors);
        }
    }
}

fn validate_side_effects(hook: View<'_>, strictness: Strictness, path: &Path<'_>, errors: &mut Errors) {
    let allowed: &[&str] = if strictness.no_side_effects { &NO_SIDE_EFFECTS } else { &SIDE_EFFECTS };
    match hook.opt_str("sideEffects") {
        None => errors.push(Error::required(path, format!("must specify one of {}", allowed.join(", ")))),
        Some(effects) if !allowed.contains(&effects) => errors.push(Error::not_supported(path, effects, allowed)),
        Some(_) => {}
    }
}

fn validate_versions(versions: View<'_>, strictness: Strictness, path: &Path<'_>, errors: &mut Errors) {
    let accepted = ACCEPTED_VERSIONS.join(", ");
    if versions.is_empty() {
        errors.push(Error::required(path, format!("must specify one of {accepted}")));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, version) in versions.items().map(View::as_str).enumerate() {
        let place = path.index(index);
        if !seen.insert(version) {
            errors.push(Error::invalid(&place, version, "duplicate version"));
            continue;
        }
        errors.extend(is_dns1035_label(version).into_iter().map(|message| Error::invalid(&place, version, message)));
    }
    if strictness.known_versions && !seen.iter().any(|version| ACCEPTED_VERSIONS.contains(version)) {
        let detail = format!("must include at least one of {accepted}");
        errors.push(Error::invalid(path, versions.to_value(), detail));
    }
}
