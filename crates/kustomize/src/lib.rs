//! kustomization.yaml to manifests, as kustomize 5.8 does it, in time that grows with the input and no faster.
//!
//! [`build`] reads a kustomization through a [`Host`] (files in memory for tests, the machine's own in real life) and
//! gives the resources and the warnings as values. Nothing here is global, prints, or ends the process.
//!
//! ```
//! use kustomize::{Memory, Options, build};
//!
//! let host = Memory::new([
//!     ("/app/kustomization.yaml", "namePrefix: my-\nresources: [service.yaml]\n"),
//!     ("/app/service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"),
//! ]);
//! let built = build(&host, "/app", &Options::default())?;
//! assert_eq!(built.to_yaml()?, "apiVersion: v1\nkind: Service\nmetadata:\n  name: my-web\n");
//! # Ok::<(), kustomize::Error>(())
//! ```
//!
//! How a build goes, from the files up: `node` (trees), `resource` and `resmap` (what the build knows about them),
//! `build` (kustomizations in kustomizations), `generate` and `transform` (the fields), `references` and `vars` (names
//! that changed), `order`. Comments of the input do not reach the output, here as in upstream.

mod build;
mod config;
mod decode;
pub mod edit;
mod error;
mod fieldspec;
mod generate;
mod hash;
mod host;
mod id;
mod kustomization;
mod loader;
mod merge;
mod node;
mod order;
mod path;
mod read;
mod references;
mod repo;
mod resmap;
mod resource;
mod schema;
mod selector;
mod transform;
mod vars;

pub use build::{Built, KUSTOMIZE_VERSION, Options, Order, build};
pub use error::{Error, Result};
pub use host::{Disk, FetchError, Host, Memory, Place, Program, Ran};
pub use id::{Gvk, ResId};
pub use kustomization::FILE_NAMES;
pub use node::{Content, Entry, Node, Style, Tag};
pub use repo::RepoSpec;
pub use resource::{Origin, Resource};
