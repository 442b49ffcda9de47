//! Keyrings: who is known, with which keys.

use crate::Error;
use crate::armor;
use crate::clear::Message;
use crate::hash::Hash;
use crate::key::PublicKey;
use crate::packet::{self, PUBLIC_KEY, PUBLIC_SUBKEY, Packet, SECRET_KEY, SECRET_SUBKEY, SIGNATURE, TRUST, USER_ID};
use crate::reader::Reader;
use crate::secret::SecretKey;
use crate::signature::{BINARY, Signature, TEXT};

const CERTIFICATIONS: std::ops::RangeInclusive<u8> = 0x10..=0x13;
const SUBKEY_BINDING: u8 = 0x18;
const PRIMARY_BINDING: u8 = 0x19;
const DIRECT: u8 = 0x1f;
const KEY_REVOCATION: u8 = 0x20;
const SUBKEY_REVOCATION: u8 = 0x28;
/// The usage of a key that may sign data.
const SIGNS: u8 = 2;

/// Someone: a key with names, and the keys that belong to it.
#[derive(Clone)]
pub struct Entity {
    key: PublicKey,
    secret: Option<SecretKey>,
    identities: Vec<String>,
    state: State,
    subkeys: Vec<(PublicKey, State)>,
}

/// What the owner's signatures say of a key.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    bound: bool,
    revoked: bool,
    usage: Option<u8>,
    expires_after: u32,
    /// When that was said: the newest counts.
    said: u32,
}

impl State {
    fn take(&mut self, signature: &Signature) {
        if !self.bound || signature.created >= self.said {
            self.bound = true;
            self.said = signature.created;
            self.usage = signature.usage;
            self.expires_after = signature.key_expires_after;
        }
    }

    fn signs(&self) -> bool {
        self.usage.is_none_or(|usage| usage & SIGNS != 0)
    }
}

impl std::fmt::Debug for Entity {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nothing of a secret key is ever shown.
        out.debug_struct("Entity").field("identities", &self.identities).finish_non_exhaustive()
    }
}

impl Entity {
    /// Its names, as `NAME (COMMENT) <ADDRESS>`.
    #[must_use]
    pub fn identities(&self) -> &[String] {
        &self.identities
    }

    /// The fingerprint of its main key, in capital hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Whether it can sign once it is unlocked.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// Whether a pass phrase is needed before it can sign.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.secret.as_ref().is_some_and(SecretKey::is_locked)
    }

    /// Opens its secret key.
    ///
    /// # Errors
    /// Where the pass phrase is another one.
    pub fn unlock(&mut self, passphrase: &[u8]) -> Result<(), Error> {
        self.secret.as_mut().map_or(Ok(()), |secret| secret.unlock(passphrase))
    }

    pub(crate) fn signer(&self) -> Option<(&PublicKey, &SecretKey)> {
        Some((&self.key, self.secret.as_ref()?))
    }
}

/// The keys that are known.
#[derive(Clone, Debug, Default)]
pub struct Keyring(Vec<Entity>);

impl Keyring {
    /// Reads a keyring as `gpg --export` and `gpg --export-secret-keys` write it, armored or not.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(data: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(data).unwrap_or_default();
        for kind in ["PUBLIC KEY BLOCK", "PRIVATE KEY BLOCK"] {
            if text.contains(&format!("-----BEGIN PGP {kind}-----")) {
                return Self::read_packets(&armor::decode(text, kind)?);
            }
        }
        Self::read_packets(data)
    }

    fn read_packets(data: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(data);
        let mut groups: Vec<Vec<Packet<'_>>> = Vec::new();
        while !reader.is_empty() {
            let packet = packet::next(&mut reader)?;
            match (matches!(packet.tag, PUBLIC_KEY | SECRET_KEY), groups.last_mut()) {
                (true, _) => groups.push(vec![packet]),
                (false, Some(group)) => group.push(packet),
                (false, None) => {}
            }
        }
        // Keys of other versions and algorithms do not hide the others.
        let entities: Vec<Entity> = groups.iter().filter_map(|group| entity(group).ok()).collect();
        if entities.is_empty() && !groups.is_empty() {
            return Err(groups.iter().find_map(|group| entity(group).err()).unwrap_or(Error::Invalid("no keys")));
        }
        Ok(Self(entities))
    }

    /// Everyone in it.
    #[must_use]
    pub fn entities(&self) -> &[Entity] {
        &self.0
    }

    /// Whose the signature of a message is.
    ///
    /// # Errors
    /// Where nobody known signed exactly this, or nobody whose key holds at this time (in seconds since 1970).
    pub fn verify(&self, message: &Message, now: u32) -> Result<&Entity, Error> {
        let mut last = Error::UnknownIssuer;
        let mut reader = Reader::new(&message.signature);
        while !reader.is_empty() {
            let packet = packet::next(&mut reader)?;
            if packet.tag != SIGNATURE {
                continue;
            }
            match Signature::read(packet.body).and_then(|signature| self.check(&signature, message, now)) {
                Ok(entity) => return Ok(entity),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn check(&self, signature: &Signature, message: &Message, now: u32) -> Result<&Entity, Error> {
        if signature.kind != TEXT && signature.kind != BINARY {
            return Err(Error::Unsupported(format!("signature type {}", signature.kind)));
        }
        if signature.hash == Hash::Sha1 {
            return Err(Error::Unsupported("hash algorithm SHA1 for messages".to_owned()));
        }
        let issuer = signature.issuer.ok_or(Error::Signature("it does not say who made it"))?;
        for entity in &self.0 {
            let own = (&entity.key, &entity.state);
            let mut keys = std::iter::once(own).chain(entity.subkeys.iter().map(|(key, state)| (key, state)));
            if let Some((key, state)) = keys.find(|(key, state)| key.id() == issuer && state.bound && state.signs()) {
                signature.check(key, &message.signed)?;
                return holds(entity, (key, state), signature, now).map(|()| entity);
            }
        }
        Err(Error::UnknownIssuer)
    }
}

/// Whether keys and signature are good at this time.
fn holds(entity: &Entity, (key, state): (&PublicKey, &State), signature: &Signature, now: u32) -> Result<(), Error> {
    if state.revoked || entity.state.revoked {
        return Err(Error::KeyRevoked);
    }
    if signature.is_expired(now) {
        return Err(Error::SignatureExpired);
    }
    let over = |key: &PublicKey, state: &State| {
        state.expires_after != 0 && now > key.created.saturating_add(state.expires_after)
    };
    if over(key, state) || over(&entity.key, &entity.state) { Err(Error::KeyExpired) } else { Ok(()) }
}

/// What the signature that follows is about.
enum About {
    Key,
    Name(Vec<u8>),
    Subkey(usize),
    /// Something that is left out.
    Nothing,
}

fn entity(packets: &[Packet<'_>]) -> Result<Entity, Error> {
    let (first, rest) = packets.split_first().ok_or(Error::Invalid("no keys"))?;
    let mut reader = Reader::new(first.body);
    let key = PublicKey::read(&mut reader)?;
    let secret = if first.tag == SECRET_KEY { Some(SecretKey::read(&mut reader)?) } else { None };
    let mut entity = Entity { key, secret, identities: Vec::new(), state: State::default(), subkeys: Vec::new() };
    let mut about = About::Key;
    for packet in rest {
        match packet.tag {
            USER_ID => about = About::Name(packet.body.to_vec()),
            PUBLIC_SUBKEY | SECRET_SUBKEY => {
                about = match PublicKey::read(&mut Reader::new(packet.body)) {
                    Ok(subkey) => {
                        entity.subkeys.push((subkey, State::default()));
                        About::Subkey(entity.subkeys.len() - 1)
                    }
                    Err(_) => About::Nothing,
                }
            }
            SIGNATURE => {
                // Signatures of other versions, and those of others, say nothing here.
                if let Ok(signature) = Signature::read(packet.body) {
                    take(&mut entity, &about, &signature);
                }
            }
            TRUST => {}
            _ => about = About::Nothing,
        }
    }
    Ok(entity)
}

/// Takes over what a signature says of the owner's keys and names, where it is the owner's.
fn take(entity: &mut Entity, about: &About, signature: &Signature) {
    let key = entity.key.framed();
    let holds = |parts: &[&[u8]]| signature.check(&entity.key, &parts.concat()).is_ok();
    match about {
        About::Key if signature.kind == KEY_REVOCATION && holds(&[&key]) => entity.state.revoked = true,
        About::Key if signature.kind == DIRECT && holds(&[&key]) => entity.state.take(signature),
        About::Name(name) if CERTIFICATIONS.contains(&signature.kind) => {
            let length = u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes();
            if holds(&[&key, &[0xb4], &length, name]) {
                entity.state.take(signature);
                let name = String::from_utf8_lossy(name).into_owned();
                if !entity.identities.contains(&name) {
                    entity.identities.push(name);
                }
            }
        }
        About::Subkey(index) => {
            let subkey = entity.subkeys[*index].0.clone();
            let both = [key, subkey.framed()].concat();
            if !holds(&[&both]) {
                return;
            }
            let state = &mut entity.subkeys[*index].1;
            match signature.kind {
                SUBKEY_REVOCATION => state.revoked = true,
                SUBKEY_BINDING if agrees(signature, &subkey, &both) => state.take(signature),
                _ => {}
            }
        }
        _ => {}
    }
}

/// A subkey that signs has to say itself whose it is: nobody else's may be taken over.
fn agrees(signature: &Signature, subkey: &PublicKey, both: &[u8]) -> bool {
    if signature.usage.is_some_and(|usage| usage & SIGNS == 0) {
        return true;
    }
    let back = signature.embedded.as_deref().and_then(|embedded| Signature::read(embedded).ok());
    back.is_some_and(|back| back.kind == PRIMARY_BINDING && back.check(subkey, both).is_ok())
}
