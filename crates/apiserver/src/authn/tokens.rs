//! Tokens of service accounts: signed by the server, bound to objects that must go on to exist.
//!
//! A token names its account, perhaps the pod, secret or node it is bound to, its audiences and its end. Its signature
//! is checked once and then remembered; whether everything that it names still exists is checked every time.
//!
//! Deliberately absent: tokens without an end, kept in secrets (nothing here makes or accepts them).

mod claims;
mod keys;
mod request;

pub use keys::{KeyError, Keys};
pub use request::Issued;
pub(crate) use request::default_life;

pub(super) use keys::unverified;

use super::{Known, Tokens, service_account};
use crate::lookup::Cluster;
use claims::Claims;
use kinds::UserInfo;
use object::{View, time};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 60;
/// Verified tokens that are remembered.
const REMEMBERED: usize = 4096;

/// How tokens are made and accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who issues: the first one new tokens, the others are accepted too.
    pub issuers: Vec<String>,
    /// The API server's own audiences; empty: the first issuer.
    pub audiences: Vec<String>,
    /// The longest life of a token in seconds, if it is limited.
    pub longest: Option<i64>,
    /// Whether pods' tokens for the API server live on for a year while their hour is over, with a warning in the
    /// audit log, for clients that do not read their file again.
    pub extend: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        let issuer = "https://kubernetes.default.svc".to_owned();
        Settings { issuers: vec![issuer], audiences: Vec::new(), longest: None, extend: true }
    }
}

impl Settings {
    /// Audiences that mean the API server.
    pub fn own_audiences(&self) -> &[String] {
        if self.audiences.is_empty() { self.issuers.get(..1).unwrap_or_default() } else { &self.audiences }
    }
}

/// Makes and accepts tokens of service accounts.
pub struct ServiceAccountTokens {
    keys: Keys,
    settings: Settings,
    cluster: Arc<dyn Cluster>,
    remembered: Mutex<HashMap<[u8; 32], Arc<Claims>>>,
}

impl ServiceAccountTokens {
    /// Tokens signed by `keys`, naming objects of `cluster`.
    pub fn new(keys: Keys, settings: Settings, cluster: Arc<dyn Cluster>) -> ServiceAccountTokens {
        ServiceAccountTokens { keys, settings, cluster, remembered: Mutex::default() }
    }

    /// How tokens are made and accepted.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The keys' public halves.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The verified claims of a token; `Ok(None)` if we are not its issuer.
    fn verify(&self, token: &str) -> Result<Option<Arc<Claims>>, String> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(claims) = self.remembered().get(&digest) {
            return Ok(Some(Arc::clone(claims)));
        }
        let Some((payload, issuer)) = unverified(token) else { return Ok(None) };
        if !self.settings.issuers.contains(&issuer) {
            return Ok(None);
        }
        self.keys.verify(token)?;
        let claims = Arc::new(Claims::read((&payload).into())?);
        let mut remembered = self.remembered();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, Arc::clone(&claims));
        Ok(Some(claims))
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Arc<Claims>>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of the asked audiences for whom the token is meant.
    fn audiences(&self, claims: &Claims, asked: Option<&[String]>) -> Result<Vec<String>, String> {
        let own = self.settings.own_audiences();
        let asked = asked.unwrap_or(own);
        let meant = if claims.audiences.is_empty() { own } else { &claims.audiences };
        let both: Vec<String> = asked.iter().filter(|audience| meant.contains(audience)).cloned().collect();
        if both.is_empty() && !own.is_empty() {
            return Err(format!(
                "token audiences {} is invalid for the target audiences {}",
                claims::quoted(meant),
                claims::quoted(asked)
            ));
        }
        Ok(both)
    }

    /// Refuses a token whose objects have gone.
    fn check_objects(&self, claims: &Claims, now: i64) -> Result<(), String> {
        let (namespace, account) = (&claims.namespace, &claims.account);
        let found = self.cluster.get("", "serviceaccounts", namespace, &account.name);
        let found = found.ok_or_else(|| {
            let status = object::Status::not_found(
                object::status::GroupResource { group: "", resource: "serviceaccounts" },
                &account.name,
            );
            status.message
        })?;
        let metadata = View::from(&*found).get("metadata");
        if metadata.str("uid") != account.uid {
            let (is, claimed) = (metadata.str("uid"), &account.uid);
            return Err(format!("service account UID ({is}) does not match claim ({claimed})"));
        }
        if was_deleted(metadata, now) {
            return Err(format!("service account {namespace}/{} has been deleted", account.name));
        }
        if let Some(secret) = &claims.secret {
            self.check_bound("secrets", namespace, secret, "secret UID", "service account secret ref claim", now)?;
        }
        match (&claims.pod, &claims.node) {
            (Some(pod), _) => self.check_bound("pods", namespace, pod, "pod UID", "service account pod ref claim", now),
            (None, Some(node)) => {
                self.check_bound("nodes", "", node, "node UID", "service account node ref claim", now)
            }
            (None, None) => Ok(()),
        }
    }

    fn check_bound(
        &self,
        resource: &str,
        namespace: &str,
        bound: &claims::Reference,
        uid: &str,
        claim: &str,
        now: i64,
    ) -> Result<(), String> {
        let gone = || "service account token has been invalidated".to_owned();
        let found = self.cluster.get("", resource, namespace, &bound.name).ok_or_else(gone)?;
        let metadata = View::from(&*found).get("metadata");
        if metadata.str("uid") != bound.uid {
            return Err(format!("{uid} ({}) does not match {claim} ({})", metadata.str("uid"), bound.uid));
        }
        if was_deleted(metadata, now) { Err(gone()) } else { Ok(()) }
    }
}

impl Tokens for ServiceAccountTokens {
    fn user(&self, token: &str, audiences: Option<&[String]>, now: i64) -> Result<Option<Known>, String> {
        let Some(claims) = self.verify(token)? else { return Ok(None) };
        let audiences = self.audiences(&claims, audiences)?;
        claims.check_times(now)?;
        self.check_objects(&claims, now)?;
        Ok(Some(Known { user: user(&claims), audiences }))
    }
}

fn was_deleted(metadata: View<'_>, now: i64) -> bool {
    time::parse_seconds(metadata.str("deletionTimestamp")).is_some_and(|deleted| deleted < now - LEEWAY)
}

/// The user that a token stands for.
fn user(claims: &Claims) -> UserInfo {
    const KEY: &str = "authentication.kubernetes.io/";
    let mut extra: Vec<(String, Vec<String>)> = Vec::new();
    let mut tell = |key: &str, value: &str| extra.push((format!("{KEY}{key}"), vec![value.to_owned()]));
    if !claims.id.is_empty() {
        tell("credential-id", &format!("JTI={}", claims.id));
    }
    if let Some(node) = claims.node.as_ref().filter(|node| !node.name.is_empty()) {
        tell("node-name", &node.name);
        if !node.uid.is_empty() {
            tell("node-uid", &node.uid);
        }
    }
    if let Some(pod) = claims.pod.as_ref().filter(|pod| !pod.name.is_empty() && !pod.uid.is_empty()) {
        tell("pod-name", &pod.name);
        tell("pod-uid", &pod.uid);
    }
    UserInfo {
        name: service_account::username(&claims.namespace, &claims.account.name),
        uid: claims.account.uid.clone(),
        groups: service_account::groups(&claims.namespace),
        extra,
    }
}

#[cfg(test)]
mod tests;
