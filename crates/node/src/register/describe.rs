//! What a Node says, from facts about the machine.

use crate::config::Config;
use crate::core::resources::Amounts;
use crate::core::status::whole_seconds;
use crate::machine::{Disk, Machine};
use container::Image;
use k8s_openapi::api::core::v1::{
    ContainerImage, DaemonEndpoint, Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeFeatures,
    NodeRuntimeHandler, NodeRuntimeHandlerFeatures, NodeSpec, NodeStatus, NodeSwapStatus, NodeSystemInfo,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;
use k8s_openapi::jiff::Timestamp;
use kube::api::ObjectMeta;
use object::quantity::{Format, Quantity};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The version of the kubelet whose work this is.
pub(crate) const KUBELET: &str = "v1.36.0";
/// Images that a status tells of.
const IMAGES: usize = 50;
/// Free space of the disk in bytes that is always enough.
const FREE_SPACE: u64 = 10 << 30;
/// Less free memory than this is pressure, in bytes.
const MEMORY_PRESSURE: i64 = 100 * 1024 * 1024;

/// What the node is made of at one time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) config: Config,
    pub(crate) machine: Machine,
    pub(crate) hosts: Vec<IpAddr>,
    pub(crate) images: Vec<ContainerImage>,
    /// The container runtime cannot work: its files are not to be read.
    pub(crate) is_runtime_down: bool,
    /// The port of the node's server; 0 without one.
    pub(crate) port: u16,
    pub(crate) disk: Disk,
    pub(crate) available_memory: i64,
    /// Processes and their limit.
    pub(crate) processes: (u64, u64),
    /// Conditions of policies about pressure, and whether they hold.
    pub(crate) contention: Vec<(&'static str, bool)>,
    pub(crate) now: Timestamp,
}

/// The Node as it is registered; its status follows on from `old`.
pub(crate) fn first_node(facts: &Facts, old: Option<&NodeStatus>) -> Node {
    let config = &facts.config;
    let pod_cidr = Some(config.pod_cidr.clone()).filter(|range| !range.is_empty());
    Node {
        metadata: ObjectMeta {
            name: Some(config.name.clone()),
            labels: Some(labels(facts)),
            annotations: Some(BTreeMap::from([(
                "volumes.kubernetes.io/controller-managed-attach-detach".to_owned(),
                "true".to_owned(),
            )])),
            ..ObjectMeta::default()
        },
        spec: Some(NodeSpec {
            pod_cidrs: pod_cidr.clone().map(|range| vec![range]),
            pod_cidr,
            taints: Some(config.taints.clone()).filter(|taints| !taints.is_empty()),
            ..NodeSpec::default()
        }),
        status: Some(status(facts, old)),
    }
}

fn labels(facts: &Facts) -> BTreeMap<String, String> {
    let arch = facts.machine.architecture;
    let mut labels: BTreeMap<String, String> = [
        ("beta.kubernetes.io/arch", arch),
        ("beta.kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", arch),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/hostname", facts.config.name.as_str()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    labels.extend(facts.config.labels.clone());
    labels
}

fn status(facts: &Facts, old: Option<&NodeStatus>) -> NodeStatus {
    let capacity = capacity(facts);
    let allocatable = allocatable(&capacity, &facts.config.reserved);
    NodeStatus {
        addresses: Some(addresses(facts)),
        capacity: Some(capacity),
        allocatable: Some(allocatable),
        conditions: Some(conditions(facts, old)),
        daemon_endpoints: Some(NodeDaemonEndpoints {
            kubelet_endpoint: Some(DaemonEndpoint { port: i32::from(facts.port) }),
        }),
        images: Some(images(facts)),
        node_info: Some(node_info(facts)),
        runtime_handlers: Some(handlers(&facts.config)),
        features: Some(NodeFeatures { supplemental_groups_policy: Some(true) }),
        ..NodeStatus::default()
    }
}

fn addresses(facts: &Facts) -> Vec<NodeAddress> {
    let internal = facts.hosts.iter().map(|host| ("InternalIP", host.to_string()));
    let all = internal.chain([("Hostname", facts.config.name.clone())]);
    all.map(|(kind, address)| NodeAddress { type_: kind.to_owned(), address }).collect()
}

fn capacity(facts: &Facts) -> Amounts {
    let Machine { processors, memory, huge_pages, .. } = &facts.machine;
    let disk = i64::try_from(facts.disk.capacity / 1024).unwrap_or_default();
    let mut all = Amounts::from([
        ("cpu".to_owned(), ApiQuantity(processors.to_string())),
        ("memory".to_owned(), ApiQuantity(format!("{}Ki", memory / 1024))),
        ("ephemeral-storage".to_owned(), ApiQuantity(format!("{disk}Ki"))),
        ("pods".to_owned(), ApiQuantity(facts.config.max_pods.to_string())),
    ]);
    for (size, bytes) in huge_pages {
        let amount = Quantity::new(*bytes, Format::BinarySi).to_string();
        all.insert(format!("hugepages-{size}"), ApiQuantity(amount));
    }
    all
}

/// What is left for pods.
fn allocatable(capacity: &Amounts, reserved: &Amounts) -> Amounts {
    let mut left = Amounts::new();
    let parse = |amount: &ApiQuantity| Quantity::parse(&amount.0).unwrap_or(Quantity::ZERO);
    for (name, amount) in capacity {
        let mut quantity = parse(amount);
        if let Some(reserved) = reserved.get(name) {
            quantity.sub(&parse(reserved));
        }
        if name == "memory" {
            let pages = capacity.iter().filter(|(name, _)| name.starts_with("hugepages-"));
            pages.for_each(|(_, pages)| quantity.sub(&parse(pages)));
        }
        let text = if quantity.sign() < 0 { "0".to_owned() } else { quantity.to_string() };
        left.insert(name.clone(), ApiQuantity(text));
    }
    left
}

/// A condition's two sides: reason and message if it holds, and if it does not.
struct Sides {
    yes: (&'static str, &'static str),
    no: (&'static str, &'static str),
}

fn conditions(facts: &Facts, old: Option<&NodeStatus>) -> Vec<NodeCondition> {
    let disk = &facts.disk;
    // The thresholds at which a kubelet evicts: a tenth of the space, a twentieth of the files. A tenth of a large disk
    // is more than a machine that is used for other things as well can be asked to keep free.
    let is_full = disk.available < FREE_SPACE && disk.available.saturating_mul(10) < disk.capacity
        || disk.files > 0 && disk.free_files.saturating_mul(20) < disk.files;
    let (processes, limit) = facts.processes;
    let is_crowded = limit > 0 && processes.saturating_mul(10) > limit.saturating_mul(9);
    let memory = Sides {
        yes: ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
        no: ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    };
    let space = Sides {
        yes: ("KubeletHasDiskPressure", "kubelet has disk pressure"),
        no: ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    };
    let pids = Sides {
        yes: ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
        no: ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    };
    let ready = Sides {
        yes: ("KubeletReady", "kubelet is posting ready status"),
        no: ("KubeletNotReady", "container runtime is down"),
    };
    let contended = Sides {
        yes: ("PressureThresholdMet", "pods have waited more than a NodePressurePolicy allows"),
        no: ("PressureBelowThreshold", "pods have not waited more than NodePressurePolicies allow"),
    };
    let of_policies = facts.contention.iter().map(|(name, holds)| condition(facts, old, name, *holds, &contended));
    let mut all = vec![
        condition(facts, old, "MemoryPressure", facts.available_memory < MEMORY_PRESSURE, &memory),
        condition(facts, old, "DiskPressure", is_full, &space),
        condition(facts, old, "PIDPressure", is_crowded, &pids),
    ];
    all.extend(of_policies);
    all.push(condition(facts, old, "Ready", !facts.is_runtime_down, &ready));
    all
}

fn condition(facts: &Facts, old: Option<&NodeStatus>, name: &str, holds: bool, sides: &Sides) -> NodeCondition {
    let now = whole_seconds(facts.now);
    let status = if holds { "True" } else { "False" };
    let (reason, message) = if holds { sides.yes } else { sides.no };
    let known = old.and_then(|old| old.conditions.as_ref());
    let same = known.into_iter().flatten().find(|known| known.type_ == name && known.status == status);
    let since = same.and_then(|same| same.last_transition_time.clone());
    NodeCondition {
        type_: name.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_heartbeat_time: Some(now.clone()),
        last_transition_time: Some(since.unwrap_or(now)),
    }
}

fn images(facts: &Facts) -> Vec<ContainerImage> {
    let mut images = facts.images.clone();
    images.sort_by_key(|image| std::cmp::Reverse(image.size_bytes));
    images.truncate(IMAGES);
    images
}

/// An image as a status names it.
pub(super) fn image(image: &Image) -> ContainerImage {
    let names: Vec<String> = image.repo_digests.iter().chain(&image.repo_tags).take(5).cloned().collect();
    ContainerImage { names: Some(names), size_bytes: i64::try_from(image.size).ok() }
}

fn node_info(facts: &Facts) -> NodeSystemInfo {
    let machine = &facts.machine;
    NodeSystemInfo {
        architecture: machine.architecture.to_owned(),
        boot_id: machine.boot_id.clone(),
        container_runtime_version: format!("hakata://{}", env!("CARGO_PKG_VERSION")),
        kernel_version: machine.kernel.clone(),
        kube_proxy_version: String::new(),
        kubelet_version: KUBELET.to_owned(),
        machine_id: machine.machine_id.clone(),
        operating_system: "linux".to_owned(),
        os_image: machine.os_image.clone(),
        swap: Some(NodeSwapStatus { capacity: Some(machine.swap) }).filter(|_| machine.swap > 0),
        system_uuid: machine.system_uuid.clone(),
    }
}

fn handlers(config: &Config) -> Vec<NodeRuntimeHandler> {
    let features = NodeRuntimeHandlerFeatures { recursive_read_only_mounts: Some(true), user_namespaces: Some(false) };
    let names = std::iter::once(String::new()).chain(config.handlers.iter().cloned());
    names
        .map(|name| NodeRuntimeHandler {
            name: Some(name).filter(|name| !name.is_empty()),
            features: Some(features.clone()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            machine: Machine { processors: 4, memory: 8 << 30, architecture: "amd64", ..Machine::default() },
            disk: Disk { capacity: 100 << 30, available: 50 << 30, files: 100, free_files: 50 },
            available_memory: 1 << 30,
            processes: (10, 1000),
            hosts: vec!["10.0.0.1".parse().unwrap()],
            now: Timestamp::from_second(100).unwrap(),
            ..Facts::default()
        }
    }

    #[test]
    fn a_node_says_what_it_has() {
        let mut facts = facts();
        facts.config.reserved = Amounts::from([("cpu".to_owned(), ApiQuantity("500m".to_owned()))]);
        facts.machine.huge_pages = vec![("2Mi".to_owned(), 1 << 30)];
        let node = first_node(&facts, None);
        assert_eq!(node.metadata.labels.unwrap()["kubernetes.io/arch"], "amd64");
        let status = node.status.unwrap();
        let (capacity, allocatable) = (status.capacity.unwrap(), status.allocatable.unwrap());
        assert_eq!((capacity["cpu"].0.as_str(), allocatable["cpu"].0.as_str()), ("4", "3500m"));
        assert_eq!((capacity["memory"].0.as_str(), allocatable["memory"].0.as_str()), ("8388608Ki", "7Gi"));
        assert_eq!((capacity["pods"].0.as_str(), capacity["hugepages-2Mi"].0.as_str()), ("110", "1Gi"));
        let types: Vec<_> = status.conditions.unwrap().into_iter().map(|c| (c.type_, c.status)).collect();
        let want =
            [("MemoryPressure", "False"), ("DiskPressure", "False"), ("PIDPressure", "False"), ("Ready", "True")];
        assert_eq!(types, want.map(|(name, status)| (name.to_owned(), status.to_owned())));
    }

    #[test]
    fn a_node_without_its_runtime_is_not_ready() {
        let facts = Facts { is_runtime_down: true, ..facts() };
        let conditions = first_node(&facts, None).status.unwrap().conditions.unwrap();
        let ready = conditions.iter().find(|condition| condition.type_ == "Ready").unwrap();
        assert_eq!((ready.status.as_str(), ready.reason.as_deref()), ("False", Some("KubeletNotReady")));
    }

    #[test]
    fn pressure_is_told_with_the_time_of_its_change() {
        let mut facts = facts();
        let first = first_node(&facts, None).status.unwrap();
        facts.now = Timestamp::from_second(200).unwrap();
        facts.disk.available = 1 << 30;
        let second = first_node(&facts, Some(&first)).status.unwrap().conditions.unwrap();
        assert_eq!((second[1].status.as_str(), second[1].reason.as_deref()), ("True", Some("KubeletHasDiskPressure")));
        facts.disk.capacity = 1 << 40;
        facts.disk.available = 11 << 30;
        let third = first_node(&facts, None).status.unwrap().conditions.unwrap();
        assert_eq!(third[1].status, "False", "a large disk with room enough");
        let since = |index: usize| second[index].last_transition_time.clone().unwrap().0.as_second();
        assert_eq!((since(0), since(1)), (100, 200));
    }
}
