//! What the network of a node is made of: an address and a link for each pod, Services, and names for them.
//!
//! [`PodNetwork`] gives pods their network namespaces, links and addresses. It speaks netlink itself: there is no plug-in,
//! and neither `ip` nor `nft` is needed. What it makes carries the cluster's name or a hash of it, so that several
//! clusters live on one machine, and everything can be found again after a crash and taken away at the end.
//! Which ranges of addresses a new cluster may take is decided by [`ranges::free`].
//!
//! [`services::run`] makes Services work and [`dns::run`] gives them names, from what the API server says through a
//! client. [`policies::run`] enforces NetworkPolicies.
//!
//! Deliberately absent: CNI, bridges, overlays. Pods are routed; another machine's pods will be one more route.

pub mod dns;
mod follow;
mod model;
mod namespace;
mod netlink;
pub mod obstacles;
mod pods;
pub mod policies;
pub mod ranges;
pub mod services;

pub use namespace::{NamespaceError, connect_within};
pub use netlink::NetlinkError;
pub use pods::{Attached, Config, HostPort, PodNetwork, PodNetworkError, Protocol};
