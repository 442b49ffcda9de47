//! End to end: a real server on a free port with a folder of its own, driven over TLS.
//!
//! With kube-rs (`clients`), with every real kubectl that is there (`kubectl`), and with recorded conversations of a
//! reference server (`conversations`). What is not on the machine is skipped, and says so.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, and so are their helpers")]

mod aggregation;
mod answers;
mod charts;
mod clients;
mod conversations;
mod credentials;
mod custom;
mod evictions;
mod flow;
mod guard;
mod hooks;
mod hostile;
mod keys;
mod kubectl;
mod kubelet;
mod negotiation;
mod network;
mod odd;
mod patches;
mod policies;
mod protobuf;
mod raws;
mod remote;
mod restart;
mod roles;
mod spelling;
mod subresources;
mod webhooks;
mod workloads;
mod world;
