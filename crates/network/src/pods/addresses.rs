//! Gives out addresses of a range, each once. Pure; what is in use comes from the records.

use super::names::position;
use super::nth;
use ipnet::IpNet;
use std::collections::HashSet;
use std::net::IpAddr;

/// The network's own address and the gateway are nobody's.
const FIRST: u32 = 2;

/// The addresses of a range and which of them are in use.
#[derive(Debug)]
pub(super) struct Addresses {
    range: IpNet,
    last: u32,
    next: u32,
    used: HashSet<u32>,
}

impl Addresses {
    /// `None` if the range has no room for a pod.
    pub(super) fn new(range: IpNet) -> Option<Self> {
        let bits = u32::from(range.max_prefix_len() - range.prefix_len());
        // The last address of a range is its broadcast address.
        let last = 1_u32.checked_shl(bits.min(31)).unwrap_or(u32::MAX).saturating_sub(2);
        (last >= FIRST).then(|| Self { range, last, next: FIRST, used: HashSet::new() })
    }

    /// Marks an address as in use, and goes on behind it.
    pub(super) fn adopt(&mut self, address: IpAddr) {
        if self.range.contains(&address) {
            let position = position(self.range, address);
            self.used.insert(position);
            self.next = self.next.max(position + 1);
        }
    }

    /// The next free address. One that was given back is not given out again before all others were.
    pub(super) fn take(&mut self) -> Option<IpAddr> {
        let count = self.last - FIRST + 1;
        if self.used.len() >= count as usize {
            return None;
        }
        loop {
            if self.next > self.last {
                self.next = FIRST;
            }
            let candidate = self.next;
            self.next += 1;
            if self.used.insert(candidate) {
                return Some(nth(self.range, candidate));
            }
        }
    }

    pub(super) fn give_back(&mut self, address: IpAddr) {
        self.used.remove(&position(self.range, address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(range: &str) -> Addresses {
        Addresses::new(range.parse().unwrap()).unwrap()
    }

    #[test]
    fn gives_each_once_and_none_when_all_are_gone() {
        let mut addresses = addresses("10.42.0.0/29");
        let taken: Vec<String> = std::iter::from_fn(|| addresses.take()).map(|address| address.to_string()).collect();
        assert_eq!(taken, ["10.42.0.2", "10.42.0.3", "10.42.0.4", "10.42.0.5", "10.42.0.6"]);
        addresses.give_back("10.42.0.4".parse().unwrap());
        assert_eq!(addresses.take().unwrap().to_string(), "10.42.0.4");
        assert_eq!(addresses.take(), None);
    }

    #[test]
    fn does_not_hurry_to_give_out_again_what_came_back() {
        let mut addresses = addresses("10.42.0.0/16");
        let first = addresses.take().unwrap();
        addresses.give_back(first);
        assert_ne!(addresses.take().unwrap(), first);
    }

    #[test]
    fn goes_on_behind_what_it_adopts() {
        let mut addresses = addresses("10.42.0.0/16");
        addresses.adopt("10.42.1.0".parse().unwrap());
        addresses.adopt("192.0.2.1".parse().unwrap());
        assert_eq!(addresses.take().unwrap().to_string(), "10.42.1.1");
    }

    #[test]
    fn refuses_ranges_without_room() {
        assert!(Addresses::new("10.42.0.0/31".parse().unwrap()).is_none());
        assert!(Addresses::new("10.42.0.0/32".parse().unwrap()).is_none());
        assert!(Addresses::new("10.42.0.0/30".parse().unwrap()).is_some());
    }
}
