//! Public keys: RSA and Ed25519, in both of its spellings.

use rsa::BigUint;

use crate::Error;
use crate::hash::{Hash, sha1};
use crate::reader::{Reader, padded};

const RSA: [u8; 2] = [1, 3];
const EDDSA: u8 = 22;
const ED25519: u8 = 27;
/// The object identifier of Ed25519 in the older spelling.
const ED25519_OID: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];
/// The largest RSA key, in bits.
const MAX_BITS: usize = 16_384;

/// What signatures are checked with.
#[derive(Clone, Debug)]
pub(crate) enum Material {
    Rsa(Box<rsa::RsaPublicKey>),
    Ed25519([u8; 32]),
    /// A key that cannot sign, or not here.
    Other,
}

/// A public key.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey {
    pub(crate) created: u32,
    pub(crate) algorithm: u8,
    pub(crate) material: Material,
    /// The key as it was read, without what is secret.
    pub(crate) body: Vec<u8>,
    pub(crate) fingerprint: [u8; 20],
}

impl PublicKey {
    /// Reads the public part of a key; what comes after it stays in the reader.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let whole = reader.rest();
        let version = reader.u8()?;
        if version != 4 {
            return Err(Error::Unsupported(format!("public key version {version}")));
        }
        let (created, algorithm) = (reader.u32()?, reader.u8()?);
        let material = match algorithm {
            algorithm if RSA.contains(&algorithm) => rsa(reader.number()?, reader.number()?)?,
            EDDSA => eddsa(reader)?,
            ED25519 => Material::Ed25519(padded(reader.take(32)?).ok_or(Error::Invalid("Ed25519 key"))?),
            _ => {
                // Where its numbers end is not known: all of it is taken for the key.
                reader.take(reader.rest().len())?;
                Material::Other
            }
        };
        let body = whole[..whole.len() - reader.rest().len()].to_vec();
        let fingerprint = sha1(&framed(&body).each_ref().map(Vec::as_slice));
        Ok(Self { created, algorithm, material, body, fingerprint })
    }

    /// The last eight bytes of the fingerprint.
    pub(crate) fn id(&self) -> &[u8] {
        &self.fingerprint[12..]
    }

    /// The key as signatures about keys cover it.
    pub(crate) fn framed(&self) -> Vec<u8> {
        framed(&self.body).concat()
    }

    /// Checks the numbers of a signature against a digest.
    pub(crate) fn check(&self, hash: Hash, digest: &[u8], numbers: &[u8]) -> Result<(), Error> {
        let mut reader = Reader::new(numbers);
        match &self.material {
            Material::Rsa(key) => {
                let signature = left_padded(reader.number()?, rsa::traits::PublicKeyParts::size(&**key));
                let done = key.verify(scheme(hash, digest.len()), digest, &signature);
                done.map_err(|_| Error::Signature("RSA verification failure"))
            }
            Material::Ed25519(key) => {
                let failed = || Error::Signature("EdDSA verification failure");
                let signature = if self.algorithm == ED25519 {
                    reader.take(64)?.to_vec()
                } else {
                    let half = |number: &[u8]| padded::<32>(number).ok_or_else(failed);
                    [half(reader.number()?)?, half(reader.number()?)?].concat()
                };
                let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key);
                key.verify(digest, &signature).map_err(|_| failed())
            }
            Material::Other => Err(Error::Unsupported(format!("public key type: {}", self.algorithm))),
        }
    }
}

/// How RSA signs a digest.
pub(crate) fn scheme(hash: Hash, length: usize) -> rsa::Pkcs1v15Sign {
    rsa::Pkcs1v15Sign { hash_len: Some(length), prefix: hash.prefix().into() }
}

/// Whether keys of this algorithm keep signatures in one string of 64 bytes.
pub(crate) fn is_plain_ed25519(algorithm: u8) -> bool {
    algorithm == ED25519
}

fn framed(body: &[u8]) -> [Vec<u8>; 2] {
    let [high, low] = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    [vec![0x99, high, low], body.to_vec()]
}

fn left_padded(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut out = vec![0; length.saturating_sub(bytes.len())];
    out.extend_from_slice(bytes);
    out
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Material, Error> {
    let (modulus, exponent) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
    let key = rsa::RsaPublicKey::new_with_max_size(modulus, exponent, MAX_BITS);
    Ok(Material::Rsa(Box::new(key.map_err(|_| Error::Invalid("RSA key"))?)))
}

fn eddsa(reader: &mut Reader<'_>) -> Result<Material, Error> {
    let length = usize::from(reader.u8()?);
    let curve = reader.take(length)?;
    let point = reader.number()?;
    match (curve == ED25519_OID, point.split_first()) {
        (true, Some((0x40, point))) => Ok(point.try_into().map_or(Material::Other, Material::Ed25519)),
        _ => Ok(Material::Other),
    }
}
