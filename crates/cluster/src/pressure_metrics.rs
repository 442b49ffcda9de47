//! Serves `custom.metrics.k8s.io` with the pressure of pods, as an extension server behind an APIService: what
//! autoscalers ask for. The numbers come from the summaries of all nodes.
//!
//! It is reached by the API server alone, which shows the certificate of a front proxy; who may ask has been decided
//! there. A cluster in which somebody else serves the group keeps that.

use crate::pki::{Pki, Usage};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use kube::Client;
use object::{Value, json};
use pressure::afar;
use pressure::custom::{self, GROUP, Question, VERSIONS};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// The Service through which the API server finds us.
const NAMESPACE: &str = "kube-system";
const SERVICE: &str = "hakata-pressure";
/// The role of those who may read custom metrics.
const READER: &str = "hakata:custom-metrics-reader";
/// Says of an object that it is ours.
const OURS: &str = "pressure.hakata.io/managed";
/// How long our certificate is good.
const LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long summaries are as good as new.
const FRESH: Duration = Duration::from_secs(5);
/// How long a handshake may take.
const SLOW: Duration = Duration::from_secs(10);
/// How long until it is tried again to tell the API server of us.
const PAUSE: Duration = Duration::from_secs(2);

/// Why custom metrics are not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No port is to be had.
    #[error("cannot listen on {0}")]
    Listen(IpAddr, #[source] io::Error),
    /// There is no certificate.
    #[error("cannot make a certificate")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Summaries, kept for a moment.
type Summaries = Mutex<Option<(Instant, Arc<Vec<Value>>)>>;

struct Server {
    client: Client,
    summaries: Summaries,
}

/// Serves until `stop`.
pub(crate) async fn run(client: Client, pki: Arc<Pki>, address: IpAddr, stop: CancellationToken) -> Result<(), Error> {
    let listener =
        TcpListener::bind(SocketAddr::new(address, 0)).await.map_err(|error| Error::Listen(address, error))?;
    let place = listener.local_addr().map_err(|error| Error::Listen(address, error))?;
    let tls = TlsAcceptor::from(Arc::new(tls(&pki).map_err(Error::Certificate)?));
    let server = Arc::new(Server { client: client.clone(), summaries: Mutex::default() });
    let authority = pki.ca_bundle();
    tokio::join!(serve(listener, tls, server, &stop), register(&client, &authority, place, &stop));
    Ok(())
}

fn tls(pki: &Pki) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let key = rcgen::KeyPair::generate()?;
    let request = rcgen::CertificateParams::new(vec![format!("{SERVICE}.{NAMESPACE}.svc")])?.serialize_request(&key)?;
    let usages = [Usage::DigitalSignature, Usage::ServerAuth];
    let certificate = pki.sign_request(&request.pem()?, &usages, LIFETIME)?;
    let mut proxies = RootCertStore::empty();
    proxies.add_parsable_certificates(CertificateDer::pem_slice_iter(pki.front_proxy_bundle().as_bytes()).flatten());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(proxies), provider.clone()).build()?;
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes())?];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?;
    let mut config = builder.with_client_cert_verifier(verifier).with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, server: Arc<Server>, stop: &CancellationToken) {
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                let (tls, server, stop) = (tls.clone(), server.clone(), stop.clone());
                connections.spawn(async move { stop.run_until_cancelled(connection(stream, tls, server)).await });
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection for custom metrics");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, server: Arc<Server>) {
    let Ok(Ok(stream)) = tokio::time::timeout(SLOW, tls.accept(stream)).await else { return };
    let service = service_fn(move |request| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let done = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = done {
        debug!(%error, "a connection for custom metrics ended");
    }
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() != Method::GET {
            return respond(StatusCode::METHOD_NOT_ALLOWED, &json!({"kind": "Status", "code": 405}));
        }
        match self.document(request.uri().path(), request.uri().query().unwrap_or_default()).await {
            Ok(document) => respond(StatusCode::OK, &document),
            Err(status) => {
                let code = status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
                respond(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &status)
            }
        }
    }

    async fn document(&self, path: &str, query: &str) -> Result<Value, Value> {
        match custom::parse(path)? {
            Question::Resources { version } => Ok(custom::resources(version)),
            Question::Pods { version, namespace, name, metric } => {
                let failed = |error: afar::AfarError| {
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 503,
                           "reason": "ServiceUnavailable", "message": error.to_string()})
                };
                let selector = selector(query);
                let selected = match selector.as_deref().filter(|selector| !selector.is_empty()) {
                    Some(selector) => Some(afar::pods(&self.client, Some(&namespace), selector).await.map_err(failed)?),
                    None => None,
                };
                let summaries = self.summaries().await.map_err(failed)?;
                let asked = (version, namespace.as_str(), name.as_deref(), metric);
                Ok(custom::values(&summaries, asked, selected.as_ref()))
            }
        }
    }

    async fn summaries(&self) -> Result<Arc<Vec<Value>>, afar::AfarError> {
        let mut kept = self.summaries.lock().await;
        if let Some((_, known)) = kept.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(known.clone());
        }
        let all = Arc::new(afar::summaries(&self.client).await?);
        *kept = Some((Instant::now(), all.clone()));
        Ok(all)
    }
}

/// The selector in a query.
fn selector(query: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "labelSelector")
        .map(|(_, value)| value.into_owned())
}

fn respond(code: StatusCode, document: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(document.to_string())));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// Tells the API server where we are, until it knows.
async fn register(client: &Client, authority: &str, place: SocketAddr, stop: &CancellationToken) {
    while let Err(error) = try_register(client, authority, place).await {
        warn!(error = &error as &dyn std::error::Error, "cannot register custom metrics; trying again");
        if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
            return;
        }
    }
}

async fn try_register(client: &Client, authority: &str, place: SocketAddr) -> Result<(), kube::Error> {
    let services = format!("/api/v1/namespaces/{NAMESPACE}/services");
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE, "labels": {OURS: "true"}},
        "spec": {"ports": [{"name": "https", "port": 443, "targetPort": place.port()}]},
    });
    put(client, &services, SERVICE, service).await?;
    let endpoints = json!({
        "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": SERVICE, "labels": {OURS: "true"}},
        "subsets": [{"addresses": [{"ip": place.ip()}], "ports": [{"name": "https", "port": place.port()}]}],
    });
    put(client, &format!("/api/v1/namespaces/{NAMESPACE}/endpoints"), SERVICE, endpoints).await?;
    put(client, "/apis/rbac.authorization.k8s.io/v1/clusterroles", READER, reader()).await?;
    for (at, version) in VERSIONS.iter().enumerate() {
        let name = format!("{version}.{GROUP}");
        let object = json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": name, "labels": {OURS: "true"}},
            "spec": {"group": GROUP, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100 - at,
                     "caBundle": encoded(authority), "service": {"namespace": NAMESPACE, "name": SERVICE, "port": 443}},
        });
        put(client, "/apis/apiregistration.k8s.io/v1/apiservices", &name, object).await?;
    }
    Ok(())
}

/// Whoever may view, edit or administer a namespace may see how long its pods wait.
fn reader() -> Value {
    let label = |role: &str| format!("rbac.authorization.k8s.io/aggregate-to-{role}");
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": READER, "labels": {
            OURS: "true", (label("view")): "true", (label("edit")): "true", (label("admin")): "true"}},
        "rules": [{"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "list"]}],
    })
}

fn encoded(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// Makes an object, or brings ours up to date. One that is another's stays as it is.
async fn put(client: &Client, collection: &str, name: &str, object: Value) -> Result<(), kube::Error> {
    let path = format!("{collection}/{name}");
    let known = match informer::request::find(client, &path).await? {
        None => return informer::request::ensure(client, collection, &object).await,
        Some(known) => known,
    };
    if known["metadata"]["labels"][OURS] != "true" {
        return Ok(());
    }
    // A patch leaves alone what the server has added, such as a Service's address.
    informer::request::send(client, Method::PATCH, &path, &object).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_from_queries() {
        assert_eq!(selector("a=b&labelSelector=app%3Dweb%2Ctier+in+%28x%29").as_deref(), Some("app=web,tier in (x)"));
        assert_eq!(selector("limit=1"), None);
        assert_eq!(selector(""), None);
    }
}
