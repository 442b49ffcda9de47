//! A request handed on to an extension server, and its answer as it comes.

use super::Remote;
use crate::authn::FrontProxy;
use crate::http::{Body, respond};
use crate::net;
use crate::rest::connect::{self, BoxError, Passing, Remote as Peer, tunnel};
use crate::server::Core;
use ::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header, request};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use kinds::UserInfo;
use object::Status;

/// Answers a request that is the extension server's.
pub(crate) async fn answer<B>(
    core: &Core,
    remote: &Remote,
    mut head: request::Parts,
    user: &UserInfo,
    body: B,
) -> Result<Response<Body>, Status>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    let unavailable = || respond::text(503, "service unavailable\n");
    if !remote.available {
        return Ok(unavailable());
    }
    let Ok(place) = remote.resolve(core) else { return Ok(unavailable()) };
    let upgrade = head.extensions.remove::<OnUpgrade>();
    let is_upgrade = streaming::request::is_upgrade(&head.headers) && upgrade.is_some();
    let mut headers = std::mem::take(&mut head.headers);
    if !is_upgrade {
        connect::remove_hop_by_hop(&mut headers);
    }
    name_user(&mut headers, user);
    connect::add_forwarded_for(&mut headers, head.extensions.get().map(|Peer(address)| address.ip()));
    insert(&mut headers, "host", &authority(&place));
    let mut request = Request::new(Passing::new(body.map_err(|error| BoxError::from(error.to_string()))));
    *request.method_mut() = head.method;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(Status::internal)?;
    *request.headers_mut() = headers;
    let failed = |why: String| respond::text(503, format!("{why}\n"));
    let stream = match remote.dial(core, &place).await {
        Ok(stream) => stream,
        Err(why) => return Ok(failed(why)),
    };
    if is_upgrade {
        return tunnel::open(core, stream, request, upgrade, None).await;
    }
    match net::send(stream, request, &core.tunnels).await {
        Ok(answer) if answer.status().is_redirection() && answer.headers().contains_key(header::LOCATION) => {
            let why = "the backend attempted to redirect this request, which is not permitted";
            Ok(respond::text(502, why))
        }
        Ok(answer) => {
            let (mut head, body) = answer.into_parts();
            connect::remove_hop_by_hop(&mut head.headers);
            Ok(Response::from_parts(head, Body::passing(body)))
        }
        Err(error) => Ok(failed(error.to_string())),
    }
}

/// Host and port as they stand in a URL.
pub(super) fn authority((host, port): &(String, u16)) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Says who asks, and nothing else about that.
pub(super) fn name_user(headers: &mut HeaderMap, user: &UserInfo) {
    FrontProxy::strip(headers);
    headers.remove(header::AUTHORIZATION);
    insert(headers, "x-remote-user", &user.name);
    if !user.uid.is_empty() {
        insert(headers, "x-remote-uid", &user.uid);
    }
    for group in &user.groups {
        append(headers, "x-remote-group", group);
    }
    for (key, values) in &user.extra {
        let name = format!("x-remote-extra-{}", escaped(key));
        values.iter().for_each(|value| append(headers, &name, value));
    }
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let Some((name, value)) = header(name, value) {
        headers.insert(name, value);
    }
}

fn append(headers: &mut HeaderMap, name: &str, value: &str) {
    if let Some((name, value)) = header(name, value) {
        headers.append(name, value);
    }
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
}

/// A key as it may stand in the name of a header.
pub(super) fn escaped(key: &str) -> String {
    let mut escaped = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => escaped.push(char::from(byte.to_ascii_lowercase())),
            b'!' | b'#' | b'$' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => {
                use std::fmt::Write;
                // Writing to a string cannot fail.
                let _ = write!(escaped, "%{byte:02x}");
            }
        }
    }
    escaped
}
