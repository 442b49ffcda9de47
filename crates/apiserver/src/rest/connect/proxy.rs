//! `proxy`: the request goes to the pod, service or node, and its answer comes back with its links led through here.

use super::html::Rewriter;
use super::links::Links;
use super::target::Target;
use super::{Head, Passing, add_forwarded_for, admit, tunnel};
use crate::http::{Body, respond};
use crate::net;
use crate::rest::Call;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header, response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{DeflateDecoder, DeflateEncoder, GzDecoder, GzEncoder};
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use object::{Status, json};
use std::io::{self, Write};

/// Headers about one connection, which end with it.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "proxy-connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// What a backend has no say in, for the server answers under its own name.
const CORS: [&str; 4] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
];
/// Compressed HTML is taken in pieces of this size, so that a small piece cannot become a very large one.
const PIECE: usize = 1024;

/// Answers a request.
pub(super) async fn answer(call: &Call, head: Head, body: Passing) -> Result<Response<Body>, Status> {
    let mut options = json!({"kind": call.body.kind, "apiVersion": "v1"});
    if !call.info.rest.is_empty() {
        options["path"] = format!("/{}", call.info.rest).into();
    }
    admit(call, &mut options).await?;
    let target = Target::find(call).await?;
    let path = head.uri.path();
    let rest = rest_of(path, segments(call));
    let prefix = path.strip_suffix(rest).unwrap_or(path).to_owned();
    let is_upgrade = streaming::request::is_upgrade(&call.headers) && head.upgrade.is_some();
    if rest.is_empty() && !is_upgrade && matches!(head.method, Method::GET | Method::HEAD) {
        return Ok(redirect_to_root(&head));
    }
    let asked = asked_host(call, &head);
    let request = request(call, &head, rest, &asked, &prefix, is_upgrade, body)?;
    if is_upgrade {
        let stream = target.dial(call).await.map_err(tunnel::cannot_dial)?;
        return tunnel::open(&call.core, stream, request, head.upgrade, call.record.clone()).await;
    }
    let unreachable = |why: String| Status::unavailable(format!("error trying to reach service: {why}"));
    let stream = target.dial(call).await.map_err(|error| unreachable(error.to_string()))?;
    let sent = net::send(stream, request, &call.core.tunnels).await;
    let answer = sent.map_err(|error| unreachable(error.to_string()))?;
    let links = Links { prefix, backend: target.authority(), asked };
    Ok(pass(answer, links))
}

/// How many segments of the path are the proxy's own.
fn segments(call: &Call) -> usize {
    if call.resource.is_namespaced() { 7 } else { 5 }
}

/// What stands behind the first segments of a path, byte for byte.
fn rest_of(path: &str, segments: usize) -> &str {
    let mut rest = path;
    for _ in 0..segments {
        rest = rest.trim_start_matches('/');
        rest = &rest[rest.find('/').unwrap_or(rest.len())..];
    }
    rest
}

/// The root of the backend ends in a slash, so that relative links are right.
fn redirect_to_root(head: &Head) -> Response<Body> {
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut answer = respond::with_type(301, "text/plain", Body::Empty);
    answer.headers_mut().remove(header::CONTENT_TYPE);
    if let Ok(location) = HeaderValue::from_str(&format!("{}/{query}", head.uri.path())) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

/// The host that the client asked, which the backend hears too.
fn asked_host(call: &Call, head: &Head) -> String {
    let named = call.headers.get(header::HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    named.or_else(|| head.uri.authority().map(ToString::to_string)).unwrap_or_default()
}

fn request(
    call: &Call,
    head: &Head,
    rest: &str,
    asked: &str,
    prefix: &str,
    is_upgrade: bool,
    body: Passing,
) -> Result<Request<Passing>, Status> {
    let path = if rest.is_empty() { "/" } else { rest };
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut headers = call.headers.clone();
    if !is_upgrade {
        remove_hop_by_hop(&mut headers);
        let forwarded = [("x-forwarded-uri", format!("{prefix}{rest}")), ("host", asked.to_owned())];
        for (name, value) in forwarded {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
    add_forwarded_for(&mut headers, head.remote);
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = format!("{path}{query}").parse().map_err(Status::internal)?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Takes headers away that are about the connection they came by.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// The backend's answer as the client gets it.
fn pass(answer: Response<Incoming>, links: Links) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    remove_hop_by_hop(&mut head.headers);
    for name in CORS {
        head.headers.remove(name);
    }
    let location = head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if let Some(location) = location {
        if let Some(Ok(rewritten)) = links.rewrite(&location).map(|link| HeaderValue::from_str(&link)) {
            head.headers.insert(header::LOCATION, rewritten);
        }
        return Response::from_parts(head, Body::passing(body));
    }
    match Coding::of(&head) {
        Some(coding) if is_html(&head) => {
            head.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(head, rewritten(body, Rewriter::new(links), coding))
        }
        _ => Response::from_parts(head, Body::passing(body)),
    }
}

fn is_html(head: &response::Parts) -> bool {
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim() == "text/html"
}

/// How an answer is compressed: its way out of that, and back.
enum Coding {
    Plain,
    Gzip(GzDecoder<Vec<u8>>, GzEncoder<Vec<u8>>),
    Deflate(DeflateDecoder<Vec<u8>>, DeflateEncoder<Vec<u8>>),
}

impl Coding {
    /// `None` if it is compressed in a way that is not known here.
    fn of(head: &response::Parts) -> Option<Coding> {
        let (from, to) = (Vec::new(), Vec::new());
        match head.headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"") => Some(Coding::Plain),
            Some(b"gzip") => Some(Coding::Gzip(GzDecoder::new(from), GzEncoder::new(to, Compression::fast()))),
            Some(b"deflate") => {
                Some(Coding::Deflate(DeflateDecoder::new(from), DeflateEncoder::new(to, Compression::fast())))
            }
            Some(_) => None,
        }
    }

    /// Rewrites a piece.
    fn push(&mut self, piece: &[u8], rewriter: &mut Rewriter) -> io::Result<Vec<u8>> {
        if let Coding::Plain = self {
            return Ok(rewriter.push(piece));
        }
        for piece in piece.chunks(PIECE) {
            match self {
                Coding::Plain => {}
                Coding::Gzip(from, to) => {
                    from.write_all(piece)?;
                    to.write_all(&rewriter.push(&std::mem::take(from.get_mut())))?;
                }
                Coding::Deflate(from, to) => {
                    from.write_all(piece)?;
                    to.write_all(&rewriter.push(&std::mem::take(from.get_mut())))?;
                }
            }
        }
        Ok(match self {
            Coding::Plain => Vec::new(),
            Coding::Gzip(_, to) => std::mem::take(to.get_mut()),
            Coding::Deflate(_, to) => std::mem::take(to.get_mut()),
        })
    }

    /// What is left at the end.
    fn finish(&mut self, rewriter: &mut Rewriter) -> io::Result<Vec<u8>> {
        match self {
            Coding::Plain => Ok(rewriter.finish()),
            Coding::Gzip(from, to) => {
                from.try_finish()?;
                to.write_all(&rewriter.push(&std::mem::take(from.get_mut())))?;
                to.write_all(&rewriter.finish())?;
                to.try_finish()?;
                Ok(std::mem::take(to.get_mut()))
            }
            Coding::Deflate(from, to) => {
                from.try_finish()?;
                to.write_all(&rewriter.push(&std::mem::take(from.get_mut())))?;
                to.write_all(&rewriter.finish())?;
                to.try_finish()?;
                Ok(std::mem::take(to.get_mut()))
            }
        }
    }
}

/// HTML with its links rewritten, as it comes.
fn rewritten(body: Incoming, rewriter: Rewriter, coding: Coding) -> Body {
    let begin = Some((body, rewriter, coding));
    let pieces = stream::unfold(begin, |state| async move {
        let (mut body, mut rewriter, mut coding) = state?;
        loop {
            let (piece, is_over) = match body.frame().await {
                None => (coding.finish(&mut rewriter), true),
                Some(Err(error)) => return Some((Err(error.into()), None)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => (coding.push(&data, &mut rewriter), false),
                    Err(_trailers) => continue,
                },
            };
            let rest = (!is_over).then_some((body, rewriter, coding));
            return Some((piece.map(|piece| Frame::data(Bytes::from(piece))).map_err(super::BoxError::from), rest));
        }
    });
    Body::passing(StreamBody::new(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_path_is_kept_byte_for_byte() {
        let rest = |path| rest_of(path, 7);
        assert_eq!(rest("/api/v1/namespaces/n/pods/p/proxy"), "");
        assert_eq!(rest("/api/v1/namespaces/n/pods/p/proxy/"), "/");
        assert_eq!(rest("/api/v1/namespaces/n/pods/p/proxy/a%2Fb/c//"), "/a%2Fb/c//");
        assert_eq!(rest_of("/api/v1/nodes/n/proxy/metrics", 5), "/metrics");
    }

    #[test]
    fn compressed_html_is_rewritten_too() {
        let links = Links { prefix: "/proxy".to_owned(), backend: String::new(), asked: String::new() };
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"<a href=\"/x\">").unwrap();
        let packed = encoder.finish().unwrap();
        let mut head = Response::new(()).into_parts().0;
        head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let (mut coding, mut rewriter) = (Coding::of(&head).unwrap(), Rewriter::new(links));
        let mut got = coding.push(&packed, &mut rewriter).unwrap();
        got.extend(coding.finish(&mut rewriter).unwrap());
        let mut decoder = GzDecoder::new(Vec::new());
        decoder.write_all(&got).unwrap();
        assert_eq!(decoder.finish().unwrap(), b"<a href=\"/proxy/x\">");
    }
}
