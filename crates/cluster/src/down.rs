//! Stops a named cluster and removes what it made on the machine, also what a crash left behind.
//!
//! Order: the server first, so that nobody makes new things, then pods, then their network, groups and folders. Each
//! step is fine with nothing to do, so that a second `down` finishes what a first one could not.

use crate::choices;
use crate::instance;
use crate::kubeconfig::home::{FileError, Home};
use crate::node::{Ground, GroundError};
use crate::place::Place;
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
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
    /// Pods or their network stay.
    #[error("cannot remove all pods; try again")]
    Pods(#[from] GroundError),
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
    report.pods = clean(place).await?;
    if let Some(home) = &request.home {
        home.remove(&place.context())?;
    }
    if request.delete {
        report.deleted = place.data().exists();
        remove_folder(place.data())?;
    }
    Ok(report)
}

/// Removes what a cluster that does not run has left on the machine. How many pods there were.
pub(crate) async fn clean(place: &Place) -> Result<usize, DownError> {
    let mut pods = 0;
    if let Some((of_pods, of_services)) = choices::ranges(place.data()) {
        pods = Ground::left(place, of_pods, of_services).await?.remove_all().await?;
    }
    remove_groups(place)?;
    for folder in [place.run(), place.data()] {
        unmount_below(folder)?;
    }
    remove_folder(&place.data().join("pods"))?;
    remove_folder(place.run())?;
    Ok(pods)
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
        Err(Errno::NOSYS) => kill_process(pid, signal),
        Err(error) => Err(error),
    };
    match sent {
        Err(Errno::SRCH) => Ok(()),
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

/// Takes away what is mounted in a folder: volumes and namespaces of pods, the innermost first.
fn unmount_below(folder: &Path) -> Result<(), DownError> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    for point in mounts_below(&table, &folder) {
        match unmount(&point, UnmountFlags::DETACH) {
            Ok(()) | Err(Errno::INVAL | Errno::NOENT) => {}
            Err(error) => return Err(DownError::Folder { path: point, source: error.into() }),
        }
    }
    Ok(())
}

/// Mount points inside a folder in the text of a `mountinfo` file, the last mounted first.
fn mounts_below(table: &str, folder: &Path) -> Vec<PathBuf> {
    let points = table.lines().rev().filter_map(|line| line.split(' ').nth(4));
    points.map(PathBuf::from).filter(|point| point != folder && point.starts_with(folder)).collect()
}

fn remove_folder(path: &Path) -> Result<(), DownError> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(DownError::Folder { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mounts_come_first_and_others_are_left_alone() {
        let table = "\
30 1 0:1 / / rw - ext4 /dev/sda rw
31 30 0:2 / /d/a rw - tmpfs none rw
32 31 0:3 / /d/a/b rw - tmpfs none rw
33 30 0:4 / /data rw - tmpfs none rw
34 30 0:5 / /d rw - tmpfs none rw
";
        assert_eq!(mounts_below(table, Path::new("/d")), [PathBuf::from("/d/a/b"), PathBuf::from("/d/a")]);
    }
}
