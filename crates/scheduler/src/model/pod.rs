//! A pod as far as it matters for placing it and others.

use super::class::{Class, Classes};
use super::resources::{self, Resources};
use super::spread::Constraint;
use informer::Object;
use kinds::placement::NodeTerm;
use kinds::placement::Toleration;
use object::View;
use std::sync::Arc;

/// A port on the node that a pod takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPort {
    address: Box<str>,
    protocol: Box<str>,
    port: i64,
}

impl HostPort {
    /// Whether two pods cannot both have it.
    pub(crate) fn conflicts(&self, other: &HostPort) -> bool {
        let is_any = |address: &str| address == "0.0.0.0";
        self.port == other.port
            && self.protocol == other.protocol
            && (self.address == other.address || is_any(&self.address) || is_any(&other.address))
    }
}

/// A pod.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) uid: Box<str>,
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) priority: i64,
    pub(crate) never_preempts: bool,
    /// Where it is, if anywhere.
    pub(crate) node: Box<str>,
    /// Where others made room for it.
    pub(crate) nominated: Box<str>,
    pub(crate) class: Arc<Class>,
    pub(crate) requests: Resources,
    /// Its requests with what is unsaid filled in, for scores: CPU and memory.
    pub(crate) filled: (i64, i64),
    pub(crate) tolerations: Vec<Toleration>,
    pub(crate) node_selector: Vec<(Box<str>, Box<str>)>,
    /// One of these has to match, if it is there.
    pub(crate) node_terms: Option<Vec<NodeTerm>>,
    pub(crate) preferred_nodes: Vec<(i64, NodeTerm)>,
    pub(crate) spread: Vec<Constraint>,
    pub(crate) ports: Vec<HostPort>,
    /// Names of its containers' images.
    pub(crate) images: Vec<Box<str>>,
    /// Names of the claims that it uses; whether each is made for it alone.
    pub(crate) claims: Vec<(Box<str>, bool)>,
    /// Whether it must not be placed yet.
    pub(crate) is_gated: bool,
    /// Whether it is being deleted because a more important pod needs the room.
    pub(crate) goes_for_another: bool,
    /// Seconds since the epoch when it started, if it has.
    pub(crate) started: Option<i64>,
}

impl Pod {
    pub(crate) fn read(object: &Object, classes: &mut Classes) -> Pod {
        let (spec, status) = (object.spec(), object.status());
        let class = classes.of(object.view());
        let filled = resources::of_pod(object.view(), true);
        let node_affinity = spec.at(&["affinity", "nodeAffinity"]);
        let required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution");
        let preferred = node_affinity.list("preferredDuringSchedulingIgnoredDuringExecution");
        let disrupted = object.condition("DisruptionTarget");
        let containers = || spec.list("initContainers").chain(spec.list("containers"));
        Pod {
            uid: object.uid().into(),
            namespace: object.namespace().into(),
            name: object.name().into(),
            priority: spec.int("priority"),
            never_preempts: spec.str("preemptionPolicy") == "Never",
            node: spec.str("nodeName").into(),
            nominated: status.str("nominatedNodeName").into(),
            requests: resources::of_pod(object.view(), false),
            filled: (filled.cpu, filled.memory),
            tolerations: spec.list("tolerations").map(Toleration::read).collect(),
            node_selector: pairs(spec.get("nodeSelector")),
            node_terms: required.exists().then(|| NodeTerm::read_all(required)),
            preferred_nodes: preferred
                .map(|term| (term.int("weight"), NodeTerm::read(term.get("preference"))))
                .collect(),
            spread: spec
                .list("topologySpreadConstraints")
                .map(|constraint| Constraint::read(constraint, &class.labels))
                .collect(),
            ports: spec
                .list("initContainers")
                .filter(is_sidecar)
                .chain(spec.list("containers"))
                .flat_map(ports)
                .collect(),
            images: containers().map(|container| image_name(container.str("image"))).collect(),
            claims: claims(object.name(), spec),
            is_gated: !spec.get("schedulingGates").is_empty(),
            goes_for_another: object.is_going()
                && disrupted.str("status") == "True"
                && disrupted.str("reason") == "PreemptionByScheduler",
            started: informer::clock::seconds(status.str("startTime")),
            class,
        }
    }

    /// `namespace/name`.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The same pod on a node.
    pub(crate) fn placed(self: &Arc<Pod>, node: &str, object: &Object, classes: &mut Classes) -> Arc<Pod> {
        let mut pod = Pod::read(object, classes);
        pod.node = node.into();
        Arc::new(pod)
    }
}

fn is_sidecar(container: &View<'_>) -> bool {
    container.str("restartPolicy") == "Always"
}

fn pairs(map: View<'_>) -> Vec<(Box<str>, Box<str>)> {
    map.entries().map(|(key, value)| (key.into(), value.as_str().into())).collect()
}

fn ports(container: View<'_>) -> impl Iterator<Item = HostPort> {
    let or = |text: &str, default: &str| if text.is_empty() { default.into() } else { text.into() };
    container.list("ports").filter(|port| port.int("hostPort") > 0).map(move |port| HostPort {
        address: or(port.str("hostIP"), "0.0.0.0"),
        protocol: or(port.str("protocol"), "TCP"),
        port: port.int("hostPort"),
    })
}

/// The name of an image as nodes list it: with a tag.
pub(crate) fn image_name(image: &str) -> Box<str> {
    let after_host = image.rfind('/').map_or(0, |at| at + 1);
    if image[after_host..].contains([':', '@']) { image.into() } else { format!("{image}:latest").into() }
}

fn claims(pod: &str, spec: View<'_>) -> Vec<(Box<str>, bool)> {
    let of = |volume: View<'_>| {
        let claim = volume.get("persistentVolumeClaim");
        if claim.exists() {
            return Some((claim.str("claimName").into(), false));
        }
        volume.has("ephemeral").then(|| (format!("{pod}-{}", volume.str("name")).into(), true))
    };
    spec.list("volumes").filter_map(of).collect()
}
