//! Whose tokens are believed and who decides what is allowed, made of the settings.

use crate::config::guard::{Authentication, Guard, Oidc};
use apiserver::authn::oidc::{Claim, Issuer, Mappings, OpenId, Source};
use apiserver::authn::{self, Anonymous, BootstrapTokens, TokenWebhook, Tokens, TokensElsewhere};
use apiserver::authz::configuration::{self, Decider};
use apiserver::authz::{self, Authorize, Rbac};
use apiserver::lookup::Cluster;
use apiserver::webhook::{Remote, RemoteError};
use std::path::PathBuf;
use std::sync::Arc;

/// Why it is not clear who may ask, or who decides.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file of issuers is wrong.
    #[error("cannot set up authentication")]
    Authentication(#[source] authn::ConfigurationError),
    /// An issuer is named in two ways.
    #[error("--authentication-config and --oidc-... both name issuers; use one of them")]
    Both,
    /// Flags that belong together do not stand together.
    #[error("--oidc-issuer-url and --oidc-client-id have to be given together")]
    Incomplete,
    /// A required claim is not of its form.
    #[error("--oidc-required-claim {0:?} has to be KEY=VALUE")]
    Claim(String),
    /// The authorities of an issuer cannot be read.
    #[error("cannot read --oidc-ca-file {path}")]
    Authorities {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// An issuer cannot be asked.
    #[error("cannot use the issuer {url}: {why}")]
    Issuer {
        /// Which.
        url: String,
        /// Why not.
        why: String,
    },
    /// It is not clear who knows tokens.
    #[error("cannot set up the webhook that knows tokens")]
    TokenWebhook(#[source] RemoteError),
    /// The file of deciders is wrong.
    #[error("cannot set up authorisation")]
    Authorization(#[source] configuration::ConfigurationError),
    /// The conditions of a webhook that decides mean nothing.
    #[error("cannot use the conditions of the webhook {name:?} that decides what is allowed: {why}")]
    Conditions {
        /// Which.
        name: String,
        /// Why not.
        why: String,
    },
    /// It is not clear where a webhook that decides is.
    #[error("cannot set up the webhook {name:?} that decides what is allowed")]
    Webhook {
        /// Which.
        name: String,
        /// Why not.
        #[source]
        source: RemoteError,
    },
}

/// Whose tokens are believed.
pub(super) struct Believed {
    /// Those that are known here.
    pub(super) here: Vec<Arc<dyn Tokens>>,
    /// Those that others may have to be asked about.
    pub(super) elsewhere: Vec<Arc<dyn TokensElsewhere>>,
    /// Where nobody in particular may ask, if a file says so.
    pub(super) anonymous: Option<Anonymous>,
}

/// Whose tokens are believed, beside those of service accounts. `own` are the API server's audiences.
pub(super) fn believed(
    settings: &Authentication,
    own: &[String],
    cluster: Arc<dyn Cluster>,
) -> Result<Believed, Error> {
    let mut believed = Believed { here: Vec::new(), elsewhere: Vec::new(), anonymous: None };
    if settings.bootstrap_tokens {
        believed.here.push(Arc::new(BootstrapTokens::new(cluster, own)));
    }
    let mut issuers: Vec<Issuer> = by_flags(&settings.oidc)?.into_iter().collect();
    if let Some(path) = &settings.file {
        if !issuers.is_empty() {
            return Err(Error::Both);
        }
        let file = authn::Configuration::load(path).map_err(Error::Authentication)?;
        issuers = file.issuers;
        believed.anonymous = file.anonymous;
    }
    for issuer in issuers {
        let url = issuer.url.clone();
        let made = OpenId::new(issuer, own).map_err(|why| Error::Issuer { url, why })?;
        believed.elsewhere.push(Arc::new(made));
    }
    if let Some(path) = &settings.webhook {
        let remote = Remote::load(path).map_err(Error::TokenWebhook)?;
        let webhook = TokenWebhook::new(remote, &settings.webhook_version, own, settings.webhook_ttl);
        believed.elsewhere.push(Arc::new(webhook));
    }
    Ok(believed)
}

/// The issuer that flags name, if they name one.
fn by_flags(oidc: &Oidc) -> Result<Option<Issuer>, Error> {
    let (url, client) = match (&oidc.issuer_url, &oidc.client_id) {
        (None, None) => return Ok(None),
        (Some(url), Some(client)) => (url.clone(), client.clone()),
        _ => return Err(Error::Incomplete),
    };
    let authorities = match &oidc.ca_file {
        Some(path) => std::fs::read(path).map_err(|source| Error::Authorities { path: path.clone(), source })?,
        None => Vec::new(),
    };
    let required = oidc.required_claims.iter().map(|claim| {
        let (key, value) = claim.split_once('=').ok_or_else(|| Error::Claim(claim.clone()))?;
        Ok((key.to_owned(), value.to_owned()))
    });
    let name = oidc.username_claim.clone().unwrap_or_else(|| "sub".to_owned());
    let prefix = match oidc.username_prefix.as_deref() {
        Some("-") => String::new(),
        Some(prefix) => prefix.to_owned(),
        // Addresses are told apart by themselves; other names are not.
        None if name == "email" => String::new(),
        None => format!("{url}#"),
    };
    let algorithms =
        if oidc.signing_algorithms.is_empty() { vec!["RS256".to_owned()] } else { oidc.signing_algorithms.clone() };
    let groups = oidc.groups_claim.clone();
    let groups = groups.map(|name| Claim { name, prefix: oidc.groups_prefix.clone().unwrap_or_default() });
    Ok(Some(Issuer {
        discovery_url: None,
        authorities,
        audiences: vec![client],
        algorithms,
        required: required.collect::<Result<_, Error>>()?,
        claim_rules: Vec::new(),
        mappings: Mappings {
            username: Source::Claim(Claim { name, prefix }),
            groups: groups.map(Source::Claim),
            ..Mappings::default()
        },
        user_rules: Vec::new(),
        url,
    }))
}

/// Who decides what is allowed, one after another.
pub(super) fn deciders(
    guard: &Guard,
    nodes: Arc<dyn Authorize>,
    rbac: Arc<Rbac>,
) -> Result<Vec<Arc<dyn Authorize>>, Error> {
    let Some(path) = &guard.authorization else { return Ok(vec![nodes, rbac]) };
    let deciders = configuration::load(path).map_err(Error::Authorization)?;
    let made = deciders.into_iter().map(|decider| -> Result<Arc<dyn Authorize>, Error> {
        match decider {
            Decider::Node => Ok(nodes.clone()),
            Decider::Rbac => Ok(rbac.clone()),
            Decider::Webhook(settings) => {
                let failed = |source| Error::Webhook { name: settings.name.clone(), source };
                let remote = Remote::load(&settings.kubeconfig).map_err(failed)?;
                let failed = |why| Error::Conditions { name: settings.name.clone(), why };
                Ok(Arc::new(authz::Webhook::new(settings.clone(), remote).map_err(failed)?))
            }
        }
    });
    made.collect()
}
