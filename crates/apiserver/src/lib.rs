//! The API server: HTTP, authentication, authorisation and admission over the one table of resources.
//!
//! A request passes through these modules in this order: [`http`] (limits, negotiation) → [`request`] (what is asked of
//! which resource) → `authn` → `flow` (its turn) → `authz` → [`rest`] (the verb, written once for all resources) → `admission` → the store.
//! What a kind means stands in the crate `kinds`; nothing here knows a kind by name except the few whose answers need
//! the state of the cluster (addresses, quota, tokens).
//!
//! Deliberately absent: controllers (they are clients), and a second way to write an object.

pub mod admission;
pub mod aggregation;
pub mod audit;
pub mod authn;
pub mod authz;
mod counter;
pub mod custom;
pub mod discovery;
mod flow;
pub mod http;
pub mod kubelet_client;
pub mod lookup;
mod net;
mod node_metrics;
pub mod object_codec;
pub mod openapi;
pub mod plugins;
pub mod registry;
pub mod request;
pub mod rest;
pub mod server;
pub mod storage;
pub mod webhook;
