//! Packets: what keyrings and signatures are cut into.

use crate::Error;
use crate::reader::Reader;

pub(crate) const SIGNATURE: u8 = 2;
pub(crate) const SECRET_KEY: u8 = 5;
pub(crate) const PUBLIC_KEY: u8 = 6;
pub(crate) const SECRET_SUBKEY: u8 = 7;
/// What a program once thought of the packet before it.
pub(crate) const TRUST: u8 = 12;
pub(crate) const USER_ID: u8 = 13;
pub(crate) const PUBLIC_SUBKEY: u8 = 14;

/// A packet: what it is, and its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) tag: u8,
    pub(crate) body: &'a [u8],
}

/// Takes the next packet.
pub(crate) fn next<'a>(reader: &mut Reader<'a>) -> Result<Packet<'a>, Error> {
    let first = reader.u8()?;
    if first & 0x80 == 0 {
        return Err(Error::Invalid("tag byte does not have MSB set"));
    }
    if first & 0x40 != 0 {
        let length = new_length(reader)?;
        return Ok(Packet { tag: first & 0x3f, body: reader.take(length)? });
    }
    let length = match first & 3 {
        0 => usize::from(reader.u8()?),
        1 => usize::from(reader.u16()?),
        2 => reader.u32()? as usize,
        _ => reader.rest().len(),
    };
    Ok(Packet { tag: (first >> 2) & 0x0f, body: reader.take(length)? })
}

/// A length of the newer form, as packets and parts of signatures have it.
pub(crate) fn new_length(reader: &mut Reader<'_>) -> Result<usize, Error> {
    match reader.u8()? {
        short @ 0..192 => Ok(usize::from(short)),
        middle @ 192..224 => Ok((usize::from(middle) - 192) * 256 + usize::from(reader.u8()?) + 192),
        255 => Ok(reader.u32()? as usize),
        _ => Err(Error::Unsupported("packets of unknown length".to_owned())),
    }
}

/// Writes a packet with a length of four bytes.
pub(crate) fn write(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xc0 | tag, 255];
    out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(body);
    out
}
