//! The digests that signatures and pass phrases use.

use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use crate::Error;

/// A digest, by its number in OpenPGP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// All of them: number, name in clear-signed messages, and what stands before the digest in signatures with RSA.
const TABLE: [(Hash, u8, &str, &[u8]); 5] = [
    (Hash::Sha1, 2, "SHA1", &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0, 0x04, 0x14]),
    (Hash::Sha256, 8, "SHA256", &sha2_prefix(1, 32)),
    (Hash::Sha384, 9, "SHA384", &sha2_prefix(2, 48)),
    (Hash::Sha512, 10, "SHA512", &sha2_prefix(3, 64)),
    (Hash::Sha224, 11, "SHA224", &sha2_prefix(4, 28)),
];

const fn sha2_prefix(kind: u8, length: u8) -> [u8; 19] {
    let whole = length + 17;
    [0x30, whole, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, kind, 5, 0, 4, length]
}

impl Hash {
    pub(crate) fn of_number(number: u8) -> Result<Self, Error> {
        let found = TABLE.iter().find(|(_, known, ..)| *known == number);
        found.map(|(hash, ..)| *hash).ok_or_else(|| Error::Unsupported(format!("hash function: {number}")))
    }

    fn entry(self) -> &'static (Self, u8, &'static str, &'static [u8]) {
        // Every digest has its line.
        TABLE.iter().find(|(hash, ..)| *hash == self).unwrap_or(&TABLE[3])
    }

    pub(crate) fn number(self) -> u8 {
        self.entry().1
    }

    pub(crate) fn name(self) -> &'static str {
        self.entry().2
    }

    pub(crate) fn prefix(self) -> &'static [u8] {
        self.entry().3
    }

    /// The digest of all parts, one after the other.
    pub(crate) fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        fn run<D: sha2::Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut digest = D::new();
            parts.iter().for_each(|part| digest.update(part));
            digest.finalize().to_vec()
        }
        match self {
            Self::Sha1 => run::<Sha1>(parts),
            Self::Sha224 => run::<Sha224>(parts),
            Self::Sha256 => run::<Sha256>(parts),
            Self::Sha384 => run::<Sha384>(parts),
            Self::Sha512 => run::<Sha512>(parts),
        }
    }
}

/// The digest that [`crate::key`] names keys with.
pub(crate) fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut digest = Sha1::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().into()
}
