//! What can go wrong, as facts: the node turns them into upstream's reasons (`ErrImagePull`, `RunContainerError`, …).

use crate::images::ImageError;
use crate::status::State;
use std::io;
use std::path::PathBuf;

/// An error of the runtime.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such sandbox.
    #[error("there is no pod sandbox {uid}")]
    PodNotFound {
        /// The pod.
        uid: String,
    },
    /// There is no such container.
    #[error("there is no container {id}")]
    ContainerNotFound {
        /// The container.
        id: String,
    },
    /// The pod's shim does not answer: it was killed, or the machine started anew.
    #[error("the shim of pod {uid} is gone")]
    PodLost {
        /// The pod.
        uid: String,
    },
    /// The sandbox could not be made (`FailedCreatePodSandBox`).
    #[error("cannot make the sandbox of pod {uid}: {message}")]
    Sandbox {
        /// The pod.
        uid: String,
        /// What the shim said.
        message: String,
    },
    /// A RuntimeClass names a handler that is not configured.
    #[error("no runtime for {handler:?} is configured")]
    UnknownHandler {
        /// The handler.
        handler: String,
    },
    /// A value of the container's configuration cannot be (`CreateContainerConfigError`).
    #[error("container {name}: {message}")]
    Config {
        /// The container's name.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// The container cannot be started (`RunContainerError`); its status says so too, with exit code 128.
    #[error("failed to start container {id:?}: {message}")]
    Start {
        /// The container.
        id: String,
        /// What the OCI runtime said.
        message: String,
    },
    /// A process cannot be started in a container.
    #[error("failed to exec in container: {message}")]
    Exec {
        /// The container.
        id: String,
        /// What the OCI runtime said.
        message: String,
    },
    /// The container is in a state that does not allow it.
    #[error("container {id} is {state:?}: cannot {verb} it")]
    WrongState {
        /// The container.
        id: String,
        /// What it is.
        state: State,
        /// What was asked.
        verb: &'static str,
    },
    /// Images.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// There are no control groups on this machine.
    #[error("cannot find control groups")]
    NoGroups(#[source] cgroup::DetectError),
    /// Control groups.
    #[error(transparent)]
    Group(#[from] cgroup::Error),
    /// The kernel refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What we were doing.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A task of ours ended early.
    #[error("the work was cut off while the runtime shuts down")]
    Cancelled,
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Error {
        Error::Io { doing, path: path.into(), source: source.into() }
    }
}

/// Runs work that blocks beside the asynchronous tasks.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Cancelled)?
}
