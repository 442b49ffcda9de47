//! Where a request carries its bearer token: the `Authorization` header, or for browsers' websockets a subprotocol.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderMap, HeaderValue};

/// Subprotocols that start with this carry a token.
const PROTOCOL: &str = "base64url.bearer.authorization.k8s.io.";

/// The token of a request, if it carries one.
pub(super) fn token(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    match from_authorization(headers) {
        Some(token) => Ok(Some(token)),
        None => from_websocket(headers),
    }
}

/// Takes the token out of the subprotocols, so that it is not echoed.
pub(super) fn strip(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    if !protocols(headers).any(|protocol| protocol.starts_with(PROTOCOL)) {
        return;
    }
    let rest: Vec<&str> = protocols(headers).filter(|protocol| !protocol.starts_with(PROTOCOL)).collect();
    if let Ok(rest) = HeaderValue::from_str(&rest.join(",")) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, rest);
    }
}

fn from_authorization(headers: &HeaderMap) -> Option<String> {
    let mut parts = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().splitn(3, ' ');
    let scheme = parts.next()?;
    let token = parts.next()?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
}

fn from_websocket(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    if !is_websocket(headers) {
        return Ok(None);
    }
    let mut carriers = protocols(headers).filter_map(|protocol| protocol.strip_prefix(PROTOCOL));
    let Some(encoded) = carriers.next() else { return Ok(None) };
    if carriers.next().is_some() {
        return Err("multiple base64.bearer.authorization tokens specified");
    }
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| "invalid base64.bearer.authorization token encoding")?;
    let token = String::from_utf8(bytes).map_err(|_| "invalid base64.bearer.authorization token")?;
    if token.is_empty() {
        return Ok(None);
    }
    // Something has to be left that the server can choose.
    if protocols(headers).all(|protocol| protocol.starts_with(PROTOCOL)) {
        return Err("missing additional subprotocol");
    }
    Ok(Some(token))
}

fn is_websocket(headers: &HeaderMap) -> bool {
    let has = |name, word: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    has(CONNECTION, "upgrade") && has(UPGRADE, "websocket")
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}
