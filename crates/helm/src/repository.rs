//! Where charts come from: the dependencies of a chart, repositories and registries.

pub mod config;
mod credentials;
pub mod fetch;
pub mod getters;
mod http;
pub mod hub;
pub mod index;
mod locking;
mod manager;
pub mod oci;
mod places;
pub mod search;
mod status;

use std::path::PathBuf;

use crate::Error;
use config::Entry;
use oci::Access;

pub(crate) use http::words::broken;
pub use locking::digest;
pub use manager::{build, update};
pub(crate) use oci::pull_plugin;
pub use places::Places;
pub use status::list;

/// Gets what is served under an address.
pub(crate) fn get(url: &str, entry: &Entry) -> Result<Vec<u8>, Error> {
    http::block(http::get(url, entry))
}

/// How repositories are asked.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Helm's files.
    pub places: Places,
    /// Indexes that are kept will do.
    pub skip_refresh: bool,
    /// For registries.
    pub access: Access,
    /// What is fetched has to be signed, or need not be.
    pub verifying: Verifying,
}

/// Whether charts are fetched with their signatures, and by which keys those are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verifying {
    /// Signatures are left alone.
    #[default]
    Never,
    /// A chart that has no signature is taken with a warning; a wrong signature is refused.
    Possible(PathBuf),
    /// A chart without a signature is refused.
    Always(PathBuf),
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            places: Places::of_environment(),
            skip_refresh: false,
            access: Access::default(),
            verifying: Verifying::Never,
        }
    }
}
