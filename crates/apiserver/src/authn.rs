//! Who asks: from a front proxy's headers, a client certificate, or a bearer token; else nobody, if nobody may ask.
//!
//! The methods are tried in that order and the first that knows the user wins. One that was tried and failed refuses
//! the request unless a later one succeeds; only where nothing was shown at all does the anonymous user come in.
//!
//! Deliberately absent: what the user may do (`authz`), and speaking for somebody else, which needs that.

mod bearer;
mod bootstrap_token;
mod configuration;
mod elsewhere;
mod front_proxy;
pub mod impersonation;
pub mod oidc;
pub mod reviews;
pub mod service_account;
pub mod token_file;
mod token_webhook;
pub mod tokens;
pub mod x509;

pub use bootstrap_token::BootstrapTokens;
pub use configuration::{Configuration, ConfigurationError};
pub use elsewhere::{Later, TokensElsewhere};
pub use front_proxy::FrontProxy;
pub use token_webhook::TokenWebhook;

use http::HeaderMap;
use kinds::UserInfo;
use object::Status;
use std::sync::Arc;
use tracing::debug;

/// Who is not known.
pub const ANONYMOUS: &str = "system:anonymous";
/// Everybody who is known.
pub const AUTHENTICATED: &str = "system:authenticated";
/// Everybody who is not.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";

/// Tells the users of bearer tokens of some sort.
pub trait Tokens: Send + Sync {
    /// The user of a token: `Ok(None)` if the token is none of this sort, an error if it is and is not accepted.
    ///
    /// `audiences` are those for whom the token is asked about; `None` means the API server itself. `now` is in
    /// seconds since the epoch.
    fn user(&self, token: &str, audiences: Option<&[String]>, now: i64) -> Result<Option<Known>, String>;
}

/// The user of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who.
    pub user: UserInfo,
    /// Those of the asked audiences for whom the token is meant.
    pub audiences: Vec<String>,
}

/// Where requests of nobody in particular are let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Nowhere.
    #[default]
    Nowhere,
    /// For these paths (`/healthz`, `/livez`, `/readyz`).
    Paths(Vec<String>),
    /// Everywhere; authorisation decides.
    Everywhere,
}

/// Tells who asks.
pub struct Authenticator {
    /// Authorities of client certificates.
    pub clients: Arc<x509::Authorities>,
    /// Proxies that vouch for users, if there are any.
    pub front_proxy: Option<FrontProxy>,
    /// Kinds of tokens, in the order in which they are tried.
    pub tokens: Vec<Arc<dyn Tokens>>,
    /// Kinds of tokens that others may have to be asked about, tried after those.
    pub elsewhere: Vec<Arc<dyn TokensElsewhere>>,
    /// Where nobody in particular may ask.
    pub anonymous: Anonymous,
}

impl Authenticator {
    /// The user of a request: `path` is its path, `peer` what the client showed in the TLS handshake, `now` is in
    /// seconds since the epoch. Takes the credentials out of the headers, so that nothing behind sees them.
    pub async fn user(
        &self,
        path: &str,
        headers: &mut HeaderMap,
        peer: Option<&x509::Peer>,
        now: i64,
    ) -> Result<Arc<UserInfo>, Status> {
        let found = self.first(headers, peer, now).await;
        FrontProxy::strip(headers);
        match found {
            Ok(Some(user)) => {
                headers.remove(http::header::AUTHORIZATION);
                Ok(user)
            }
            Ok(None) if self.anonymous.admits(path) => Ok(Arc::new(anonymous())),
            Ok(None) => Err(Status::unauthorized()),
            Err(why) => {
                debug!(why, "cannot authenticate a request");
                Err(Status::unauthorized())
            }
        }
    }

    /// The user of a token, whatever its sort; for token reviews.
    pub async fn user_of_token(
        &self,
        token: &str,
        audiences: Option<&[String]>,
        now: i64,
    ) -> Result<Option<Known>, String> {
        // Upstream tries a token of its own first, which tells that it does not know this one.
        let mut failures = vec!["invalid bearer token".to_owned()];
        for tokens in &self.tokens {
            match tokens.user(token, audiences, now) {
                Ok(Some(known)) => return Ok(Some(known)),
                Ok(None) => {}
                Err(why) => failures.push(why),
            }
        }
        for tokens in &self.elsewhere {
            match tokens.user(token, audiences, now).await {
                Ok(Some(known)) => return Ok(Some(known)),
                Ok(None) => {}
                Err(why) => failures.push(why),
            }
        }
        if failures.len() == 1 { Ok(None) } else { Err(join(failures)) }
    }

    async fn first(
        &self,
        headers: &mut HeaderMap,
        peer: Option<&x509::Peer>,
        now: i64,
    ) -> Result<Option<Arc<UserInfo>>, String> {
        let mut failures = Vec::new();
        if let (Some(proxy), Some(peer)) = (&self.front_proxy, peer) {
            match proxy.user(headers, peer, now) {
                Ok(Some(user)) => return Ok(Some(Arc::new(user))),
                Ok(None) => {}
                Err(error) => failures.push(error.to_string()),
            }
        }
        if let Some(peer) = peer {
            match self.clients.user(peer, now) {
                Ok(Some(user)) => return Ok(Some(user)),
                Ok(None) => {}
                Err(error) => failures.push(error.to_string()),
            }
        }
        match bearer::token(headers) {
            Ok(Some(token)) => match self.user_of_token(&token, None, now).await {
                Ok(Some(known)) => {
                    let mut user = known.user;
                    add_authenticated(&user.name, &mut user.groups);
                    bearer::strip(headers);
                    return Ok(Some(Arc::new(user)));
                }
                Ok(None) => failures.push("invalid bearer token".to_owned()),
                Err(why) => failures.push(why),
            },
            Ok(None) => {}
            Err(why) => failures.push(why.to_owned()),
        }
        if failures.is_empty() { Ok(None) } else { Err(join(failures)) }
    }
}

impl Anonymous {
    fn admits(&self, path: &str) -> bool {
        match self {
            Anonymous::Nowhere => false,
            Anonymous::Paths(paths) => paths.iter().any(|admitted| admitted == path),
            Anonymous::Everywhere => true,
        }
    }
}

/// The user of requests that show nothing.
pub fn anonymous() -> UserInfo {
    UserInfo { name: ANONYMOUS.to_owned(), groups: vec![UNAUTHENTICATED.to_owned()], ..UserInfo::default() }
}

/// Adds the group of everybody who is known, unless it is clear already whether the user is.
fn add_authenticated(name: &str, groups: &mut Vec<String>) {
    if name != ANONYMOUS && !groups.iter().any(|group| group == AUTHENTICATED || group == UNAUTHENTICATED) {
        groups.push(AUTHENTICATED.to_owned());
    }
}

/// Several failures in one line, as upstream aggregates them.
fn join(mut failures: Vec<String>) -> String {
    failures.dedup();
    if failures.len() == 1 { failures.remove(0) } else { format!("[{}]", failures.join(", ")) }
}

#[cfg(test)]
mod tests;
