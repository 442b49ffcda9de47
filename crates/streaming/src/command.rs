//! `exec` and `attach`: a command's standard streams, the sizes of its terminal, and how it ended.
//!
//! Over WebSocket (`v5`, `v4` and the older forms of `channel.k8s.io`, binary or base64) and over SPDY (`v4` to `v1`).

mod spdy;
mod status;
mod websocket;

pub use status::Outcome;

use crate::request::{self, Refusal, is_websocket};
use crate::{Answer, Timeouts};
use http::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// Which streams are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The client sends standard input.
    pub stdin: bool,
    /// The client wants standard output.
    pub stdout: bool,
    /// The client wants standard error.
    pub stderr: bool,
    /// The command gets a terminal.
    pub tty: bool,
}

impl Options {
    /// Reads the query of a request to a node.
    ///
    /// # Errors
    /// If it asks for no stream; in upstream's words.
    pub fn parse(query: Option<&str>) -> Result<Options, &'static str> {
        let mut options = Options::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let field = match &*name {
                "input" => &mut options.stdin,
                "output" => &mut options.stdout,
                "error" => &mut options.stderr,
                "tty" => &mut options.tty,
                _ => continue,
            };
            *field = value == "1";
        }
        // A terminal has one output.
        options.stderr &= !options.tty;
        if !options.stdin && !options.stdout && !options.stderr {
            return Err("you must specify at least 1 of stdin, stdout, stderr");
        }
        Ok(options)
    }
}

/// The words of a command, from the query of a request to a node.
pub fn words(query: Option<&str>) -> Vec<String> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.filter(|(name, _)| name == "command").map(|(_, value)| value.into_owned()).collect()
}

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// What a client sends.
pub type Inlet = Box<dyn AsyncRead + Send + Unpin>;

/// What a client is sent. Writing waits for the client; shutting down says that nothing follows.
pub type Outlet = Box<dyn AsyncWrite + Send + Unpin>;

/// The streams of a command.
pub struct Streams {
    /// Standard input, if it is wanted. It ends when the client closes it or is gone.
    pub stdin: Option<Inlet>,
    /// Standard output, if it is wanted.
    pub stdout: Option<Outlet>,
    /// Standard error, if it is wanted.
    pub stderr: Option<Outlet>,
    /// True if the command gets a terminal.
    pub tty: bool,
    /// The newest size of the terminal, once the client told one.
    pub size: watch::Receiver<Option<Size>>,
    /// Cancelled when the client is gone.
    pub closed: CancellationToken,
}

/// What is done with the command, which errors tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A new process.
    Exec,
    /// The container's own process.
    Attach,
}

/// Answers a request to run a command, or to attach to one. `handle` moves the bytes and says how it ended; it goes on
/// when the client is gone, unless it listens to [`Streams::closed`].
pub fn serve<B, H, F>(mut request: Request<B>, verb: Verb, timeouts: Timeouts, handle: H) -> Answer
where
    H: FnOnce(Streams) -> F + Send + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let options = match Options::parse(head.uri.query()) {
        Ok(options) => options,
        Err(why) => return Answer::refused(*request::refusal(StatusCode::BAD_REQUEST, why)),
    };
    let (response, protocol) = match negotiate(&head) {
        Ok(accepted) => accepted,
        Err(refusal) => return Answer::refused(*refusal),
    };
    let handle: Handler = Box::new(|streams| Box::pin(handle(streams)));
    let session = async move {
        let io = match upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => return debug!(%error, "a client went before its connection was upgraded"),
        };
        match protocol {
            Protocol::WebSocket(form) => websocket::run(io, form, options, verb, timeouts, handle).await,
            Protocol::Spdy(version) => spdy::run(io, version, options, verb, timeouts, handle).await,
        }
    };
    Answer { response, session: Some(Box::pin(session)) }
}

/// What moves the bytes. Boxed, so that its size does not add to that of all futures around it.
type Handler = Box<dyn FnOnce(Streams) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send>;

#[derive(Clone, Copy)]
enum Protocol {
    WebSocket(websocket::Form),
    Spdy(spdy::Version),
}

fn negotiate(head: &http::request::Parts) -> Result<(http::Response<crate::Body>, Protocol), Refusal> {
    if is_websocket(&head.headers) {
        let (answer, form) = request::accept_websocket(head, &websocket::FORMS)?;
        Ok((answer, Protocol::WebSocket(form)))
    } else {
        let (answer, version) = request::accept_spdy(head, &spdy::VERSIONS)?;
        Ok((answer, Protocol::Spdy(version)))
    }
}

/// Reads sizes, as JSON objects one after another, until the stream ends; the newest one counts.
async fn follow_sizes(mut inlet: DuplexStream, sizes: watch::Sender<Option<Size>>) {
    /// No object with two numbers is longer.
    const MAX: usize = 4096;
    let mut bytes = Vec::new();
    loop {
        match inlet.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let mut objects = serde_json::Deserializer::from_slice(&bytes).into_iter::<value::Value>();
        while let Some(Ok(object)) = objects.next() {
            let field = |name: &str| object[name].as_u64().and_then(|number| u16::try_from(number).ok());
            let size = Size { width: field("Width").unwrap_or(0), height: field("Height").unwrap_or(0) };
            sizes.send_replace(Some(size));
        }
        let read = objects.byte_offset();
        bytes.drain(..read);
        if bytes.len() > MAX {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
