//! What a namespace that becomes stricter has to tell of the pods that it has.

use super::PodSecurity;
use crate::plugins::Ask;
use object::quote::quote;
use object::{Value, View};
use podsecurity::{LevelVersion, evaluate};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// At most this many pods are looked at.
const MOST: usize = 3000;

impl PodSecurity {
    /// Warnings about the pods of a namespace that a level would not allow.
    pub(super) fn existing(&self, ask: &Ask<'_>, enforce: LevelVersion) -> Vec<String> {
        let (pods, total) = ask.cluster.first_pods(ask.namespace, MOST);
        let looked_at = pods.len();
        let mut against: BTreeMap<String, Kind> = BTreeMap::new();
        for pod in self.distinct_first(&pods) {
            let findings = evaluate(enforce, pod.get("metadata"), pod.get("spec"));
            if !findings.is_empty() {
                against.entry(findings.reasons()).or_default().add(pod.get("metadata").str("name"));
            }
        }
        let mut warnings = Vec::new();
        if looked_at < total {
            warnings.push(format!(
                "new PodSecurity enforce level only checked against the first {looked_at} of {total} existing pods"
            ));
        }
        if !against.is_empty() {
            warnings.push(format!(
                "existing pods in namespace {} violate the new PodSecurity enforce level {}",
                quote(ask.namespace),
                quote(&enforce.to_string())
            ));
        }
        let mut lines: Vec<String> =
            against.iter().map(|(reasons, kind)| format!("{}: {reasons}", kind.who())).collect();
        lines.sort_unstable();
        warnings.extend(lines);
        warnings
    }

    /// Without those of exempt runtime classes; one of each controller before its others.
    fn distinct_first<'a>(&self, pods: &'a [Arc<Value>]) -> Vec<View<'a>> {
        let mut controllers = HashSet::new();
        let pods = pods.iter().map(|pod| View::from(&**pod)).filter(|pod| !self.is_exempt_class(pod.get("spec")));
        let (mut first, others): (Vec<_>, Vec<_>) = pods.partition(|pod| {
            let owners = pod.get("metadata").list("ownerReferences");
            let controller = owners.into_iter().find(|owner| owner.bool("controller"));
            controller.is_none_or(|owner| controllers.insert(owner.str("uid")))
        });
        first.extend(others);
        first
    }
}

/// Pods with the same reasons against them.
#[derive(Default)]
struct Kind {
    first: String,
    count: usize,
}

impl Kind {
    fn add(&mut self, name: &str) {
        if self.count == 0 || name < self.first.as_str() {
            name.clone_into(&mut self.first);
        }
        self.count += 1;
    }

    fn who(&self) -> String {
        match self.count {
            0 | 1 => self.first.clone(),
            2 => format!("{} (and 1 other pod)", self.first),
            count => format!("{} (and {} other pods)", self.first, count - 1),
        }
    }
}
