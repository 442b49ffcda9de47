//! The node as a user sees it: pods in, statuses, logs and files out. With a real API server, real containers and a real
//! network.
//!
//! Needs root; says `SKIPPED` otherwise. This program is its own shim and OCI runtime.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, and so are their helpers")]

container::reexec_in_tests!();

mod lifecycle;
mod probes;
mod server;
mod settings;
mod volumes;
mod world;
