//! A hundred pods come and go, and the machine is as it was before.

use crate::machine::{Cluster, names};
use crate::program::programs;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const HUNDRED: &str = "\
apiVersion: v1
kind: Service
metadata: {name: many}
spec: {selector: {app: many}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: many}
spec:
  replicas: 100
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: busybox:1
        command: [sleep, '100000']
        volumeMounts: [{name: memory, mountPath: /memory}]
      volumes: [{name: memory, emptyDir: {medium: Memory}}]
";

#[test]
fn a_hundred_pods_leave_nothing() {
    let Some(cluster) = Cluster::with_busybox("many") else { return };
    let before = state(&cluster);
    cluster.apply(HUNDRED);
    cluster.ours(&["rollout", "status", "deployment/many", "--timeout=300s"]);
    assert!(state(&cluster).len() > before.len() + 300, "pods are to be seen on the machine");
    cluster.ours(&["delete", "deployment/many", "service/many"]);
    let program = programs(&cluster.kubeconfig()).remove(0);
    let deadline = Instant::now() + Duration::from_secs(180);
    loop {
        let pods = program.run("get pods -o name", "").out;
        let extra: Vec<String> = state(&cluster).difference(&before).cloned().collect();
        if pods.is_empty() && extra.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "left: {pods}{extra:#?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What a cluster has on the machine: mounts, groups, links, rules, routes, processes and files.
fn state(cluster: &Cluster) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let name = cluster.name();
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).filter(|point| point.contains(name));
    found.extend(points.map(|point| format!("mount {point}")));
    for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"] {
        let groups = below(&Path::new(root).join(format!("hakata-{name}")), true);
        found.extend(groups.into_iter().map(|group| format!("group {}", group.display())));
    }
    for link in names(Path::new("/sys/class/net")).lines() {
        let alias = fs::read_to_string(format!("/sys/class/net/{link}/ifalias")).unwrap_or_default();
        if alias.contains(name) {
            found.insert(format!("link {link}"));
        }
    }
    for id in names(Path::new("/proc")).lines().filter(|id| id.parse::<u32>().is_ok()) {
        let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&words).contains(name) {
            found.insert(format!("process {id}"));
        }
    }
    found.extend(rules(name));
    for folder in ["/run/hakata", "/var/lib/hakata"] {
        let folder = Path::new(folder).join(name);
        // The store grows; layers and images stay, and so does the folder that the first pod's namespace came into.
        let is_of_pods = |path: &PathBuf| !["store", "images"].iter().any(|part| path.starts_with(folder.join(part)));
        let is_of_pods = |path: &PathBuf| is_of_pods(path) && *path != folder.join("netns");
        found.extend(
            below(&folder, false).into_iter().filter(is_of_pods).map(|path| format!("file {}", path.display())),
        );
    }
    found
}

/// Elements of the cluster's own tables.
fn rules(name: &str) -> Vec<String> {
    let nft = |arguments: &[&str]| {
        let output = Command::new("nft").args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    let tables = nft(&["list", "tables"]);
    let own = tables.lines().filter(|table| table.contains(name)).filter_map(|table| table.strip_prefix("table "));
    let listed = own.map(|table| nft(&[&["-s", "list", "table"], &table.split(' ').collect::<Vec<_>>()[..]].concat()));
    let text = listed.collect::<String>();
    let elements = text.lines().filter(|line| line.contains("elements") || line.contains(" : "));
    elements.map(|line| format!("rule {}", line.trim())).collect()
}

/// All paths below a folder, or its folders alone.
fn below(folder: &Path, only_folders: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder {
                left.push(entry.path());
            }
            if is_folder || !only_folders {
                found.push(entry.path());
            }
        }
    }
    found
}
