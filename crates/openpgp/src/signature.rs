//! Signatures of version 4: reading, checking and making them.

use crate::Error;
use crate::hash::Hash;
use crate::key::PublicKey;
use crate::packet::{SIGNATURE, new_length, write};
use crate::reader::Reader;
use crate::secret::SecretKey;

/// Over a text.
pub(crate) const TEXT: u8 = 0x01;
/// Over bytes.
pub(crate) const BINARY: u8 = 0x00;

const CREATED: u8 = 2;
const EXPIRES: u8 = 3;
const KEY_EXPIRES: u8 = 9;
const ISSUER: u8 = 16;
const USAGE: u8 = 27;
const EMBEDDED: u8 = 32;
const ISSUER_FINGERPRINT: u8 = 33;
/// Kinds of statements that a signature may carry and that may not be passed over when they are marked as critical.
const KNOWN: [u8; 7] = [CREATED, EXPIRES, KEY_EXPIRES, ISSUER, USAGE, EMBEDDED, ISSUER_FINGERPRINT];
/// Others that change nothing here: preferences, features, notations, reasons and the like.
const HARMLESS: [u8; 13] = [4, 7, 11, 20, 21, 22, 23, 24, 25, 26, 28, 29, 30];

/// A signature, read.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) kind: u8,
    pub(crate) hash: Hash,
    pub(crate) created: u32,
    /// Seconds after `created`; zero for never.
    pub(crate) expires_after: u32,
    /// For signatures about keys: seconds after the key's creation; zero for never.
    pub(crate) key_expires_after: u32,
    /// What the key may do, where that is said.
    pub(crate) usage: Option<u8>,
    pub(crate) issuer: Option<[u8; 8]>,
    pub(crate) embedded: Option<Vec<u8>>,
    hashed: Vec<u8>,
    numbers: Vec<u8>,
}

impl Signature {
    /// Reads the content of a packet.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        let version = reader.u8()?;
        if version != 4 {
            return Err(Error::Unsupported(format!("signature packet version {version}")));
        }
        let (kind, _algorithm) = (reader.u8()?, reader.u8()?);
        let hash = Hash::of_number(reader.u8()?)?;
        let length = usize::from(reader.u16()?);
        let covered = reader.take(length)?;
        let hashed = body[..6 + length].to_vec();
        let mut signature = Self {
            kind,
            hash,
            created: 0,
            expires_after: 0,
            key_expires_after: 0,
            usage: None,
            issuer: None,
            embedded: None,
            hashed,
            numbers: Vec::new(),
        };
        signature.statements(covered, true)?;
        let length = usize::from(reader.u16()?);
        let uncovered = reader.take(length)?;
        signature.statements(uncovered, false)?;
        // Two bytes of the digest, for those who want to guess.
        reader.take(2)?;
        signature.numbers = reader.rest().to_vec();
        Ok(signature)
    }

    /// Takes over what the signature says of itself; of what it does not cover only whom to ask.
    fn statements(&mut self, data: &[u8], covered: bool) -> Result<(), Error> {
        let mut reader = Reader::new(data);
        while !reader.is_empty() {
            let length = new_length(&mut reader)?;
            let mut part = Reader::new(reader.take(length)?);
            let kind = part.u8()?;
            let (critical, kind) = (kind & 0x80 != 0, kind & 0x7f);
            match kind {
                CREATED if covered => self.created = part.u32()?,
                EXPIRES if covered => self.expires_after = part.u32()?,
                KEY_EXPIRES if covered => self.key_expires_after = part.u32()?,
                USAGE if covered => self.usage = Some(part.u8().unwrap_or(0)),
                ISSUER => self.issuer = part.take(8)?.try_into().ok(),
                ISSUER_FINGERPRINT if part.u8()? == 4 => self.issuer = part.take(20)?[12..].try_into().ok(),
                EMBEDDED => self.embedded = Some(part.rest().to_vec()),
                kind if critical && covered && !KNOWN.contains(&kind) && !HARMLESS.contains(&kind) => {
                    return Err(Error::Unsupported(format!("unknown critical signature subpacket type {kind}")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks that the key signed the data.
    pub(crate) fn check(&self, key: &PublicKey, data: &[u8]) -> Result<(), Error> {
        let digest = self.hash.digest(&[data, &self.hashed, &trailer(self.hashed.len())]);
        key.check(self.hash, &digest, &self.numbers)
    }

    /// Whether its time is over.
    pub(crate) fn is_expired(&self, now: u32) -> bool {
        self.expires_after != 0 && now > self.created.saturating_add(self.expires_after)
    }
}

/// What is digested last: the length of what the signature covers of itself.
fn trailer(length: usize) -> [u8; 6] {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [4, 0xff, a, b, c, d]
}

/// Signs a text, as a packet.
pub(crate) fn sign_text(public: &PublicKey, secret: &SecretKey, data: &[u8], now: u32) -> Result<Vec<u8>, Error> {
    let hash = Hash::Sha512;
    let mut statements = vec![5, CREATED];
    statements.extend(now.to_be_bytes());
    statements.extend([22, ISSUER_FINGERPRINT, 4]);
    statements.extend(public.fingerprint);
    statements.extend([9, ISSUER]);
    statements.extend(public.id());
    let mut body = vec![4, TEXT, public.algorithm, hash.number(), 0, u8::try_from(statements.len()).unwrap_or(0)];
    body.extend(statements);
    let digest = hash.digest(&[data, &body, &trailer(body.len())]);
    let numbers = secret.sign(public, hash, &digest)?;
    body.extend([0, 0]);
    body.extend(&digest[..2]);
    body.extend(numbers);
    Ok(write(SIGNATURE, &body))
}
