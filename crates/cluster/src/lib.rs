//! Puts the parts together.

pub mod bootstrap;
pub mod config;
pub mod demo;
pub mod inprocess;
pub mod kubeconfig;
pub mod pki;
pub mod server;
pub mod snapshot;
