//! What a cluster's links, tables and folders are called. All of it follows from the cluster's name alone.

use ipnet::IpNet;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Names of one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    cluster: String,
    tag: String,
    group: u32,
}

impl Names {
    pub(crate) fn of(cluster: &str) -> Self {
        let digest = Sha256::digest(cluster.as_bytes());
        let tag = digest.iter().take(3).map(|byte| format!("{byte:02x}")).collect::<String>()[..5].to_owned();
        // Group 0 is everybody's, small ones are people's.
        let group = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) | 0x4000_0000;
        Self { cluster: cluster.to_owned(), tag, group }
    }

    /// The number of the group that all pods' links are in.
    pub(crate) fn group(&self) -> u32 {
        self.group
    }

    /// The group of links that are about to be deleted.
    pub(crate) fn leaving_group(&self) -> u32 {
        self.group ^ 0x2000_0000
    }

    /// The link that holds the cluster's own addresses.
    pub(crate) fn own_link(&self) -> String {
        format!("hk{}", self.tag)
    }

    /// What that link says about itself.
    pub(crate) fn own_alias(&self) -> String {
        format!("hakata {}", self.cluster)
    }

    /// How the names of all pods' links begin on the machine.
    pub(crate) fn link_prefix(&self) -> String {
        format!("hk{}-", self.tag)
    }

    /// The link of the pod with this address. Links have at most 15 characters.
    pub(crate) fn link(&self, range: IpNet, address: IpAddr) -> String {
        format!("{}{:x}", self.link_prefix(), position(range, address))
    }

    /// What a link says about itself in `ip link`.
    pub(crate) fn alias(&self, uid: &str) -> String {
        format!("hakata {} pod {uid}", self.cluster)
    }

    /// The table of the pod network.
    pub(crate) fn pod_table(&self) -> String {
        format!("hakata-{}", self.cluster)
    }

    /// The table of Services.
    pub(crate) fn service_table(&self) -> String {
        format!("hakata-{}-services", self.cluster)
    }

    /// The table of NetworkPolicies.
    pub(crate) fn policy_table(&self) -> String {
        format!("hakata-{}-policies", self.cluster)
    }
}

/// Whether a link was made by any cluster.
pub(super) fn is_ours(link: &str) -> bool {
    let Some((tag, rest)) = link.strip_prefix("hk").and_then(|rest| rest.split_at_checked(5)) else { return false };
    tag.bytes().all(|byte| byte.is_ascii_hexdigit()) && (rest.is_empty() || rest.starts_with('-'))
}

/// How far an address is into its range.
pub(crate) fn position(range: IpNet, address: IpAddr) -> u32 {
    match (range.network(), address) {
        (IpAddr::V4(first), IpAddr::V4(address)) => u32::from(address).wrapping_sub(u32::from(first)),
        (IpAddr::V6(first), IpAddr::V6(address)) => {
            u32::try_from(u128::from(address).wrapping_sub(u128::from(first))).unwrap_or(u32::MAX)
        }
        _ => u32::MAX,
    }
}

/// Where pods' namespaces are pinned.
pub(crate) fn namespaces(run: &Path) -> PathBuf {
    run.join("netns")
}

/// Where the pod network keeps its records.
pub(crate) fn records(run: &Path) -> PathBuf {
    run.join("network")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_cluster_and_fit() {
        let (one, two) = (Names::of("hakata"), Names::of("another"));
        assert_ne!(one.link_prefix(), two.link_prefix());
        assert_ne!(one.group(), two.group());
        let range: IpNet = "10.0.0.0/8".parse().unwrap();
        let last = one.link(range, "10.255.255.254".parse().unwrap());
        assert!(last.len() <= 15, "{last}");
        assert!(last.starts_with(&one.link_prefix()));
        assert!(is_ours(&last) && is_ours(&two.own_link()));
        assert!(!is_ours("eth0") && !is_ours("hkabcdefg") && !is_ours("hk1"));
    }
}
