//! Amounts of resources, as plain numbers.

use object::View;
use object::quantity::Quantity;
use std::sync::Arc;

/// What a container that asks for nothing is taken to use: thousandths of a core, bytes.
const UNSAID_CPU: i64 = 100;
const UNSAID_MEMORY: i64 = 200 * 1024 * 1024;

/// Amounts of resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    /// Thousandths of a core.
    pub(crate) cpu: i64,
    /// Bytes.
    pub(crate) memory: i64,
    /// Bytes of local storage.
    pub(crate) storage: i64,
    /// All others, by name.
    pub(crate) others: Vec<(Arc<str>, i64)>,
}

impl Resources {
    pub(crate) fn read(list: View<'_>) -> Resources {
        let mut resources = Resources::default();
        for (name, amount) in list.entries() {
            let amount = Quantity::from_view(amount);
            match name {
                "cpu" => resources.cpu = amount.milli_value(),
                "memory" => resources.memory = amount.value(),
                "ephemeral-storage" => resources.storage = amount.value(),
                "pods" => {}
                other => resources.others.push((other.into(), amount.value())),
            }
        }
        resources
    }

    /// The amount of one of the others.
    pub(crate) fn other(&self, name: &str) -> i64 {
        self.others.iter().find(|(known, _)| **known == *name).map_or(0, |(_, amount)| *amount)
    }

    pub(crate) fn add(&mut self, more: &Resources) {
        self.combine(more, |a, b| a.saturating_add(b));
    }

    pub(crate) fn sub(&mut self, less: &Resources) {
        self.combine(less, |a, b| a.saturating_sub(b));
    }

    fn raise(&mut self, to: &Resources) {
        self.combine(to, i64::max);
    }

    fn combine(&mut self, with: &Resources, how: impl Fn(i64, i64) -> i64) {
        self.cpu = how(self.cpu, with.cpu);
        self.memory = how(self.memory, with.memory);
        self.storage = how(self.storage, with.storage);
        for (name, amount) in &with.others {
            match self.others.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = how(*known, *amount),
                None => self.others.push((name.clone(), how(0, *amount))),
            }
        }
    }
}

/// What a pod asks for; with `fill`, containers that ask for no CPU or memory are taken to use a little.
pub(crate) fn of_pod(pod: View<'_>, fill: bool) -> Resources {
    let spec = pod.get("spec");
    let of = |container: View<'_>| {
        let requests = container.get("resources").get("requests");
        let mut resources = Resources::read(requests);
        if fill && !requests.has("cpu") {
            resources.cpu = UNSAID_CPU;
        }
        if fill && !requests.has("memory") {
            resources.memory = UNSAID_MEMORY;
        }
        resources
    };
    let mut total = Resources::default();
    for container in spec.list("containers") {
        total.add(&of(container));
    }
    // Sidecars run beside what comes after them; other init containers run alone among those.
    let (mut sidecars, mut start) = (Resources::default(), Resources::default());
    for container in spec.list("initContainers") {
        let mut needs = of(container);
        if container.str("restartPolicy") == "Always" {
            total.add(&needs);
            sidecars.add(&needs);
            needs = sidecars.clone();
        } else {
            needs.add(&sidecars);
        }
        start.raise(&needs);
    }
    total.raise(&start);
    let whole = spec.get("resources").get("requests");
    if !whole.is_empty() {
        let said = Resources::read(whole);
        for (name, _) in whole.entries() {
            match name {
                "cpu" => total.cpu = said.cpu,
                "memory" => total.memory = said.memory,
                _ => {}
            }
        }
    }
    total.add(&Resources::read(spec.get("overhead")));
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn a_pod_needs_the_most_it_ever_runs_at_once() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let sidecar = |cpu: &str| json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}}});
        let cpu = |init: object::Value, main: object::Value| {
            of_pod(View::from(&json!({"spec": {"initContainers": init, "containers": main}})), false).cpu
        };
        assert_eq!(cpu(json!([]), json!([container("1"), container("500m")])), 1500);
        assert_eq!(cpu(json!([container("2")]), json!([container("1")])), 2000);
        assert_eq!(cpu(json!([sidecar("1"), container("2")]), json!([container("1")])), 3000);
        assert_eq!(cpu(json!([container("2"), sidecar("1")]), json!([container("1")])), 2000);
    }

    #[test]
    fn what_is_unsaid_is_filled_in_for_scores() {
        let pod = json!({"spec": {"containers": [{}, {"resources": {"requests": {"cpu": "1"}}}]}});
        let filled = of_pod(View::from(&pod), true);
        assert_eq!((filled.cpu, filled.memory), (1100, 2 * UNSAID_MEMORY));
    }
}
