//! Drives the network as root in network namespaces made for each test; nothing of the machine's own is touched.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed step is a failed test, and what is skipped must be said"
)]

mod api;
mod dns;
mod pods;
mod policies;
mod services;
mod world;
