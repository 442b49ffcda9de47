//! Names of containers without anybody to ask: container runtimes leave them in files.
//!
//! containerd and CRI-O write an OCI bundle for each container, whose annotations name pod and container; Docker keeps
//! a file of its own. Read when somebody wants a name, and kept, since a container's name does not change.

use super::{Owner, Owners, Sort};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The largest file that is believed to be a container's.
const LARGEST: u64 = 4 << 20;
/// Names that are kept.
const KEPT: usize = 20_000;
/// Annotations that name container, pod and namespace: those of containerd and of CRI-O.
const ANNOTATIONS: [[&str; 3]; 2] = [
    ["io.kubernetes.cri.container-name", "io.kubernetes.cri.sandbox-name", "io.kubernetes.cri.sandbox-namespace"],
    ["io.kubernetes.container.name", "io.kubernetes.pod.name", "io.kubernetes.pod.namespace"],
];

/// Reads names from the files of container runtimes.
#[derive(Debug)]
pub struct RuntimeFiles {
    root: PathBuf,
    known: Mutex<HashMap<String, Option<Owner>>>,
}

impl Default for RuntimeFiles {
    fn default() -> RuntimeFiles {
        RuntimeFiles::below(Path::new("/"))
    }
}

impl RuntimeFiles {
    /// Files below another root, for tests and for hosts that are mounted somewhere.
    pub fn below(root: &Path) -> RuntimeFiles {
        RuntimeFiles { root: root.to_owned(), known: Mutex::default() }
    }

    fn find(&self, id: &str) -> Option<Owner> {
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            return None;
        }
        self.docker(id).or_else(|| self.bundles(id).iter().find_map(|path| of_bundle(&load(path)?)))
    }

    fn docker(&self, id: &str) -> Option<Owner> {
        let config = load(&self.root.join("var/lib/docker/containers").join(id).join("config.v2.json"))?;
        let name = config["Name"].as_str()?.trim_start_matches('/').to_owned();
        Some(Owner { sort: Sort::Container, name, ..Owner::default() })
    }

    /// Where the bundle of a container may be.
    fn bundles(&self, id: &str) -> Vec<PathBuf> {
        let containerd = self.root.join("run/containerd/io.containerd.runtime.v2.task");
        let namespaces = fs::read_dir(containerd).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = namespaces.map(|entry| entry.path().join(id).join("config.json")).collect();
        for storage in ["run/containers/storage", "var/run/containers/storage"] {
            let folder = self.root.join(storage).join("overlay-containers").join(id);
            paths.push(folder.join("userdata/config.json"));
        }
        paths
    }
}

impl Owners for RuntimeFiles {
    fn pod(&self, _: &str) -> Option<Owner> {
        None
    }

    fn container(&self, id: &str, _: Option<&str>) -> Option<Owner> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = known.get(id) {
            return owner.clone();
        }
        if known.len() >= KEPT {
            known.clear();
        }
        let owner = self.find(id);
        known.insert(id.to_owned(), owner.clone());
        owner
    }
}

fn load(path: &Path) -> Option<Value> {
    let meta = fs::metadata(path).ok()?;
    let text = (meta.len() <= LARGEST).then(|| fs::read(path).ok())??;
    serde_json::from_slice(&text).ok()
}

fn of_bundle(config: &Value) -> Option<Owner> {
    let notes = &config["annotations"];
    let text = |name: &str| notes[name].as_str().map(str::to_owned);
    let of_pod = ANNOTATIONS.iter().find_map(|[name, pod, namespace]| {
        let (pod, namespace) = (text(pod)?, text(namespace)?);
        // The container that only holds a pod's namespaces has no name.
        let name = text(name).unwrap_or_else(|| "sandbox".to_owned());
        Some(Owner { sort: Sort::Container, namespace, pod, name, ..Owner::default() })
    });
    of_pod.or_else(|| {
        let name = text("nerdctl/name")
            .or_else(|| text("io.container.manager").and(config["hostname"].as_str().map(str::to_owned)))?;
        Some(Owner { sort: Sort::Container, name, ..Owner::default() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn write(root: &Path, path: &str, value: &Value) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
    }

    #[test]
    fn names_are_found_where_runtimes_leave_them() {
        let world = tempfile::tempdir().unwrap();
        write(world.path(), "var/lib/docker/containers/aaa/config.v2.json", &json!({"Name": "/web"}));
        let cri = json!({"annotations": {
            "io.kubernetes.cri.container-name": "app", "io.kubernetes.cri.sandbox-name": "cart-1",
            "io.kubernetes.cri.sandbox-namespace": "shop",
        }});
        write(world.path(), "run/containerd/io.containerd.runtime.v2.task/k8s.io/bbb/config.json", &cri);
        let crio = json!({"annotations": {"io.kubernetes.container.name": "db", "io.kubernetes.pod.name": "pg-0",
            "io.kubernetes.pod.namespace": "data"}});
        write(world.path(), "run/containers/storage/overlay-containers/ccc/userdata/config.json", &crio);
        let files = RuntimeFiles::below(world.path());
        let label = |id: &str| files.container(id, None).map(|owner| owner.label());
        assert_eq!(label("aaa").as_deref(), Some("web"));
        assert_eq!(label("bbb").as_deref(), Some("shop/cart-1/app"));
        assert_eq!(label("ccc").as_deref(), Some("data/pg-0/db"));
        assert_eq!(label("ddd"), None);
        assert_eq!(label("../aaa"), None);
    }
}
