//! Ranges of addresses, as flags and files name them: `10.43.0.0/16`.
//!
//! IPv4 alone, until pods have addresses of both families.

use ipnet::{IpNet, Ipv4Net};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// Longest prefix that leaves room for the addresses that every cluster needs.
const LONGEST: u8 = 28;
/// Shortest prefix that is served.
const SHORTEST: u8 = 8;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    network: Ipv4Addr,
    length: u8,
}

/// Why a text is no range that a cluster can use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// It is none at all.
    #[error("{0:?} is not a range of IPv4 addresses; write one such as 10.43.0.0/16")]
    Malformed(String),
    /// Its prefix is too long or too short.
    #[error("the range {0} has a prefix of {1} bits; it has to be between {SHORTEST} and {LONGEST}")]
    Size(String, u8),
    /// It names an address within a range.
    #[error("{0} has address bits behind its prefix; the range is called {1}")]
    NotANetwork(String, Cidr),
}

impl Cidr {
    /// The range of those addresses whose first `length` bits are those of `network`.
    ///
    /// # Panics
    /// If `length` is more than 32.
    pub const fn new(network: Ipv4Addr, length: u8) -> Cidr {
        assert!(length <= 32, "an IPv4 prefix has at most 32 bits");
        Cidr { network, length }
    }

    /// The first address.
    pub fn network(self) -> Ipv4Addr {
        self.network
    }

    /// Length of the prefix, in bits.
    pub fn length(self) -> u8 {
        self.length
    }

    /// The address that many behind the first one.
    pub fn nth(self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.network).wrapping_add(number))
    }
}

impl From<Cidr> for IpNet {
    fn from(cidr: Cidr) -> IpNet {
        IpNet::V4(Ipv4Net::new(cidr.network, cidr.length).expect("an IPv4 prefix has at most 32 bits"))
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Cidr, CidrError> {
        let malformed = || CidrError::Malformed(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(malformed)?;
        let address: Ipv4Addr = address.parse().map_err(|_| malformed())?;
        let length: u8 = length.parse().map_err(|_| malformed())?;
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(CidrError::Size(text.to_owned(), length));
        }
        let mask = u32::MAX << (32 - u32::from(length));
        let cidr = Cidr::new(Ipv4Addr::from(u32::from(address) & mask), length);
        if cidr.network == address { Ok(cidr) } else { Err(CidrError::NotANetwork(text.to_owned(), cidr)) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_written() {
        let cidr: Cidr = "10.96.0.0/16".parse().unwrap();
        assert_eq!((cidr.to_string().as_str(), cidr.nth(10).to_string().as_str()), ("10.96.0.0/16", "10.96.0.10"));
        for (text, want) in [
            ("10.96.0.0", "\"10.96.0.0\" is not a range of IPv4 addresses; write one such as 10.43.0.0/16"),
            ("fd00::/64", "\"fd00::/64\" is not a range of IPv4 addresses; write one such as 10.43.0.0/16"),
            ("10.0.0.0/30", "the range 10.0.0.0/30 has a prefix of 30 bits; it has to be between 8 and 28"),
            ("10.0.0.1/16", "10.0.0.1/16 has address bits behind its prefix; the range is called 10.0.0.0/16"),
        ] {
            assert_eq!(text.parse::<Cidr>().unwrap_err().to_string(), want);
        }
    }
}
