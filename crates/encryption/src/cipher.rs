//! The providers: how a value is sealed and opened by one key.

use crate::kms::Kms;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::rand_core::RngCore;
use aes_gcm::aead::{Aead, OsRng, Payload};
use aes_gcm::{AesGcm, Nonce};
use crypto_secretbox::XSalsa20Poly1305;

const GCM_NONCE: usize = 12;
const CBC_BLOCK: usize = 16;
const BOX_NONCE: usize = 24;

/// A value cannot be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// There is nothing to make a nonce of.
    #[error("the system has no randomness")]
    NoRandomness,
    /// The value is larger than the cipher takes.
    #[error("the value is too large to be encrypted")]
    TooLarge,
    /// A key management service gives no key.
    #[error("the key management service gives no key: {0}")]
    Service(String),
}

/// One key of one provider, or none.
pub(crate) struct Provider {
    name: String,
    /// What values that it made begin with; empty for those that are not encrypted.
    prefix: String,
    cipher: Cipher,
}

enum Cipher {
    Identity,
    Gcm128(Box<AesGcm<Aes128, U12>>),
    Gcm192(Box<AesGcm<Aes192, U12>>),
    Gcm256(Box<AesGcm<Aes256, U12>>),
    Cbc(Vec<u8>),
    Secretbox(Box<XSalsa20Poly1305>),
    Kms(Box<Kms>),
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Keys are secret.
        f.debug_struct("Provider").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Provider {
    /// Values that are not encrypted.
    pub(crate) fn identity() -> Provider {
        Provider { name: "identity".to_owned(), prefix: String::new(), cipher: Cipher::Identity }
    }

    /// A key of a provider; `None` if the key has not one of the lengths in [`lengths`].
    pub(crate) fn new(provider: &str, name: &str, key: &[u8]) -> Option<Provider> {
        let cipher = match (provider, key.len()) {
            ("aesgcm", 16) => Cipher::Gcm128(Box::new(AesGcm::new_from_slice(key).ok()?)),
            ("aesgcm", 24) => Cipher::Gcm192(Box::new(AesGcm::new_from_slice(key).ok()?)),
            ("aesgcm", 32) => Cipher::Gcm256(Box::new(AesGcm::new_from_slice(key).ok()?)),
            ("aescbc", 16 | 24 | 32) => Cipher::Cbc(key.to_owned()),
            ("secretbox", 32) => Cipher::Secretbox(Box::new(XSalsa20Poly1305::new_from_slice(key).ok()?)),
            _ => return None,
        };
        Some(Provider { name: name.to_owned(), prefix: format!("k8s:enc:{provider}:v1:{name}:"), cipher })
    }

    /// A key management service.
    pub(crate) fn kms(name: &str, kms: Kms) -> Provider {
        Provider {
            name: name.to_owned(),
            prefix: format!("k8s:enc:kms:v2:{name}:"),
            cipher: Cipher::Kms(Box::new(kms)),
        }
    }

    /// Looks whether a service has another key; true if it has.
    pub(crate) fn refresh(&self) -> Result<bool, String> {
        match &self.cipher {
            Cipher::Kms(kms) => kms.refresh(),
            _ => Ok(false),
        }
    }

    /// True if a value lies as this key would seal it now. Its beginning is enough.
    pub(crate) fn would_make(&self, stored: &[u8]) -> bool {
        match (&self.cipher, stored.strip_prefix(self.prefix.as_bytes())) {
            (Cipher::Kms(kms), Some(sealed)) => kms.is_current(sealed),
            (_, sealed) => !self.is_identity() && sealed.is_some(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_identity(&self) -> bool {
        matches!(self.cipher, Cipher::Identity)
    }

    /// True if this key sealed the value.
    pub(crate) fn made(&self, stored: &[u8]) -> bool {
        !self.is_identity() && stored.starts_with(self.prefix.as_bytes())
    }

    pub(crate) fn seal(&self, place: &str, value: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        let sealed = match &self.cipher {
            Cipher::Identity => return Ok(None),
            Cipher::Gcm128(aead) => gcm(aead.as_ref(), place, value)?,
            Cipher::Gcm192(aead) => gcm(aead.as_ref(), place, value)?,
            Cipher::Gcm256(aead) => gcm(aead.as_ref(), place, value)?,
            Cipher::Cbc(key) => cbc(key, value)?,
            Cipher::Secretbox(aead) => {
                let nonce = random::<BOX_NONCE>()?;
                let sealed = aead.encrypt(&nonce.into(), value).map_err(|_| SealError::TooLarge)?;
                [&nonce[..], &sealed].concat()
            }
            Cipher::Kms(kms) => kms.seal(place, value)?,
        };
        Ok(Some([self.prefix.as_bytes(), &sealed].concat()))
    }

    /// The value that this key sealed for the place; `None` if it did not.
    ///
    /// # Errors
    /// If a service does not tell.
    pub(crate) fn open(&self, place: &str, stored: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let Some(sealed) = stored.strip_prefix(self.prefix.as_bytes()) else { return Ok(None) };
        match &self.cipher {
            Cipher::Kms(kms) => kms.open(place, sealed),
            _ => Ok(self.open_here(place, sealed)),
        }
    }

    fn open_here(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        match &self.cipher {
            Cipher::Identity | Cipher::Kms(_) => None,
            Cipher::Gcm128(aead) => ungcm(aead.as_ref(), place, sealed),
            Cipher::Gcm192(aead) => ungcm(aead.as_ref(), place, sealed),
            Cipher::Gcm256(aead) => ungcm(aead.as_ref(), place, sealed),
            Cipher::Cbc(key) => uncbc(key, sealed),
            Cipher::Secretbox(aead) => {
                let (nonce, sealed) = sealed.split_first_chunk::<BOX_NONCE>()?;
                aead.decrypt(&(*nonce).into(), sealed).ok()
            }
        }
    }
}

/// Lengths that a provider's keys may have.
pub(crate) fn lengths(provider: &str) -> &'static [usize] {
    if provider == "secretbox" { &[32] } else { &[16, 24, 32] }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(|_| SealError::NoRandomness)?;
    Ok(bytes)
}

pub(crate) fn gcm(aead: &impl Aead<NonceSize = U12>, place: &str, value: &[u8]) -> Result<Vec<u8>, SealError> {
    let nonce = random::<GCM_NONCE>()?;
    let payload = Payload { msg: value, aad: place.as_bytes() };
    let sealed = aead.encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| SealError::TooLarge)?;
    Ok([&nonce[..], &sealed].concat())
}

pub(crate) fn ungcm(aead: &impl Aead<NonceSize = U12>, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<GCM_NONCE>()?;
    aead.decrypt(Nonce::from_slice(nonce), Payload { msg: sealed, aad: place.as_bytes() }).ok()
}

fn cbc(key: &[u8], value: &[u8]) -> Result<Vec<u8>, SealError> {
    let start = random::<CBC_BLOCK>()?;
    let sealed = match key.len() {
        16 => cbc::Encryptor::<Aes128>::new_from_slices(key, &start)
            .ok()
            .map(|c| c.encrypt_padded_vec_mut::<Pkcs7>(value)),
        24 => cbc::Encryptor::<Aes192>::new_from_slices(key, &start)
            .ok()
            .map(|c| c.encrypt_padded_vec_mut::<Pkcs7>(value)),
        _ => cbc::Encryptor::<Aes256>::new_from_slices(key, &start)
            .ok()
            .map(|c| c.encrypt_padded_vec_mut::<Pkcs7>(value)),
    };
    Ok([&start[..], &sealed.ok_or(SealError::TooLarge)?].concat())
}

fn uncbc(key: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (start, sealed) = sealed.split_first_chunk::<CBC_BLOCK>()?;
    match key.len() {
        16 => cbc::Decryptor::<Aes128>::new_from_slices(key, start).ok()?.decrypt_padded_vec_mut::<Pkcs7>(sealed).ok(),
        24 => cbc::Decryptor::<Aes192>::new_from_slices(key, start).ok()?.decrypt_padded_vec_mut::<Pkcs7>(sealed).ok(),
        _ => cbc::Decryptor::<Aes256>::new_from_slices(key, start).ok()?.decrypt_padded_vec_mut::<Pkcs7>(sealed).ok(),
    }
}
