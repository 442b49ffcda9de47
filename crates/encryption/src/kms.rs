//! Key management services, version 2: values are sealed by keys made of a seed, and the seed lies beside them, encrypted
//! by a service that alone has the key for it.
//!
//! As upstream stores it: an `EncryptedObject` in protobuf, the data under AES-GCM with a key of their own each, expanded
//! from the seed (HKDF). Values whose seed is the key itself, as earlier versions wrote them, are read too.

mod message;

use crate::cipher::{SealError, gcm, random, ungcm};
use aes_gcm::aead::KeyInit;
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use hmac::{Hmac, Mac};
use message::{Sealed, Source};
use sha2::Sha256;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes of a seed, and of what makes each key another.
const SIZE: usize = 32;
/// Seeds that are kept in memory.
const KEPT: usize = 1000;
/// What a service may tell: bytes of an encrypted seed, of a key's id and of annotations.
const MOST: [usize; 3] = [1024, 1024, 32 * 1024];

/// Which service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsSettings {
    /// What it is called in the file.
    pub name: String,
    /// `unix:///PATH`
    pub endpoint: String,
    /// How long a call may take.
    pub timeout: Duration,
}

/// A seed that a service has encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrapped {
    /// What it made of the seed.
    pub ciphertext: Vec<u8>,
    /// By which key.
    pub key_id: String,
    /// What it wants to be told when it is to decrypt that.
    pub annotations: BTreeMap<String, Vec<u8>>,
}

/// A service. Its errors are in words.
pub trait KeyService: Send + Sync {
    /// Encrypts a seed.
    fn encrypt(&self, seed: &[u8]) -> Result<Wrapped, String>;
    /// Decrypts a seed.
    fn decrypt(&self, wrapped: &Wrapped) -> Result<Vec<u8>, String>;
    /// The id of the key by which it would encrypt now.
    fn key_id(&self) -> Result<String, String>;
}

/// A service, and the seeds that are known.
pub(crate) struct Kms {
    service: Arc<dyn KeyService>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The seed of what is written, and as it lies beside that.
    current: Option<(Arc<[u8]>, Wrapped)>,
    /// Decrypted seeds by how they lie beside values.
    known: HashMap<Vec<u8>, Arc<[u8]>>,
}

impl Kms {
    pub(crate) fn new(service: Arc<dyn KeyService>) -> Kms {
        Kms { service, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The seed of what is written, made when it is first needed.
    fn current(&self) -> Result<(Arc<[u8]>, Wrapped), SealError> {
        let mut state = self.state();
        if let Some(current) = &state.current {
            return Ok(current.clone());
        }
        let seed: Arc<[u8]> = random::<SIZE>()?.to_vec().into();
        let wrapped = self.service.encrypt(&seed).and_then(checked).map_err(SealError::Service)?;
        let current = (seed, wrapped);
        state.current = Some(current.clone());
        Ok(current)
    }

    /// Forgets the seed if the service has another key by now; true if it had.
    pub(crate) fn refresh(&self) -> Result<bool, String> {
        let now = self.service.key_id()?;
        let mut state = self.state();
        let has_changed = state.current.as_ref().is_some_and(|(_, wrapped)| wrapped.key_id != now);
        if has_changed {
            state.current = None;
        }
        Ok(has_changed)
    }

    pub(crate) fn seal(&self, place: &str, value: &[u8]) -> Result<Vec<u8>, SealError> {
        let (seed, wrapped) = self.current()?;
        let info = random::<SIZE>()?;
        let cipher = Aes256Gcm::new(&expand(&seed, &info).into());
        let data = [&info[..], &gcm(&cipher, place, value)?].concat();
        Ok(Sealed { wrapped, source: Source::Seed, data }.encode())
    }

    /// # Errors
    /// Why the service does not decrypt the seed; `None` if what it gives opens nothing.
    pub(crate) fn open(&self, place: &str, stored: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let Some(sealed) = Sealed::decode(stored) else { return Ok(None) };
        let seed = self.seed(&sealed)?;
        Ok(match sealed.source {
            Source::Seed => sealed
                .data
                .split_first_chunk::<SIZE>()
                .and_then(|(info, data)| ungcm(&Aes256Gcm::new(&expand(&seed, info).into()), place, data)),
            Source::Key if seed.len() == 16 => {
                Aes128Gcm::new_from_slice(&seed).ok().and_then(|cipher| ungcm(&cipher, place, &sealed.data))
            }
            Source::Key => Aes256Gcm::new_from_slice(&seed).ok().and_then(|cipher| ungcm(&cipher, place, &sealed.data)),
        })
    }

    fn seed(&self, sealed: &Sealed) -> Result<Arc<[u8]>, String> {
        if let Some((seed, _)) = self.state().current.as_ref().filter(|(_, wrapped)| *wrapped == sealed.wrapped) {
            return Ok(seed.clone());
        }
        let key = sealed.encode_wrapped();
        if let Some(seed) = self.state().known.get(&key) {
            return Ok(seed.clone());
        }
        let seed: Arc<[u8]> = self.service.decrypt(&sealed.wrapped)?.into();
        let mut state = self.state();
        if state.known.len() >= KEPT {
            state.known.clear();
        }
        state.known.insert(key, seed.clone());
        Ok(seed)
    }

    /// True if a value lies as it would be written now; its beginning is enough. Where the service is silent, it does.
    pub(crate) fn is_current(&self, stored: &[u8]) -> bool {
        let Ok((_, wrapped)) = self.current() else { return true };
        let begin = message::begin(&wrapped);
        let length = begin.len().min(stored.len());
        begin[..length] == stored[..length]
    }
}

/// What a service tells, if it keeps to its limits.
fn checked(wrapped: Wrapped) -> Result<Wrapped, String> {
    let annotations = wrapped.annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    let lengths = [wrapped.ciphertext.len(), wrapped.key_id.len(), annotations];
    for (what, (length, most)) in ["encrypted seed", "key id", "annotations"].iter().zip(lengths.iter().zip(MOST)) {
        if *length > most {
            return Err(format!("its {what} is {length} bytes, which exceeds the max size of {most}"));
        }
    }
    if wrapped.ciphertext.is_empty() || wrapped.key_id.is_empty() {
        return Err("it told no encrypted seed or no key id".to_owned());
    }
    Ok(wrapped)
}

/// HKDF's second half with SHA-256: one key.
fn expand(seed: &[u8], info: &[u8]) -> [u8; SIZE] {
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(seed).expect("a key of any length is one");
    mac.chain_update(info).chain_update([1]).finalize().into_bytes().into()
}

impl std::fmt::Debug for Kms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Seeds are secret.
        f.debug_struct("Kms").finish_non_exhaustive()
    }
}
