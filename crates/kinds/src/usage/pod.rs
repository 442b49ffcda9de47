//! What a pod asks for in all.

use super::Amounts;
use crate::core::pod::amounts::is_pod_level;
use object::View;

/// How totals are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Whether what running containers were given counts too, where a resize is under way.
    pub with_status: bool,
    /// Whether the overhead of running a pod counts.
    pub with_overhead: bool,
}

/// The sum of requests of a pod's containers, or what the pod as a whole requests.
pub fn requests(pod: View<'_>, totals: Totals) -> Amounts {
    let mut sum = of_containers(pod, totals, "requests");
    for (name, amount) in Amounts::read(pod.at(&["spec", "resources", "requests"])).0 {
        if is_pod_level(&name) {
            sum.set(name, amount);
        }
    }
    if totals.with_overhead {
        sum.add(&Amounts::read(pod.at(&["spec", "overhead"])));
    }
    sum
}

/// The sum of limits of a pod's containers, or the limit of the pod as a whole.
pub fn limits(pod: View<'_>, totals: Totals) -> Amounts {
    let mut sum = of_containers(pod, totals, "limits");
    for (name, amount) in Amounts::read(pod.at(&["spec", "resources", "limits"])).0 {
        if is_pod_level(&name) {
            sum.set(name, amount);
        }
    }
    if totals.with_overhead {
        for (name, amount) in Amounts::read(pod.at(&["spec", "overhead"])).0 {
            if let Some(limit) = sum.0.get_mut(&name).filter(|limit| !limit.is_zero()) {
                limit.add(&amount);
            }
        }
    }
    sum
}

/// True if a pod asks for neither cpu nor memory: it is the first to go when either runs out.
pub fn is_best_effort(pod: View<'_>) -> bool {
    let known = pod.get("status").str("qosClass");
    if !known.is_empty() {
        return known == "BestEffort";
    }
    let spec = pod.get("spec");
    let asks = |resources: View<'_>| {
        ["requests", "limits"].iter().any(|which| {
            let amounts = Amounts::read(resources.get(which));
            ["cpu", "memory"].iter().any(|name| amounts.get(name).is_some_and(|amount| amount.sign() > 0))
        })
    };
    let mut containers = spec.list("containers").chain(spec.list("initContainers"));
    !asks(spec.get("resources")) && !containers.any(|container| asks(container.get("resources")))
}

/// Containers run side by side, after the init containers, each of which runs beside the restartable ones before it.
fn of_containers(pod: View<'_>, totals: Totals, which: &str) -> Amounts {
    let spec = pod.get("spec");
    let mut sum = Amounts::default();
    for container in spec.list("containers") {
        sum.add(&of_container(pod, container, totals, which));
    }
    let (mut restartable, mut highest) = (Amounts::default(), Amounts::default());
    for container in spec.list("initContainers") {
        if container.str("restartPolicy") == "Always" {
            let own = of_container(pod, container, totals, which);
            sum.add(&own);
            restartable.add(&own);
            highest.raise(&restartable);
        } else {
            let mut own = of_container(pod, container, Totals::default(), which);
            own.add(&restartable);
            highest.raise(&own);
        }
    }
    sum.raise(&highest);
    sum
}

fn of_container(pod: View<'_>, container: View<'_>, totals: Totals, which: &str) -> Amounts {
    let wanted = Amounts::read(container.get("resources").get(which));
    if !totals.with_status {
        return wanted;
    }
    let status = pod.get("status");
    let statuses = status.list("containerStatuses").chain(status.list("initContainerStatuses"));
    let found = statuses.rev().find(|status| status.str("name") == container.str("name"));
    let Some(status) = found.filter(|status| status.has("resources")) else { return wanted };
    let mut most = Amounts::read(status.get("resources").get(which));
    if which == "requests" {
        most.raise(&Amounts::read(status.get("allocatedResources")));
    }
    if !is_resize_infeasible(pod) {
        most.raise(&wanted);
    }
    most
}

fn is_resize_infeasible(pod: View<'_>) -> bool {
    let mut conditions = pod.get("status").list("conditions");
    conditions
        .find(|condition| condition.str("type") == "PodResizePending")
        .is_some_and(|c| c.str("reason") == "Infeasible")
}
