//! Network namespaces: made and pinned to a path, entered by a thread of their own, given up.
//!
//! This is the one file of the crate with `unsafe` in it. A thread that has left its namespace never goes back to a
//! pool: it does one thing and ends.
#![expect(unsafe_code, reason = "leaving the process's network namespace has no safe call")]

use crate::netlink::{NetlinkError, Socket};
use rustix::mount::UnmountFlags;
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// The file system type of a pinned namespace.
const NSFS: u64 = 0x6e73_6673;

/// A network namespace could not be made, entered or given up.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// The file that pins it.
    #[error("cannot make {path}")]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Making one.
    #[error("cannot make a network namespace; that takes root (CAP_SYS_ADMIN)")]
    Unshare(#[source] io::Error),
    /// Pinning one.
    #[error("cannot mount a network namespace on {path}")]
    Mount {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Entering one.
    #[error("cannot enter the network namespace {path}")]
    Enter {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Giving one up.
    #[error("cannot give up the network namespace {path}")]
    Remove {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The thread that should have done it.
    #[error("cannot start a thread for a network namespace")]
    Thread(#[source] io::Error),
    /// Connecting from inside.
    #[error("cannot connect to {address} inside the network namespace {path}")]
    Connect {
        /// Which.
        path: PathBuf,
        /// Where to.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Speaking with the kernel inside it.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
}

/// A new network namespace, open, and a socket that speaks with the kernel inside it.
pub(crate) struct Fresh {
    pub(crate) file: File,
    pub(crate) socket: Socket,
}

/// Makes a network namespace and pins it to `path`, with `prepare` run inside.
pub(crate) fn create(path: &Path, prepare: fn()) -> Result<Fresh, NamespaceError> {
    let failed = |source| NamespaceError::File { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    File::create(path).map_err(failed)?;
    let socket = on_a_thread(|| {
        // WHY UNSAFE: there is no safe way to give one thread a new network namespace.
        // SAFETY: the thread is ours alone and ends with this closure; NEWNET touches neither memory nor descriptors.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }
            .map_err(|errno| NamespaceError::Unshare(errno.into()))?;
        rustix::mount::mount_bind("/proc/thread-self/ns/net", path)
            .map_err(|errno| NamespaceError::Mount { path: path.to_owned(), source: errno.into() })?;
        prepare();
        Ok::<_, NamespaceError>(Socket::route()?)
    })?;
    let file = File::open(path).map_err(failed)?;
    Ok(Fresh { file, socket })
}

/// Moves this thread into a namespace, for good.
pub(crate) fn enter(path: &Path) -> Result<(), NamespaceError> {
    let failed = |source| NamespaceError::Enter { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    rustix::thread::move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|errno| failed(errno.into()))
}

/// Whether a namespace is pinned there.
pub(crate) fn exists(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|kind| kind == NSFS))
}

/// Unpins a namespace; it ends with its last process. Nothing there is fine.
pub(crate) fn remove(path: &Path) -> Result<(), NamespaceError> {
    let failed = |source| NamespaceError::Remove { path: path.to_owned(), source };
    while exists(path) {
        rustix::mount::unmount(path, UnmountFlags::DETACH).map_err(|errno| failed(errno.into()))?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Does something as seen from a network namespace; without one, from that of this process.
pub(crate) fn within<T, E>(path: Option<&Path>, body: impl FnOnce() -> Result<T, E> + Send) -> Result<T, E>
where
    T: Send,
    E: From<NamespaceError> + Send,
{
    let Some(path) = path else { return body() };
    on_a_thread(|| {
        enter(path)?;
        body()
    })
}

/// Connects to an address as seen from inside a network namespace, such as a pod's 127.0.0.1.
pub async fn connect_within(path: &Path, address: SocketAddr) -> Result<tokio::net::TcpStream, NamespaceError> {
    let here = path.to_owned();
    let failed = |source| NamespaceError::Connect { path: path.to_owned(), address, source };
    let socket = tokio::task::spawn_blocking(move || {
        on_a_thread(|| {
            enter(&here)?;
            // A socket belongs to the namespace of the thread that makes it.
            let made =
                if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() };
            made.map_err(|source| NamespaceError::Connect { path: here.clone(), address, source })
        })
    });
    let socket = socket.await.map_err(|error| NamespaceError::Thread(io::Error::other(error)))??;
    socket.connect(address).await.map_err(failed)
}

/// Runs something on a thread of its own, which ends with it.
fn on_a_thread<T, E>(body: impl FnOnce() -> Result<T, E> + Send) -> Result<T, E>
where
    T: Send,
    E: From<NamespaceError> + Send,
{
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("network-namespace".to_owned());
        let thread = thread.spawn_scoped(scope, body).map_err(NamespaceError::Thread)?;
        let panicked = |_| Err(NamespaceError::Thread(io::Error::other("the thread panicked")).into());
        thread.join().unwrap_or_else(panicked)
    })
}
