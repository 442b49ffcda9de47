//! The API server.

pub mod authn;
pub mod authz;
pub mod discovery;
pub mod lookup;
