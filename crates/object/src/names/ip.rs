//! IP addresses and CIDRs: the strict rule of new fields, the rule of older fields, and warnings for odd forms.
//!
//! Older fields once took leading zeros and IPv4-mapped IPv6 addresses; those are refused now, unless an update keeps
//! a value that the old object had.

use crate::field::{Error, Errors, Path};
use crate::quote::quote;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const BAD_IP: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const BAD_CIDR: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// An address and the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// The address as given; never an IPv4-mapped one.
    pub ip: IpAddr,
    /// Bits of the prefix, counted in the address's own family.
    pub bits: u8,
    /// The network: the address without the bits behind the prefix.
    pub network: IpAddr,
}

impl Cidr {
    /// The network in canonical form.
    pub fn canonical(&self) -> String {
        format!("{}/{}", self.network, self.bits)
    }
}

/// A valid address in canonical form.
pub fn is_valid_ip(path: &Path<'_>, value: &str) -> Errors {
    match check_ip(path, value) {
        Ok(ip) if ip.to_string() != value => {
            vec![Error::invalid(path, value, format!("must be in canonical form ({})", quote(&ip.to_string())))]
        }
        Ok(_) => Errors::new(),
        Err(errors) => errors,
    }
}

/// A valid address, perhaps not in canonical form; anything that the old object had (`old`).
pub fn is_valid_ip_for_legacy_field(path: &Path<'_>, value: &str, old: &[&str]) -> Errors {
    if old.contains(&value) {
        return Errors::new();
    }
    check_ip(path, value).err().unwrap_or_default()
}

/// A valid network in canonical form.
pub fn is_valid_cidr(path: &Path<'_>, value: &str) -> Errors {
    match check_cidr(path, value) {
        Ok(cidr) if cidr.canonical() != value => {
            vec![Error::invalid(path, value, format!("must be in canonical form ({})", quote(&cidr.canonical())))]
        }
        Ok(_) => Errors::new(),
        Err(errors) => errors,
    }
}

/// A valid network, perhaps not in canonical form; anything that the old object had (`old`).
pub fn is_valid_cidr_for_legacy_field(path: &Path<'_>, value: &str, old: &[&str]) -> Errors {
    if old.contains(&value) {
        return Errors::new();
    }
    check_cidr(path, value).err().unwrap_or_default()
}

/// A whole address with the length of its network's prefix, in canonical form.
pub fn is_valid_interface_address(path: &Path<'_>, value: &str) -> Errors {
    let Some(cidr) = parse_cidr_sloppy(value) else {
        let why = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
        return vec![Error::invalid(path, value, why)];
    };
    let canonical = format!("{}/{}", cidr.ip, cidr.bits);
    if canonical == value {
        return Errors::new();
    }
    vec![Error::invalid(path, value, format!("must be in canonical form ({})", quote(&canonical)))]
}

/// Warnings about an address that passed [`is_valid_ip_for_legacy_field`].
pub fn get_warnings_for_ip(path: &Path<'_>, value: &str) -> Vec<String> {
    let Some(ip) = parse_ip_sloppy(value) else { return Vec::new() };
    let (shown, canonical) = (quote(value), quote(&ip.to_string()));
    match value.parse::<IpAddr>() {
        Err(_) => vec![format!("{path}: non-standard IP address {shown} is invalid: use {canonical}")],
        Ok(strict) if strict != ip => {
            vec![format!("{path}: non-standard IP address {shown} is invalid: use {canonical}")]
        }
        Ok(IpAddr::V6(_)) if canonical != shown => {
            vec![format!("{path}: IPv6 address {shown} should be in RFC 5952 canonical format ({canonical})")]
        }
        Ok(_) => Vec::new(),
    }
}

/// Warnings about a network that passed [`is_valid_cidr_for_legacy_field`].
pub fn get_warnings_for_cidr(path: &Path<'_>, value: &str) -> Vec<String> {
    let Some(cidr) = parse_cidr_sloppy(value) else { return Vec::new() };
    let mut warnings = Vec::new();
    let (shown, canonical) = (quote(value), quote(&cidr.canonical()));
    if cidr.ip != cidr.network {
        let whole = quote(&format!("{}/{}", cidr.ip, if cidr.ip.is_ipv4() { 32 } else { 128 }));
        warnings.push(format!(
            "{path}: CIDR value {shown} is ambiguous in this context (should be {canonical} or {whole}?)"
        ));
    }
    match parse_prefix_strictly(value) {
        Some(strict) if !is_mapped(strict) => {
            let prefix = format!("{strict}/{}", cidr.bits);
            if warnings.is_empty() && strict.is_ipv6() && prefix != value {
                let prefix = quote(&prefix);
                warnings
                    .push(format!("{path}: IPv6 CIDR value {shown} should be in RFC 5952 canonical format ({prefix})"));
            }
        }
        _ => warnings.push(format!("{path}: non-standard CIDR value {shown} is invalid: use {canonical}")),
    }
    warnings
}

/// Reads an address as older versions did: leading zeros are ignored, IPv4-mapped addresses become IPv4.
pub fn parse_ip_sloppy(text: &str) -> Option<IpAddr> {
    if text.bytes().find(|c| matches!(c, b'.' | b':'))? == b'.' {
        return parse_v4(text).map(IpAddr::V4);
    }
    parse_v6(text).map(unmapped)
}

/// Reads a network as older versions did: see [`parse_ip_sloppy`]; bits behind the prefix may be set.
pub fn parse_cidr_sloppy(text: &str) -> Option<Cidr> {
    let (address, bits) = text.split_once('/')?;
    if bits.is_empty() || !bits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let bits: u8 = bits.trim_start_matches('0').parse().or_else(|e| if is_zero(bits) { Ok(0) } else { Err(e) }).ok()?;
    if let Some(ip) = parse_v4(address) {
        let network = mask_v4(ip, bits)?;
        return Some(Cidr { ip: ip.into(), bits, network: network.into() });
    }
    let ip = parse_v6(address)?;
    let network = unmapped(mask_v6(ip, bits)?);
    let bits = if network.is_ipv4() { bits.saturating_sub(96) } else { bits };
    Some(Cidr { ip: unmapped(ip), bits, network })
}

fn check_ip(path: &Path<'_>, value: &str) -> Result<IpAddr, Errors> {
    let ip = parse_ip_sloppy(value).ok_or_else(|| vec![Error::invalid(path, value, BAD_IP)])?;
    match value.parse::<IpAddr>() {
        Err(_) => Err(vec![Error::invalid(path, value, "must not have leading 0s")]),
        Ok(strict) if is_mapped(strict) => {
            Err(vec![Error::invalid(path, value, "must not be an IPv4-mapped IPv6 address")])
        }
        Ok(_) => Ok(ip),
    }
}

fn check_cidr(path: &Path<'_>, value: &str) -> Result<Cidr, Errors> {
    let cidr = parse_cidr_sloppy(value).ok_or_else(|| vec![Error::invalid(path, value, BAD_CIDR)])?;
    let why = match parse_prefix_strictly(value) {
        None => "must not have leading 0s in IP or prefix length",
        Some(strict) if is_mapped(strict) => "must not have an IPv4-mapped IPv6 address",
        Some(_) if cidr.ip != cidr.network => "must not have bits set beyond the prefix length",
        Some(_) => return Ok(cidr),
    };
    Err(vec![Error::invalid(path, value, why)])
}

/// The address of `address/bits` if neither has leading zeros.
fn parse_prefix_strictly(text: &str) -> Option<IpAddr> {
    let (address, bits) = text.rsplit_once('/')?;
    if bits.len() > 1 && bits.starts_with('0') {
        return None;
    }
    address.parse().ok()
}

fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|c| c == b'0')
}

fn is_mapped(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some())
}

fn unmapped(ip: Ipv6Addr) -> IpAddr {
    ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4)
}

fn mask_v4(ip: Ipv4Addr, bits: u8) -> Option<Ipv4Addr> {
    let mask = u32::MAX.checked_shl(32u32.checked_sub(bits.into())?).unwrap_or(0);
    Some(Ipv4Addr::from_bits(ip.to_bits() & mask))
}

fn mask_v6(ip: Ipv6Addr, bits: u8) -> Option<Ipv6Addr> {
    let mask = u128::MAX.checked_shl(128u32.checked_sub(bits.into())?).unwrap_or(0);
    Some(Ipv6Addr::from_bits(ip.to_bits() & mask))
}

/// Four decimal numbers; leading zeros do not count.
fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = parse_digits(parts.next()?, 10)?.try_into().ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}

/// Up to eight hexadecimal numbers, one gap, perhaps an IPv4 address at the end.
fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    let (head, tail) = match text.split_once("::") {
        Some((_, tail)) if tail.contains("::") || tail.starts_with(':') => return None,
        Some((head, tail)) => (head, Some(tail)),
        None => (text, None),
    };
    let mut groups = parse_groups(head, tail.is_none())?;
    if let Some(tail) = tail {
        let back = parse_groups(tail, true)?;
        let gap = 8usize.checked_sub(groups.len() + back.len()).filter(|gap| *gap > 0)?;
        groups.extend(std::iter::repeat_n(0, gap));
        groups.extend(back);
    }
    let groups: [u16; 8] = groups.try_into().ok()?;
    Some(groups.into())
}

fn parse_groups(text: &str, is_last: bool) -> Option<Vec<u16>> {
    let mut groups = Vec::with_capacity(8);
    let mut parts = text.split(':').peekable();
    if text.is_empty() {
        return Some(groups);
    }
    while let Some(part) = parts.next() {
        if groups.len() >= 8 {
            return None;
        }
        if part.contains('.') && is_last && parts.peek().is_none() {
            let [a, b, c, d] = parse_v4(part)?.octets();
            groups.extend([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
        } else {
            groups.push(parse_digits(part, 16)?.try_into().ok()?);
        }
    }
    Some(groups)
}

fn parse_digits(text: &str, radix: u32) -> Option<u32> {
    if text.is_empty() || !text.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let significant = text.trim_start_matches('0');
    if significant.is_empty() { Some(0) } else { u32::from_str_radix(significant, radix).ok() }
}
