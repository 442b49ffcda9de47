//! What the runtime has of a pod, in the node's own terms; and the messages that containers leave behind.

use crate::core::model::{ContainerState, Exit, PodState, Run, Sandbox, User};
use container::{ContainerStatus, Runtime, State};
use k8s_openapi::jiff::Timestamp;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

/// Annotations of containers and sandboxes in the runtime: what must outlive the node's memory.
pub(crate) mod notes {
    /// How many sandboxes the pod had before.
    pub(crate) const ATTEMPT: &str = "hakata/attempt";
    /// Seconds that its containers may take to end.
    pub(crate) const GRACE: &str = "hakata/grace";
    /// The image as the spec names it.
    pub(crate) const IMAGE: &str = "hakata/image";
    /// The image as its content names it.
    pub(crate) const IMAGE_REF: &str = "hakata/image-ref";
    /// The spec's hash.
    pub(crate) const HASH: &str = "io.kubernetes.container.hash";
    /// Where the container leaves its last message.
    pub(crate) const MESSAGE_PATH: &str = "io.kubernetes.container.terminationMessagePath";
    /// Whether its log stands in for the message.
    pub(crate) const MESSAGE_POLICY: &str = "io.kubernetes.container.terminationMessagePolicy";
    /// The pod's name.
    pub(crate) const POD_NAME: &str = "io.kubernetes.pod.name";
    /// The pod's namespace.
    pub(crate) const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";
    /// The pod's uid.
    pub(crate) const POD_UID: &str = "io.kubernetes.pod.uid";
    /// The container's name.
    pub(crate) const CONTAINER: &str = "io.kubernetes.container.name";
}

/// Most bytes of a message.
const MESSAGE: u64 = 4096;
/// Most bytes of a log that stands in for one.
const FALLBACK: u64 = 2048;
/// Most lines of it.
const FALLBACK_LINES: usize = 80;

/// Looks at a pod. `addresses` are those that its network has.
pub(crate) fn pod(runtime: &Runtime, uid: &str, addresses: &[IpAddr]) -> PodState {
    let sandbox = runtime.pod(uid).ok().map(|status| Sandbox {
        ready: status.ready,
        attempt: status.config.annotations.get(notes::ATTEMPT).and_then(|text| text.parse().ok()).unwrap_or_default(),
    });
    let containers = runtime.list_of(uid);
    let mut state =
        PodState { sandbox, containers: containers.iter().map(container).collect(), addresses: addresses.to_vec() };
    state.sort();
    state
}

fn container(status: &ContainerStatus) -> ContainerState {
    let config = &status.config;
    let note = |name: &str| config.annotations.get(name).cloned().unwrap_or_default();
    let user = config.user.uid.map(|uid| User {
        uid: i64::from(uid),
        gid: i64::from(config.user.gid.unwrap_or_default()),
        groups: config.user.groups.iter().map(|group| i64::from(*group)).collect(),
    });
    ContainerState {
        id: status.id.clone(),
        name: config.name.clone(),
        attempt: config.attempt,
        created_at: timestamp(status.created_at),
        image: note(notes::IMAGE),
        image_ref: note(notes::IMAGE_REF),
        hash: note(notes::HASH),
        run: run(status),
        user,
    }
}

/// What a container is doing.
pub(crate) fn run(status: &ContainerStatus) -> Run {
    match status.state {
        State::Created => Run::Created,
        State::Running => Run::Running { started_at: status.started_at.map_or_else(Timestamp::now, timestamp) },
        State::Exited => {
            let code = status.exit_code.unwrap_or(crate::core::status::LOST);
            let message = message(status, code);
            Run::Exited(Exit {
                code,
                reason: status.reason.to_owned(),
                message: if message.is_empty() { status.message.clone() } else { message },
                started_at: status.started_at.map(timestamp),
                finished_at: status.finished_at.map(timestamp),
            })
        }
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or_default()
}

/// What a container left as its last message.
fn message(status: &ContainerStatus, code: i32) -> String {
    let config = &status.config;
    let path = config.annotations.get(notes::MESSAGE_PATH);
    let mount = path.and_then(|path| config.mounts.iter().find(|mount| mount.container_path == Path::new(path)));
    let text = mount.map(|mount| tail(&mount.host_path, MESSAGE)).unwrap_or_default();
    let falls_back =
        config.annotations.get(notes::MESSAGE_POLICY).is_some_and(|policy| policy == "FallbackToLogsOnError");
    match &config.log_path {
        Some(log) if text.is_empty() && falls_back && code != 0 => log_tail(log),
        _ => text,
    }
}

/// The end of a file.
fn tail(path: &Path, limit: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// The last lines of a log, without what the log adds to them.
fn log_tail(path: &Path) -> String {
    let raw = tail(path, FALLBACK * 8);
    let lines: Vec<&str> = raw.lines().filter_map(|line| line.splitn(4, ' ').nth(3)).collect();
    let mut text = lines[lines.len().saturating_sub(FALLBACK_LINES)..].join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    let over = text.len().saturating_sub(usize::try_from(FALLBACK).unwrap_or(usize::MAX));
    let start = (over..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text.split_off(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_stands_in_for_a_message() {
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("0.log");
        fs::write(&path, "2026-01-01T00:00:00Z stdout F one\n2026-01-01T00:00:00Z stderr F two words\n").unwrap();
        assert_eq!(log_tail(&path), "one\ntwo words\n");
        assert_eq!(log_tail(&world.path().join("none")), "");
    }

    #[test]
    fn only_the_end_of_a_long_message_counts() {
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("message");
        fs::write(&path, format!("begin{}", "x".repeat(5000))).unwrap();
        assert_eq!(tail(&path, MESSAGE), "x".repeat(4096));
    }
}
