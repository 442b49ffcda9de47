//! Priority: pods get the number behind their priority class, and there is one default class at most.

use super::{Ask, Operation, Plugin};
use crate::lookup::Cluster;
use object::{Status, Value, View, json};
use std::sync::Arc;

const GROUP: &str = "scheduling.k8s.io";
const CLASSES: &str = "priorityclasses";

/// Pods get the number behind their priority class, and there is one default class at most.
pub(super) struct Priority;

/// The two classes that every cluster has, for what must run on nodes and in the cluster.
pub fn system_classes() -> [Value; 2] {
    let class = |name: &str, value: i64, description: &str| {
        json!({
            "apiVersion": format!("{GROUP}/v1"),
            "kind": "PriorityClass",
            "metadata": { "name": name },
            "value": value,
            "description": description,
        })
    };
    [
        class(
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
        class(
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if \
             necessary.",
        ),
    ]
}

impl Plugin for Priority {
    fn name(&self) -> &'static str {
        "Priority"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, old: Option<View<'_>>) -> Result<(), Status> {
        match ask.operation {
            Operation::Create if ask.is("", "pods") => resolve(ask, object),
            Operation::Update if ask.is("", "pods") => {
                keep(object, old.unwrap_or(View::ABSENT));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn validate(&self, ask: &Ask<'_>, object: View<'_>, _old: Option<View<'_>>) -> Result<(), Status> {
        if ask.operation == Operation::Delete && ask.is(GROUP, CLASSES) {
            let is_system = system_classes().iter().any(|class| class["metadata"]["name"] == ask.name);
            let why = "this is a system priority class and cannot be deleted";
            return if is_system { Err(ask.forbidden(object, why)) } else { Ok(()) };
        }
        if !ask.is_write() || !ask.is(GROUP, CLASSES) || !object.bool("globalDefault") {
            return Ok(());
        }
        let Some(known) = default_class(ask.cluster) else { return Ok(()) };
        let name = View::from(&*known).get("metadata").str("name");
        if ask.operation == Operation::Create || name != object.get("metadata").str("name") {
            let why = format!("PriorityClass {name} is already marked as default. Only one default can exist");
            return Err(ask.forbidden(object, why));
        }
        Ok(())
    }
}

/// Writes the priority of the pod's class, or of the default one, into the pod.
fn resolve(ask: &Ask<'_>, pod: &mut Value) -> Result<(), Status> {
    let spec = View::from(&*pod).get("spec");
    let class = match spec.str("priorityClassName") {
        "" => default_class(ask.cluster),
        name => Some(ask.cluster.get(GROUP, CLASSES, "", name).ok_or_else(|| {
            ask.forbidden((&*pod).into(), format_args!("no PriorityClass with name {name} was found"))
        })?),
    };
    let class = class.as_deref();
    let view = View::from(class);
    let priority = view.int("value");
    if let Some(given) = spec.opt_int("priority").filter(|given| *given != priority) {
        let why = format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
             computed {priority} from the given PriorityClass name"
        );
        return Err(ask.forbidden((&*pod).into(), why));
    }
    let policy = match class {
        Some(_) => view.opt_str("preemptionPolicy"),
        None => Some("PreemptLowerPriority"),
    };
    if let (Some(given), Some(policy)) = (spec.opt_str("preemptionPolicy"), policy)
        && given != policy
    {
        let why = format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
             controller computed {policy} from the given PriorityClass name"
        );
        return Err(ask.forbidden((&*pod).into(), why));
    }
    let spec = &mut pod["spec"];
    if class.is_some() {
        spec["priorityClassName"] = view.get("metadata").str("name").into();
    }
    spec["priority"] = priority.into();
    if let Some(policy) = policy {
        spec["preemptionPolicy"] = policy.into();
    }
    Ok(())
}

/// What was resolved at first stays where an update leaves it out.
fn keep(pod: &mut Value, old: View<'_>) {
    for field in ["priority", "preemptionPolicy"] {
        let known = old.get("spec").get(field);
        if known.exists() && !View::from(&*pod).get("spec").has(field) {
            pod["spec"][field] = known.to_value();
        }
    }
}

/// The default class; of several by accident, the lowest.
fn default_class(cluster: &dyn Cluster) -> Option<Arc<Value>> {
    let classes = cluster.list(GROUP, CLASSES, None);
    let defaults = classes.into_iter().filter(|class| View::from(&**class).bool("globalDefault"));
    defaults.min_by_key(|class| View::from(&**class).int("value"))
}
