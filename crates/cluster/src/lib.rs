//! Puts the parts together.

pub mod pki;
