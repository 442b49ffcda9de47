//! What the node, its pods and their containers use, gathered when somebody asks.

use super::Node;
use crate::core::model::spec;
use crate::machine::{self, Disk};
use cgroup::{Group, Pressure, Statistics};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Below this a rate says nothing.
const SHORTEST: Duration = Duration::from_millis(100);
/// A look that is older than this is no base for a rate.
const OLDEST: Duration = Duration::from_secs(300);

/// Earlier looks, for rates.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    looks: Mutex<HashMap<String, Look>>,
}

#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    usage: u64,
    rate: Option<u64>,
}

impl Sampler {
    /// The rate of use in billionths of a processor, from a use in µs.
    fn rate(&self, name: &str, usage: u64) -> Option<u64> {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let fresh = Look { at: now, usage, rate: None };
        let known = looks.get(name).copied().filter(|look| look.at.elapsed() < OLDEST && look.usage <= usage);
        let Some(known) = known else {
            looks.insert(name.to_owned(), fresh);
            return None;
        };
        let passed = now.duration_since(known.at);
        if passed < SHORTEST {
            return known.rate;
        }
        let nanos = u128::from(usage - known.usage) * 1000 * 1_000_000_000 / passed.as_nanos().max(1);
        let rate = u64::try_from(nanos).ok();
        looks.insert(name.to_owned(), Look { rate, ..fresh });
        rate
    }

    fn forget_old(&self) {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, look| look.at.elapsed() < OLDEST);
    }
}

/// What a group uses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Use {
    pub(crate) statistics: Statistics,
    /// Billionths of a processor.
    pub(crate) rate: Option<u64>,
    /// Waiting for processor, memory and block devices.
    pub(crate) pressure: [Option<Pressure>; 3],
}

/// Traffic of a network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) received: u64,
    pub(crate) receive_errors: u64,
    pub(crate) received_packets: u64,
    pub(crate) sent: u64,
    pub(crate) send_errors: u64,
    pub(crate) sent_packets: u64,
}

/// A container.
#[derive(Clone, Debug)]
pub(crate) struct ContainerUse {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) cgroup: String,
    pub(crate) image: String,
    pub(crate) started_at: Option<SystemTime>,
    pub(crate) used: Use,
    /// Bytes of its log files.
    pub(crate) logs: u64,
}

/// A volume's file system.
#[derive(Clone, Debug)]
pub(crate) struct VolumeUse {
    pub(crate) name: String,
    pub(crate) disk: Disk,
    pub(crate) used: u64,
}

/// A pod.
#[derive(Clone, Debug)]
pub(crate) struct PodUse {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) cgroup: String,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) used: Use,
    pub(crate) containers: Vec<ContainerUse>,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) volumes: Vec<VolumeUse>,
}

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Uses {
    pub(crate) node: String,
    pub(crate) booted_at: Timestamp,
    pub(crate) processors: i64,
    pub(crate) machine: Use,
    pub(crate) memory_capacity: i64,
    pub(crate) available_memory: i64,
    pub(crate) swap: (i64, i64),
    pub(crate) disk: Disk,
    pub(crate) processes: (u64, u64),
    pub(crate) interfaces: Vec<Interface>,
    /// All pods together.
    pub(crate) all_pods: Use,
    pub(crate) pods: Vec<PodUse>,
    /// Bytes of images.
    pub(crate) images: u64,
    pub(crate) now: Timestamp,
}

/// Looks at everything. A first look has no rates, so it looks again a moment later.
pub(crate) async fn gather(node: &Node) -> Uses {
    let first = gather_once(node).await;
    if first.machine.rate.is_some() || first.pods.iter().any(|pod| pod.used.rate.is_some()) {
        return first;
    }
    tokio::time::sleep(SHORTEST * 2).await;
    gather_once(node).await
}

async fn gather_once(node: &Node) -> Uses {
    let work = node.clone();
    let gathered = tokio::task::spawn_blocking(move || look(&work)).await;
    // A look that panics is a fault of ours; an empty one does no harm.
    gathered.unwrap_or_else(|_| nothing(node))
}

fn look(node: &Node) -> Uses {
    let context = &node.context;
    node.stats.forget_old();
    let mut uses = nothing(node);
    let usage = machine::processor_time();
    uses.machine.statistics.cpu.usage = usage;
    uses.machine.rate = node.stats.rate("/", usage);
    uses.machine.statistics.memory = machine::memory();
    if let Some(group) = context.groups.named("/") {
        uses.machine.pressure = pressure(&group);
    }
    uses.all_pods = context.groups.root().map(|group| used(node, &group)).unwrap_or_default();
    uses.interfaces = interfaces(Path::new("/proc/self/net/dev"));
    let containers = context.runtime.list();
    for known in node.pods.all() {
        let uid = known.pod.metadata.uid.clone().unwrap_or_default();
        let own: Vec<_> = containers.iter().filter(|c| c.config.pod == uid && c.pid.is_some()).collect();
        let pid = own.iter().find_map(|container| container.pid);
        let Some(group) = context.groups.of(&known.pod).filter(Group::exists) else { continue };
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let of_containers = own.iter().map(|container| ContainerUse {
            name: container.config.name.clone(),
            id: container.id.clone(),
            cgroup: container.cgroup.clone(),
            image: container.config.annotations.get(crate::observe::notes::IMAGE).cloned().unwrap_or_default(),
            started_at: container.started_at,
            used: context.groups.named(&container.cgroup).map(|group| used(node, &group)).unwrap_or_default(),
            logs: container
                .config
                .log_path
                .as_deref()
                .and_then(Path::parent)
                .map(machine::folder_size)
                .unwrap_or_default(),
        });
        uses.pods.push(PodUse {
            name: text(&known.pod.metadata.name),
            namespace: text(&known.pod.metadata.namespace),
            cgroup: group.name().to_owned(),
            started_at: known.status.start_time.as_ref().map(|time| time.0),
            containers: of_containers.collect(),
            used: used(node, &group),
            interfaces: pid.map(|pid| interfaces(&PathBuf::from(format!("/proc/{pid}/net/dev")))).unwrap_or_default(),
            volumes: volumes(node, &known.pod, &uid),
            uid,
        });
    }
    uses.pods.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    uses
}

/// What is known without looking at groups.
fn nothing(node: &Node) -> Uses {
    let context = &node.context;
    let images = context.runtime.images().list().unwrap_or_default();
    Uses {
        node: context.config.name.clone(),
        booted_at: machine::booted_at(),
        processors: context.machine.processors,
        machine: Use::default(),
        memory_capacity: context.machine.memory,
        available_memory: machine::available_memory(),
        swap: machine::swap(),
        disk: machine::disk(&context.config.data),
        processes: machine::processes(),
        interfaces: Vec::new(),
        all_pods: Use::default(),
        pods: Vec::new(),
        images: images.iter().map(|image| image.size).sum(),
        now: Timestamp::now(),
    }
}

fn used(node: &Node, group: &Group) -> Use {
    let statistics = group.statistics().unwrap_or_default();
    let rate = node.stats.rate(group.name(), statistics.cpu.usage);
    Use { statistics, rate, pressure: pressure(group) }
}

fn pressure(group: &Group) -> [Option<Pressure>; 3] {
    let of = |resource| group.pressure(resource).ok().flatten();
    [of(cgroup::Resource::Cpu), of(cgroup::Resource::Memory), of(cgroup::Resource::Io)]
}

/// The interfaces of a network but for its own loop.
fn interfaces(table: &Path) -> Vec<Interface> {
    parse_interfaces(&std::fs::read_to_string(table).unwrap_or_default())
}

fn parse_interfaces(table: &str) -> Vec<Interface> {
    let lines = table.lines().skip(2).filter_map(|line| line.split_once(':'));
    let all = lines.filter_map(|(name, counts)| {
        let counts: Vec<u64> = counts.split_whitespace().filter_map(|count| count.parse().ok()).collect();
        let at = |index: usize| counts.get(index).copied();
        Some(Interface {
            name: name.trim().to_owned(),
            received: at(0)?,
            received_packets: at(1)?,
            receive_errors: at(2)?,
            sent: at(8)?,
            sent_packets: at(9)?,
            send_errors: at(10)?,
        })
    });
    all.filter(|interface| interface.name != "lo").collect()
}

/// The volumes of a pod that take room of their own.
fn volumes(node: &Node, pod: &Pod, uid: &str) -> Vec<VolumeUse> {
    let folder = node.context.config.pod_folder(uid).join("volumes");
    let mut found = Vec::new();
    for volume in spec(pod).volumes.iter().flatten() {
        let plugin = if volume.empty_dir.is_some() {
            "empty-dir"
        } else if volume.projected.is_some() {
            "projected"
        } else if volume.secret.is_some() {
            "secret"
        } else if volume.config_map.is_some() {
            "configmap"
        } else {
            continue;
        };
        let path = folder.join(format!("kubernetes.io~{plugin}")).join(&volume.name);
        found.push(VolumeUse {
            name: volume.name.clone(),
            disk: machine::disk(&path),
            used: machine::folder_size(&path),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_read() {
        let table = "Inter-|   Receive\n face |bytes\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0: 10 2 3 0 0 0 0 0 20 4 5 0 0 0 0 0\n";
        let want = Interface {
            name: "eth0".to_owned(),
            received: 10,
            received_packets: 2,
            receive_errors: 3,
            sent: 20,
            sent_packets: 4,
            send_errors: 5,
        };
        assert_eq!(parse_interfaces(table), [want]);
    }

    #[test]
    fn a_rate_needs_two_looks() {
        let sampler = Sampler::default();
        assert_eq!(sampler.rate("a", 10), None);
        assert_eq!(sampler.rate("a", 20), None, "too soon");
        std::thread::sleep(SHORTEST);
        assert!(sampler.rate("a", 100_000_000).is_some_and(|rate| rate > 0));
    }
}
