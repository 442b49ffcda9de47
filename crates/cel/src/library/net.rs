//! Addresses, ranges of addresses, URLs.

mod url;

mod fault;

use super::operators::{one, two};
use super::quantity::text;
use super::{Function, shared};
use crate::value::{Fault, Opaque, Val, Valued};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
pub(crate) use url::Url;
pub(super) use url::fault as url_fault;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    pub(crate) address: IpAddr,
    pub(crate) bits: u8,
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "ip" => to_ip,
        "isIP" => |args| text(args, |text| Ok(Val::Bool(parse_ip(text).is_ok()))),
        "ip.isCanonical" => |args| text(args, |text| Ok(Val::Bool(parse_ip(text)?.to_string() == text))),
        "family" => |args| on_ip(args, |ip| Val::Int(if ip.is_ipv4() { 4 } else { 6 })),
        "isUnspecified" => |args| on_ip(args, |ip| Val::Bool(ip.is_unspecified())),
        "isLoopback" => |args| on_ip(args, |ip| Val::Bool(ip.is_loopback())),
        "isLinkLocalMulticast" => |args| on_ip(args, |ip| Val::Bool(is_link_local_multicast(ip))),
        "isLinkLocalUnicast" => |args| on_ip(args, |ip| Val::Bool(is_link_local_unicast(ip))),
        "isGlobalUnicast" => |args| on_ip(args, |ip| Val::Bool(is_global_unicast(ip))),
        "cidr" => |args| text(args, |text| Ok(Val::Opaque(Opaque::Cidr(parse_cidr(text)?)))),
        "isCIDR" => |args| text(args, |text| Ok(Val::Bool(parse_cidr(text).is_ok()))),
        "containsIP" => |args| two(args, contains_ip),
        "containsCIDR" => |args| two(args, contains_cidr),
        "prefixLength" => |args| on_cidr(args, |cidr| Val::Int(i64::from(cidr.bits))),
        "masked" => |args| on_cidr(args, |cidr| Val::Opaque(Opaque::Cidr(masked(cidr)))),
        _ => return url::function(name),
    })
}

fn to_ip<'a>(args: &[Val<'a>]) -> Valued<'a> {
    one(args, |of| match of {
        Val::Str(text) => Ok(Val::Opaque(Opaque::Ip(parse_ip(text)?))),
        Val::Opaque(Opaque::Cidr(cidr)) => Ok(Val::Opaque(Opaque::Ip(cidr.address))),
        _ => Err(Fault::NoOverload),
    })
}

fn on_ip<'a>(args: &[Val<'a>], then: impl Fn(IpAddr) -> Val<'a>) -> Valued<'a> {
    one(args, |of| match of {
        Val::Opaque(Opaque::Ip(ip)) => Ok(then(*ip)),
        _ => Err(Fault::NoOverload),
    })
}

fn on_cidr<'a>(args: &[Val<'a>], then: impl Fn(Cidr) -> Val<'a>) -> Valued<'a> {
    one(args, |of| match of {
        Val::Opaque(Opaque::Cidr(cidr)) => Ok(then(*cidr)),
        _ => Err(Fault::NoOverload),
    })
}

fn parse_ip(text: &str) -> Result<IpAddr, Fault> {
    if text.contains('%') {
        return Err(Fault::new(format!("IP address {text:?} with zone value is not allowed")));
    }
    let ip: IpAddr = text.parse().map_err(|_| {
        Fault::new(format!(
            "IP Address {text:?} parse error during conversion from string: ParseAddr({text:?}): {}",
            fault::of(text)
        ))
    })?;
    match ip {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
            Err(Fault::new(format!("IPv4-mapped IPv6 address {text:?} is not allowed")))
        }
        ip => Ok(ip),
    }
}

fn parse_cidr(text: &str) -> Result<Cidr, Fault> {
    let refused = |why: &str| Fault::new(format!("network address parse error during conversion from string: {why}"));
    let unread = |why: &str| {
        refused(&format!(
            "network address parse error during conversion from string: netip.ParsePrefix({text:?}): {why}"
        ))
    };
    let (address, bits) = text.rsplit_once('/').ok_or_else(|| unread("no '/'"))?;
    let address: IpAddr =
        address.parse().map_err(|_| unread(&format!("ParseAddr({address:?}): {}", fault::of(address))))?;
    if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        return Err(refused(&format!("IPv4-mapped IPv6 address {text:?} is not allowed")));
    }
    let plain =
        !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    let number = bits.parse::<u8>().ok().filter(|_| plain);
    let bits = number.ok_or_else(|| unread(&format!("bad bits after slash: {bits:?}")))?;
    if bits > width(address) {
        return Err(unread("prefix length out of range"));
    }
    Ok(Cidr { address, bits })
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// The leading bits of an address.
fn prefix(address: IpAddr, bits: u8) -> u128 {
    let dropped = u32::from(width(address) - bits);
    number(address).checked_shr(dropped).unwrap_or(0)
}

fn masked(cidr: Cidr) -> Cidr {
    let dropped = u32::from(width(cidr.address) - cidr.bits);
    let number = prefix(cidr.address, cidr.bits).checked_shl(dropped).unwrap_or(0);
    let address = match cidr.address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or(0))),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(number)),
    };
    Cidr { address, bits: cidr.bits }
}

fn holds(cidr: Cidr, address: IpAddr) -> bool {
    cidr.address.is_ipv4() == address.is_ipv4() && prefix(cidr.address, cidr.bits) == prefix(address, cidr.bits)
}

fn contains_ip<'a>(cidr: &Val<'a>, of: &Val<'a>) -> Valued<'a> {
    let Val::Opaque(Opaque::Cidr(cidr)) = cidr else { return Err(Fault::NoOverload) };
    let address = match of {
        Val::Opaque(Opaque::Ip(ip)) => *ip,
        Val::Str(text) => parse_ip(text)?,
        _ => return Err(Fault::NoOverload),
    };
    Ok(Val::Bool(holds(*cidr, address)))
}

fn contains_cidr<'a>(cidr: &Val<'a>, of: &Val<'a>) -> Valued<'a> {
    let Val::Opaque(Opaque::Cidr(cidr)) = cidr else { return Err(Fault::NoOverload) };
    let inner = match of {
        Val::Opaque(Opaque::Cidr(inner)) => *inner,
        Val::Str(text) => parse_cidr(text)?,
        _ => return Err(Fault::NoOverload),
    };
    Ok(Val::Bool(cidr.bits <= inner.bits && holds(*cidr, inner.address)))
}

fn is_link_local_multicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.octets()[..3] == [224, 0, 0],
        IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
    }
}

fn is_link_local_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn is_global_unicast(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !(broadcast || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || is_link_local_unicast(ip))
}

/// A text of its own.
fn own<'a>(text: &str) -> Val<'a> {
    shared(text)
}
