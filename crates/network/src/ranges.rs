//! Which ranges of addresses a new cluster may take: the first pair that nobody on this machine uses.
//!
//! The choice is made once, when a cluster is made; who makes it keeps it with the cluster's data.

use crate::netlink::{NetlinkError, Socket};
use crate::pods::read_ranges;
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::Path;

/// Pods and Services of the first cluster; further ones take the following pairs.
const FIRST: u8 = 42;
const LAST: u8 = 252;

/// Ranges for pods and Services that no route of this machine and no cluster with a folder in `root` (`/run/hakata`)
/// uses. `taken` are further ranges to leave alone, such as those of clusters that are stopped.
pub fn free(root: &Path, taken: &[IpNet]) -> Result<(IpNet, IpNet), NetlinkError> {
    let mut used = taken.to_vec();
    used.extend(Socket::route()?.routes()?.into_iter().map(|route| route.to));
    used.extend(read_ranges(root).into_iter().flat_map(|ranges| [ranges.pods, ranges.services]));
    Ok(choose(&used))
}

/// The first pair that overlaps nothing; if there is none, the first pair of all.
fn choose(used: &[IpNet]) -> (IpNet, IpNet) {
    let pairs = (FIRST..=LAST).step_by(2).map(|second| (range(second), range(second + 1)));
    let free = |range: &IpNet| {
        // A default route covers everything and says nothing.
        used.iter().filter(|used| used.prefix_len() > 0).all(|used| !used.contains(range) && !range.contains(used))
    };
    pairs.clone().find(|(pods, services)| free(pods) && free(services)).unwrap_or((range(FIRST), range(FIRST + 1)))
}

fn range(second: u8) -> IpNet {
    IpNet::new(IpAddr::from([10, second, 0, 0]), 16).expect("16 bits are a prefix")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(used: &[&str], pods: &str) {
        let used: Vec<IpNet> = used.iter().map(|range| range.parse().unwrap()).collect();
        assert_eq!(choose(&used).0.to_string(), pods);
    }

    #[test]
    fn the_first_pair_that_overlaps_nothing() {
        check(&[], "10.42.0.0/16");
        check(&["0.0.0.0/0", "192.0.2.0/24"], "10.42.0.0/16");
        check(&["10.43.7.0/24"], "10.44.0.0/16");
        check(&["10.42.0.0/16", "10.43.0.0/16", "10.44.0.5/32"], "10.46.0.0/16");
        check(&["10.0.0.0/8"], "10.42.0.0/16");
    }
}
