//! What rules of nftables are made of: load something into registers, compare, look up, act.
//!
//! A [`Rule`] is a list of these steps, written as bytes at once. Registers are four bytes wide and are counted from zero;
//! the parts of a tuple lie in registers one after another.

use super::Requests;
use super::nft::{self, milliseconds, write_verdict};
use std::net::IpAddr;
use std::time::Duration;

/// A register of four bytes, 0 to 15.
pub(crate) type Register = u32;

const FIRST_REGISTER: u32 = 8;
const VERDICT_REGISTER: u32 = 0;

/// Which address of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

/// What is known of a connection's first packet. The numbers are the kernel's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Original {
    Port = 12,
    Address4 = 20,
    Address6 = 22,
}

type Step = Box<dyn FnOnce(&mut Requests) + Send>;

/// The steps of a rule, in order. A step that does not match ends the rule.
#[derive(Default)]
pub(crate) struct Rule {
    steps: Vec<Step>,
}

impl Rule {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn write(self, out: &mut Requests) {
        for step in self.steps {
            step(out);
        }
    }

    fn step(mut self, name: &'static str, body: impl FnOnce(&mut Requests) + Send + 'static) -> Self {
        self.steps.push(Box::new(move |out| {
            out.nest(1, |out| {
                out.text(1, name);
                out.nest(2, body);
            });
        }));
        self
    }

    // --- Loading ---

    fn meta(self, key: u32, into: Register) -> Self {
        self.step("meta", move |out| {
            out.big(1, FIRST_REGISTER + into);
            out.big(2, key);
        })
    }

    /// The transport protocol's number.
    pub(crate) fn load_protocol(self, into: Register) -> Self {
        self.meta(16, into)
    }

    /// An IPv4 address takes one register, an IPv6 address four.
    pub(crate) fn load_address(self, family: u8, side: Side, into: Register) -> Self {
        let (offset, length) = match (family, side) {
            (nft::IPV4, Side::Source) => (12, 4),
            (nft::IPV4, Side::Destination) => (16, 4),
            (_, Side::Source) => (8, 16),
            (_, Side::Destination) => (24, 16),
        };
        self.payload(1, offset, length, into)
    }

    /// The destination port of TCP, UDP and SCTP, which all have it in the same place.
    pub(crate) fn load_port(self, into: Register) -> Self {
        self.payload(2, 2, 2, into)
    }

    fn payload(self, base: u32, offset: u32, length: u32, into: Register) -> Self {
        self.step("payload", move |out| {
            out.big(1, FIRST_REGISTER + into);
            out.big(2, base);
            out.big(3, offset);
            out.big(4, length);
        })
    }

    /// A random number below `below`.
    pub(crate) fn load_random(self, below: u32, into: Register) -> Self {
        self.step("numgen", move |out| {
            out.big(1, FIRST_REGISTER + into);
            out.big(2, below);
            out.big(3, 1);
            out.big(4, 0);
        })
    }

    // --- Matching ---

    fn compare(self, register: Register, equal: bool, value: Vec<u8>) -> Self {
        self.relate(register, u32::from(!equal), value)
    }

    /// Compares by the kernel's number of a relation: equal, unequal, less, at most, more, at least.
    fn relate(self, register: Register, relation: u32, value: Vec<u8>) -> Self {
        self.step("cmp", move |out| {
            out.big(1, FIRST_REGISTER + register);
            out.big(2, relation);
            out.nest(3, |out| out.bytes(1, &value));
        })
    }

    /// The packet came in over a link whose name begins so.
    pub(crate) fn over_links_in(self, prefix: &str) -> Self {
        self.meta(6, 0).compare(0, true, prefix.as_bytes().to_vec())
    }

    /// The packet leaves (or does not leave) over a link whose name begins so.
    pub(crate) fn over_links_out(self, prefix: &str, is: bool) -> Self {
        self.meta(7, 0).compare(0, is, prefix.as_bytes().to_vec())
    }

    /// The packet does not leave over the link of this name.
    pub(crate) fn not_out_over(self, name: &str) -> Self {
        let mut whole = name.as_bytes().to_vec();
        whole.resize(16, 0);
        self.meta(7, 0).compare(0, false, whole)
    }

    /// An address of the packet lies (or does not lie) in a network.
    pub(crate) fn address_in(self, side: Side, network: ipnet::IpNet, is: bool) -> Self {
        let family = if network.addr().is_ipv4() { nft::IPV4 } else { nft::IPV6 };
        let mask = octets(network.netmask());
        let length = u32::try_from(mask.len()).unwrap_or(4);
        self.load_address(family, side, 0)
            .step("bitwise", move |out| {
                out.big(1, FIRST_REGISTER);
                out.big(2, FIRST_REGISTER);
                out.big(3, length);
                out.nest(4, |out| out.bytes(1, &mask));
                out.nest(5, |out| out.bytes(1, &vec![0; mask.len()]));
            })
            .compare(0, is, octets(network.network()))
    }

    /// The protocol is this one, and the destination port lies between these two.
    pub(crate) fn port_between(self, protocol: u8, first: u16, last: u16) -> Self {
        const AT_MOST: u32 = 3;
        const AT_LEAST: u32 = 5;
        let rule = self.load_protocol(0).compare(0, true, vec![protocol]);
        match (first, last) {
            (0 | 1, u16::MAX) => rule,
            _ if first == last => rule.load_port(0).compare(0, true, first.to_be_bytes().to_vec()),
            _ => rule.load_port(0).relate(0, AT_LEAST, first.to_be_bytes().to_vec()).relate(
                0,
                AT_MOST,
                last.to_be_bytes().to_vec(),
            ),
        }
    }

    /// An address of the packet is one of this machine's.
    pub(crate) fn address_is_local(self, side: Side) -> Self {
        const ADDRESS_TYPE: u32 = 3;
        const LOCAL: u32 = 2;
        let flags = if side == Side::Source { 1 } else { 2 };
        self.step("fib", move |out| {
            out.big(1, FIRST_REGISTER);
            out.big(2, ADDRESS_TYPE);
            out.big(3, flags);
        })
        .compare(0, true, LOCAL.to_ne_bytes().to_vec())
    }

    /// The packet begins a connection.
    pub(crate) fn begins(self) -> Self {
        const NEW: u32 = 8;
        self.step("ct", |out| {
            out.big(1, FIRST_REGISTER);
            out.big(2, 0);
        })
        .step("bitwise", |out| {
            out.big(1, FIRST_REGISTER);
            out.big(2, FIRST_REGISTER);
            out.big(3, 4);
            out.nest(4, |out| out.bytes(1, &NEW.to_ne_bytes()));
            out.nest(5, |out| out.bytes(1, &[0; 4]));
        })
        .compare(0, false, vec![0; 4])
    }

    /// All bits of this mark are set on the packet.
    pub(crate) fn marked(self, bits: u32) -> Self {
        self.meta(3, 0)
            .step("bitwise", move |out| {
                out.big(1, FIRST_REGISTER);
                out.big(2, FIRST_REGISTER);
                out.big(3, 4);
                out.nest(4, |out| out.bytes(1, &bits.to_ne_bytes()));
                out.nest(5, |out| out.bytes(1, &[0; 4]));
            })
            .compare(0, true, bits.to_ne_bytes().to_vec())
    }

    /// What lies in the registers from here on is in a set.
    pub(crate) fn in_set(self, set: &str, from: Register) -> Self {
        let set = set.to_owned();
        self.step("lookup", move |out| {
            out.text(1, &set);
            out.big(2, FIRST_REGISTER + from);
        })
    }

    /// Looks up what lies in the registers from here on, and puts the value into others.
    pub(crate) fn look_up(self, map: &'static str, from: Register, into: Register) -> Self {
        self.step("lookup", move |out| {
            out.text(1, map);
            out.big(2, FIRST_REGISTER + from);
            out.big(3, FIRST_REGISTER + into);
        })
    }

    /// Does what the map says: go elsewhere, or drop.
    pub(crate) fn decide(self, map: &'static str, from: Register) -> Self {
        self.step("lookup", move |out| {
            out.text(1, map);
            out.big(2, FIRST_REGISTER + from);
            out.big(3, VERDICT_REGISTER);
        })
    }

    /// What the caller addressed, before that was translated.
    pub(crate) fn load_original(self, what: Original, into: Register) -> Self {
        self.step("ct", move |out| {
            out.big(1, FIRST_REGISTER + into);
            out.big(2, what as u32);
            out.bytes(3, &[0]);
        })
    }

    /// Remembers a pair in a dynamic map, or makes it live on.
    pub(crate) fn remember(self, map: &'static str, key: Register, value: Register, time: Duration) -> Self {
        self.step("dynset", move |out| {
            out.text(1, map);
            out.big(3, 1);
            out.big(4, FIRST_REGISTER + key);
            out.big(5, FIRST_REGISTER + value);
            out.bytes(6, &milliseconds(time).to_be_bytes());
        })
    }

    // --- Acting ---

    /// Sets bits of the packet's mark.
    pub(crate) fn mark(self, bits: u32) -> Self {
        self.meta(3, 0)
            .step("bitwise", move |out| {
                out.big(1, FIRST_REGISTER);
                out.big(2, FIRST_REGISTER);
                out.big(3, 4);
                out.nest(4, |out| out.bytes(1, &(!bits).to_ne_bytes()));
                out.nest(5, |out| out.bytes(1, &bits.to_ne_bytes()));
            })
            .step("meta", |out| {
                out.big(2, 3);
                out.big(3, FIRST_REGISTER);
            })
    }

    /// New destination: the address and port in these registers.
    pub(crate) fn redirect(self, family: u8, address: Register, port: Register) -> Self {
        self.step("nat", move |out| {
            out.big(1, 1);
            out.big(2, u32::from(family));
            out.big(3, FIRST_REGISTER + address);
            out.big(5, FIRST_REGISTER + port);
        })
    }

    /// New source: this address.
    pub(crate) fn source(self, address: IpAddr) -> Self {
        let family = u32::from(if address.is_ipv4() { nft::IPV4 } else { nft::IPV6 });
        let bytes = octets(address);
        self.step("immediate", move |out| {
            out.big(1, FIRST_REGISTER);
            out.nest(2, |out| out.bytes(1, &bytes));
        })
        .step("nat", move |out| {
            out.big(1, 0);
            out.big(2, family);
            out.big(3, FIRST_REGISTER);
        })
    }

    /// New source: the address of the link that the packet leaves over, with a port nobody can guess.
    pub(crate) fn masquerade(self) -> Self {
        const FULLY_RANDOM: u32 = 1 << 4;
        self.step("masq", |out| out.big(1, FULLY_RANDOM))
    }

    /// Resets a connection of TCP.
    pub(crate) fn reset(self) -> Self {
        const TCP: u8 = 6;
        self.load_protocol(0).compare(0, true, vec![TCP]).step("reject", |out| {
            out.big(1, 1);
            out.bytes(2, &[0]);
        })
    }

    /// Tells the sender that nobody listens there.
    pub(crate) fn reject(self, family: u8) -> Self {
        let unreachable = if family == nft::IPV4 { 3 } else { 4 };
        self.step("reject", move |out| {
            out.big(1, 0);
            out.bytes(2, &[unreachable]);
        })
    }

    pub(crate) fn verdict(self, code: i32, chain: Option<String>) -> Self {
        self.step("immediate", move |out| {
            out.big(1, VERDICT_REGISTER);
            out.nest(2, |out| write_verdict(out, code, chain.as_deref()));
        })
    }

    pub(crate) fn drop(self) -> Self {
        self.verdict(nft::DROP, None)
    }

    pub(crate) fn jump(self, chain: &str) -> Self {
        self.verdict(nft::JUMP, Some(chain.to_owned()))
    }

    /// Back to where the packet came from.
    pub(crate) fn pass(self) -> Self {
        self.verdict(nft::RETURN, None)
    }

    pub(crate) fn goto(self, chain: &str) -> Self {
        self.verdict(nft::GOTO, Some(chain.to_owned()))
    }
}

/// The bytes of an address.
pub(crate) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}
