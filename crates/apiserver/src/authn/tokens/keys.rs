//! Keys that sign and verify: ECDSA on P-256 (ES256), named by the digest of their public half.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use object::{Value, json};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

/// What stands before the point in the DER of a public key on P-256.
const PUBLIC_KEY_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const ALGORITHM: &str = "ES256";
/// As upstream's library words it.
const BAD_SIGNATURE: &str = "go-jose/go-jose: error in cryptographic primitive";

/// Keys of service account tokens: the first one signs, all verify.
pub struct Keys {
    keys: Vec<Key>,
    random: SystemRandom,
}

struct Key {
    pair: EcdsaKeyPair,
    id: String,
}

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is none.
    #[error("there is no key for service account tokens")]
    None,
    /// One is not PKCS #8 PEM.
    #[error("a key for service account tokens is not PKCS #8 PEM: {0}")]
    Pem(String),
    /// One is not on P-256.
    #[error("a key for service account tokens is not one of ECDSA on P-256: {0}")]
    Kind(ring::error::KeyRejected),
}

impl Keys {
    /// Private keys, each PKCS #8 PEM.
    pub fn new(pems: &[String]) -> Result<Keys, KeyError> {
        let random = SystemRandom::new();
        let keys = pems.iter().map(|pem| Key::read(pem, &random)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(KeyError::None) } else { Ok(Keys { keys, random }) }
    }

    /// A signed token with this payload.
    pub(super) fn sign(&self, payload: &Value) -> Result<String, String> {
        let key = self.keys.first().ok_or("there is no key")?;
        let header = json!({ "alg": ALGORITHM, "kid": key.id });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(payload));
        let signature = key.pair.sign(&self.random, signed.as_bytes()).map_err(|_| "no random numbers")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// `Ok` if one of the keys has signed the token.
    pub(super) fn verify(&self, token: &str) -> Result<(), String> {
        let (signed, signature) = token.rsplit_once('.').ok_or(BAD_SIGNATURE)?;
        let header = signed.split_once('.').and_then(|(header, _)| decode(header)).ok_or(BAD_SIGNATURE)?;
        if header["alg"] != ALGORITHM {
            return Err(BAD_SIGNATURE.to_owned());
        }
        let wanted = header["kid"].as_str().unwrap_or_default();
        let mut candidates = self.keys.iter().filter(|key| wanted.is_empty() || key.id == wanted).peekable();
        if candidates.peek().is_none() {
            return Err("invalid signature, no keys found".to_owned());
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| BAD_SIGNATURE)?;
        let is_good = |key: &Key| {
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.pair.public_key());
            public.verify(signed.as_bytes(), &signature).is_ok()
        };
        if candidates.any(is_good) { Ok(()) } else { Err(BAD_SIGNATURE.to_owned()) }
    }

    /// The JSON Web Key Set of the public halves (RFC 7517).
    pub fn key_set(&self) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(Key::public).collect();
        json!({ "keys": keys })
    }

    /// The OpenID discovery document of an issuer whose key set is at `key_set`.
    pub fn configuration(issuer: &str, key_set: &str) -> Value {
        json!({
            "issuer": issuer,
            "jwks_uri": key_set,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        })
    }
}

impl Key {
    fn read(pem: &str, random: &SystemRandom) -> Result<Key, KeyError> {
        let der =
            PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| KeyError::Pem(format!("{error:?}")))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), random)
            .map_err(KeyError::Kind)?;
        let digest = Sha256::new().chain_update(PUBLIC_KEY_PREFIX).chain_update(pair.public_key()).finalize();
        Ok(Key { pair, id: URL_SAFE_NO_PAD.encode(digest) })
    }

    fn public(&self) -> Value {
        // An uncompressed point: a mark, then the two coordinates.
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let part = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "use": "sig", "kty": "EC", "kid": self.id, "crv": "P-256", "alg": ALGORITHM, "x": part(x), "y": part(y),
        })
    }
}

/// Payload and issuer of what looks like a token, before anything about it is verified.
pub(in crate::authn) fn unverified(token: &str) -> Option<(Value, String)> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = decode(payload)?;
    let issuer = payload.get("iss")?.as_str()?.to_owned();
    Some((payload, issuer))
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
