//! The decisions of the node, as pure values: no files, no clock, no network, no tasks.
//!
//! [`model`] is what is seen, [`plan`] what to do about it, [`status`] what to tell of it; the rest are the rules of
//! single fields. What acts upon them stands beside this module.

pub(crate) mod model;
pub(crate) mod plan;
pub(crate) mod status;

pub(crate) mod admit;
pub(crate) mod backoff;
pub(crate) mod dns;
pub(crate) mod env;
pub(crate) mod expand;
pub(crate) mod fields;
pub(crate) mod image;
pub(crate) mod log;
pub(crate) mod names;
pub(crate) mod probe;
pub(crate) mod qos;
pub(crate) mod resources;
pub(crate) mod restart;
pub(crate) mod security;
