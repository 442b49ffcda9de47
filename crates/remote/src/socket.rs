//! A WebSocket to the API server.

use crate::error::{Error, Result};
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A connection that was upgraded.
pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Opens one, and tells which of the offered protocols the server took.
pub(crate) async fn open(client: &Client, target: &str, offered: &'static str) -> Result<(Socket, String)> {
    let key = generate_key();
    let request = Request::get(target)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, key.as_str())
        .header(header::SEC_WEBSOCKET_PROTOCOL, offered)
        .body(Body::empty())
        .map_err(|error| Error::usage(format!("this cannot be asked for: {error}")))?;
    let answer = client.send(request).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(answer).await);
    }
    let protocol = accepted(answer.headers(), &key, offered)?;
    let upgraded = hyper::upgrade::on(answer).await;
    let upgraded = upgraded.map_err(|error| Error::lost("unable to upgrade the connection", error))?;
    Ok((WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await, protocol))
}

/// The protocol that the server took.
fn accepted(headers: &http::HeaderMap, key: &str, offered: &str) -> Result<String> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let protocol = text(header::SEC_WEBSOCKET_PROTOCOL);
    let is_meant = offered.split(", ").any(|offered| offered == protocol);
    if text(header::SEC_WEBSOCKET_ACCEPT) != derive_accept_key(key.as_bytes()) || !is_meant {
        return Err(Error::usage("the server does not speak WebSocket as it should"));
    }
    Ok(protocol.to_owned())
}

/// What an answer says that is none.
pub(crate) async fn refusal(answer: http::Response<Body>) -> Error {
    let code = answer.status().as_u16();
    match answer.into_body().collect().await {
        Ok(body) => Error::of_body(code, &body.to_bytes()),
        Err(error) => Error::lost("unable to read the server's answer", error),
    }
}
