//! Containers on this machine: images, snapshots, the OCI runtime and the shim.
//!
//! [`Runtime`] has the shape of the container runtime interface: sandboxes and the containers in them. It is a view; the
//! processes belong to shims, one for each pod, which outlive the server (`shim`). Containers are made by libcontainer in
//! our own binary, started anew for it with one thread (`oci`), or by any OCI runtime program.
//!
//! Deliberately absent: networks (`network` makes the namespace that a pod joins), Kubernetes objects, and statistics.

mod cgroups;
pub mod config;
mod error;
pub mod images;
mod oci;
mod ready;
pub mod reexec;
pub mod registries;
mod rootfs;
mod runtime;
mod seccomp;
mod shim;
mod spec;
pub mod status;
mod usage;
mod wire;

pub use config::{Config, ContainerConfig, ExecConfig, PodConfig};
pub use error::Error;
pub use images::{ExportFormat, Image, ImageConfig, ImageError, Images, ImportOptions, Progress, Report};
pub use runtime::{Reader, Runtime, Session, Writer};
pub use status::{ContainerStatus, Event, PodStatus, State};
pub use usage::Usage;
