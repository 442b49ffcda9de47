//! Puts the parts together.

pub mod config;
pub mod kubeconfig;
pub mod pki;
pub mod server;
