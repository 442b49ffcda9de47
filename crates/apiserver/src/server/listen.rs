//! The sockets: TLS, HTTP/1.1 and HTTP/2, limits on heads and slow clients, and the drain at the end.

use super::service::ApiServer;
use super::stall::{Excused, Patient};
use crate::authn::x509::{AnyClient, Peer};
use crate::rest::connect::Remote;
use ::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::server::ResolvesServerCert;
use rustls::{CipherSuite, ServerConfig};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// How long a TLS handshake or a request head may take.
const SLOW_CLIENT: Duration = Duration::from_secs(10);
/// How long a client that reads nothing is waited for; as long as upstream lets a request take.
const STALLED_CLIENT: Duration = Duration::from_secs(60);
/// Largest request head of HTTP/1.1, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// Most requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 250;
/// How long to wait after a failed accept (mostly: no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The TLS side of the server: its certificate, which may change while it serves, and any client certificate.
pub fn tls_config(certificate: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut provider = rustls::crypto::ring::default_provider();
    // 128 bits first, as Go's servers have it: lists are long, and it takes four rounds fewer of fourteen.
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(AnyClient::default()))
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Where AES is slow, clients know better.
    config.ignore_client_order = has_aes();
    Ok(Arc::new(config))
}

/// True if the processor has instructions for AES.
fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// Serves until `stop`, then waits up to `grace` for what is under way.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    server: ApiServer,
    stop: CancellationToken,
    grace: Duration,
) {
    let acceptor = TlsAcceptor::from(tls);
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, remote)) => {
                connections.spawn(connection(stream, Remote(remote), acceptor.clone(), server.clone(), stop.clone()));
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    let drained = async {
        connections.wait().await;
        server.tunnels_closed().await;
    };
    if tokio::time::timeout(grace, drained).await.is_err() {
        warn!(?grace, open = connections.len(), "drain deadline passed, leaving anyway");
    }
}

async fn connection(
    stream: TcpStream,
    remote: Remote,
    acceptor: TlsAcceptor,
    server: ApiServer,
    stop: CancellationToken,
) {
    match serve_connection(stream, remote, acceptor, server, stop).await {
        Ok(()) => {}
        Err(error) => debug!(error = &*error, "a connection ended"),
    }
}

async fn serve_connection(
    stream: TcpStream,
    remote: Remote,
    acceptor: TlsAcceptor,
    server: ApiServer,
    stop: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = tokio::time::timeout(SLOW_CLIENT, acceptor.accept(stream))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let peer = Peer::new(stream.get_ref().1.peer_certificates()).map(Arc::new);
    let excused = Excused::default();
    let stream = Patient::new(stream, STALLED_CLIENT, excused.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (server, peer) = (server.clone(), peer.clone());
        request.extensions_mut().insert(remote);
        request.extensions_mut().insert(excused.clone());
        async move { Ok::<_, Infallible>(server.answer(request, peer.as_deref()).await) }
    });
    let builder = builder();
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return done,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(SLOW_CLIENT).max_buf_size(MAX_HEAD).keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32)
        .keep_alive_interval(Some(Duration::from_secs(30)));
    builder
}
