//! HTTP around the verbs: bodies, content negotiation, answers.

pub(crate) mod annotations;
pub mod body;
pub mod compress;
pub mod media;
pub mod message;
pub mod respond;
pub(crate) mod warning;

pub use body::Body;
