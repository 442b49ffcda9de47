//! What is known of pods and containers: states, exit codes, events.

use crate::config::{ContainerConfig, PodConfig};
use std::time::SystemTime;

/// Where a container is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has its files, and no process yet.
    Created,
    /// It runs.
    Running,
    /// It has run.
    Exited,
}

/// A sandbox.
#[derive(Clone, Debug)]
pub struct PodStatus {
    /// What it was made from.
    pub config: PodConfig,
    /// When.
    pub created_at: SystemTime,
    /// Its shim is there. A pod that is not ready has to be stopped, removed, and made anew.
    pub ready: bool,
    /// The shim's process.
    pub shim: Option<u32>,
}

/// A container.
#[derive(Clone, Debug)]
pub struct ContainerStatus {
    /// Its id.
    pub id: String,
    /// What it was made from.
    pub config: ContainerConfig,
    /// The id of its image.
    pub image_id: String,
    /// Its state.
    pub state: State,
    /// When it was made.
    pub created_at: SystemTime,
    /// When it began to run.
    pub started_at: Option<SystemTime>,
    /// When it ended.
    pub finished_at: Option<SystemTime>,
    /// Its first process, while it runs.
    pub pid: Option<u32>,
    /// What it ended with; 128 and the signal's number if a signal ended it.
    pub exit_code: Option<i32>,
    /// It, or one of its processes, was killed because memory ran out.
    pub oom_killed: bool,
    /// `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerStatusUnknown`; empty while it has not ended.
    pub reason: &'static str,
    /// Why, where there is more to say.
    pub message: String,
    /// The control group, from the root of the hierarchy.
    pub cgroup: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A container runs.
    Started {
        /// The pod.
        pod: String,
        /// The container.
        id: String,
    },
    /// A container ended.
    Exited {
        /// The pod.
        pod: String,
        /// The container.
        id: String,
        /// What it ended with.
        exit_code: i32,
        /// Memory ran out.
        oom_killed: bool,
    },
    /// A pod's shim is gone, and with it its containers.
    PodLost {
        /// The pod.
        pod: String,
    },
}
