//! The wire protocols of remote commands and port forwarding, as a node serves them: Kubernetes' channels over
//! WebSocket, and SPDY/3.1, over connections that hyper upgrades.
//!
//! [`command::serve`] answers `exec` and `attach`, [`forward::serve`] answers `portForward`. Both take the request and a
//! handler that works on plain streams of bytes, and give back the answer and the session, a future that the caller
//! runs as a task of its own. The codecs ([`channels`], [`spdy::frame`], [`spdy::headers`]) do no I/O, so that they can
//! be fuzzed.
//!
//! Deliberately absent: containers, who may do what, and finding the node: see the crates `container`, `node` and
//! `apiserver`. SPDY's flow control is not used, for no peer in this world uses it: bytes that nobody takes hold up
//! the connection, and with it the sender.

pub mod channels;
pub mod command;
pub mod forward;
mod outlet;
pub mod request;
pub mod spdy;
mod websocket;

pub use websocket::Tunnel;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// The body of an answer.
pub type Body = http_body_util::Full<bytes::Bytes>;

/// What goes on after the answer; to be run as a task.
pub type Session = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The answer to a request, and what goes on after it if the client got what it asked for.
pub struct Answer {
    /// What the client is told.
    pub response: http::Response<Body>,
    /// What goes on, unless the request was refused.
    pub session: Option<Session>,
}

impl Answer {
    fn refused(refusal: http::Response<Body>) -> Answer {
        Answer { response: refusal, session: None }
    }
}

/// How long a client may do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// With a whole connection.
    pub idle: Duration,
    /// Until it has opened the streams that it announced.
    pub creation: Duration,
}

impl Default for Timeouts {
    /// As a kubelet has them.
    fn default() -> Timeouts {
        Timeouts { idle: Duration::from_secs(4 * 3600), creation: Duration::from_secs(30) }
    }
}

/// How long a connection stays open for its last bytes to arrive, after we have said all.
const LINGER: Duration = Duration::from_secs(5);

/// Most bytes that wait for a handler on one stream.
const WINDOW: usize = 128 * 1024;
