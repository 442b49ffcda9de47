//! The verbs, each written once for all resources.
//!
//! [`Call`] is one request about one resource. A verb reads its options, changes or reads objects through [`write`] or
//! the store's snapshot, and answers in the form that was agreed on.

mod addresses;
mod answer;
mod binding;
mod call;
mod component_status;
pub(crate) mod connect;
mod create;
mod custom;
mod decode;
mod delete;
mod delete_collection;
mod devices;
mod eviction;
mod get;
mod list;
mod metadata;
mod metrics;
mod options;
mod ownership;
mod patch;
mod patched_type;
pub(crate) mod raws;
mod reviews;
mod scale;
mod selection;
mod shown;
mod table;
mod text_patch;
mod update;
mod watch;
mod write;

pub(crate) use call::{Call, dispatch, method_not_allowed};
