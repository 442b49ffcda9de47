//! The node's HTTPS server: what the API server and those who watch the node ask for.
//!
//! [`access`] finds out who asks and whether they may, [`routes`] who answers; [`logs`] reads logs, [`streams`] runs
//! commands and forwards ports over the protocols of the crate `streaming`, [`stats`] counts, [`summary`] and [`text`]
//! show what was counted.

mod access;
mod logs;
mod routes;
mod stats;
mod streams;
mod summary;
mod text;

use crate::config::Serving;
use crate::context::Context;
use crate::pods::Pods;
use access::Access;
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// The body of an answer.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// How many ports are tried after the one that was asked for.
const PORTS: u16 = 100;
/// How long a TLS handshake or a request head may take.
const SLOW_CLIENT: Duration = Duration::from_secs(10);
/// How long to wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No port is to be had.
    #[error("cannot listen on {address} or the ports after it")]
    Listen {
        /// The first that was tried.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS for the node's server")]
    Tls(#[source] rustls::Error),
    /// Clients' certificates cannot be checked.
    #[error("cannot use the authorities of clients")]
    Authorities(#[source] rustls::server::VerifierBuilderError),
}

/// A server that is bound and not yet serving.
pub(crate) struct Bound {
    listener: TcpListener,
    tls: Arc<ServerConfig>,
}

/// What answers.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) context: Arc<Context>,
    pub(crate) pods: Pods,
    access: Arc<Access>,
    stats: Arc<stats::Sampler>,
    /// Sessions that go on after their answer.
    sessions: TaskTracker,
}

/// Binds the socket, on the next free port if the one that was asked for is taken.
pub(crate) async fn bind(serving: &Serving) -> Result<Bound, ServerError> {
    let tls = tls(serving)?;
    let first = serving.listen;
    let last = if first.port() == 0 { 0 } else { first.port().saturating_add(PORTS) };
    let mut failed = None;
    for port in first.port()..=last {
        match TcpListener::bind(SocketAddr::new(first.ip(), port)).await {
            Ok(listener) => return Ok(Bound { listener, tls }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => failed = Some(error),
            Err(source) => return Err(ServerError::Listen { address: first, source }),
        }
    }
    let source = failed.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrInUse));
    Err(ServerError::Listen { address: first, source })
}

fn tls(serving: &Serving) -> Result<Arc<ServerConfig>, ServerError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(serving.client_authorities.as_bytes());
    roots.add_parsable_certificates(certificates.flatten());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(ServerError::Tls)?;
    let builder = match roots.is_empty() {
        true => builder.with_no_client_auth(),
        false => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = verifier.allow_unauthenticated().build().map_err(ServerError::Authorities)?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_cert_resolver(serving.certificate.clone());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl Bound {
    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().map(|address| address.port()).unwrap_or_default()
    }

    /// Serves until the node stops.
    pub(crate) async fn serve(self, context: Arc<Context>, pods: Pods) {
        let acceptor = TlsAcceptor::from(self.tls);
        let (connections, stop) = (TaskTracker::new(), context.stop.clone());
        let node = Node {
            access: Arc::new(Access::new(context.client.clone())),
            stats: Arc::new(stats::Sampler::default()),
            sessions: connections.clone(),
            context,
            pods,
        };
        while let Some(accepted) = stop.run_until_cancelled(self.listener.accept()).await {
            match accepted {
                Ok((stream, _)) => {
                    let (acceptor, node, stop) = (acceptor.clone(), node.clone(), stop.clone());
                    connections.spawn(async move {
                        // A node that stops does not wait for those who look on.
                        let _ = stop.run_until_cancelled(connection(stream, acceptor, node)).await;
                    });
                }
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        connections.close();
        connections.wait().await;
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, node: Node) {
    if let Err(error) = serve_connection(stream, acceptor, node).await {
        debug!(error = &*error, "a connection ended");
    }
}

async fn serve_connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    node: Node,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = tokio::time::timeout(SLOW_CLIENT, acceptor.accept(stream)).await;
    let stream = stream.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let peer = stream.get_ref().1.peer_certificates().and_then(|chain| access::subject(chain.first()?)).map(Arc::new);
    let service = service_fn(move |request| {
        let (node, peer) = (node.clone(), peer.clone());
        async move { Ok::<_, Infallible>(routes::answer(&node, request, peer.as_deref()).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(SLOW_CLIENT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await
}
