//! How a named cluster is: version, address, node, workloads, memory, and problems with their cures.

use crate::instance;
use crate::place::Place;
use crate::up::{is_ready, why_not_ready};
use object::Value;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// How a cluster is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Whether its server runs and is ready.
    pub running: bool,
    /// The server's process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The server's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where the API is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where its data lies.
    pub data: String,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// How many pods are in each phase.
    pub pods: BTreeMap<String, usize>,
    /// How many Deployments, StatefulSets and DaemonSets are as they should be.
    pub workloads: Workloads,
    /// Resident memory, in bytes.
    pub memory: Memory,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Whether it takes pods.
    pub ready: bool,
    /// Its address inside.
    pub address: String,
    /// Its kubelet's version.
    pub version: String,
}

/// How many workloads are available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workloads {
    /// With all their replicas.
    pub available: usize,
    /// In all.
    pub total: usize,
}

/// Memory of the cluster's own processes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// The server.
    pub server: u64,
    /// What watches over containers, shared pages counted in proportion.
    pub shims: u64,
}

/// Something that is wrong, and what helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What.
    pub what: String,
    /// What helps.
    pub cure: String,
}

/// Looks at a cluster. What cannot be seen is among the problems.
pub async fn status(place: &Place) -> Status {
    let mut status =
        Status { name: place.name().to_owned(), data: place.data().display().to_string(), ..Status::default() };
    let Some(running) = instance::running(place.data()) else {
        status.problems.extend(not_running(place));
        return status;
    };
    status.running = true;
    status.memory = Memory { server: resident(running.pid), shims: shims(place.name(), running.pid) };
    (status.pid, status.version, status.url) = (Some(running.pid), Some(running.version), Some(running.url));
    let options = connect::Options { kubeconfig: Some(place.kubeconfig()), ..connect::Options::default() };
    match connect::connect(&options).await {
        Ok(connection) => look_inside(&connection.client, place, &mut status).await,
        Err(error) => status.problems.push(Problem {
            what: format!("the kubeconfig {} cannot be used: {error}", place.kubeconfig().display()),
            cure: format!("restart the cluster: hakata down {0}, then hakata up {0}", place.name()),
        }),
    }
    status
}

fn not_running(place: &Place) -> Option<Problem> {
    let name = place.name();
    if instance::is_taken(place.data()) {
        let what = "the server is starting".to_owned();
        return Some(Problem { what, cure: format!("wait, or look at {}", place.log().display()) });
    }
    let left = cgroup::Hierarchy::detect().is_ok_and(|hierarchy| hierarchy.group(&place.cgroup()).exists());
    left.then(|| Problem {
        what: "the server does not run, but its pods do".to_owned(),
        cure: format!("hakata up {name} takes them over; hakata down {name} removes them"),
    })
}

async fn look_inside(client: &kube::Client, place: &Place, status: &mut Status) {
    let mut lists = BTreeMap::new();
    for path in ["/api/v1/nodes", "/api/v1/pods", DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS] {
        match list(client, path).await {
            Ok(items) => drop(lists.insert(path, items)),
            Err(error) => {
                let cure = format!("see {}", place.log().display());
                status.problems.push(Problem { what: format!("cannot list {path}: {error}"), cure });
                return;
            }
        }
    }
    let of = |path: &str| lists.get(path).map(Vec::as_slice).unwrap_or_default();
    for node in of("/api/v1/nodes") {
        status.nodes.push(node_of(node));
        status.problems.extend(node_problem(node));
    }
    for pod in of("/api/v1/pods") {
        *status.pods.entry(text(&pod["status"]["phase"])).or_default() += 1;
        status.problems.extend(pod_problem(pod));
    }
    let wanted = [
        (DEPLOYMENTS, "/spec/replicas", "/status/availableReplicas"),
        (STATEFUL_SETS, "/spec/replicas", "/status/availableReplicas"),
        (DAEMON_SETS, "/status/desiredNumberScheduled", "/status/numberAvailable"),
    ];
    for (path, wanted, there) in wanted {
        let number = |item: &Value, pointer: &str| item.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        status.workloads.total += of(path).len();
        status.workloads.available +=
            of(path).iter().filter(|item| number(item, there) >= number(item, wanted)).count();
    }
}

const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";
const STATEFUL_SETS: &str = "/apis/apps/v1/statefulsets";
const DAEMON_SETS: &str = "/apis/apps/v1/daemonsets";

async fn list(client: &kube::Client, path: &str) -> Result<Vec<Value>, kube::Error> {
    let request = http::Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
    let mut list: Value = client.request(request).await?;
    Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn node_of(node: &Value) -> Node {
    let addresses = node["status"]["addresses"].as_array();
    let internal = addresses.into_iter().flatten().find(|address| address["type"] == "InternalIP");
    Node {
        name: text(&node["metadata"]["name"]),
        ready: is_ready(node),
        address: internal.map(|address| text(&address["address"])).unwrap_or_default(),
        version: text(&node["status"]["nodeInfo"]["kubeletVersion"]),
    }
}

fn node_problem(node: &Value) -> Option<Problem> {
    let name = text(&node["metadata"]["name"]);
    if !is_ready(node) {
        let what = format!("the node {name} is not ready: {}", why_not_ready(node));
        return Some(Problem { what, cure: format!("kubectl describe node {name}") });
    }
    let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    let mut under = conditions.filter(|condition| condition["type"] != "Ready" && condition["status"] == "True");
    under.next().map(|condition| Problem {
        what: format!("the node {name} is under {}: {}", text(&condition["type"]), text(&condition["message"])),
        cure: "free some of it, or move pods elsewhere".to_owned(),
    })
}

/// Containers that wait for a reason that time does not heal.
fn pod_problem(pod: &Value) -> Option<Problem> {
    const PASSING: [&str; 2] = ["ContainerCreating", "PodInitializing"];
    let (namespace, name) = (text(&pod["metadata"]["namespace"]), text(&pod["metadata"]["name"]));
    let containers = ["initContainerStatuses", "containerStatuses"];
    let mut statuses = containers.iter().filter_map(|list| pod["status"][list].as_array()).flatten();
    let stuck = statuses.find_map(|status| {
        let waiting = &status["state"]["waiting"];
        let reason = waiting["reason"].as_str().filter(|reason| !PASSING.contains(reason))?;
        Some(format!("{reason}: {}", text(&waiting["message"])))
    });
    let unschedulable = || {
        let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let mut found = conditions.filter(|condition| condition["reason"] == "Unschedulable");
        found.next().map(|condition| format!("Unschedulable: {}", text(&condition["message"])))
    };
    let why = stuck.or_else(unschedulable)?;
    Some(Problem {
        what: format!("the pod {namespace}/{name} does not run: {}", why.trim_end_matches(": ")),
        cure: format!("kubectl describe pod {name} -n {namespace}; kubectl logs {name} -n {namespace} --previous"),
    })
}

/// Resident memory of a process, in bytes (proc_pid_status(5)).
fn resident(pid: u32) -> u64 {
    kilobytes(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// Memory of the shims of this cluster, shared pages in proportion (proc_pid_smaps(5)).
fn shims(name: &str, server: u32) -> u64 {
    let program = fs::metadata(format!("/proc/{server}/exe")).ok();
    let ours = |pid: u32| {
        let same = |metadata: fs::Metadata| {
            use std::os::unix::fs::MetadataExt;
            program.as_ref().is_some_and(|program| (program.dev(), program.ino()) == (metadata.dev(), metadata.ino()))
        };
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        pid != server
            && pid != std::process::id()
            && command.split('\0').any(|word| word.contains(&format!("/{name}/")) || word == name)
            && fs::metadata(format!("/proc/{pid}/exe")).is_ok_and(same)
    };
    processes()
        .into_iter()
        .filter(|pid| ours(*pid))
        .map(|pid| kilobytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:"))
        .sum()
}

fn processes() -> BTreeSet<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A line such as `VmRSS:  1234 kB`, in bytes.
fn kilobytes(path: &str, key: &str) -> u64 {
    let text = fs::read_to_string(Path::new(path)).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn pods_that_wait_for_nothing_but_time_are_no_problem() {
        let pod = |reason: &str| {
            json!({"metadata": {"namespace": "a", "name": "b"}, "status": {"containerStatuses": [
                {"state": {"waiting": {"reason": reason, "message": "no such image"}}}]}})
        };
        assert_eq!(pod_problem(&pod("ContainerCreating")), None);
        let problem = pod_problem(&pod("ErrImagePull")).unwrap();
        assert_eq!(problem.what, "the pod a/b does not run: ErrImagePull: no such image");
        let pending = json!({"metadata": {"namespace": "a", "name": "b"}, "status": {"conditions": [
            {"type": "PodScheduled", "reason": "Unschedulable", "message": "0/1 nodes are available"}]}});
        let problem = pod_problem(&pending).unwrap();
        assert!(problem.what.ends_with("Unschedulable: 0/1 nodes are available"), "{}", problem.what);
    }

    #[test]
    fn a_node_under_pressure_is_a_problem() {
        let node = |kind: &str| {
            json!({"metadata": {"name": "n"}, "status": {"conditions": [
                {"type": "Ready", "status": "True"}, {"type": kind, "status": "True", "message": "m"}]}})
        };
        assert_eq!(node_problem(&node("DiskPressure")).unwrap().what, "the node n is under DiskPressure: m");
        assert_eq!(
            node_problem(&json!({"metadata": {"name": "n"}, "status": {"conditions": [
            {"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "False"}]}})),
            None
        );
    }

    #[test]
    fn own_memory_is_read() {
        assert!(resident(std::process::id()) > 0);
    }
}
