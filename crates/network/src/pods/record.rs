//! What the pod network keeps on disk: a small file for each pod, and one with the cluster's ranges.
//!
//! The files lie in the run-time folder: they end with the machine's run, as links and namespaces do. A record is
//! written before anything is made, so that whatever exists in the kernel can be found.

use super::names::records;
use super::{HostPort, PodNetworkError};
use ipnet::IpNet;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

const RANGES: &str = "ranges.json";
const PODS: &str = "pods";

/// A pod's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pod {
    pub(super) address: IpAddr,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) host_ports: Vec<HostPort>,
}

/// Which addresses a cluster has on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ranges {
    pub(crate) cluster: String,
    pub(crate) pods: IpNet,
    pub(crate) services: IpNet,
}

/// The records of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Records {
    folder: PathBuf,
}

impl Records {
    pub(super) fn open(run: &Path) -> Result<Self, PodNetworkError> {
        let folder = records(run);
        fs::create_dir_all(folder.join(PODS)).map_err(|source| state(&folder, source))?;
        Ok(Self { folder })
    }

    pub(super) fn write_ranges(&self, ranges: &Ranges) -> Result<(), PodNetworkError> {
        write(&self.folder.join(RANGES), ranges)
    }

    pub(super) fn write(&self, uid: &str, pod: &Pod) -> Result<(), PodNetworkError> {
        write(&self.path(uid), pod)
    }

    pub(super) fn remove(&self, uid: &str) -> Result<(), PodNetworkError> {
        remove(&self.path(uid))
    }

    /// All pods. Files that hold nothing readable are thrown away: they were being written when the machine ended.
    pub(super) fn pods(&self) -> Result<BTreeMap<String, Pod>, PodNetworkError> {
        let folder = self.folder.join(PODS);
        let mut pods = BTreeMap::new();
        for entry in fs::read_dir(&folder).map_err(|source| state(&folder, source))?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            match (name.strip_suffix(".json"), read(&entry.path())) {
                (Some(uid), Some(pod)) => drop(pods.insert(uid.to_owned(), pod)),
                _ => remove(&entry.path())?,
            }
        }
        Ok(pods)
    }

    /// Removes the whole folder.
    pub(super) fn remove_all(&self) -> Result<(), PodNetworkError> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(state(&self.folder, error)),
            _ => Ok(()),
        }
    }

    fn path(&self, uid: &str) -> PathBuf {
        self.folder.join(PODS).join(format!("{uid}.json"))
    }
}

/// The ranges of the clusters whose run-time folders lie in `root`.
pub(crate) fn read_ranges(root: &Path) -> Vec<Ranges> {
    let folders = fs::read_dir(root).into_iter().flatten().flatten();
    folders.filter_map(|entry| read(&records(&entry.path()).join(RANGES))).collect()
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), PodNetworkError> {
    let bytes = serde_json::to_vec(value).map_err(|error| state(path, error.into()))?;
    let new = path.with_extension("new");
    fs::write(&new, bytes).and_then(|()| fs::rename(&new, path)).map_err(|source| state(path, source))
}

fn remove(path: &Path) -> Result<(), PodNetworkError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(state(path, error)),
        _ => Ok(()),
    }
}

fn state(path: &Path, source: io::Error) -> PodNetworkError {
    PodNetworkError::State { path: path.to_owned(), source }
}
