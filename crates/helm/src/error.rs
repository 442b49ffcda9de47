//! What can go wrong with a chart.

use std::io;
use std::path::{Path, PathBuf};

/// An error, by the step that failed. The words are Helm's.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The chart is not one, or contradicts itself.
    #[error("{0}")]
    Chart(String),
    /// The values given, or the chart's own, cannot be used.
    #[error("{0}")]
    Values(String),
    /// The templates failed.
    #[error("{0}")]
    Template(String),
    /// A template failed at a place that is known.
    #[error("{message}")]
    Execution {
        /// What went wrong, in Helm's words.
        message: String,
        /// The lines around the place, with their numbers.
        around: String,
    },
    /// What the templates made is not YAML, or not Kubernetes objects.
    #[error("{message}")]
    Manifest {
        /// What is wrong.
        message: String,
        /// All that was rendered, to look at.
        rendered: String,
    },
    /// A repository or registry did not answer as it should.
    #[error("{0}")]
    Repository(String),
    /// An archive is not what its provenance says, or nobody known says it.
    #[error("{0}")]
    Provenance(String),
    /// A plug-in is none, or failed.
    #[error("{0}")]
    Plugin(String),
    /// A release is not in the state the operation needs.
    #[error("{0}")]
    Release(String),
}

impl Error {
    /// An error of a file.
    pub fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { path: path.into(), source }
    }
}

/// Why a file could not be read, in Go's words.
pub(crate) fn of_file(path: impl AsRef<Path>, error: &io::Error) -> String {
    let doing = if error.kind() == io::ErrorKind::IsADirectory { "read" } else { "open" };
    let text = error.to_string();
    let why = text.split(" (os error").next().unwrap_or_default().to_lowercase();
    format!("{doing} {}: {why}", path.as_ref().display())
}
