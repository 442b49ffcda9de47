//! Puts the parts together.

pub mod kubeconfig;
pub mod pki;
