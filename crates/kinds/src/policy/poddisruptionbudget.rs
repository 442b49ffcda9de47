//! Pod disruption budgets.

use crate::amounts::{show, validate_at_most_100_percent, validate_int_or_percent, validate_not_negative};
use crate::change::{clear_status, count_generation, keep, set_generation};
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use crate::template::show_selector;
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, validate_conditions, validate_label_selector};
use object::{Value, View};

/// Rules of pod disruption budgets. Upstream never validates their metadata.
pub(super) struct PodDisruptionBudget;

/// Rules of `poddisruptionbudgets/status`.
struct Status;

impl Strategy for PodDisruptionBudget {
    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.policy.v1.PodDisruptionBudgetStatus");
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        validate_spec(object.get("spec"), SelectorOptions::default())
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "status");
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let before = old.get("spec").get("selector");
        let wrong_before = !validate_label_selector(before, SelectorOptions::default(), &Path::root()).is_empty();
        let options = SelectorOptions { allow_invalid_values: wrong_before, ..SelectorOptions::default() };
        validate_spec(object.get("spec"), options)
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const MIN: &str = "The minimum number of pods that must be available.";
        const MAX: &str = "The maximum number of pods that may be unavailable.";
        const ALLOWED: &str = "Calculated number of pods that may be disrupted at this time.";
        &[
            Column::NAME,
            Column { name: "Min Available", kind: "string", format: "", description: MIN, priority: 0 },
            Column { name: "Max Unavailable", kind: "string", format: "", description: MAX, priority: 0 },
            Column { name: "Allowed Disruptions", kind: "integer", format: "", description: ALLOWED, priority: 0 },
            Column::AGE,
        ]
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec) = (object.get("metadata"), object.get("spec"));
        let amount = |name: &str| if spec.has(name) { show(spec.get(name)) } else { "N/A".to_owned() };
        vec![
            meta.str("name").into(),
            amount("minAvailable").into(),
            amount("maxUnavailable").into(),
            object.get("status").int("disruptionsAllowed").into(),
            age(meta.str("creationTimestamp"), now).into(),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, _old: View<'_>) -> Errors {
        let (status, path) = (object.get("status"), Path::new("status"));
        let mut errors = validate_conditions(status.get("conditions"), &path.child("conditions"));
        let counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
        validate_not_negative(status, &counts, &path, &mut errors);
        errors
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

fn validate_spec(spec: View<'_>, options: SelectorOptions) -> Errors {
    let (mut errors, path) = (Errors::new(), Path::new("spec"));
    if spec.has("minAvailable") && spec.has("maxUnavailable") {
        let amount = |name: &str| spec.get(name).to_value();
        let shown = format!(
            "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},\"UnhealthyPodEvictionPolicy\":{}}}",
            amount("minAvailable"),
            show_selector(spec.get("selector")),
            amount("maxUnavailable"),
            amount("unhealthyPodEvictionPolicy"),
        );
        errors.push(Error::invalid_shown(&path, shown, "minAvailable and maxUnavailable cannot be both set"));
    }
    for name in ["minAvailable", "maxUnavailable"] {
        if spec.has(name) {
            validate_int_or_percent(spec.get(name), &path.child(name), &mut errors);
            validate_at_most_100_percent(spec.get(name), &path.child(name), &mut errors);
        }
    }
    errors.extend(validate_label_selector(spec.get("selector"), options, &path.child("selector")));
    let supported = ["AlwaysAllow", "IfHealthyBudget"];
    if let Some(policy) = spec.opt_str("unhealthyPodEvictionPolicy").filter(|policy| !supported.contains(policy)) {
        errors.push(Error::not_supported(&path.child("unhealthyPodEvictionPolicy"), policy, &supported));
    }
    errors
}
