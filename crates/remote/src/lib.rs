//! What goes on inside pods, from afar: logs, commands, ports and files, against any cluster and in kubectl's words.
//!
//! [`target`] finds the pod and container that a word means; [`logs`], [`command`], [`forward`] and [`copy`] are the
//! verbs, over WebSocket as kubectl speaks it since 1.31. Deliberately absent: the command line (that is the binary's),
//! connections (crate `connect`), and SPDY without WebSocket, which servers before 1.31 need for port-forward.

pub mod command;
pub mod copy;
mod error;
pub mod forward;
pub mod logs;
mod socket;
pub mod target;
pub mod terminal;

pub use error::{Error, Result};
