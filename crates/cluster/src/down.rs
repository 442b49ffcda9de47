//! Stops a named cluster and removes what it made on the machine, also what a crash left behind.
//!
//! Order: the server first, so that nobody makes new things, then pods, then their network, groups and folders. Each
//! step is fine with nothing to do, so that a second `down` finishes what a first one could not.

use crate::instance;
use crate::kubeconfig::home::{FileError, Home};
use crate::place::Place;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the server may take to drain.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often to look whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which cluster.
    pub place: Place,
    /// Remove its data too.
    pub delete: bool,
    /// The kubeconfig file that loses the context; `None` leaves them all alone.
    pub home: Option<Home>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A server ran, and was stopped.
    pub stopped: bool,
    /// How many pods were removed.
    pub pods: usize,
    /// Data was removed.
    pub deleted: bool,
}

/// Why something is left.
#[derive(Debug, thiserror::Error)]
pub enum DownError {
    /// The process cannot be told to stop.
    #[error("cannot stop the server, which is process {pid}")]
    Signal {
        /// Which.
        pid: u32,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A server holds the folder, but has not said who it is.
    #[error("a server is starting on {folder}; wait until it is ready, then try again")]
    Starting {
        /// Which folder.
        folder: PathBuf,
    },
    /// The server ignores even SIGKILL.
    #[error("the server, process {pid}, does not end; it hangs in the kernel (see /proc/{pid}/stack)")]
    Stuck {
        /// Which.
        pid: u32,
    },
    /// The pod network stays.
    #[error("cannot remove the pod network")]
    Network(#[from] network::PodNetworkError),
    /// Control groups stay.
    #[error("cannot remove the control groups")]
    Groups(#[from] cgroup::Error),
    /// A folder stays.
    #[error("cannot remove {path}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The kubeconfig keeps the context.
    #[error(transparent)]
    Kubeconfig(#[from] FileError),
}

/// Stops the cluster and cleans up after it.
pub async fn down(request: &Request) -> Result<Report, DownError> {
    let place = &request.place;
    let stopped = stop(place).await?;
    let mut report = Report { stopped, ..Report::default() };
    remove_groups(place)?;
    remove_folder(place.run())?;
    if let Some(home) = &request.home {
        home.remove(&place.context())?;
    }
    if request.delete {
        report.deleted = place.data().exists();
        remove_folder(place.data())?;
    }
    Ok(report)
}

/// Tells the server to drain, and ends it if it does not.
async fn stop(place: &Place) -> Result<bool, DownError> {
    let folder = place.data();
    if !instance::is_taken(folder) {
        return Ok(false);
    }
    let Some(running) = instance::running(folder) else {
        return Err(DownError::Starting { folder: folder.to_owned() });
    };
    let failed = |source| DownError::Signal { pid: running.pid, source };
    signal(running.pid, Signal::TERM).map_err(failed)?;
    if gone(folder, PATIENCE).await {
        return Ok(true);
    }
    signal(running.pid, Signal::KILL).map_err(failed)?;
    if gone(folder, PATIENCE).await { Ok(true) } else { Err(DownError::Stuck { pid: running.pid }) }
}

/// A process that has ended meanwhile is fine.
fn signal(pid: u32, signal: Signal) -> io::Result<()> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
    let sent = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => pidfd_send_signal(&handle, signal),
        Err(rustix::io::Errno::NOSYS) => kill_process(pid, signal),
        Err(error) => Err(error),
    };
    match sent {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        other => other.map_err(io::Error::from),
    }
}

async fn gone(folder: &Path, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while instance::is_taken(folder) {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    true
}

fn remove_groups(place: &Place) -> Result<(), DownError> {
    let Ok(hierarchy) = cgroup::Hierarchy::detect() else { return Ok(()) };
    let group = hierarchy.group(&place.cgroup());
    if group.exists() {
        group.kill()?;
        group.remove()?;
    }
    Ok(())
}

fn remove_folder(path: &Path) -> Result<(), DownError> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(DownError::Folder { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
