//! Control groups: where they are on this machine, making and removing them, limits, statistics, pressure.
//!
//! A [`Hierarchy`] says how the kernel's control groups are mounted (v2, v1, or v1 with v2 beside it); a [`Group`] is
//! one group by its path below the roots, whatever the layout. On a hybrid host a group stands in every v1 controller
//! *and* in the v2 tree, since only that one has pressure files.
//!
//! Everything here is a file: no call needs a runtime, and none blocks but [`Group::kill`] and [`Group::remove`], which
//! wait for the kernel. Deliberately absent: which group a pod belongs to (the node knows), and devices (the OCI
//! runtime installs those filters).
//!
//! Sources: the kernel's `admin-guide/cgroup-v2.rst`, `admin-guide/cgroup-v1/` and `accounting/psi.rst`.

mod file;
mod group;
mod hierarchy;
mod pressure;
mod resources;
mod statistics;

pub use file::Error;
pub use group::Group;
pub use hierarchy::{Controller, DetectError, Hierarchy, Mode};
pub use pressure::{Line, Pressure, Resource};
pub use resources::{Resources, shares_from_milli_cpu, weight_from_shares};
pub use statistics::{Cpu, Io, Memory, Pids, Statistics};
