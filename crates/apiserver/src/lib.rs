//! The API server.

pub mod authn;
