//! What can be wrong with the certificate folder, each with what to do about it.

use std::io;
use std::path::PathBuf;

/// Why the certificates of a cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder cannot be made or made private.
    #[error("cannot prepare the certificate folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is there and makes no sense.
    #[error(
        "{} is damaged: {why}; restore it from a backup, or remove the folder {} to start with new certificates \
         (every kubeconfig and token handed out before is void then)", path.display(), folder(path)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file that belongs to others which are there is not.
    #[error(
        "{} is missing, though {witness} beside it shows that it once was there; restore it from a backup, or remove \
         the folder {} to start with new certificates (every kubeconfig and token handed out before is void then)",
        path.display(), folder(path)
    )]
    Missing {
        /// The missing file.
        path: PathBuf,
        /// The file that shows that it was there.
        witness: &'static str,
    },
    /// An authority is valid only from a time that has not come.
    #[error(
        "{} is valid only from {from}, and the clock of this machine says {now}: set the clock", path.display()
    )]
    NotYetValid {
        /// The file.
        path: PathBuf,
        /// Start of its validity.
        from: String,
        /// What the clock says.
        now: String,
    },
    /// A certificate or key cannot be made.
    #[error("cannot make {what}")]
    Make {
        /// What was to be made.
        what: &'static str,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// A certificate cannot be served.
    #[error("cannot serve with the certificate of the API server")]
    Serve {
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

fn folder(path: &std::path::Path) -> String {
    path.parent().unwrap_or(path).display().to_string()
}
