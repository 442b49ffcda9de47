//! Commands and port forwarding over real sockets, with clients that speak the protocols by hand.

#![allow(clippy::unwrap_used, reason = "these are tests, and so are their helpers")]

mod command;
mod forward;
mod world;
