//! The everyday verbs, one file each, against any cluster through a `kube::Client`: what kubectl prints for what it
//! covers here.
//!
//! [`Api`] sends requests and words errors as kubectl does; [`discovery`] finds out what a word like `deploy` means;
//! [`select`] turns arguments, files and selectors into objects; [`output`] prints them. Deliberately absent: the
//! command line (that is the binary's), connections (crate `connect`), and verbs that stream from nodes.

pub mod annotate;
mod api;
pub mod apply;
pub mod create;
pub mod delete;
pub mod describe;
pub mod diff;
pub mod discovery;
mod error;
pub mod events;
pub mod files;
pub mod get;
pub mod jsonpath;
pub mod output;
pub mod patch;
pub mod rollout;
pub mod scale;
pub mod select;
mod table;
mod text;
pub mod top;
pub mod wait;

pub use api::Api;
pub use error::{Error, Result};
