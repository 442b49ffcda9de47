//! Which upgrade a request asks for, and the answer to it. Pure.

use crate::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What a client is told that does not get what it asked for.
pub type Refusal = Box<Response<Body>>;

/// What SPDY is called in `Upgrade` headers.
pub const SPDY: &str = "SPDY/3.1";
/// Subprotocols of WebSocket that begin so carry a SPDY connection.
pub const TUNNEL_PREFIX: &str = "SPDY/3.1+";
/// Names the protocols that a client of SPDY speaks, and the one that the server took.
const PROTOCOL_VERSION: &str = "x-stream-protocol-version";
/// Names the protocols that the server speaks, where none was found.
const ACCEPTED_VERSIONS: &str = "x-accepted-stream-protocol-versions";

/// True if the client wants another protocol on its connection.
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    values(headers, header::CONNECTION).any(|value| value.to_ascii_lowercase().contains("upgrade"))
}

/// True if the client wants WebSocket.
pub fn is_websocket(headers: &HeaderMap) -> bool {
    is_upgrade(headers)
        && values(headers, header::UPGRADE).next().is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// The subprotocols that a client of WebSocket offers, in its order.
pub fn websocket_protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    listed(headers, header::SEC_WEBSOCKET_PROTOCOL)
}

/// The first protocol that the client offers and the server speaks; the protocol "" is for clients that name none.
///
/// # Errors
/// The refusal.
pub fn accept_websocket<T: Copy>(head: &request::Parts, spoken: &[(&str, T)]) -> Result<(Response<Body>, T), Refusal> {
    if head.method != Method::GET {
        return Err(refusal(StatusCode::METHOD_NOT_ALLOWED, "bad method"));
    }
    let text = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    if text(header::SEC_WEBSOCKET_VERSION) != "13" {
        let mut refused = refusal(StatusCode::BAD_REQUEST, "missing or bad WebSocket Version");
        refused.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(refused);
    }
    let key = text(header::SEC_WEBSOCKET_KEY);
    if key.is_empty() {
        return Err(refusal(StatusCode::BAD_REQUEST, "challenge not found"));
    }
    let mut offered: Vec<&str> = websocket_protocols(&head.headers).collect();
    if offered.is_empty() {
        offered.push("");
    }
    let found = offered.iter().find_map(|name| spoken.iter().find(|(spoken, _)| spoken == name));
    let Some((name, protocol)) = found else {
        return Err(Box::new(empty(StatusCode::FORBIDDEN)));
    };
    let mut answer = switching("websocket");
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        answer.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if !name.is_empty()
        && let Ok(name) = HeaderValue::from_str(name)
    {
        answer.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    }
    Ok((answer, *protocol))
}

/// The first protocol that a client of SPDY offers and the server speaks.
///
/// # Errors
/// The refusal.
pub fn accept_spdy<T: Copy>(head: &request::Parts, spoken: &[(&str, T)]) -> Result<(Response<Body>, T), Refusal> {
    if !head.headers.contains_key(PROTOCOL_VERSION) {
        let count = head.headers.keys_len();
        let why = format!(
            "unable to upgrade: header X-Stream-Protocol-Version does not exist in request with {count} headers"
        );
        return Err(refusal(StatusCode::BAD_REQUEST, why));
    }
    let offered: Vec<&str> = listed(&head.headers, PROTOCOL_VERSION).collect();
    if offered.is_empty() {
        let values: Vec<&str> = values(&head.headers, PROTOCOL_VERSION).collect();
        let values = values.join(" ");
        let why =
            format!("unable to upgrade: header X-Stream-Protocol-Version contains [{values}], but no valid protocols");
        return Err(refusal(StatusCode::BAD_REQUEST, why));
    }
    let found = offered.iter().find_map(|name| spoken.iter().find(|(spoken, _)| spoken == name));
    let Some((name, protocol)) = found else { return Err(not_spoken(&offered, spoken)) };
    let wants_spdy = values(&head.headers, header::UPGRADE)
        .any(|value| value.to_ascii_lowercase().contains(&SPDY.to_ascii_lowercase()));
    if !is_upgrade(&head.headers) || !wants_spdy {
        return Err(refusal(StatusCode::BAD_REQUEST, "unable to upgrade: missing upgrade headers in request"));
    }
    let mut answer = switching(SPDY);
    if let Ok(name) = HeaderValue::from_str(name) {
        answer.headers_mut().insert(PROTOCOL_VERSION, name);
    }
    Ok((answer, *protocol))
}

fn not_spoken<T>(offered: &[&str], spoken: &[(&str, T)]) -> Refusal {
    let names: Vec<&str> = spoken.iter().map(|(name, _)| *name).collect();
    let why = format!(
        "unable to upgrade: unable to negotiate protocol: client supports [{}], server accepts [{}]",
        offered.join(" "),
        names.join(" ")
    );
    let mut refused = refusal(StatusCode::FORBIDDEN, why);
    for name in names.into_iter().filter_map(|name| HeaderValue::from_str(name).ok()) {
        refused.headers_mut().append(ACCEPTED_VERSIONS, name);
    }
    refused
}

/// A refusal in plain text.
pub fn refusal(code: StatusCode, why: impl Into<String>) -> Refusal {
    let mut text: String = why.into();
    text.push('\n');
    let mut answer = Response::new(Body::new(Bytes::from(text)));
    *answer.status_mut() = code;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Box::new(answer)
}

fn empty(code: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Body::default());
    *answer.status_mut() = code;
    answer
}

fn switching(protocol: &'static str) -> Response<Body> {
    let mut answer = empty(StatusCode::SWITCHING_PROTOCOLS);
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.headers_mut().insert(header::UPGRADE, HeaderValue::from_static(protocol));
    answer
}

fn values(headers: &HeaderMap, name: impl header::AsHeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

fn listed(headers: &HeaderMap, name: impl header::AsHeaderName) -> impl Iterator<Item = &str> {
    values(headers, name).flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(pairs: &[(&'static str, &'static str)]) -> request::Parts {
        let mut request = http::Request::new(());
        for (name, value) in pairs {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        request.into_parts().0
    }

    const SPOKEN: [(&str, u8); 3] = [("", 1), ("channel.k8s.io", 1), ("v4.channel.k8s.io", 4)];

    #[track_caller]
    fn websocket(protocols: &'static str) -> Result<u8, StatusCode> {
        let mut pairs = vec![
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        if !protocols.is_empty() {
            pairs.push(("sec-websocket-protocol", protocols));
        }
        let head = head(&pairs);
        assert!(is_websocket(&head.headers));
        let (answer, protocol) = accept_websocket(&head, &SPOKEN).map_err(|refused| refused.status())?;
        assert_eq!(answer.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        Ok(protocol)
    }

    #[test]
    fn the_client_chooses_the_subprotocol() {
        assert_eq!(websocket("v5.channel.k8s.io, v4.channel.k8s.io"), Ok(4));
        assert_eq!(websocket(""), Ok(1));
        assert_eq!(websocket("v9.channel.k8s.io"), Err(StatusCode::FORBIDDEN));
    }

    #[test]
    fn spdy_is_negotiated_in_headers() {
        let upgrade = [("connection", "Upgrade"), ("upgrade", "SPDY/3.1")];
        let with = |value| head(&[upgrade[0], upgrade[1], ("x-stream-protocol-version", value)]);
        let (answer, protocol) = accept_spdy(&with("v9.channel.k8s.io,v4.channel.k8s.io"), &SPOKEN).unwrap();
        assert_eq!((answer.status().as_u16(), protocol), (101, 4));
        assert_eq!(answer.headers()["x-stream-protocol-version"], "v4.channel.k8s.io");
        let refused = accept_spdy(&with("v9"), &SPOKEN).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.headers().get_all(ACCEPTED_VERSIONS).iter().count()), (403, 3));
        assert_eq!(accept_spdy(&head(&upgrade), &SPOKEN).unwrap_err().status(), 400);
        let plain = head(&[("x-stream-protocol-version", "v4.channel.k8s.io")]);
        assert_eq!(accept_spdy(&plain, &SPOKEN).unwrap_err().status(), 400);
    }
}
