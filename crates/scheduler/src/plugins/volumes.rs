//! Volumes have to be where the pod is, or to be made there.

use super::{Plugin, Reason};
use crate::model::node::Node;
use crate::model::pod::Pod;
use informer::Shared;
use kinds::binding;
use kinds::placement::{NodeTerm, any_matches};
use object::View;
use std::collections::HashMap;
use std::sync::Arc;

/// Classes of this provisioner make no volumes.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";
/// The annotation of claims whose binding is done.
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";

/// Labels of nodes, and the values of each that will do.
type Topology = Vec<(Box<str>, Vec<Box<str>>)>;

/// What is known of claims, volumes and classes.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    /// Claims by `namespace/name`.
    pub(crate) claims: HashMap<String, Shared>,
    /// Volumes by name.
    pub(crate) volumes: HashMap<String, Shared>,
    /// Storage classes by name.
    pub(crate) classes: HashMap<String, Shared>,
}

/// What a pod's claims need of a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    /// Volumes that are bound already: which nodes reach each.
    bound: Vec<Option<Vec<NodeTerm>>>,
    /// Claims whose volumes do not exist.
    has_lost: bool,
    /// Claims that are bound when the pod has a node, smallest first.
    waiting: Vec<Waiting>,
    /// Claims that only one pod may use, as `namespace/name`.
    exclusive: Vec<Box<str>>,
}

#[derive(Clone, Debug)]
struct Waiting {
    claim: Shared,
    /// Volumes that fit, the best first: name, and which nodes reach it.
    candidates: Arc<Vec<(Shared, Option<Vec<NodeTerm>>)>>,
    /// Where volumes can be made; `None` if they cannot.
    made_at: Option<Vec<Topology>>,
    /// The node that was chosen before, if one was.
    chosen: Box<str>,
}

/// What has to be done for a pod's claims once its node is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Choice {
    /// Volumes to bind, and the claims that get them.
    pub(crate) bind: Vec<(Shared, Shared)>,
    /// Claims for which a volume is to be made.
    pub(crate) make: Vec<Shared>,
    /// Whether there are claims at all that are waited for.
    pub(crate) waits: bool,
}

impl Storage {
    /// What the pod's claims need, or why no node will do.
    pub(crate) fn needs(&self, pod: &Pod) -> Result<Needs, Reason> {
        let mut needs = Needs::default();
        let refuse = |text: String| Err(Reason::firm(Plugin::VolumeBinding, text));
        for (name, is_own) in &pod.claims {
            let key = format!("{}/{name}", pod.namespace);
            let Some(claim) = self.claims.get(&key) else {
                return refuse(if *is_own {
                    format!("waiting for ephemeral volume controller to create the persistentvolumeclaim {name:?}")
                } else {
                    format!("persistentvolumeclaim {name:?} not found")
                });
            };
            let volume = claim.spec().str("volumeName");
            if claim.status().str("phase") == "Lost" {
                return refuse(format!(
                    "persistentvolumeclaim {name:?} bound to non-existent persistentvolume {volume:?}"
                ));
            }
            if claim.is_going() {
                return refuse(format!("persistentvolumeclaim {name:?} is being deleted"));
            }
            if claim.spec().strings("accessModes").any(|mode| mode == "ReadWriteOncePod") {
                needs.exclusive.push(key.into());
            }
            let is_bound = !volume.is_empty() && claim.meta().get("annotations").has(BIND_COMPLETED);
            if is_bound {
                match self.volumes.get(volume) {
                    Some(volume) => needs.bound.push(reach(volume.view())),
                    None => needs.has_lost = true,
                }
            } else if volume.is_empty() && self.waits_for_node(claim.view()) {
                needs.waiting.push(self.waiting(claim));
            } else {
                return refuse("pod has unbound immediate PersistentVolumeClaims".to_owned());
            }
        }
        needs.waiting.sort_by_key(|waiting| binding::asked(waiting.claim.view()));
        Ok(needs)
    }

    fn waits_for_node(&self, claim: View<'_>) -> bool {
        let class = self.classes.get(binding::class_of(claim));
        class.is_some_and(|class| class.get("volumeBindingMode").as_str() == "WaitForFirstConsumer")
    }

    fn waiting(&self, claim: &Shared) -> Waiting {
        let mut fitting: Vec<&Shared> =
            self.volumes.values().filter(|volume| binding::fits(volume.view(), claim.view())).collect();
        fitting.sort_by_key(|volume| {
            let is_meant = volume.spec().has("claimRef");
            (!is_meant, binding::size(volume.view()), volume.name().to_owned())
        });
        let class = self.classes.get(binding::class_of(claim.view()));
        let can_make = class.filter(|class| class.get("provisioner").as_str() != NO_PROVISIONER);
        Waiting {
            claim: claim.clone(),
            candidates: Arc::new(fitting.into_iter().map(|volume| (volume.clone(), reach(volume.view()))).collect()),
            made_at: can_make.map(|class| topologies(class.get("allowedTopologies"))),
            chosen: claim.annotation("volume.kubernetes.io/selected-node").into(),
        }
    }
}

impl Needs {
    /// Why a node will not do, or what is to be done there.
    pub(crate) fn filter(&self, pod: &Pod, node: &Node) -> Result<Choice, Reason> {
        for claim in &self.exclusive {
            let uses =
                |other: &Pod| other.claims.iter().any(|(name, _)| format!("{}/{name}", other.namespace) == **claim);
            if node.pods.iter().any(|other| other.uid != pod.uid && uses(other)) {
                let text = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";
                return Err(Reason::resolvable(Plugin::VolumeRestrictions, text));
            }
        }
        let firm = |text: &'static str| Reason::firm(Plugin::VolumeBinding, text);
        let is_reached = |reach: &Option<Vec<NodeTerm>>| {
            reach.as_ref().is_none_or(|terms| any_matches(terms, &node.name, &node.labels))
        };
        if self.has_lost {
            return Err(firm("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"));
        }
        if !self.bound.iter().all(is_reached) {
            return Err(firm("node(s) didn't match PersistentVolume's node affinity"));
        }
        let mut choice = Choice { waits: !self.waiting.is_empty(), ..Choice::default() };
        for waiting in &self.waiting {
            let conflict = || firm("node(s) didn't find available persistent volumes to bind");
            if !waiting.chosen.is_empty() && waiting.chosen != node.name {
                return Err(conflict());
            }
            let is_free = |volume: &Shared| !choice.bind.iter().any(|(taken, _)| taken.name() == volume.name());
            let found = waiting.candidates.iter().find(|(volume, reach)| is_free(volume) && is_reached(reach));
            match found {
                Some((volume, _)) if waiting.chosen.is_empty() => {
                    choice.bind.push((volume.clone(), waiting.claim.clone()));
                }
                _ if waiting.made_at.as_ref().is_some_and(|places| is_in(places, node)) => {
                    choice.make.push(waiting.claim.clone());
                }
                _ => return Err(conflict()),
            }
        }
        Ok(choice)
    }

    /// Whether there is anything to look at.
    pub(crate) fn is_empty(&self) -> bool {
        self.bound.is_empty() && !self.has_lost && self.waiting.is_empty() && self.exclusive.is_empty()
    }
}

fn topologies(terms: View<'_>) -> Vec<Topology> {
    let expression = |e: View<'_>| (e.str("key").into(), e.strings("values").map(Into::into).collect());
    terms.items().map(|term| term.list("matchLabelExpressions").map(expression).collect()).collect()
}

fn is_in(places: &[Topology], node: &Node) -> bool {
    let has = |(key, values): &(Box<str>, Vec<Box<str>>)| {
        node.labels.get(key).is_some_and(|value| values.iter().any(|known| **known == *value))
    };
    places.is_empty() || places.iter().any(|place| place.iter().all(has))
}

/// Which nodes reach a volume; `None` if all do.
fn reach(volume: View<'_>) -> Option<Vec<NodeTerm>> {
    let required = volume.get("spec").get("nodeAffinity").get("required");
    required.exists().then(|| NodeTerm::read_all(required))
}
