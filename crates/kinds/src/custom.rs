//! Custom resources: the entries of the registry that a definition makes.
//!
//! [`resources`] reads a definition and gives one [`Resource`] for each version that is served. What all versions share
//! (schemas, which one is stored, how objects go from one to another) is a [`Family`]. The rules stand in [`rules`], as
//! those of any kind.
//!
//! Deliberately absent: calling conversion webhooks, which is I/O; the server brings a [`Converter`].

mod columns;
mod definition;
mod family;
mod rules;
pub(crate) mod scale;
mod versions;

pub use columns::OwnColumn;
pub use definition::{Unservable, resources};
pub use family::{Converter, Family, Version};
pub use versions::compare as compare_versions;

use crate::resource::Text;
use std::sync::Arc;

/// What an entry of the registry has if a definition made it.
pub struct Custom {
    /// What it shares with the other versions.
    pub family: Arc<Family>,
    /// Which of the family's versions it is.
    pub version: usize,
    /// Kind of lists.
    pub list_kind: Text,
    /// Whether clients are told of it in discovery.
    pub established: bool,
    /// Whether its definition is being deleted: nothing new is made.
    pub terminating: bool,
    /// What clients of a deprecated version are told.
    pub deprecation: Option<String>,
    /// Columns of a table beside the name.
    pub columns: Vec<OwnColumn>,
    /// Fields by which objects can be selected: name, and where it stands.
    pub selectable: Vec<(String, jsonpath::Path)>,
    /// Where the replicas stand, if there is a scale.
    pub scale: Option<scale::Paths>,
    /// The schema as it was written, for documents.
    pub schema: Arc<object::Value>,
}

impl Custom {
    /// The version that it is.
    pub fn own(&self) -> &Version {
        &self.family.versions[self.version]
    }

    /// The version in which objects are stored.
    pub fn stored(&self) -> &Version {
        &self.family.versions[self.family.storage]
    }
}
