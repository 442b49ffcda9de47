//! Answers load balancers that ask, on a Service's `healthCheckNodePort`, whether this node has endpoints of it.

use super::Settings;
use crate::model::Key;
use crate::namespace::{self, NamespaceError};
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

type Counts = BTreeMap<u16, (Key, usize)>;

/// The listeners, one for each port.
pub(crate) struct Health {
    settings: Settings,
    tasks: JoinSet<()>,
    ports: BTreeMap<u16, (watch::Sender<(Key, usize)>, CancellationToken)>,
}

impl Health {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, tasks: JoinSet::new(), ports: BTreeMap::new() }
    }

    /// Opens, updates and closes ports, so that they are those of `counts`.
    pub(crate) fn update(&mut self, counts: Counts) {
        self.ports.retain(|port, (_, stop)| {
            counts.contains_key(port) || {
                stop.cancel();
                false
            }
        });
        for (port, state) in counts {
            match self.ports.get(&port) {
                Some((sender, _)) => drop(sender.send_replace(state)),
                None => self.open(port, state),
            }
        }
        while self.tasks.try_join_next().is_some() {}
    }

    fn open(&mut self, port: u16, state: (Key, usize)) {
        let bound = namespace::within(self.settings.host.as_deref(), || {
            let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?;
            listener.set_nonblocking(true)?;
            Ok::<_, BindError>(listener)
        });
        let listener = match bound.and_then(|listener| Ok(tokio::net::TcpListener::from_std(listener)?)) {
            Ok(listener) => listener,
            Err(error) => {
                return warn!(port, service = %state.0, %error, "cannot answer health checks of a Service");
            }
        };
        let (sender, receiver) = watch::channel(state);
        let stop = CancellationToken::new();
        self.tasks.spawn(serve(listener, receiver, stop.clone()));
        self.ports.insert(port, (sender, stop));
    }
}

#[derive(Debug, thiserror::Error)]
enum BindError {
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

async fn serve(listener: tokio::net::TcpListener, state: watch::Receiver<(Key, usize)>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((stream, _)) = accepted else { continue };
        let state = state.clone();
        connections.spawn(async move {
            let service = service_fn(move |_| {
                let (key, count) = state.borrow().clone();
                async move { Ok::<_, Infallible>(answer(&key, count)) }
            });
            let mut protocol = hyper::server::conn::http1::Builder::new();
            let connection = protocol.keep_alive(false).serve_connection(TokioIo::new(stream), service);
            // A caller that goes away, or says nothing for long, is none of our concern.
            let _ = tokio::time::timeout(std::time::Duration::from_secs(10), connection).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

fn answer(key: &Key, count: usize) -> Response<Full<Bytes>> {
    let body = format!(
        "{{\n\t\"service\": {{\n\t\t\"namespace\": {:?},\n\t\t\"name\": {:?}\n\t}},\n\t\"localEndpoints\": {count},\n\t\"serviceProxyHealthy\": true\n}}",
        key.namespace, key.name
    );
    let status = if count == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static("application/json"));
    headers.insert("x-content-type-options", http::HeaderValue::from_static("nosniff"));
    headers.insert("x-load-balancing-endpoint-weight", http::HeaderValue::from(count));
    response
}
