//! Names of pods and containers without anybody to ask: container runtimes and kubelets leave them in files.
//!
//! containerd and CRI-O write an OCI bundle for each container, whose annotations name pod and container; Docker and
//! hakata keep files of their own. A kubelet names the folders of logs by namespace, pod and uid, and links to them by
//! container. Read when somebody wants a name, and kept, since a container's name does not change.

use super::{Owner, Owners, Sort};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use value::Value;

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
    /// By id of the container, or uid of the pod.
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

    fn find_pod(&self, uid: &str) -> Option<Owner> {
        let pod = |namespace: &str, pod: &str| Owner {
            sort: Sort::Pod,
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            ..Owner::default()
        };
        let of_hakata = self.of_hakata(&Path::new(uid).join("pod.json"));
        let of_hakata = of_hakata.and_then(|config| Some(pod(config["namespace"].as_str()?, config["name"].as_str()?)));
        let of_logs = || {
            names(&self.root.join("var/log/pods")).into_iter().find_map(|folder| {
                let (namespace, rest) = folder.split_once('_')?;
                let (name, own) = rest.rsplit_once('_')?;
                (own == uid).then(|| pod(namespace, name))
            })
        };
        of_hakata.or_else(of_logs)
    }

    fn find_container(&self, id: &str, pod_uid: Option<&str>) -> Option<Owner> {
        let of_bundles = || self.bundles(id).iter().find_map(|path| of_bundle(&load(path)?));
        let of_its_pod = || {
            let pod = self.pod(pod_uid?)?;
            let record = self.of_hakata(&Path::new(pod_uid?).join(id).join("container.json"));
            let name = record.and_then(|config| config["name"].as_str().map(str::to_owned));
            let name = name.or_else(|| self.linked(id)).unwrap_or_else(|| id[..id.len().min(12)].to_owned());
            Some(Owner { sort: Sort::Container, name, ..pod })
        };
        self.docker(id).or_else(of_bundles).or_else(of_its_pod)
    }

    /// What hakata has written of a pod or container in one of its clusters.
    fn of_hakata(&self, path: &Path) -> Option<Value> {
        let clusters = self.root.join("run/hakata");
        let record = |cluster: String| load(&clusters.join(cluster).join("containers").join(path));
        names(&clusters).into_iter().find_map(record).map(|mut record| record["config"].take())
    }

    /// The name in a link to a container's log, `POD_NAMESPACE_NAME-ID.log`.
    fn linked(&self, id: &str) -> Option<String> {
        let end = format!("-{id}.log");
        names(&self.root.join("var/log/containers")).iter().find_map(|link| {
            let (_, name) = link.strip_suffix(&end)?.rsplit_once('_')?;
            Some(name.to_owned())
        })
    }

    /// What is known of a key, or is found now.
    fn known(&self, key: &str, find: impl FnOnce() -> Option<Owner>) -> Option<Owner> {
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            return None;
        }
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = lock().get(key) {
            return owner.clone();
        }
        let owner = find();
        let mut known = lock();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key.to_owned(), owner.clone());
        owner
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
    fn pod(&self, uid: &str) -> Option<Owner> {
        self.known(uid, || self.find_pod(uid))
    }

    fn container(&self, id: &str, pod_uid: Option<&str>) -> Option<Owner> {
        self.known(id, || self.find_container(id, pod_uid))
    }
}

/// The names of what is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
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
    use value::json;

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

    #[test]
    fn names_are_found_where_kubelets_and_hakata_leave_them() {
        let world = tempfile::tempdir().unwrap();
        let (uid, own) = ("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "1f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
        fs::create_dir_all(world.path().join(format!("var/log/pods/shop_cart-1_{uid}/app"))).unwrap();
        write(world.path(), "var/log/containers/cart-1_shop_app-abc123.log", &json!({}));
        let folder = format!("run/hakata/team/containers/{own}");
        let pod = json!({"config": {"name": "db-0", "namespace": "data", "uid": own}});
        write(world.path(), &format!("{folder}/pod.json"), &pod);
        write(world.path(), &format!("{folder}/def456/container.json"), &json!({"config": {"name": "postgres"}}));
        let files = RuntimeFiles::below(world.path());
        let label = |owner: Option<Owner>| owner.map_or("nobody".to_owned(), |owner| owner.label());
        assert_eq!(label(files.pod(uid)), "shop/cart-1");
        assert_eq!(label(files.container("abc123", Some(uid))), "shop/cart-1/app");
        assert_eq!(label(files.container("0123456789abcdef", Some(uid))), "shop/cart-1/0123456789ab");
        assert_eq!(label(files.pod(own)), "data/db-0");
        assert_eq!(label(files.container("def456", Some(own))), "data/db-0/postgres");
        assert_eq!(label(files.pod("2f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")), "nobody");
        assert_eq!(label(files.container("abc123", Some("../x"))), "shop/cart-1/app");
        assert_eq!(label(files.container("unknown", Some("../x"))), "nobody");
    }
}
