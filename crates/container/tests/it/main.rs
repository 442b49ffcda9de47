//! Containers, as the node uses them: real ones, made from an image of Debian's busybox-static.
//!
//! Needs root; says `SKIPPED` otherwise. This program is its own shim and OCI runtime.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, and so are their helpers")]

container::reexec_in_tests!();

mod adoption;
mod fixture;
mod images;
mod isolation;
mod layers;
mod lifecycle;
mod registry;
mod sessions;
mod unified;
