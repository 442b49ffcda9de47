//! What lies on disk, in protobuf. The key's id comes first, so that the beginning of a value tells it; readers do not mind
//! the order.

use super::Wrapped;
use object::protobuf::wire::{Reader, Wire, put_bytes, put_int, put_message};

const DATA: u32 = 1;
const KEY_ID: u32 = 2;
const SOURCE: u32 = 3;
const ANNOTATIONS: u32 = 4;
const SOURCE_TYPE: u32 = 5;

/// What the decrypted source of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The key itself.
    Key,
    /// A seed from which each value's key is expanded.
    Seed,
}

/// A value as it lies on disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) wrapped: Wrapped,
    pub(super) source: Source,
    pub(super) data: Vec<u8>,
}

/// What all values begin with whose seed was encrypted by this key.
pub(super) fn begin(wrapped: &Wrapped) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, KEY_ID, wrapped.key_id.as_bytes());
    out
}

impl Sealed {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_wrapped();
        put_bytes(&mut out, DATA, &self.data);
        out
    }

    /// All but the data.
    pub(super) fn encode_wrapped(&self) -> Vec<u8> {
        let mut out = begin(&self.wrapped);
        put_bytes(&mut out, SOURCE, &self.wrapped.ciphertext);
        for (key, value) in &self.wrapped.annotations {
            put_message(&mut out, ANNOTATIONS, |entry| {
                put_bytes(entry, 1, key.as_bytes());
                put_bytes(entry, 2, value);
            });
        }
        if self.source == Source::Seed {
            put_int(&mut out, SOURCE_TYPE, 1);
        }
        out
    }

    /// `None` if it is something else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Sealed> {
        let mut sealed = Sealed { wrapped: Wrapped::default(), source: Source::Key, data: Vec::new() };
        let mut fields = Reader::new(bytes);
        while let Some(field) = fields.next("EncryptedObject").ok()? {
            match field {
                (DATA, Wire::Bytes(data)) => data.clone_into(&mut sealed.data),
                (KEY_ID, Wire::Bytes(id)) => sealed.wrapped.key_id = String::from_utf8(id.to_vec()).ok()?,
                (SOURCE, Wire::Bytes(source)) => source.clone_into(&mut sealed.wrapped.ciphertext),
                (ANNOTATIONS, Wire::Bytes(entry)) => {
                    let (key, value) = pair(entry)?;
                    sealed.wrapped.annotations.insert(key, value);
                }
                (SOURCE_TYPE, Wire::Varint(0)) => sealed.source = Source::Key,
                (SOURCE_TYPE, Wire::Varint(1)) => sealed.source = Source::Seed,
                (DATA..=SOURCE_TYPE, _) => return None,
                _ => {}
            }
        }
        (!sealed.data.is_empty()).then_some(sealed)
    }
}

/// An entry of a map of texts to bytes.
fn pair(entry: &[u8]) -> Option<(String, Vec<u8>)> {
    let (mut key, mut value) = (String::new(), Vec::new());
    let mut fields = Reader::new(entry);
    while let Some(field) = fields.next("AnnotationsEntry").ok()? {
        match field {
            (1, Wire::Bytes(text)) => key = String::from_utf8(text.to_vec()).ok()?,
            (2, Wire::Bytes(bytes)) => bytes.clone_into(&mut value),
            _ => {}
        }
    }
    Some((key, value))
}
