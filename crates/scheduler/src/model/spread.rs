//! How evenly pods are to be spread.

use kinds::placement::Labels;
use object::View;
use object::selector::labels::Selector;

/// The label of a node's own name.
pub(crate) const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// A constraint on how evenly pods are spread.
#[derive(Clone, Debug)]
pub(crate) struct Constraint {
    /// How uneven it may be.
    pub(crate) max_skew: i64,
    /// The label of nodes that says what a domain is.
    pub(crate) topology: Box<str>,
    /// Which pods count.
    pub(crate) selector: Selector,
    /// Labels that pods that count share with the pod.
    shared: Vec<(Box<str>, Box<str>)>,
    /// Fewer domains count as if one were empty.
    pub(crate) min_domains: i64,
    /// Whether nodes that the pod does not want count.
    pub(crate) honors_affinity: bool,
    /// Whether nodes that the pod does not tolerate count.
    pub(crate) honors_taints: bool,
    /// Whether the pod rather waits than breaks it.
    pub(crate) is_hard: bool,
}

impl Constraint {
    pub(crate) fn read(constraint: View<'_>, labels: &Labels) -> Constraint {
        let keys = constraint.strings("matchLabelKeys");
        let selector = Selector::from_object(constraint.get("labelSelector"));
        Constraint {
            max_skew: constraint.int("maxSkew"),
            topology: constraint.str("topologyKey").into(),
            selector: selector.unwrap_or_else(|_| Selector::nothing()),
            shared: keys.filter_map(|key| labels.get(key).map(|value| (key.into(), value.into()))).collect(),
            min_domains: constraint.opt_int("minDomains").unwrap_or(1),
            honors_affinity: constraint.str("nodeAffinityPolicy") != "Ignore",
            honors_taints: constraint.str("nodeTaintsPolicy") == "Honor",
            is_hard: constraint.str("whenUnsatisfiable") == "DoNotSchedule",
        }
    }

    /// What holds for pods of Services and workloads that say nothing.
    pub(crate) fn defaults(selector: &Selector) -> Vec<Constraint> {
        let soft = |max_skew, topology: &str| Constraint {
            max_skew,
            topology: topology.into(),
            selector: selector.clone(),
            shared: Vec::new(),
            min_domains: 1,
            honors_affinity: true,
            honors_taints: false,
            is_hard: false,
        };
        vec![soft(3, HOSTNAME), soft(5, ZONE)]
    }

    /// Whether pods with these labels count.
    pub(crate) fn counts(&self, labels: &Labels) -> bool {
        self.selector.matches(labels) && self.shared.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}
