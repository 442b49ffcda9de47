//! The built-in resources: one table, and the rules of each kind.
//!
//! A [`Resource`] is one entry of the registry: names, scope, verbs, subresources, columns and its [`Strategy`]
//! (defaults, validation, what a client may change). A custom resource definition makes the same entry at run time.
//! Everything here is pure: values in, values and [`object::field::Errors`] out; no I/O, no clock of its own.
//!
//! Deliberately absent: what needs the state of the cluster (address allocation, quota, ownership); that is admission,
//! in `apiserver`.

mod admissionregistration;
mod amounts;
mod apiextensions;
mod apiregistration;
mod apps;
mod autoscaling;
mod batch;
pub mod binding;
mod certificates;
mod change;
mod checks;
pub mod columns;
mod coordination;
mod core;
pub mod custom;
mod devices;
mod discovery;
pub mod expressions;
mod flowcontrol;
pub mod metrics;
mod networking;
mod passing;
pub mod placement;
mod policy;
mod rbac;
mod resource;
pub mod role_aggregation;
mod runtimeclass;
pub mod scale;
mod scheduling;
mod storage;
mod strategy;
mod table;
mod template;
pub mod usage;
mod webhook_client;

pub use crate::apiextensions::{CLEANUP, has_bad_bundle, set_condition};
pub use crate::batch::cron;
pub use crate::certificates::request as certificate_request;
pub use crate::core::pod::{bind, container_of, node_of, validate_binding, validate_log_options};
pub use crate::core::service::allocation as service_allocation;
pub use resource::{ColumnView, Conversion, Resource, Scope, StoredAs, Subresource, Verbs};
pub use strategy::{Column, Plain, Request, Strategy, UserInfo};
pub use table::builtin;
