//! Clusters of tests on this machine, and what they leave on it.

use crate::program::hakata;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A shell and its tools in one program that needs no libraries.
const BUSYBOX: &str = "/bin/busybox";

/// A cluster of the test's own, gone at its end whatever happened.
pub(crate) struct Cluster(String);

impl Cluster {
    /// `None`, and says so, where this machine cannot run a node.
    pub(crate) fn new(name: &str) -> Option<Cluster> {
        let missing = cluster::preflight::check();
        if missing.is_empty() {
            return Some(Cluster(format!("test-{name}-{}", std::process::id())));
        }
        for missing in missing {
            println!("SKIPPED: {}", missing.what);
        }
        None
    }

    pub(crate) fn up(&self) -> (Option<i32>, String, String) {
        hakata(&["up", &self.0, "--no-kubeconfig", "--timeout", "120"])
    }

    /// A running cluster that has the image `busybox:1`; `None`, and says so, where there can be none.
    pub(crate) fn with_busybox(name: &str) -> Option<Cluster> {
        if !is_static(Path::new(BUSYBOX)) {
            println!("SKIPPED: it needs a static busybox (Debian's busybox-static)");
            return None;
        }
        let cluster = Cluster::new(name)?;
        let (code, out, errors) = cluster.up();
        assert_eq!(code, Some(0), "{out}{errors}");
        let folder = tempfile::tempdir().unwrap();
        busybox(folder.path());
        let root = folder.path().to_str().unwrap();
        let (code, out, errors) =
            hakata(&["image", "import", root, "busybox:1", "--cmd", "sh", "--cluster", cluster.name()]);
        assert_eq!(code, Some(0), "{out}{errors}");
        Some(cluster)
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        format!("/var/lib/hakata/{}/kubeconfig", self.0).into()
    }

    /// The process of the server.
    pub(crate) fn server(&self) -> u32 {
        let path = format!("/var/lib/hakata/{}/server.json", self.0);
        let description: value::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        description["pid"].as_u64().unwrap().try_into().unwrap()
    }

    /// Runs one of our verbs against the cluster, and expects that it works; its output.
    #[track_caller]
    pub(crate) fn ours(&self, arguments: &[&str]) -> String {
        let kubeconfig = self.kubeconfig();
        let (code, out, errors) = hakata(&[arguments, &["--kubeconfig", kubeconfig.to_str().unwrap()]].concat());
        assert_eq!(code, Some(0), "hakata {arguments:?}: {out}{errors}");
        out
    }

    /// Applies the objects of a YAML text.
    #[track_caller]
    pub(crate) fn apply(&self, text: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("objects.yaml");
        fs::write(&file, text).unwrap();
        self.ours(&["apply", "-f", file.to_str().unwrap()]);
    }

    pub(crate) fn down(&self) -> (Option<i32>, String, String) {
        hakata(&["down", &self.0, "--no-kubeconfig", "--delete"])
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.down();
    }
}

/// What bears the cluster's name on this machine: links, namespaces, tables, mounts, groups, folders, processes.
pub(crate) fn traces(name: &str) -> BTreeSet<String> {
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
    let tables = Command::new("nft").args(["list", "tables"]).output();
    look("table", tables.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default());
    found
}

pub(crate) fn names(folder: &Path) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| format!("{}\n", entry.file_name().display())).collect()
}

fn is_static(program: &Path) -> bool {
    let bytes = fs::read(program).unwrap_or_default();
    !bytes.is_empty() && !bytes.windows(9).any(|part| part == b"/lib64/ld")
}

/// A root file system of busybox with all its applets.
fn busybox(root: &Path) {
    for below in ["bin", "etc", "tmp", "root"] {
        fs::create_dir_all(root.join(below)).unwrap();
    }
    fs::copy(BUSYBOX, root.join("bin/busybox")).unwrap();
    let list = Command::new(BUSYBOX).arg("--list").output().unwrap();
    for applet in String::from_utf8(list.stdout).unwrap().lines().filter(|applet| *applet != "busybox") {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
}
