//! OCI registries, spoken to as the distribution specification says: manifests, blobs and tags, and the tokens and
//! passwords that registries want for them.
//!
//! [`Registry`] is one registry, as one person. Which client carries the requests (its certificates, its proxies) is up
//! to the caller, and so are the files that credentials come from. What is in a manifest is nobody's business here.

mod answer;
mod blobs;
mod challenge;
mod digest;
mod error;
mod manifests;
mod reference;
mod registry;
mod scope;
mod tags;
mod token;

pub use digest::Digest;
pub use error::{Error, Reason};
pub use manifests::Manifest;
pub use reference::{BadReference, Reference};
pub use registry::{Credentials, Registry};
