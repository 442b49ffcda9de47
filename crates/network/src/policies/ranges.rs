//! Sets of IPv4 addresses as sorted ranges that neither touch nor overlap: what a set of ranges in the kernel holds.

use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// First and last addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, address: Ipv4Addr) {
        self.0.push((address.into(), address.into()));
    }

    /// A network without some of its parts.
    pub(super) fn add_without(&mut self, network: Ipv4Net, mut without: Vec<Ipv4Net>) {
        without.sort();
        let (mut next, last) = (u64::from(u32::from(network.network())), u64::from(u32::from(network.broadcast())));
        for hole in without {
            let (from, to) = (u64::from(u32::from(hole.network())), u64::from(u32::from(hole.broadcast())));
            if to < next || from > last {
                continue;
            }
            self.push(next, from.saturating_sub(1).min(last), from > next);
            next = next.max(to + 1);
        }
        self.push(next, last, next <= last);
    }

    fn push(&mut self, from: u64, to: u64, really: bool) {
        if let (true, Ok(from), Ok(to)) = (really, u32::try_from(from), u32::try_from(to)) {
            self.0.push((from, to));
        }
    }

    /// Sorts and joins; to be called before anything is read.
    pub(super) fn settle(mut self) -> Self {
        self.0.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::with_capacity(self.0.len());
        for (from, to) in self.0 {
            match joined.last_mut() {
                Some((_, last)) if u64::from(from) <= u64::from(*last) + 1 => *last = (*last).max(to),
                _ => joined.push((from, to)),
            }
        }
        Self(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, without: &[&str], expected: &[(&str, &str)]) {
        let mut ranges = Ranges::default();
        ranges.add_without(network.parse().unwrap(), without.iter().map(|hole| hole.parse().unwrap()).collect());
        let found: Vec<_> = ranges
            .settle()
            .iter()
            .map(|(a, b)| (Ipv4Addr::from(a).to_string(), Ipv4Addr::from(b).to_string()))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn holes_are_left_out() {
        check("10.0.0.0/24", &[], &[("10.0.0.0", "10.0.0.255")]);
        check("10.0.0.0/24", &["10.0.0.0/25"], &[("10.0.0.128", "10.0.0.255")]);
        check(
            "10.0.0.0/24",
            &["10.0.0.8/32", "10.0.0.4/31"],
            &[("10.0.0.0", "10.0.0.3"), ("10.0.0.6", "10.0.0.7"), ("10.0.0.9", "10.0.0.255")],
        );
        check("10.0.0.0/24", &["10.0.0.0/24"], &[]);
        check("10.0.0.0/24", &["10.0.0.0/16", "10.0.0.1/32"], &[]);
        check("10.0.0.0/24", &["10.1.0.0/16", "9.0.0.0/8"], &[("10.0.0.0", "10.0.0.255")]);
        check("0.0.0.0/0", &["255.255.255.255/32"], &[("0.0.0.0", "255.255.255.254")]);
        check("0.0.0.0/0", &[], &[("0.0.0.0", "255.255.255.255")]);
    }

    #[test]
    fn neighbours_are_joined() {
        let mut ranges = Ranges::default();
        for last in [3, 1, 2, 9, 9] {
            ranges.add(Ipv4Addr::new(10, 0, 0, last));
        }
        assert_eq!(ranges.settle().iter().count(), 2);
    }
}
