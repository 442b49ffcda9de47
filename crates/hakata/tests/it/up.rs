//! A cluster's life from outside: `up`, `status`, `down`, and a machine that is afterwards as it was before.

use crate::program::hakata;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A cluster of the test's own, gone at its end whatever happened.
struct Cluster(String);

impl Cluster {
    /// `None`, and says so, where this machine cannot run a node.
    fn new(name: &str) -> Option<Cluster> {
        let missing = cluster::preflight::check();
        if missing.is_empty() {
            return Some(Cluster(format!("test-{name}-{}", std::process::id())));
        }
        for missing in missing {
            println!("SKIPPED: {}", missing.what);
        }
        None
    }

    fn up(&self) -> (Option<i32>, String, String) {
        hakata(&["up", &self.0, "--no-kubeconfig", "--timeout", "120"])
    }

    fn down(&self) -> (Option<i32>, String, String) {
        hakata(&["down", &self.0, "--no-kubeconfig", "--delete"])
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.down();
    }
}

/// What bears the cluster's name on this machine: links, namespaces, tables, mounts, groups, folders, processes.
fn traces(name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut look = |what: &str, text: String| {
        found.extend(text.lines().filter(|line| line.contains(name)).map(|line| format!("{what}: {line}")));
    };
    look("mount", fs::read_to_string("/proc/self/mountinfo").unwrap());
    for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory", "/run/hakata", "/var/lib/hakata"]
    {
        look(root, names(Path::new(root)));
    }
    for link in names(Path::new("/sys/class/net")).lines() {
        look("link", fs::read_to_string(format!("/sys/class/net/{link}/ifalias")).unwrap_or_default());
    }
    for process in names(Path::new("/proc")).lines().filter(|name| name.parse::<u32>().is_ok()) {
        let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        look("process", String::from_utf8_lossy(&words).replace('\0', " "));
    }
    let tables = std::process::Command::new("nft").args(["list", "tables"]).output();
    look("table", tables.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default());
    found
}

fn names(folder: &Path) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| format!("{}\n", entry.file_name().display())).collect()
}

#[test]
fn a_cluster_comes_up_is_seen_and_leaves_nothing() {
    let Some(cluster) = Cluster::new("life") else { return };
    let (code, out, errors) = cluster.up();
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(errors.contains("is ready"), "{errors}");
    let (code, out, _) = cluster.up();
    assert_eq!(code, Some(0));
    assert!(out.contains("is running already"), "{out}");

    let (code, out, errors) = hakata(&["status", &cluster.0, "-o", "json"]);
    let status: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &status["running"], &status["nodes"][0]["ready"]),
        (Some(0), &true.into(), &true.into()),
        "{out}{errors}"
    );
    assert!(!traces(&cluster.0).is_empty(), "a running cluster is seen");

    let (code, out, errors) = cluster.down();
    assert_eq!(code, Some(0), "{out}{errors}");
    assert_eq!(traces(&cluster.0), BTreeSet::new());
    let (code, out, _) = hakata(&["status", &cluster.0]);
    assert_eq!(code, Some(3), "{out}");
    let (code, out, _) = cluster.down();
    assert_eq!((code, out.contains("did not run")), (Some(0), true), "a second down has nothing to do: {out}");
}

#[test]
fn two_clusters_do_not_collide_and_a_killed_one_is_cleaned_up() {
    let (Some(one), Some(other)) = (Cluster::new("one"), Cluster::new("other")) else { return };
    for cluster in [&one, &other] {
        let (code, out, errors) = cluster.up();
        assert_eq!(code, Some(0), "{out}{errors}");
    }
    let description = |cluster: &Cluster| -> serde_json::Value {
        let path = format!("/var/lib/hakata/{}/server.json", cluster.0);
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let (first, second) = (description(&one), description(&other));
    for key in ["url", "clusterCidr", "serviceCidr", "pid"] {
        assert_ne!(first[key], second[key], "{key}");
    }
    let killed = std::process::Command::new("kill").args(["-9", &first["pid"].to_string()]).status().unwrap();
    assert!(killed.success());
    let (code, out, errors) = one.down();
    assert_eq!(code, Some(0), "{out}{errors}");
    assert_eq!(traces(&one.0), BTreeSet::new());
    let (code, out, _) = hakata(&["status", &other.0, "-o", "json"]);
    assert_eq!(code, Some(0), "the other one goes on: {out}");
}

#[test]
fn a_name_that_is_none_is_refused_before_anything_happens() {
    let (code, _, errors) = hakata(&["up", "Not_A_Name"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("cannot name a cluster"), "{errors}");
}
