//! Stateful sets.

use super::claims;
use crate::amounts::{
    int_or_percent, validate_at_most, validate_at_most_100_percent, validate_collisions, validate_int_or_percent,
    validate_not_negative,
};
use crate::change::{
    at, clear_status, count_generation, existing, keep, map_at, set_default, set_default_text, set_generation,
};
use crate::checks;
use crate::columns::age;
use crate::core::pod::volumes::claim::{ClaimOptions, validate_claim_spec};
use crate::core::pod::warnings::of_claim_spec;
use crate::strategy::{Column, Request, Strategy};
use crate::template;
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, validate_label_selector};
use object::names::{is_dns1123_label, name_is_dns_label};
use object::quote::quote;
use object::selector::labels::Selector;
use object::{Value, View, json};
use std::collections::HashSet;

/// Rules of stateful sets.
pub(super) struct StatefulSet;

/// Rules of `statefulsets/status`.
struct Status;

const TEMPLATE: &[&str] = &["spec", "template"];
/// Fields of the spec that an update may change.
const MUTABLE: &[&str] = &[
    "replicas",
    "template",
    "updateStrategy",
    "minReadySeconds",
    "ordinals",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
];

impl Strategy for StatefulSet {
    fn defaults(&self, object: &mut Value) {
        let spec = map_at(object, "spec");
        set_default_text(spec, "podManagementPolicy", "OrderedReady");
        set_default(spec, "updateStrategy", json!({}));
        if let Some(strategy) = spec.get_mut("updateStrategy").and_then(Value::as_object_mut) {
            if strategy.get("type").and_then(Value::as_str).unwrap_or_default().is_empty() {
                strategy.insert("type".to_owned(), "RollingUpdate".into());
                set_default(strategy, "rollingUpdate", json!({}));
            }
            if strategy["type"] == "RollingUpdate"
                && let Some(update) = strategy.get_mut("rollingUpdate").and_then(Value::as_object_mut)
            {
                set_default(update, "partition", 0);
            }
        }
        set_default(spec, "persistentVolumeClaimRetentionPolicy", json!({}));
        if let Some(policy) = spec["persistentVolumeClaimRetentionPolicy"].as_object_mut() {
            set_default_text(policy, "whenDeleted", "Retain");
            set_default_text(policy, "whenScaled", "Retain");
        }
        set_default(spec, "replicas", 1);
        set_default(spec, "revisionHistoryLimit", 10);
        if let Some(template) = spec.get_mut("template") {
            template::default_template(template);
        }
        for claim in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten() {
            claims::default_claim(claim);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.apps.v1.StatefulSetStatus");
        set_generation(object, 1);
        drop_disabled(object, View::ABSENT);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, true, name_is_dns_label);
        let options = Options { new: true, template: true };
        validate_spec(object.get("spec"), View::ABSENT, options, &mut errors);
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        let spec = Path::new("spec");
        let mut warnings = template::template_warnings(object.at(TEMPLATE), &spec.child("template"));
        let list = spec.child("volumeClaimTemplates");
        for (index, claim) in object.get("spec").list("volumeClaimTemplates").enumerate() {
            of_claim_spec(claim.get("spec"), &list.index(index), &mut warnings);
        }
        warn_about_history(object, &mut warnings);
        warnings
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "status");
        drop_disabled(object, old);
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        let (spec, before) = (object.get("spec"), old.get("spec"));
        let mut wrong_before = Errors::new();
        validate_spec(before, before, Options { new: false, template: true }, &mut wrong_before);
        let options = Options { new: false, template: wrong_before.is_empty() };
        validate_spec(spec, before, options, &mut errors);
        let names = |view: View<'_>| -> Vec<String> {
            view.entries().map(|(name, _)| name.to_owned()).filter(|name| !MUTABLE.contains(&name.as_str())).collect()
        };
        if names(spec).iter().chain(&names(before)).any(|name| !spec.get(name).same(before.get(name))) {
            let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                          'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                          'minReadySeconds' are forbidden";
            errors.push(Error::forbidden(&Path::new("spec"), detail));
        }
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        let mut warnings = Vec::new();
        if object.get("metadata").int("generation") != old.get("metadata").int("generation") {
            let spec = Path::new("spec");
            warnings = template::template_warnings(object.at(TEMPLATE), &spec.child("template"));
        }
        let spec = Path::new("spec");
        let list = spec.child("volumeClaimTemplates");
        for (index, claim) in object.get("spec").list("volumeClaimTemplates").enumerate() {
            of_claim_spec(claim.get("spec"), &list.index(index).child("Spec"), &mut warnings);
        }
        warn_about_history(object, &mut warnings);
        warnings
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const READY: &str = "Number of the pod with ready state";
        &[
            Column::NAME,
            Column { name: "Ready", kind: "string", format: "", description: READY, priority: 0 },
            Column::AGE,
            Column::CONTAINERS,
            Column::IMAGES,
        ]
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec, status) = (object.get("metadata"), object.get("spec"), object.get("status"));
        let [names, images] = template::container_cells(spec.get("template"));
        vec![
            meta.str("name").into(),
            format!("{}/{}", status.int("readyReplicas"), spec.int("replicas")).into(),
            age(meta.str("creationTimestamp"), now).into(),
            names,
            images,
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = Errors::new();
        let (status, path) = (object.get("status"), Path::new("status"));
        let counts = [
            "replicas",
            "readyReplicas",
            "currentReplicas",
            "updatedReplicas",
            "availableReplicas",
            "observedGeneration",
            "collisionCount",
        ];
        validate_not_negative(status, &counts, &path, &mut errors);
        let parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
        validate_at_most(status, &parts, ("replicas", "cannot be greater than status.replicas"), &path, &mut errors);
        let ready = ("readyReplicas", "cannot be greater than status.readyReplicas");
        validate_at_most(status, &["availableReplicas"], ready, &path, &mut errors);
        errors.extend(checks::meta_update(object, old));
        validate_collisions(status, old.get("status"), &path, &mut errors);
        errors
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

/// What of a spec is validated.
#[derive(Clone, Copy)]
struct Options {
    /// The set is new: also what can never change.
    new: bool,
    /// The pod template, too.
    template: bool,
}

/// `maxUnavailable` is behind a gate that is off by default; it stays where it already is.
fn drop_disabled(object: &mut Value, old: View<'_>) {
    if !old.at(&["spec", "updateStrategy", "rollingUpdate"]).has("maxUnavailable")
        && let Some(update) = existing(object, &["spec", "updateStrategy", "rollingUpdate"])
    {
        update.remove("maxUnavailable");
    }
    if let Some(template) = at(object, TEMPLATE) {
        template::drop_disabled(template, old.at(TEMPLATE));
    }
}

fn warn_about_history(object: View<'_>, warnings: &mut Vec<String>) {
    if object.get("spec").int("revisionHistoryLimit") < 0 {
        warnings.push(
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
                .to_owned(),
        );
    }
}

fn validate_spec(spec: View<'_>, old: View<'_>, options: Options, errors: &mut Errors) {
    let path = Path::new("spec");
    validate_policies(spec, &path, errors);
    if options.new {
        for (index, claim) in spec.list("volumeClaimTemplates").enumerate() {
            let list = path.child("volumeClaimTemplates");
            let place = list.index(index);
            validate_claim_spec(claim.get("spec"), ClaimOptions::default(), &place.child("spec"), errors);
        }
    }
    validate_not_negative(spec, &["replicas", "minReadySeconds"], &path, errors);
    let start = spec.get("ordinals").int("start");
    errors.extend(object::meta::validate_nonnegative(start, &path.child("ordinals.start")));
    let service = spec.str("serviceName");
    if options.new && !service.is_empty() {
        let place = path.child("serviceName");
        errors.extend(is_dns1123_label(service).into_iter().map(|message| Error::invalid(&place, service, message)));
    }
    validate_selector(spec, old, options, &path, errors);
    let (pod, place) = (spec.at(&["template", "spec"]), path.child("template"));
    let place = place.child("spec");
    if pod.str("restartPolicy") != "Always" {
        let policy = pod.str("restartPolicy");
        errors.push(Error::not_supported(&place.child("restartPolicy"), policy, &["Always"]));
    }
    if pod.has("activeDeadlineSeconds") {
        let detail = "activeDeadlineSeconds in StatefulSet is not Supported";
        errors.push(Error::forbidden(&place.child("activeDeadlineSeconds"), detail));
    }
}

fn validate_policies(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let place = path.child("podManagementPolicy");
    match spec.str("podManagementPolicy") {
        "" => errors.push(Error::required(&place, "")),
        "OrderedReady" | "Parallel" => {}
        other => errors.push(Error::invalid(&place, other, "must be 'OrderedReady' or 'Parallel'")),
    }
    let (strategy, place) = (spec.get("updateStrategy"), path.child("updateStrategy"));
    let (update, update_path) = (strategy.get("rollingUpdate"), place.child("rollingUpdate"));
    match strategy.str("type") {
        "" => errors.push(Error::required(&place, "")),
        "OnDelete" if update.exists() => {
            let detail = "only allowed for updateStrategy 'RollingUpdate'";
            errors.push(Error::invalid_shown(&update_path, show_update(update), detail));
        }
        "OnDelete" => {}
        "RollingUpdate" if update.exists() => validate_rolling_update(update, &update_path, errors),
        "RollingUpdate" => {}
        other => {
            let shown = format!("{{\"Type\":{},\"RollingUpdate\":{}}}", quote(other), show_update(update));
            errors.push(Error::invalid_shown(&place, shown, "must be 'RollingUpdate' or 'OnDelete'"));
        }
    }
    let (retention, place) =
        (spec.get("persistentVolumeClaimRetentionPolicy"), path.child("persistentVolumeClaimRetentionPolicy"));
    if retention.exists() {
        for name in ["whenDeleted", "whenScaled"] {
            let policy = retention.str(name);
            if !["Retain", "Delete"].contains(&policy) {
                errors.push(Error::not_supported(&place.child(name), policy, &["Retain", "Delete"]));
            }
        }
    }
}

fn show_update(update: View<'_>) -> String {
    if !update.exists() {
        return "null".to_owned();
    }
    let unavailable = update.get("maxUnavailable").to_value();
    format!("{{\"Partition\":{},\"MaxUnavailable\":{unavailable}}}", update.int("partition"))
}

fn validate_rolling_update(update: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    validate_not_negative(update, &["partition"], path, errors);
    let (unavailable, place) = (update.get("maxUnavailable"), path.child("maxUnavailable"));
    if unavailable.exists() {
        validate_int_or_percent(unavailable, &place, errors);
        if int_or_percent(unavailable) == 0 {
            errors.push(Error::invalid(&place, unavailable.to_value(), "cannot be 0"));
        }
        validate_at_most_100_percent(unavailable, &place, errors);
    }
}

fn validate_selector(spec: View<'_>, old: View<'_>, options: Options, path: &Path<'_>, errors: &mut Errors) {
    let (selector, place) = (spec.get("selector"), path.child("selector"));
    if selector.exists() {
        errors.extend(validate_label_selector(selector, SelectorOptions::default(), &place));
        if selector.get("matchLabels").is_empty() && selector.get("matchExpressions").is_empty() {
            let shown = template::show_selector(selector);
            errors.push(Error::invalid_shown(&place, shown, "empty selector is invalid for statefulset"));
        }
    } else {
        errors.push(Error::required(&place, ""));
    }
    let Ok(read) = Selector::from_object(selector) else {
        errors.push(Error::invalid_shown(&place, template::show_selector(selector), ""));
        return;
    };
    let (pods, place) = (spec.get("template"), path.child("template"));
    if !read.is_everything() {
        template::validate_labels(pods, &read, &place, errors);
    }
    if options.template {
        let pods = pods_as_made(spec);
        errors.extend(template::validate_template(View::from(&pods), old.get("template"), &place));
    }
    let meta = pods.get("metadata");
    errors.extend(object::meta::validate_labels(meta.get("labels"), &place.child("labels")));
    errors.extend(object::meta::validate_annotations(meta.get("annotations"), &place.child("annotations")));
}

/// The template with what the controller puts into every pod: the claims' volumes, and names of its own.
fn pods_as_made(spec: View<'_>) -> Value {
    let mut pods = spec.get("template").to_value();
    let Some(pod) = existing(&mut pods, &["spec"]) else { return pods };
    pod.remove("subdomain");
    pod.remove("hostname");
    let mut claims: Vec<&str> =
        spec.list("volumeClaimTemplates").map(|claim| claim.get("metadata").str("name")).collect();
    let mut seen = HashSet::new();
    claims.retain(|name| seen.insert(*name));
    if !claims.is_empty() {
        let volume = |name: &&str| json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
        let mut volumes: Vec<Value> = claims.iter().map(volume).collect();
        let own = spec.at(&["template", "spec"]).list("volumes");
        volumes.extend(own.filter(|volume| !claims.contains(&volume.str("name"))).map(View::to_value));
        pod.insert("volumes".to_owned(), volumes.into());
    }
    pods
}
