//! Tokens: what a registry that does not take passwords itself wants instead.

use std::net::IpAddr;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use reqwest::{Request, Url};
use value::Value;

use crate::answer::Question;
use crate::{Credentials, Error, Registry};

/// An answer with a token is no longer than this.
const LONGEST: u64 = 128 << 10;
/// What we call ourselves where a name is wanted.
const CLIENT: &str = "hakata";

/// What is asked for.
pub(crate) struct Wanted<'a> {
    /// Where.
    pub(crate) realm: Url,
    pub(crate) service: &'a str,
    pub(crate) scopes: &'a [String],
    /// Passwords go as OAuth 2 has it.
    pub(crate) oauth: bool,
}

/// Who gives tokens for a registry, if credentials may be shown there: over TLS where the registry is, and at no
/// address within a network that the registry itself is not at.
pub(crate) fn realm(realm: &str, registry: &Url) -> Result<Url, String> {
    let url = Url::parse(realm).map_err(|error| format!("{realm:?} is no address: {error}"))?;
    match url.scheme() {
        "https" => {}
        "http" if registry.scheme() == "https" => {
            return Err(format!("{realm:?} uses http but registry was contacted over https"));
        }
        "http" => {}
        other => return Err(format!("{realm:?} uses unsupported scheme {other:?}")),
    }
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if address.is_ok_and(is_inner) && registry.host_str() != Some(host) {
        return Err(format!("host {host:?} is a loopback, link-local, private, or unspecified address"));
    }
    Ok(url)
}

fn is_inner(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_private() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unique_local() || v6.is_unspecified(),
    }
}

/// Gets a token.
pub(crate) async fn fetch(from: &Registry, wanted: &Wanted<'_>, who: &Credentials) -> Result<String, Error> {
    if !who.registry_token.is_empty() {
        return Ok(who.registry_token.clone());
    }
    let nobody = *who == Credentials::default();
    if nobody || (who.identity_token.is_empty() && !wanted.oauth) {
        return by_get(from, wanted, who).await;
    }
    by_post(from, wanted, who).await
}

/// As registries have it: a name and password, or none, for a token.
async fn by_get(from: &Registry, wanted: &Wanted<'_>, who: &Credentials) -> Result<String, Error> {
    let mut url = wanted.realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if !wanted.service.is_empty() {
            query.append_pair("service", wanted.service);
        }
        for scope in wanted.scopes {
            query.append_pair("scope", scope);
        }
    }
    let named = !who.username.is_empty() || !who.password.is_empty();
    let header = if named { from.password_header(who) } else { None };
    let value = answer(from, Request::new(Method::GET, url), header).await?;
    text(&value, &["access_token", "token"]).ok_or_else(|| empty(Method::GET, wanted))
}

/// As OAuth 2 has it.
async fn by_post(from: &Registry, wanted: &Wanted<'_>, who: &Credentials) -> Result<String, Error> {
    let scopes = wanted.scopes.join(" ");
    let mut form = vec![("service", wanted.service), ("client_id", CLIENT)];
    if !scopes.is_empty() {
        form.push(("scope", &scopes));
    }
    if !who.identity_token.is_empty() {
        form.extend([("grant_type", "refresh_token"), ("refresh_token", &*who.identity_token)]);
    } else if !who.username.is_empty() && !who.password.is_empty() {
        form.extend([("grant_type", "password"), ("username", &*who.username), ("password", &*who.password)]);
    } else {
        let url = wanted.realm.to_string();
        return Err(Error::HalfCredentials { method: Method::POST, url, scheme: "bearer" });
    }
    // A query is written as a form is.
    let mut body = wanted.realm.clone();
    body.query_pairs_mut().clear().extend_pairs(form);
    let mut request = Request::new(Method::POST, wanted.realm.clone());
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    *request.body_mut() = Some(body.query().unwrap_or_default().to_owned().into());
    let value = answer(from, request, None).await?;
    text(&value, &["access_token"]).ok_or_else(|| empty(Method::POST, wanted))
}

async fn answer(from: &Registry, request: Request, who: Option<HeaderValue>) -> Result<Value, Error> {
    let question = Question { method: request.method().clone(), url: request.url().to_string() };
    let answer = from.send(request, who).await?;
    question.json(question.wants(answer, StatusCode::OK).await?, LONGEST).await
}

fn text(value: &Value, names: &[&str]) -> Option<String> {
    let mut found = names.iter().filter_map(|name| value[*name].as_str()).filter(|text| !text.is_empty());
    found.next().map(str::to_owned)
}

fn empty(method: Method, wanted: &Wanted<'_>) -> Error {
    Error::Odd { method, url: wanted.realm.to_string(), why: "empty token returned".to_owned() }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    #[test]
    fn credentials_go_to_no_inner_address() {
        let check = |realm: &str, registry: &str, want: bool| {
            let registry = Url::parse(registry).unwrap();
            assert_eq!(super::realm(realm, &registry).is_ok(), want, "{realm} of {registry}");
        };
        check("https://auth.example/token", "https://registry.example/v2/", true);
        check("http://auth.example/token", "https://registry.example/v2/", false);
        check("http://auth.example/token", "http://registry.example/v2/", true);
        check("https://127.0.0.1/token", "https://registry.example/v2/", false);
        check("https://169.254.169.254/token", "https://registry.example/v2/", false);
        check("https://[::1]/token", "https://registry.example/v2/", false);
        check("https://[::ffff:10.0.0.1]/token", "https://registry.example/v2/", false);
        check("https://127.0.0.1:5001/token", "https://127.0.0.1:5000/v2/", true);
        check("file:///etc/passwd", "http://registry.example/v2/", false);
        check("", "http://registry.example/v2/", false);
    }
}
