//! An issuer's public keys: where they are, fetching them, verifying with them.

use super::Issuer;
use crate::webhook::Remote;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use object::quote::quote;
use object::{Value, View};
use ring::signature::{self, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a document may take to come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Keys are not fetched again sooner, whatever tokens claim.
const REST: Duration = Duration::from_secs(1);
const WELL_KNOWN: &str = "/.well-known/openid-configuration";
const BAD: &str = "oidc: verify token: failed to verify signature: failed to verify id token signature";

/// An algorithm, and how it is verified.
enum Algorithm {
    Rsa(&'static RsaParameters),
    Ec(&'static str, &'static EcdsaVerificationAlgorithm),
}

/// An issuer's public keys.
pub(super) struct KeySet {
    issuer: String,
    discovery: Remote,
    authorities: Vec<u8>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Where the keys are, once the issuer has told.
    place: Option<Remote>,
    keys: Arc<Vec<Value>>,
    fetched: Option<Instant>,
}

impl KeySet {
    pub(super) fn new(issuer: &Issuer) -> Result<KeySet, String> {
        let own = format!("{}{WELL_KNOWN}", issuer.url.trim_end_matches('/'));
        let discovery = Remote::at(issuer.discovery_url.as_deref().unwrap_or(&own), &issuer.authorities)?;
        let authorities = issuer.authorities.clone();
        Ok(KeySet { issuer: issuer.url.clone(), discovery, authorities, known: Mutex::default() })
    }

    /// `Ok` if one of the issuer's keys has signed the token, by one of these algorithms.
    pub(super) async fn verify(&self, token: &str, algorithms: &[String]) -> Result<(), String> {
        let token = Signed::read(token).ok_or("oidc: verify token: oidc: malformed jwt")?;
        if !algorithms.contains(&token.algorithm) {
            let got = quote(&token.algorithm);
            return Err(format!(
                "oidc: verify token: oidc: id token signed with unsupported algorithm, expected {algorithms:?} got {got}"
            ));
        }
        let algorithm = algorithm(&token.algorithm)
            .ok_or_else(|| format!("oidc: the algorithm {} is not supported", token.algorithm))?;
        let known = self.known.lock().await.keys.clone();
        if token.is_signed_by_one_of(&known, &algorithm) {
            return Ok(());
        }
        let fresh = self
            .fetch(&known)
            .await
            .map_err(|why| format!("oidc: verify token: failed to verify signature: fetching keys {why}"))?;
        if token.is_signed_by_one_of(&fresh, &algorithm) { Ok(()) } else { Err(BAD.to_owned()) }
    }

    /// The issuer's keys as they are now; those that somebody else has fetched meanwhile will do.
    async fn fetch(&self, seen: &Arc<Vec<Value>>) -> Result<Arc<Vec<Value>>, String> {
        let mut known = self.known.lock().await;
        let is_fresh = known.fetched.is_some_and(|fetched| fetched.elapsed() < REST);
        if is_fresh || !Arc::ptr_eq(seen, &known.keys) {
            return Ok(known.keys.clone());
        }
        known.fetched = Some(Instant::now());
        if known.place.is_none() {
            known.place = Some(self.discover().await?);
        }
        let place = known.place.clone().ok_or("the issuer does not tell where its keys are")?;
        let set = get(&place).await?;
        known.keys = Arc::new(View::from(&set).get("keys").as_slice().to_vec());
        Ok(known.keys.clone())
    }

    async fn discover(&self) -> Result<Remote, String> {
        let document = get(&self.discovery).await?;
        let document = View::from(&document);
        if document.str("issuer") != self.issuer {
            let (wanted, got) = (quote(&self.issuer), quote(document.str("issuer")));
            return Err(format!(
                "oidc: issuer did not match the issuer returned by provider, expected {wanted} got {got}"
            ));
        }
        Remote::at(document.str("jwks_uri"), &self.authorities)
    }
}

async fn get(remote: &Remote) -> Result<Value, String> {
    let (code, body) = remote.get(PATIENCE).await?;
    if code != 200 {
        return Err(format!("{} answered {code}", remote.url()));
    }
    serde_json::from_slice(&body).map_err(|error| format!("{} answered no JSON: {error}", remote.url()))
}

/// A token in its parts.
struct Signed<'a> {
    algorithm: String,
    key: String,
    message: &'a str,
    signature: Vec<u8>,
}

impl Signed<'_> {
    fn read(token: &str) -> Option<Signed<'_>> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, _) = message.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let header = View::from(&header);
        Some(Signed {
            algorithm: header.str("alg").to_owned(),
            key: header.str("kid").to_owned(),
            message,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    fn is_signed_by_one_of(&self, keys: &[Value], algorithm: &Algorithm) -> bool {
        let keys = keys.iter().map(View::from).filter(|key| self.key.is_empty() || key.str("kid") == self.key);
        let mut keys = keys.filter(|key| matches!(key.str("use"), "" | "sig"));
        keys.any(|key| self.is_signed_by(key, algorithm).unwrap_or_default())
    }

    fn is_signed_by(&self, key: View<'_>, algorithm: &Algorithm) -> Option<bool> {
        let part = |name: &str| URL_SAFE_NO_PAD.decode(key.str(name).trim_end_matches('=')).ok();
        let message = self.message.as_bytes();
        match (algorithm, key.str("kty")) {
            (Algorithm::Rsa(parameters), "RSA") => {
                let public = RsaPublicKeyComponents { n: part("n")?, e: part("e")? };
                Some(public.verify(parameters, message, &self.signature).is_ok())
            }
            (Algorithm::Ec(curve, algorithm), "EC") if key.str("crv") == *curve => {
                let point = [&[4][..], &part("x")?, &part("y")?].concat();
                Some(UnparsedPublicKey::new(*algorithm, point).verify(message, &self.signature).is_ok())
            }
            _ => None,
        }
    }
}

fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Algorithm::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Algorithm::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => Algorithm::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => Algorithm::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => Algorithm::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        "ES256" => Algorithm::Ec("P-256", &signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => Algorithm::Ec("P-384", &signature::ECDSA_P384_SHA384_FIXED),
        _ => return None,
    })
}
