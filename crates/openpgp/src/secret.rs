//! Secret keys: opened with a pass phrase where they are locked, and signing.

use aes::cipher::consts::U16;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockEncrypt, KeyInit};
use rsa::BigUint;

use crate::Error;
use crate::hash::{Hash, sha1};
use crate::key::{Material, PublicKey, is_plain_ed25519, scheme};
use crate::reader::{Reader, put_number};

/// A secret key, locked or not.
#[derive(Clone)]
pub(crate) struct SecretKey {
    lock: Option<Lock>,
    data: Vec<u8>,
}

/// How a secret key is locked.
#[derive(Clone)]
struct Lock {
    /// Whether a digest follows the numbers, or a sum.
    digest: bool,
    cipher: u8,
    stretch: Stretch,
    start: Vec<u8>,
}

/// How a pass phrase becomes a key.
#[derive(Clone)]
struct Stretch {
    hash: Hash,
    salt: Vec<u8>,
    /// How many bytes are digested; zero for once.
    count: usize,
}

impl SecretKey {
    /// Reads what follows the public part of a key.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let usage = reader.u8()?;
        if usage == 0 {
            return Ok(Self { lock: None, data: reader.rest().to_vec() });
        }
        if usage != 254 && usage != 255 {
            return Err(Error::Unsupported(format!("secret key locked in way {usage}; export it with a pass phrase")));
        }
        let cipher = reader.u8()?;
        let stretch = Stretch::read(reader)?;
        let start = reader.take(16)?.to_vec();
        let lock = Lock { digest: usage == 254, cipher, stretch, start };
        Ok(Self { lock: Some(lock), data: reader.rest().to_vec() })
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    /// Opens a locked key.
    pub(crate) fn unlock(&mut self, passphrase: &[u8]) -> Result<(), Error> {
        let Some(lock) = &self.lock else { return Ok(()) };
        let plain = decrypt(lock, passphrase, &self.data)?;
        let (numbers, check) = plain.split_at(plain.len().saturating_sub(if lock.digest { 20 } else { 2 }));
        let holds = if lock.digest { sha1(&[numbers])[..] == *check } else { sum(numbers)[..] == *check };
        if !holds {
            return Err(Error::Passphrase);
        }
        self.data = plain;
        self.lock = None;
        Ok(())
    }

    /// The numbers of a signature over a digest.
    pub(crate) fn sign(&self, public: &PublicKey, hash: Hash, digest: &[u8]) -> Result<Vec<u8>, Error> {
        if self.is_locked() {
            return Err(Error::Passphrase);
        }
        let mut reader = Reader::new(&self.data);
        let mut out = Vec::new();
        match &public.material {
            Material::Rsa(key) => {
                use rsa::traits::PublicKeyParts as _;
                let mut number = || Ok::<_, Error>(BigUint::from_bytes_be(reader.number()?));
                let (secret, primes) = (number()?, vec![number()?, number()?]);
                let failed = |_| Error::Invalid("secret RSA key");
                let secret = rsa::RsaPrivateKey::from_components(key.n().clone(), key.e().clone(), secret, primes);
                let signed = secret.map_err(failed)?.sign(scheme(hash, digest.len()), digest).map_err(failed)?;
                put_number(&mut out, &signed);
            }
            Material::Ed25519(_) => {
                let plain = is_plain_ed25519(public.algorithm);
                let seed = if plain { reader.take(32)? } else { reader.number()? };
                let seed = crate::reader::padded::<32>(seed).ok_or(Error::Invalid("secret Ed25519 key"))?;
                let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&seed);
                let signed = pair.map_err(|_| Error::Invalid("secret Ed25519 key"))?.sign(digest);
                if plain {
                    out.extend_from_slice(signed.as_ref());
                } else {
                    signed.as_ref().chunks(32).for_each(|half| put_number(&mut out, half));
                }
            }
            Material::Other => return Err(Error::Unsupported(format!("public key type: {}", public.algorithm))),
        }
        Ok(out)
    }
}

/// The sum of all bytes.
fn sum(bytes: &[u8]) -> [u8; 2] {
    bytes.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte))).to_be_bytes()
}

impl Stretch {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let way = reader.u8()?;
        if !matches!(way, 0 | 1 | 3) {
            return Err(Error::Unsupported(format!("pass phrase stretched in way {way}")));
        }
        let hash = Hash::of_number(reader.u8()?)?;
        let salt = if way == 0 { Vec::new() } else { reader.take(8)?.to_vec() };
        let count = if way == 3 { counted(reader.u8()?) } else { 0 };
        Ok(Self { hash, salt, count })
    }

    /// A key of so many bytes.
    fn key(&self, passphrase: &[u8], length: usize) -> Vec<u8> {
        let salted = [self.salt.as_slice(), passphrase].concat();
        let count = self.count.max(salted.len());
        let mut input = salted.repeat(count.checked_div(salted.len()).map_or(1, |times| times + 1));
        input.truncate(count);
        let mut key = Vec::new();
        let mut zeros = Vec::new();
        while key.len() < length {
            key.extend(self.hash.digest(&[&zeros, &input]));
            zeros.push(0);
        }
        key.truncate(length);
        key
    }
}

fn counted(code: u8) -> usize {
    (16 + usize::from(code & 15)) << (usize::from(code >> 4) + 6)
}

/// Cipher feedback, as OpenPGP locks secret keys.
fn decrypt(lock: &Lock, passphrase: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
    fn run<C: BlockEncrypt<BlockSize = U16> + KeyInit>(key: &[u8], start: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let cipher = C::new_from_slice(key).ok()?;
        let mut feedback = start.to_vec();
        let mut out = Vec::with_capacity(data.len());
        for block in data.chunks(16) {
            let mut mask = GenericArray::clone_from_slice(&feedback);
            cipher.encrypt_block(&mut mask);
            out.extend(block.iter().zip(&mask).map(|(byte, mask)| byte ^ mask));
            if block.len() == 16 {
                feedback.copy_from_slice(block);
            }
        }
        Some(out)
    }
    let key = |length| lock.stretch.key(passphrase, length);
    let plain = match lock.cipher {
        7 => run::<aes::Aes128>(&key(16), &lock.start, data),
        8 => run::<aes::Aes192>(&key(24), &lock.start, data),
        9 => run::<aes::Aes256>(&key(32), &lock.start, data),
        other => return Err(Error::Unsupported(format!("secret key locked with cipher {other}"))),
    };
    plain.ok_or(Error::Passphrase)
}
