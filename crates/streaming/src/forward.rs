//! `portForward`: connections to ports of a pod.
//!
//! Over SPDY (many connections, each a pair of streams for data and errors), over SPDY inside WebSocket (what kubectl
//! speaks from 1.31 on), and over WebSocket channels (one connection for each port of the query).

mod channels;
mod pairs;

use crate::request::{self, Refusal, TUNNEL_PREFIX, is_websocket};
use crate::websocket::{self, Tunnel};
use crate::{Answer, Session, Timeouts};
use http::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::future::Future;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;

/// The protocol over SPDY.
const SPDY_PROTOCOL: &str = "portforward.k8s.io";

/// Whose ports are forwarded, for errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// `NAME_NAMESPACE`, as a kubelet calls pods here.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

impl Pod {
    /// What a client hears if a connection cannot be had.
    fn failure(&self, port: u16, why: impl fmt::Display) -> String {
        format!("error forwarding port {port} to pod {}, uid {}: {why}", self.name, self.uid)
    }
}

/// Answers a request to forward ports. `dial` connects to a port inside the pod.
pub fn serve<B, D, F, C, E>(mut request: Request<B>, pod: Pod, timeouts: Timeouts, dial: D) -> Answer
where
    D: Fn(u16) -> F + Send + Sync + 'static,
    F: Future<Output = Result<C, E>> + Send + 'static,
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    E: fmt::Display + Send + 'static,
{
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let (response, protocol) = match negotiate(&head) {
        Ok(accepted) => accepted,
        Err(refusal) => return Answer::refused(*refusal),
    };
    let session = async move {
        let io = match upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => return debug!(%error, "a client went before its connection was upgraded"),
        };
        match protocol {
            Protocol::Spdy => pairs::run(io, pod, timeouts, dial).await,
            Protocol::Tunnel => pairs::run(Tunnel::new(websocket::accept(io).await), pod, timeouts, dial).await,
            Protocol::Channels(codec, ports) => channels::run(io, codec, ports, pod, timeouts, dial).await,
        }
    };
    let session: Session = Box::pin(session);
    Answer { response, session: Some(session) }
}

enum Protocol {
    Spdy,
    Tunnel,
    Channels(crate::channels::Codec, Vec<u16>),
}

fn negotiate(head: &http::request::Parts) -> Result<(http::Response<crate::Body>, Protocol), Refusal> {
    if !is_websocket(&head.headers) {
        let (answer, ()) = request::accept_spdy(head, &[(SPDY_PROTOCOL, ())])?;
        return Ok((answer, Protocol::Spdy));
    }
    let tunnel = format!("{TUNNEL_PREFIX}{SPDY_PROTOCOL}");
    if request::websocket_protocols(&head.headers).any(|protocol| protocol == tunnel) {
        let (answer, ()) = request::accept_websocket(head, &[(&tunnel, ())])?;
        return Ok((answer, Protocol::Tunnel));
    }
    let ports = ports(head.uri.query()).map_err(|why| request::refusal(StatusCode::BAD_REQUEST, why))?;
    let (answer, codec) = request::accept_websocket(head, &channels::FORMS)?;
    Ok((answer, Protocol::Channels(codec, ports)))
}

/// Most ports of one request: a channel's number is a byte, and each port has two.
const MAX_PORTS: usize = 127;

/// The ports of a query: `port=80&port=81,82`.
fn ports(query: Option<&str>) -> Result<Vec<u16>, String> {
    let mut ports = Vec::new();
    let values = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    for (_, value) in values.filter(|(name, _)| name == "port") {
        if value.is_empty() {
            return Err("query parameter \"port\" cannot be empty".to_owned());
        }
        for port in value.split(',') {
            ports.push(parse_port(port).map_err(|problem| problem.text(port, &value))?);
        }
    }
    match ports.len() {
        0 => Err("query parameter \"port\" is required".to_owned()),
        1..=MAX_PORTS => Ok(ports),
        many => Err(format!("{many} ports are asked for, of at most {MAX_PORTS}")),
    }
}

/// What is wrong with a port.
enum BadPort {
    NoNumber,
    Zero,
}

impl BadPort {
    fn text(&self, port: &str, whole: &str) -> String {
        match self {
            BadPort::NoNumber => {
                format!("unable to parse {whole:?} as a port: strconv.ParseUint: parsing {port:?}: invalid syntax")
            }
            BadPort::Zero => format!("port {whole:?} must be > 0"),
        }
    }
}

fn parse_port(text: &str) -> Result<u16, BadPort> {
    match text.parse() {
        Ok(0) => Err(BadPort::Zero),
        Ok(port) => Ok(port),
        Err(_) => Err(BadPort::NoNumber),
    }
}

#[cfg(test)]
mod tests;
