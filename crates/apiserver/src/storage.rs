//! Objects in the store: their keys, and the facts kept beside their bytes.

mod facts;
mod keys;

pub use facts::Facts;
pub use keys::{key, prefix};
pub(crate) use keys::{key_of, prefix_of, prefix_of_group};

/// The store as the server uses it.
pub type ObjectStore = store::Store<Facts>;
/// A stored object.
pub type Entry = store::Entry<Facts>;
