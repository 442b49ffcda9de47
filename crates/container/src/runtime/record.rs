//! What outlives the server: the record of a pod and of a container, in their folders.

use crate::config::{ContainerConfig, PodConfig};
use crate::error::Error;
use crate::shim::EXIT_RECORD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A pod's record in its folder.
pub(super) const POD: &str = "pod.json";
/// A container's record in its folder.
pub(super) const CONTAINER: &str = "container.json";
/// What became of a container's start, in its folder.
pub(super) const START: &str = "start.json";

/// A pod, as it was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PodRecord {
    pub(super) config: PodConfig,
    pub(super) created_at: SystemTime,
    pub(super) shim: u32,
    /// The first process of a shared process namespace.
    pub(super) pause: Option<u32>,
}

/// A container, as it was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ContainerRecord {
    pub(super) config: ContainerConfig,
    pub(super) image_id: String,
    pub(super) created_at: SystemTime,
    pub(super) cgroup: String,
    pub(super) stop_signal: String,
}

/// What became of a start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StartRecord {
    pub(super) pid: u32,
    pub(super) at: SystemTime,
    /// Why it failed.
    pub(super) failure: Option<String>,
}

/// How a container ended, as the shim recorded it.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndRecord {
    pub(super) code: i32,
    pub(super) oom: bool,
    pub(super) at: SystemTime,
}

impl EndRecord {
    /// From the words that the shim writes and sends.
    pub(super) fn from_words(code: &str, oom: &str, nanos: &str) -> Option<EndRecord> {
        let nanos: u64 = nanos.parse().ok()?;
        Some(EndRecord {
            code: code.parse().ok()?,
            oom: oom == "1",
            at: SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos),
        })
    }

    /// From a container's folder, if it has ended.
    pub(super) fn read(folder: &Path) -> Option<EndRecord> {
        let text = std::fs::read_to_string(folder.join(EXIT_RECORD)).ok()?;
        let mut words = text.split_whitespace();
        EndRecord::from_words(words.next()?, words.next()?, words.next()?)
    }
}

/// Writes a record; whoever reads it sees all of it or nothing.
pub(super) fn write(path: &Path, record: &impl Serialize) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::io("write", path, error);
    let text = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}

/// Reads a record, if there is a whole one.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}
