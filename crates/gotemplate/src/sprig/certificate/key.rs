//! Private keys: made, read and written.

use rcgen::KeyPair;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};

use crate::{Failure, Scope};

/// A private key: for signing, and as it is written.
pub(super) struct PrivateKey {
    pub(super) pair: KeyPair,
    pem: String,
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("failed to generate private key: {error}"))
}

/// The host's randomness, for the key generator.
struct Dice<'a, 'e>(&'a Scope<'e>);

impl rsa::rand_core::RngCore for Dice<'_, '_> {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }
    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }
    fn fill_bytes(&mut self, dest: &mut [u8]) {
        (self.0.environment().random)(dest);
    }
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for Dice<'_, '_> {}

impl PrivateKey {
    /// A new RSA key of so many bits.
    pub(super) fn rsa(scope: &Scope<'_>, bits: usize) -> Result<Self, Failure> {
        let key = rsa::RsaPrivateKey::new(&mut Dice(scope), bits).map_err(failed)?;
        Self::from_rsa(&key).map_err(failed)
    }

    fn from_rsa(key: &rsa::RsaPrivateKey) -> Result<Self, String> {
        let pem = key.to_pkcs1_pem(LineEnding::LF).map_err(|error| error.to_string())?.to_string();
        let der = key.to_pkcs8_der().map_err(|error| error.to_string())?;
        let pair = KeyPair::try_from(der.as_bytes()).map_err(|error| error.to_string())?;
        Ok(Self { pair, pem })
    }

    /// A new key on the curve P-256.
    pub(super) fn ecdsa() -> Result<Self, Failure> {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let inner = ec_private_key(pair.serialized_der()).ok_or_else(|| failed("unexpected key"))?;
        let pem = super::build::pem("EC PRIVATE KEY", &inner);
        Ok(Self { pair, pem })
    }

    /// A new Ed25519 key.
    pub(super) fn ed25519() -> Result<Self, Failure> {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(failed)?;
        // Version 1 of the form holds the 32 bytes of the seed alone, which start at byte 16 of version 2 too.
        let der = pair.serialized_der();
        let head = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        let seed = der.get(16..48).ok_or_else(|| failed("unexpected key"))?;
        let pem = super::build::pem("PRIVATE KEY", &[&head[..], seed].concat());
        Ok(Self { pair, pem })
    }

    /// Reads a key.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (kind, der) = super::build::read_pem(text).ok_or("no PEM data in input")?;
        match kind.as_str() {
            "PRIVATE KEY" => {
                if let Ok(key) = rsa::RsaPrivateKey::from_pkcs8_der(&der) {
                    return Self::from_rsa(&key);
                }
                let pair =
                    KeyPair::try_from(der.as_slice()).map_err(|error| format!("decoding PEM as PKCS#8: {error}"))?;
                Ok(Self { pair, pem: text.to_owned() })
            }
            "RSA PRIVATE KEY" => {
                let key = rsa::RsaPrivateKey::from_pkcs1_der(&der)
                    .map_err(|error| format!("parsing RSA private key from PEM: {error}"))?;
                Self::from_rsa(&key)
            }
            "EC PRIVATE KEY" => {
                let pair = KeyPair::try_from(pkcs8_of_ec(&der).as_slice())
                    .map_err(|error| format!("parsing EC private key from PEM: {error}"))?;
                Ok(Self { pair, pem: text.to_owned() })
            }
            kind => match kind.strip_suffix(" PRIVATE KEY") {
                Some(kind) => Err(format!("invalid private key type {kind}")),
                None => Err(format!("no private key data in PEM block of type {kind}")),
            },
        }
    }

    /// The key as it is written.
    pub(super) fn pem(&self) -> String {
        self.pem.clone()
    }
}

/// The head of a PKCS#8 key on the curve P-256, up to the length of what is inside.
const EC_ALGORITHM: [u8; 21] = [
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07,
];

/// The `ECPrivateKey` inside of a PKCS#8 key, with the curve's name in it as Go writes it.
fn ec_private_key(pkcs8: &[u8]) -> Option<Vec<u8>> {
    let at = pkcs8.windows(EC_ALGORITHM.len()).position(|window| window == EC_ALGORITHM)? + EC_ALGORITHM.len();
    let inner = pkcs8.get(at..)?;
    let secret_at = inner.windows(5).position(|window| window == [0x02, 0x01, 0x01, 0x04, 0x20])? + 5;
    let secret = inner.get(secret_at..secret_at + 32)?;
    let point = &pkcs8[pkcs8.len().checked_sub(65)?..];
    let curve = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let head = [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20];
    Some([&head[..], secret, &curve, &[0xa1, 0x44, 0x03, 0x42, 0x00], point].concat())
}

/// A PKCS#8 key around an `ECPrivateKey` of the curve P-256; the curve inside is dropped, which readers object to.
fn pkcs8_of_ec(ec: &[u8]) -> Vec<u8> {
    let curve = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let mut inner = ec.to_vec();
    if let Some(at) = inner.windows(curve.len()).position(|window| window == curve) {
        inner.drain(at..at + curve.len());
        if let Some(length) = inner.get_mut(1) {
            *length = length.saturating_sub(12);
        }
    }
    let inner_length = u8::try_from(inner.len()).unwrap_or(0);
    let total = inner_length.saturating_add(26);
    let head = [0x30, 0x81, total, 0x02, 0x01, 0x00];
    [&head[..], &EC_ALGORITHM, &[0x04, inner_length], &inner].concat()
}
