//! SPDY/3.1 as far as Kubernetes uses it: streams that the client opens, each with headers, over one connection.
//!
//! `frame` and `headers` are the codec and do no I/O; `connection` runs a connection with them.

pub(crate) mod connection;
mod dictionary;
pub mod frame;
pub mod headers;
