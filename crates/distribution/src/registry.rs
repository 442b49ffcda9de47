//! One registry, as one person: requests, and who they are from.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use reqwest::{Request, Response, Url};

use crate::answer::Question;
use crate::challenge::Challenge;
use crate::{Error, scope, token};

/// So often a request is sent again where the registry is busy or broken.
const AGAIN: u32 = 5;
/// The pause before the first time; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(250);
/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(3);

/// Who asks. All is empty for nobody in particular.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// A name.
    pub username: String,
    /// Its password.
    pub password: String,
    /// What tokens are given for in place of a password.
    pub identity_token: String,
    /// A token as it is.
    pub registry_token: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The rest is nothing for logs.
        out.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// What was found out of how to ask.
#[derive(Default)]
struct Known {
    basic: Option<HeaderValue>,
    tokens: HashMap<String, HeaderValue>,
}

/// Who asks, or why nobody can say.
type Who = dyn Fn() -> Result<Credentials, String> + Send + Sync;

/// A registry.
pub struct Registry {
    http: reqwest::Client,
    base: Url,
    /// Who knows who we are; asked when the registry wants to know, and once.
    asked: Box<Who>,
    credentials: OnceLock<Credentials>,
    /// Passwords are exchanged for tokens as OAuth 2 has it.
    oauth: bool,
    pause: Duration,
    known: Mutex<Known>,
}

impl Registry {
    /// The registry of a host, reached through a client; without TLS where it is `plain`. Who asks is found out when the
    /// registry wants to know.
    ///
    /// # Errors
    /// Where the host is none.
    pub fn new(
        http: reqwest::Client,
        host: &str,
        plain: bool,
        who: impl Fn() -> Result<Credentials, String> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let url = format!("{}://{host}/v2/", if plain { "http" } else { "https" });
        let wrong = |why: String| Error::Odd { method: Method::GET, url: url.clone(), why };
        let base = Url::parse(&url).map_err(|error| wrong(error.to_string()))?;
        let (asked, credentials) = (Box::new(who), OnceLock::new());
        Ok(Self { http, base, asked, credentials, oauth: false, pause: PAUSE, known: Mutex::default() })
    }

    /// Exchanges passwords for tokens as OAuth 2 has it, and not as registries have it by themselves.
    #[must_use]
    pub fn with_oauth(mut self, oauth: bool) -> Self {
        self.oauth = oauth;
        self
    }

    /// Waits so long before the first of the times that it asks again.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Whether the registry is one, and knows us.
    ///
    /// # Errors
    /// Where it is not, or does not.
    pub async fn ping(&self) -> Result<(), Error> {
        let (question, answer) = self.ask(Request::new(Method::GET, self.base.clone()), "").await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Err(Error::Unknown { what: self.base.to_string() }),
            _ => question.wants(answer, StatusCode::OK).await.map(drop),
        }
    }

    /// The host, with its port.
    pub(crate) fn host(&self) -> String {
        let name = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
    }

    /// The address of something in a repository.
    pub(crate) fn url(&self, repository: &str, rest: &str) -> Result<Url, Error> {
        let path = format!("{repository}/{rest}");
        let wrong = |why: String| Error::Odd { method: Method::GET, url: format!("{}{path}", self.base), why };
        self.base.join(&path).map_err(|error| wrong(error.to_string()))
    }

    /// Whether something is at the registry itself, so that it may see who we are.
    pub(crate) fn is_ours(&self, url: &Url) -> bool {
        self.base.origin() == url.origin()
    }

    /// Asks, and says who asks where that is wanted.
    pub(crate) async fn ask(&self, request: Request, scope: &str) -> Result<(Question, Response), Error> {
        let question = Question { method: request.method().clone(), url: request.url().to_string() };
        let again = request.try_clone();
        let answer = self.send(request, self.known(scope)).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || !self.is_ours(answer.url()) {
            return Ok((question, answer));
        }
        let header = answer.headers().get(WWW_AUTHENTICATE).and_then(|header| header.to_str().ok());
        let challenge = header.and_then(Challenge::parse);
        let (Some(challenge), Some(again)) = (challenge, again) else { return Ok((question, answer)) };
        drop(answer);
        let header = self.answer_to(&challenge, scope, &question).await?;
        let answer = self.send(again, Some(header)).await?;
        Ok((question, answer))
    }

    /// Who we are, as it is wanted.
    async fn answer_to(&self, wanted: &Challenge, scope: &str, question: &Question) -> Result<HeaderValue, Error> {
        match wanted {
            Challenge::Basic => {
                let header = self.basic(question)?;
                self.remember(|known| known.basic = Some(header.clone()));
                Ok(header)
            }
            Challenge::Bearer { realm, service, scopes } => {
                let own = Some(scope).filter(|scope| !scope.is_empty());
                let scopes = scope::merged(own.into_iter().chain(scopes.iter().map(String::as_str)));
                let realm = token::realm(realm, &self.base).map_err(|why| Error::Realm {
                    method: question.method.clone(),
                    url: question.url.clone(),
                    why,
                })?;
                let asked = token::Wanted { realm, service, scopes: &scopes, oauth: self.oauth };
                let who = self.who(question)?;
                let token = token::fetch(self, &asked, who).await.map_err(|source| Error::NoToken {
                    method: question.method.clone(),
                    url: question.url.clone(),
                    source: Box::new(source),
                })?;
                let header = secret(&format!("Bearer {token}")).ok_or_else(|| question.odd("a token that is none"))?;
                self.remember(|known| {
                    known.tokens.insert(scope.to_owned(), header.clone());
                });
                Ok(header)
            }
        }
    }

    /// Who asks.
    fn who(&self, question: &Question) -> Result<&Credentials, Error> {
        if let Some(known) = self.credentials.get() {
            return Ok(known);
        }
        let (method, url) = (question.method.clone(), question.url.clone());
        let found = (self.asked)().map_err(|why| Error::Credentials { method, url, why })?;
        Ok(self.credentials.get_or_init(|| found))
    }

    fn basic(&self, question: &Question) -> Result<HeaderValue, Error> {
        let who = self.who(question)?;
        let Credentials { username, password, .. } = who;
        let (method, url) = (question.method.clone(), question.url.clone());
        if *who == Credentials::default() {
            return Err(Error::NoCredentials { method, url });
        }
        if username.is_empty() || password.is_empty() {
            return Err(Error::HalfCredentials { method, url, scheme: "basic" });
        }
        self.password_header(who).ok_or_else(|| question.odd("a name or password that is none"))
    }

    /// The name and password, as a request has them.
    pub(crate) fn password_header(&self, who: &Credentials) -> Option<HeaderValue> {
        let Credentials { username, password, .. } = who;
        let request = self.http.get(self.base.clone()).basic_auth(username, Some(password)).build().ok()?;
        request.headers().get(AUTHORIZATION).cloned()
    }

    fn known(&self, scope: &str) -> Option<HeaderValue> {
        let known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.tokens.get(scope).or(known.basic.as_ref()).cloned()
    }

    fn remember(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// Sends a request; again, where the registry is busy or broken.
    pub(crate) async fn send(&self, mut request: Request, who: Option<HeaderValue>) -> Result<Response, Error> {
        let question = Question { method: request.method().clone(), url: request.url().to_string() };
        if let Some(who) = who {
            request.headers_mut().insert(AUTHORIZATION, who);
        }
        let (mut pause, mut left) = (self.pause, AGAIN);
        loop {
            let again = if left > 0 { request.try_clone() } else { None };
            let sent = self.http.execute(request).await;
            let Some(again) = again.filter(|_| is_passing(&sent)) else {
                return sent.map_err(|source| question.unanswered(source));
            };
            tokio::time::sleep(asked_for(&sent).unwrap_or(pause).min(LONGEST)).await;
            (request, pause, left) = (again, pause * 2, left - 1);
        }
    }
}

/// Whether it may be well the next time.
fn is_passing(sent: &Result<Response, reqwest::Error>) -> bool {
    match sent {
        Ok(answer) => {
            let status = answer.status();
            status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
        }
        Err(error) => error.is_connect() && error.is_timeout(),
    }
}

/// How long a busy registry wants us to wait.
fn asked_for(sent: &Result<Response, reqwest::Error>) -> Option<Duration> {
    let answer = sent.as_ref().ok().filter(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS)?;
    let seconds: u64 = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// A header that no log shows.
fn secret(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
