//! Firewalls of the machine that stand in the way: chains of others that drop what is forwarded.
//!
//! A packet has to pass everybody's chains, so nothing of ours can overrule them; all we can do is say so. Rules of
//! `iptables-legacy` cannot be seen this way.

use crate::namespace::{self, NamespaceError};
use crate::netlink::{NetlinkError, Socket, nft};
use std::fmt;
use std::path::Path;

/// A chain that drops what is forwarded, unless a rule in it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// `ip` or `inet`.
    pub family: &'static str,
    /// The chain's table.
    pub table: String,
    /// Its name.
    pub chain: String,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, table, chain } = self;
        write!(
            f,
            "the firewall's chain `{family} {table} {chain}` drops what is forwarded, so pods may not reach each other; \
             let their links through, for example with `nft insert rule {family} {table} {chain} iifname \"hk*\" accept` \
             and `nft insert rule {family} {table} {chain} oifname \"hk*\" accept`"
        )
    }
}

/// The machine could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ObstaclesError {
    /// The kernel said no.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
}

/// Chains in the way, seen from the network namespace that counts as the machine's.
pub fn find(host: Option<&Path>) -> Result<Vec<Obstacle>, ObstaclesError> {
    let mut socket = namespace::within(host, || Ok::<_, ObstaclesError>(Socket::netfilter()?))?;
    let mut found = Vec::new();
    for (family, name) in [(nft::IPV4, "ip"), (nft::INET, "inet")] {
        let chains = socket.dropping_chains(family, nft::FORWARD)?;
        found.extend(chains.into_iter().map(|(table, chain)| Obstacle { family: name, table, chain }));
    }
    Ok(found)
}
