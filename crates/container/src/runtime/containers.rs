//! Containers: made, started, stopped, removed.
//!
//! Making one prepares its files; its process comes with the start, so what is wrong with its command is an error of the
//! start, as with other runtimes, and its status then says `StartError` with exit code 128.

pub(super) mod bundle;

use super::link::Link;
use super::record::{self, ContainerRecord, EndRecord, StartRecord};
use super::{Container, Inner, Runtime, lock};
use crate::config::{ContainerConfig, Resources};
use crate::error::{Error, blocking};
use crate::status::{ContainerStatus, Event, State};
use crate::usage::{self, Usage};
use crate::{oci, rootfs};
use bundle::Program;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// What a start that failed leaves as an exit code.
const START_FAILED: i32 = 128;
/// The exit code of a container whose end nobody saw.
const UNKNOWN: i32 = 255;
/// After the last signal the kernel needs a moment; a process that is stuck in it for longer is an error.
const AFTER_KILL: Duration = Duration::from_secs(30);

impl Runtime {
    /// Makes a container in a pod: its file system, its record. It does not run yet.
    pub async fn create(&self, config: ContainerConfig) -> Result<String, Error> {
        let inner = self.inner.clone();
        let pod = inner.pod(&config.pod)?;
        if !pod.is_alive() || pod.stopping.load(Ordering::Acquire) {
            return Err(Error::PodLost { uid: config.pod });
        }
        let id = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        let folder = pod.folder.join(&id);
        let work = (inner.clone(), pod.clone(), id.clone());
        let record = blocking(move || {
            let (inner, pod, id) = work;
            let made = bundle::make(&inner, &pod, &id, config);
            if made.is_err() {
                let _the_first_error_counts = remove_files(&inner, &pod, &id);
            }
            made
        })
        .await?;
        let container = Container {
            status: watch::Sender::new(first_status(&id, &record)),
            id: id.clone(),
            record,
            pod,
            folder,
            turn: tokio::sync::Mutex::default(),
        };
        lock(&inner.containers).insert(id.clone(), Arc::new(container));
        Ok(id)
    }

    /// Starts a container, and returns when its program runs.
    pub async fn start(&self, id: &str) -> Result<(), Error> {
        let container = self.inner.container(id)?;
        let _turn = container.turn.lock().await;
        let state = container.status.borrow().state;
        if state != State::Created {
            return Err(Error::WrongState { id: id.to_owned(), state, verb: "start" });
        }
        if container.pod.stopping.load(Ordering::Acquire) {
            return Err(Error::PodLost { uid: container.record.config.pod.clone() });
        }
        let started = self.inner.start(&container).await;
        let record = match &started {
            Ok(pid) => StartRecord { pid: *pid, at: SystemTime::now(), failure: None },
            Err(error) => StartRecord { pid: 0, at: SystemTime::now(), failure: Some(error.to_string()) },
        };
        record::write(&container.folder.join(record::START), &record)?;
        container.status.send_modify(|status| apply_start(status, &record));
        let pod = container.record.config.pod.clone();
        match started {
            Ok(_) => {
                self.inner.tell(Event::Started { pod, id: id.to_owned() });
                Ok(())
            }
            Err(error) => {
                self.inner.tell(Event::Exited { pod, id: id.to_owned(), exit_code: START_FAILED, oom_killed: false });
                Err(error)
            }
        }
    }

    /// Asks a container to end, with a signal or its own, and kills it when it has not after a while.
    pub async fn stop(&self, id: &str, signal: Option<&str>, grace: Duration) -> Result<(), Error> {
        let container = self.inner.container(id)?;
        {
            let _turn = container.turn.lock().await;
            if container.status.borrow().state == State::Created {
                let record = StartRecord {
                    pid: 0,
                    at: SystemTime::now(),
                    failure: Some("stopped before it was started".into()),
                };
                container.status.send_modify(|status| apply_start(status, &record));
                return Ok(());
            }
        }
        if !grace.is_zero() {
            let number = signal_number(signal.unwrap_or(&container.record.stop_signal)).unwrap_or(libc::SIGTERM);
            self.inner.signal(&container, number).await?;
            if tokio::time::timeout(grace, ended(&container)).await.is_ok() {
                return Ok(());
            }
        }
        self.inner.signal(&container, libc::SIGKILL).await?;
        self.inner.kill_group(&container).await?;
        tokio::time::timeout(AFTER_KILL, ended(&container)).await.map(|_| ()).map_err(|_| Error::WrongState {
            id: id.to_owned(),
            state: State::Running,
            verb: "kill",
        })
    }

    /// Sends a signal (`SIGHUP`, `HUP`, `1`) to a container's first process.
    pub async fn kill(&self, id: &str, signal: &str) -> Result<(), Error> {
        let container = self.inner.container(id)?;
        let number = signal_number(signal).ok_or_else(|| Error::Config {
            name: container.record.config.name.clone(),
            message: format!("unknown signal {signal:?}"),
        })?;
        self.inner.signal(&container, number).await
    }

    /// Waits until a container has ended; its exit code.
    pub async fn wait(&self, id: &str) -> Result<i32, Error> {
        let container = self.inner.container(id)?;
        Ok(ended(&container).await)
    }

    /// Removes a container; one that runs is killed first. A missing one is no error.
    pub async fn remove(&self, id: &str) -> Result<(), Error> {
        let Ok(container) = self.inner.container(id) else { return Ok(()) };
        if container.status.borrow().state == State::Running {
            self.stop(id, None, Duration::ZERO).await?;
        }
        let _turn = container.turn.lock().await;
        if let Ok(link) = Link::to(&container.pod.folder) {
            let _gone = link.ask(&["forget", id], &[]).await;
        }
        let work = (self.inner.clone(), container.clone());
        blocking(move || {
            let (inner, container) = work;
            inner.groups.remove(&container.record.cgroup)?;
            remove_files(&inner, &container.pod, &container.id)
        })
        .await?;
        lock(&self.inner.containers).remove(id);
        Ok(())
    }

    /// Changes a container's limits; what is not said stays.
    pub async fn update(&self, id: &str, resources: Resources) -> Result<(), Error> {
        let container = self.inner.container(id)?;
        let _turn = container.turn.lock().await;
        let (groups, group) = (self.inner.groups.clone(), container.record.cgroup.clone());
        blocking(move || groups.update(&group, &resources)).await
    }

    /// What a container has written into its root file system.
    pub async fn usage(&self, id: &str) -> Result<Usage, Error> {
        let own = self.inner.own_files(&self.inner.container(id)?.id).join("upper");
        blocking(move || Ok(usage::of(&own))).await
    }

    /// Lets the shim open a container's log anew, after the old file was moved.
    pub async fn reopen_log(&self, id: &str) -> Result<(), Error> {
        let container = self.inner.container(id)?;
        self.inner.ask(&container, &["reopen", id]).await.map(|_| ())
    }
}

impl Inner {
    /// Lets the shim start it; its process.
    async fn start(&self, container: &Container) -> Result<u32, Error> {
        let config = &container.record.config;
        let program = Program::run(self, container)?;
        let folder = container.folder.to_string_lossy();
        let log = config.log_path.as_deref().map(|path| path.to_string_lossy()).unwrap_or_default();
        let oom_file = self.groups.oom_file(&container.record.cgroup);
        let oom_file = oom_file.to_string_lossy();
        let flags = bundle::flags(config);
        let console = bundle::console(&container.id);
        let mut words = vec!["start", &container.id, &folder, &log, &flags, &oom_file, &console];
        words.extend(program.words.iter().map(String::as_str));
        let packet = self.ask(container, &words).await?;
        if packet.word(0) != "ok" {
            let message = why(&container.folder.join(oci::ERROR), packet.word(2));
            return Err(Error::Start { id: container.id.clone(), message });
        }
        let pid = packet.number(1).unwrap_or(0);
        if let Some(then) = program.then {
            self.run_program(container, &then).await?;
        }
        Ok(pid)
    }

    /// Runs a step of an OCI runtime that leaves no process behind.
    async fn run_program(&self, container: &Container, words: &[String]) -> Result<(), Error> {
        let [program, _name, arguments @ ..] = words else { return Ok(()) };
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).stdin(std::process::Stdio::null()).kill_on_drop(true);
        let output = command.output().await.map_err(|error| Error::io("run", program, error))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let message = why(&container.folder.join(oci::ERROR), &said);
        Err(Error::Start { id: container.id.clone(), message })
    }

    pub(super) async fn ask(&self, container: &Container, words: &[&str]) -> Result<crate::wire::Packet, Error> {
        let lost = |_| Error::PodLost { uid: container.record.config.pod.clone() };
        Link::to(&container.pod.folder).map_err(lost)?.ask(words, &[]).await.map_err(lost)
    }

    /// Signals a container; one that has ended already is no error.
    async fn signal(&self, container: &Container, number: i32) -> Result<(), Error> {
        let number = number.to_string();
        match self.ask(container, &["kill", &container.id, &number]).await {
            // Nobody is left who could know; what runs in its group is killed by who removes it.
            Err(Error::PodLost { .. }) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Kills whatever is in a container's group.
    async fn kill_group(&self, container: &Container) -> Result<(), Error> {
        let (groups, group) = (self.groups.clone(), container.record.cgroup.clone());
        blocking(move || groups.kill(&group)).await
    }

    /// A container's end, told by the shim or found on record.
    pub(super) async fn ended(&self, container: &Container, end: EndRecord) {
        let _turn = container.turn.lock().await;
        if container.status.borrow().state == State::Exited {
            return;
        }
        // With a process namespace of its own, nothing outlived its first process; otherwise something may have.
        let shared = container.pod.record.pause.is_some() || container.pod.record.config.host_pid;
        if shared {
            self.kill_group(container).await.unwrap_or_else(|error| complain(&container.id, &error));
        }
        container.status.send_modify(|status| apply_end(status, &end));
        self.tell(Event::Exited {
            pod: container.record.config.pod.clone(),
            id: container.id.clone(),
            exit_code: end.code,
            oom_killed: end.oom,
        });
    }

    /// Ends a container whose shim is gone.
    pub(super) async fn lost(&self, container: &Container) {
        self.kill_group(container).await.unwrap_or_else(|error| complain(&container.id, &error));
        let end = EndRecord::read(&container.folder);
        match end {
            Some(end) => self.ended(container, end).await,
            None => {
                container.status.send_modify(apply_lost);
                self.tell(Event::Exited {
                    pod: container.record.config.pod.clone(),
                    id: container.id.clone(),
                    exit_code: UNKNOWN,
                    oom_killed: false,
                });
            }
        }
    }
}

pub(super) async fn ended(container: &Container) -> i32 {
    let mut status = container.status.subscribe();
    let ended = status.wait_for(|status| status.state == State::Exited).await;
    ended.ok().and_then(|status| status.exit_code).unwrap_or(UNKNOWN)
}

/// Nobody waits for this answer; whoever removes the container tries again.
fn complain(id: &str, error: &Error) {
    tracing::warn!(id, error = %error, "a container's processes could not all be killed");
}

/// What the OCI runtime left as its last word.
pub(super) fn why(file: &std::path::Path, otherwise: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let last = text.lines().last().unwrap_or("");
    // runc and crun write JSON lines.
    let message =
        serde_json::from_str::<value::Value>(last).ok().and_then(|line| line["msg"].as_str().map(str::to_owned));
    match message {
        Some(message) => message,
        None if !text.trim().is_empty() => text.trim().to_owned(),
        None if otherwise.is_empty() => "the OCI runtime failed without a word".to_owned(),
        None => otherwise.to_owned(),
    }
}

pub(super) fn first_status(id: &str, record: &ContainerRecord) -> ContainerStatus {
    ContainerStatus {
        id: id.to_owned(),
        config: record.config.clone(),
        image_id: record.image_id.clone(),
        state: State::Created,
        created_at: record.created_at,
        started_at: None,
        finished_at: None,
        pid: None,
        exit_code: None,
        oom_killed: false,
        reason: "",
        message: String::new(),
        cgroup: record.cgroup.clone(),
    }
}

pub(super) fn apply_start(status: &mut ContainerStatus, start: &StartRecord) {
    status.started_at = Some(start.at);
    match &start.failure {
        Some(message) => {
            status.state = State::Exited;
            status.finished_at = Some(start.at);
            status.exit_code = Some(START_FAILED);
            status.reason = "StartError";
            status.message.clone_from(message);
        }
        None if status.state == State::Created => {
            status.state = State::Running;
            status.pid = Some(start.pid);
        }
        None => {}
    }
}

pub(super) fn apply_end(status: &mut ContainerStatus, end: &EndRecord) {
    status.state = State::Exited;
    status.pid = None;
    // A start is known when the shim has told of it, which a short life may not wait for.
    status.started_at = Some(status.started_at.map_or(end.at, |started| started.min(end.at)));
    status.finished_at = Some(end.at);
    status.exit_code = Some(end.code);
    status.oom_killed = end.oom;
    status.reason = match end.code {
        _ if end.oom => "OOMKilled",
        0 => "Completed",
        _ => "Error",
    };
}

pub(super) fn apply_lost(status: &mut ContainerStatus) {
    status.state = State::Exited;
    status.pid = None;
    status.finished_at = Some(SystemTime::now());
    status.exit_code = Some(UNKNOWN);
    status.reason = "ContainerStatusUnknown";
    "The shim of its pod is gone; how the container ended is not known".clone_into(&mut status.message);
}

fn remove_files(inner: &Inner, pod: &super::Pod, id: &str) -> Result<(), Error> {
    let folder = pod.folder.join(id);
    rootfs::unmount(&folder.join(bundle::ROOTFS))?;
    rootfs::remove_folder(&folder)?;
    rootfs::remove_folder(&inner.own_files(id))
}

/// `SIGTERM`, `TERM` or `15`.
fn signal_number(name: &str) -> Option<i32> {
    if let Ok(number) = name.parse() {
        return (1..=64).contains(&number).then_some(number);
    }
    let upper = name.to_ascii_uppercase();
    let full = if upper.starts_with("SIG") { upper } else { format!("SIG{upper}") };
    match full.strip_prefix("SIGRTMIN+").map(str::parse::<i32>) {
        Some(Ok(above)) if (0..=30).contains(&above) => Some(34 + above),
        _ => full.parse::<nix::sys::signal::Signal>().ok().map(|signal| signal as i32),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn signals_have_names_and_numbers() {
        let check = |name, number| assert_eq!(super::signal_number(name), number, "{name}");
        check("SIGTERM", Some(15));
        check("quit", Some(3));
        check("9", Some(9));
        check("SIGRTMIN+3", Some(37));
        check("0", None);
        check("SIGNONE", None);
    }
}
