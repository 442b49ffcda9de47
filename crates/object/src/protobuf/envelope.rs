//! What goes around messages: the envelope that names their type, lists, and the events of a watch.

use super::Error;
use super::wire::{Reader, Wire, put_bytes, put_message, put_varint};
use crate::decode::TypeMeta;

/// What the envelope begins with: `k8s` and a zero.
pub const MAGIC: &[u8] = b"k8s\0";

/// A message with its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// What the message is; empty where it does not tell.
    pub type_meta: TypeMeta,
    /// The message.
    pub raw: &'a [u8],
}

/// Opens an envelope.
///
/// # Errors
/// What upstream says of bytes that are none.
pub fn open(bytes: &[u8]) -> Result<Envelope<'_>, Error> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    let inner = bytes.strip_prefix(MAGIC).ok_or(Error::NoPrefix)?;
    if inner.is_empty() {
        return Err(Error::EmptyBody);
    }
    let mut envelope = Envelope { type_meta: TypeMeta::default(), raw: &[] };
    let mut fields = Reader::new(inner);
    while let Some((number, value)) = fields.next("Unknown")? {
        let field = match number {
            1 => "TypeMeta",
            2 => "Raw",
            3 => "ContentEncoding",
            4 => "ContentType",
            _ => continue,
        };
        let Wire::Bytes(bytes) = value else {
            return Err(Error::WrongWire { wire: value.code(), field: field.to_owned() });
        };
        match number {
            1 => read_type(bytes, &mut envelope.type_meta)?,
            2 => envelope.raw = bytes,
            _ => {}
        }
    }
    Ok(envelope)
}

fn read_type(bytes: &[u8], into: &mut TypeMeta) -> Result<(), Error> {
    let mut fields = Reader::new(bytes);
    while let Some((number, value)) = fields.next("TypeMeta")? {
        let (field, place) = match number {
            1 => ("APIVersion", &mut into.api_version),
            2 => ("Kind", &mut into.kind),
            _ => continue,
        };
        let Wire::Bytes(bytes) = value else {
            return Err(Error::WrongWire { wire: value.code(), field: field.to_owned() });
        };
        *place = String::from_utf8_lossy(bytes).into_owned();
    }
    Ok(())
}

/// Puts a message into an envelope.
pub fn seal(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let mut out = head(api_version, kind, raw.len());
    out.extend_from_slice(raw);
    put_tail(&mut out);
    out
}

/// A list in its envelope, of messages for its metadata and its items.
pub fn list(api_version: &str, kind: &str, metadata: &[u8], items: &[Vec<u8>]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(items.iter().map(|item| item.len() + 6).sum::<usize>() + metadata.len() + 6);
    put_bytes(&mut raw, 1, metadata);
    for item in items {
        put_bytes(&mut raw, 2, item);
    }
    seal(api_version, kind, &raw)
}

/// A frame of a watch: its length, then an event around an object in its envelope.
pub fn event(kind: &str, object: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 4];
    put_bytes(&mut out, 1, kind.as_bytes());
    put_message(&mut out, 2, |out| put_bytes(out, 1, object));
    let length = u32::try_from(out.len() - 4).unwrap_or(u32::MAX);
    out[..4].copy_from_slice(&length.to_be_bytes());
    out
}

fn head(api_version: &str, kind: &str, length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(MAGIC.len() + api_version.len() + kind.len() + length + 24);
    out.extend_from_slice(MAGIC);
    put_message(&mut out, 1, |out| {
        put_bytes(out, 1, api_version.as_bytes());
        put_bytes(out, 2, kind.as_bytes());
    });
    out.push(2 << 3 | 2);
    put_varint(&mut out, length as u64);
    out
}

/// The envelope's content encoding and type, both empty.
fn put_tail(out: &mut Vec<u8>) {
    put_bytes(out, 3, &[]);
    put_bytes(out, 4, &[]);
}
