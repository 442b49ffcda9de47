//! The server as one value: what all requests share ([`Core`]), the service that answers one request ([`ApiServer`]),
//! and the sockets ([`listen`]).

mod core;
mod documents;
mod health;
pub mod listen;
mod metrics;
mod oidc;
mod openapi;
mod service;
mod slis;
mod stall;
mod version;
mod zpages;

pub use core::{Config, Core};
pub use service::{ApiServer, Caller};
pub(crate) use version::MINOR;
pub use version::VERSION;
