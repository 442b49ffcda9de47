//! Connections that the server opens to others, and what goes over them: one HTTP/1.1 request, or bytes both ways.
//! Failures read as Go words them, for clients look for those words.

use ::http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::TaskTracker;

/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the other half of a pipe may go on after one half is over.
const LINGER: Duration = Duration::from_secs(10);
/// Most bytes on their way in one direction of a pipe.
const BUFFER: usize = 32 * 1024;

/// A connection.
pub(crate) type Stream = Box<dyn Duplex>;

/// Reads and writes.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum DialError {
    NoSuchHost(String),
    Connect(SocketAddr, io::Error),
    TimedOut(String),
    Tls(io::Error),
    BadName(String),
    UnknownPort(String),
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DialError::NoSuchHost(host) => write!(f, "dial tcp: lookup {host}: no such host"),
            DialError::Connect(address, error) => write!(f, "dial tcp {address}: connect: {}", in_go(error)),
            DialError::TimedOut(place) => write!(f, "dial tcp {place}: i/o timeout"),
            DialError::Tls(error) => write!(f, "tls: failed to verify certificate: {error}"),
            DialError::BadName(host) => write!(f, "dial tcp: lookup {host}: no such host"),
            DialError::UnknownPort(port) => write!(f, "dial tcp: lookup tcp/{port}: unknown port"),
        }
    }
}

impl std::error::Error for DialError {}

fn in_go(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => error.to_string(),
    }
}

/// Connects.
pub(crate) async fn dial(host: &str, port: u16) -> Result<TcpStream, DialError> {
    let late = || DialError::TimedOut(format!("{host}:{port}"));
    tokio::time::timeout(PATIENCE, dial_each(host, port)).await.map_err(|_| late())?
}

async fn dial_each(host: &str, port: u16) -> Result<TcpStream, DialError> {
    let addresses = tokio::net::lookup_host((host, port)).await;
    let mut failure = DialError::NoSuchHost(host.to_owned());
    for address in addresses.map_err(|_| DialError::NoSuchHost(host.to_owned()))? {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without it only latency is lost.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failure = DialError::Connect(address, error),
        }
    }
    Err(failure)
}

/// Connects by TLS.
pub(crate) async fn dial_tls(host: &str, port: u16, config: Arc<ClientConfig>) -> Result<Stream, DialError> {
    let stream = dial(host, port).await?;
    secure(stream, host, config).await
}

/// Speaks TLS on a connection to a server of this name.
pub(crate) async fn secure(stream: TcpStream, host: &str, config: Arc<ClientConfig>) -> Result<Stream, DialError> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| DialError::BadName(host.to_owned()))?;
    let handshake = TlsConnector::from(config).connect(name, stream);
    let late = |_| DialError::TimedOut(host.to_owned());
    let stream = tokio::time::timeout(PATIENCE, handshake).await.map_err(late)?.map_err(DialError::Tls)?;
    Ok(Box::new(stream))
}

/// Sends one request. The connection lives as long as the answer's body, or what the answer is upgraded to.
pub(crate) async fn send<B>(
    stream: Stream,
    request: Request<B>,
    tasks: &TaskTracker,
) -> Result<Response<Incoming>, hyper::Error>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut sender, connection) = http1::Builder::new().handshake(TokioIo::new(stream)).await?;
    tasks.spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a connection to a backend ended");
        }
    });
    sender.send_request(request).await
}

/// Moves bytes both ways until both sides have said all, or one of them is gone for a while.
pub(crate) async fn pipe(one: impl Duplex, other: impl Duplex) {
    let (mut one_reader, mut one_writer) = tokio::io::split(one);
    let (mut other_reader, mut other_writer) = tokio::io::split(other);
    let mut there = pin!(pump(&mut one_reader, &mut other_writer));
    let mut back = pin!(pump(&mut other_reader, &mut one_writer));
    // How either direction ends is the peers' business.
    tokio::select! {
        _ = &mut there => drop(tokio::time::timeout(LINGER, back).await),
        _ = &mut back => drop(tokio::time::timeout(LINGER, there).await),
    }
}

async fn pump(reader: &mut (impl AsyncRead + Unpin), writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = match reader.read(&mut buffer).await {
            Ok(length) => length,
            Err(error) => {
                let _ = writer.shutdown().await;
                return Err(error);
            }
        };
        if length == 0 {
            return writer.shutdown().await;
        }
        writer.write_all(&buffer[..length]).await?;
        writer.flush().await?;
    }
}
