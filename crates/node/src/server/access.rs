//! Who asks, and whether they may: a client certificate or a token, and a review by the API server.

use http::{HeaderMap, Method, header};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::{Api, PostParams};
use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::warn;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Those who may do everything.
const MASTERS: &str = "system:masters";
/// How long a yes is good.
const YES: Duration = Duration::from_secs(300);
/// How long a no is good.
const NO: Duration = Duration::from_secs(30);
/// Answers that are kept.
const KEPT: usize = 1000;

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
}

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// Nobody knows who asks.
    Unauthorized,
    /// They may not.
    Forbidden(String),
}

/// Answers with the time at which they were given.
type Remembered<K, V> = Mutex<HashMap<K, (V, Instant)>>;

/// Who asks for which verb on which subresource.
type Question = (User, &'static str, &'static str);

/// Decides upon requests.
pub(super) struct Access {
    client: kube::Client,
    users: Remembered<String, Option<User>>,
    answers: Remembered<Question, bool>,
}

/// The subject of a certificate that was verified.
pub(super) fn subject(certificate: &CertificateDer<'_>) -> Option<User> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    let groups = parsed.subject().iter_organization().filter_map(|group| group.as_str().ok().map(str::to_owned));
    Some(User { name, groups: groups.collect() })
}

impl Access {
    pub(super) fn new(client: kube::Client) -> Access {
        Access { client, users: Mutex::default(), answers: Mutex::default() }
    }

    /// Whether somebody may have what stands at a path.
    pub(super) async fn check(
        &self,
        peer: Option<&User>,
        headers: &HeaderMap,
        method: &Method,
        path: &str,
    ) -> Result<(), Denied> {
        let user = match peer {
            Some(user) => user.clone(),
            None => self.by_token(headers).await.ok_or(Denied::Unauthorized)?,
        };
        if user.groups.iter().any(|group| group == MASTERS) {
            return Ok(());
        }
        let (verb, subresources) = (verb(method), subresources(path));
        for subresource in subresources {
            if self.may(&user, verb, subresource).await {
                return Ok(());
            }
        }
        let subresource = subresources.first().copied().unwrap_or("proxy");
        Err(Denied::Forbidden(format!(
            "Forbidden (user={}, verb={verb}, resource=nodes, subresource(s)=[{subresource}])",
            user.name
        )))
    }

    async fn by_token(&self, headers: &HeaderMap) -> Option<User> {
        let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?.to_owned();
        if let Some(known) = fresh(&self.users, &token, |user| if user.is_some() { YES / 5 } else { NO }) {
            return known;
        }
        let spec = TokenReviewSpec { token: token.clone(), ..TokenReviewSpec::default() };
        let review = TokenReview { spec, ..TokenReview::default() };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let answer = match api.create(&PostParams::default(), &review).await {
            Ok(answer) => answer.status.unwrap_or_default(),
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "cannot review a token");
                return None;
            }
        };
        let user = answer.user.filter(|_| answer.authenticated == Some(true)).map(|user: UserInfo| User {
            name: user.username.unwrap_or_default(),
            groups: user.groups.unwrap_or_default(),
        });
        keep(&self.users, token, user.clone());
        user
    }

    async fn may(&self, user: &User, verb: &'static str, subresource: &'static str) -> bool {
        let key = (user.clone(), verb, subresource);
        if let Some(known) = fresh(&self.answers, &key, |yes| if *yes { YES } else { NO }) {
            return known;
        }
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(user.name.clone()),
                groups: Some(user.groups.clone()),
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(verb.to_owned()),
                    version: Some("v1".to_owned()),
                    resource: Some("nodes".to_owned()),
                    subresource: Some(subresource.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let allowed = match api.create(&PostParams::default(), &review).await {
            Ok(answer) => answer.status.is_some_and(|status| status.allowed),
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "cannot review a right");
                return false;
            }
        };
        keep(&self.answers, key, allowed);
        allowed
    }
}

/// An answer that is still good.
fn fresh<K: std::hash::Hash + Eq, V: Clone>(
    map: &Remembered<K, V>,
    key: &K,
    good: impl Fn(&V) -> Duration,
) -> Option<V> {
    let map = map.lock().unwrap_or_else(PoisonError::into_inner);
    let (value, at) = map.get(key)?;
    (at.elapsed() < good(value)).then(|| value.clone())
}

fn keep<K: std::hash::Hash + Eq, V>(map: &Remembered<K, V>, key: K, value: V) {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    if map.len() >= KEPT {
        map.clear();
    }
    map.insert(key, (value, Instant::now()));
}

fn verb(method: &Method) -> &'static str {
    match *method {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "get",
    }
}

/// The subresources of `nodes` that a path is; one of them is enough.
fn subresources(path: &str) -> &'static [&'static str] {
    match path.split('/').nth(1).unwrap_or_default() {
        "stats" => &["stats"],
        "pressure" => &["stats", "proxy"],
        "metrics" => &["metrics"],
        "logs" => &["log"],
        "spec" => &["spec"],
        "healthz" => &["healthz", "proxy"],
        "pods" | "runningpods" => &["pods", "proxy"],
        "configz" => &["configz", "proxy"],
        _ => &["proxy"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_subresources() {
        assert_eq!(subresources("/metrics/cadvisor"), ["metrics"]);
        assert_eq!(subresources("/stats/summary"), ["stats"]);
        assert_eq!(subresources("/pressure"), ["stats", "proxy"]);
        assert_eq!(subresources("/exec/ns/pod/c"), ["proxy"]);
        assert_eq!(subresources("/pods"), ["pods", "proxy"]);
        assert_eq!(verb(&Method::GET), "get");
        assert_eq!(verb(&Method::POST), "create");
    }
}
