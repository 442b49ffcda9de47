//! LimitRanger: containers get a namespace's default requests and limits, and stay within its bounds.

use super::limits::{Bound, check};
use super::{Ask, Operation, Plugin, aggregate};
use kinds::usage::{Amounts, Totals, limits, requests};
use object::{Status, Value, View};
use std::sync::Arc;

const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Containers get a namespace's default requests and limits, and stay within its bounds.
pub(super) struct LimitRanger;

impl Plugin for LimitRanger {
    fn name(&self) -> &'static str {
        "LimitRanger"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, old: Option<View<'_>>) -> Result<(), Status> {
        for range in ranges(ask, old) {
            if ask.resource.resource == "pods" {
                set_defaults(object, (&*range).into());
            }
        }
        Ok(())
    }

    fn validate(&self, ask: &Ask<'_>, object: View<'_>, old: Option<View<'_>>) -> Result<(), Status> {
        for range in ranges(ask, old) {
            let limits = View::from(&*range).at(&["spec", "limits"]);
            let reasons = match ask.resource.resource {
                "pods" => limits.items().flat_map(|limit| pod_reasons(limit, object)).collect(),
                _ => limits.items().flat_map(|limit| claim_reasons(limit, object)).collect(),
            };
            if let Some(why) = aggregate(reasons) {
                return Err(ask.forbidden(object, why));
            }
        }
        Ok(())
    }
}

/// The limit ranges that are about what is asked.
fn ranges(ask: &Ask<'_>, old: Option<View<'_>>) -> Vec<Arc<Value>> {
    let (is_pod, is_claim) = (ask.is_resource("", "pods"), ask.is_resource("", "persistentvolumeclaims"));
    let is_ours = match (ask.operation, ask.subresource) {
        (Operation::Update, "resize") => is_pod,
        (Operation::Create, "") => is_pod || is_claim,
        // The resources of a pod's containers do not change otherwise.
        (Operation::Update, "") => is_claim,
        _ => false,
    };
    let is_going = old.is_some_and(|old| old.get("metadata").has("deletionTimestamp"));
    if is_ours && !is_going { ask.cluster.list("", "limitranges", Some(ask.namespace)) } else { Vec::new() }
}

/// Fills what containers leave out, and tells so in an annotation.
fn set_defaults(pod: &mut Value, range: View<'_>) {
    let mut defaults = [("requests", Amounts::default()), ("limits", Amounts::default())];
    for limit in range.at(&["spec", "limits"]).items().filter(|limit| limit.str("type") == "Container") {
        for ((_, amounts), name) in defaults.iter_mut().zip(["defaultRequest", "default"]) {
            amounts.0.extend(Amounts::read(limit.get(name)).0);
        }
    }
    let mut told = Vec::new();
    for (list, kind) in [("containers", "container"), ("initContainers", "init container")] {
        let containers = pod["spec"].get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            for (which, amounts) in &defaults {
                let set = fill(container, which, amounts);
                if !set.is_empty() {
                    let noun = which.trim_end_matches('s');
                    let name = View::from(&*container).str("name");
                    told.push(format!("{} {noun} for {kind} {name}", set.join(", ")));
                }
            }
        }
    }
    if !told.is_empty() {
        pod["metadata"]["annotations"][ANNOTATION] = format!("LimitRanger plugin set: {}", told.join("; ")).into();
    }
}

/// Sets the amounts that a container does not have; tells their names.
fn fill<'a>(container: &mut Value, which: &str, amounts: &'a Amounts) -> Vec<&'a str> {
    let mut set = Vec::new();
    for (name, amount) in &amounts.0 {
        let resources = &mut container["resources"][which];
        if resources.get(name).is_none() {
            resources[name] = amount.to_string().into();
            set.push(name.as_str());
        }
    }
    set
}

fn pod_reasons(limit: View<'_>, pod: View<'_>) -> Vec<String> {
    let spec = pod.get("spec");
    match limit.str("type") {
        "Container" => {
            let containers = spec.list("containers").chain(spec.list("initContainers"));
            let reasons = containers.flat_map(|container| {
                let resources = container.get("resources");
                let amounts = |which| Amounts::read(resources.get(which));
                check(limit, &amounts("requests"), &amounts("limits"), &Bound::ALL)
            });
            reasons.collect()
        }
        "Pod" => {
            let totals = Totals::default();
            check(limit, &requests(pod, totals), &limits(pod, totals), &Bound::ALL)
        }
        _ => Vec::new(),
    }
}

fn claim_reasons(limit: View<'_>, claim: View<'_>) -> Vec<String> {
    if limit.str("type") != "PersistentVolumeClaim" {
        return Vec::new();
    }
    let requests = Amounts::read(claim.at(&["spec", "resources", "requests"]));
    check(limit, &requests, &Amounts::default(), &[Bound::Min, Bound::MaxRequest])
}
