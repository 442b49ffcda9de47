//! A real HTTPS server of a test's own that plays webhooks: good, slow, dead, lying and hostile ones, by path.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use object::{Value, json};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Answers a review: the path, and what was sent.
pub(crate) type Answer = dyn Fn(&str, &Value) -> Value + Send + Sync;

/// A server that plays webhooks.
pub(crate) struct Hooks {
    port: u16,
    authority: String,
    heard: Arc<Mutex<Vec<(String, Value)>>>,
    stop: CancellationToken,
}

impl Hooks {
    /// Serves on loopback, on any free port.
    pub(crate) async fn start(answer: impl Fn(&str, &Value) -> Value + Send + Sync + 'static) -> Hooks {
        Hooks::start_at(IpAddr::V4(Ipv4Addr::LOCALHOST), &["127.0.0.1", "localhost"], answer).await
    }

    /// Serves at an address under these names.
    pub(crate) async fn start_at(
        address: IpAddr,
        names: &[&str],
        answer: impl Fn(&str, &Value) -> Value + Send + Sync + 'static,
    ) -> Hooks {
        let (tls, authority) = certificates(names, None);
        let listener = TcpListener::bind(SocketAddr::new(address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, stop) = (Arc::default(), CancellationToken::new());
        let answer: Arc<Answer> = Arc::new(answer);
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(tls)), answer, Arc::clone(&heard), stop.clone()));
        Hooks { port, authority, heard, stop }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The authority of its certificate as configurations hold it.
    pub(crate) fn ca_bundle(&self) -> String {
        STANDARD.encode(&self.authority)
    }

    /// A `clientConfig` that leads to a path of it.
    pub(crate) fn config(&self, path: &str) -> Value {
        json!({"url": format!("https://127.0.0.1:{}{path}", self.port), "caBundle": self.ca_bundle()})
    }

    /// What it was sent at a path, oldest first.
    pub(crate) fn heard(&self, path: &str) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(at, _)| at == path).map(|(_, review)| review.clone()).collect()
    }

    /// The paths at which it was asked, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    pub(crate) fn forget(&self) {
        self.heard.lock().unwrap().clear();
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A server's TLS under these names, and its authority. `clients` is the authority of clients that it lets in, PEM.
pub(crate) fn certificates(names: &[&str], clients: Option<&str>) -> (rustls::ServerConfig, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "hooks");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let chain = vec![certificate.der().clone()];
    let key = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap));
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    (builder.with_single_cert(chain, key).unwrap(), authority.pem())
}

async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    answer: Arc<Answer>,
    heard: Arc<Mutex<Vec<(String, Value)>>>,
    stop: CancellationToken,
) {
    while let Some(Ok((stream, _))) = stop.run_until_cancelled(listener.accept()).await {
        let (tls, answer, heard) = (tls.clone(), answer.clone(), heard.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = hyper::service::service_fn(move |request| {
                let (answer, heard) = (answer.clone(), heard.clone());
                async move { Ok::<_, Infallible>(respond(request, &*answer, &heard).await) }
            });
            // A client that is refused hangs up.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    answer: &Answer,
    heard: &Mutex<Vec<(String, Value)>>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let bytes = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let review: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    heard.lock().unwrap().push((path.clone(), review.clone()));
    let (code, text) = match path.as_str() {
        "/slow" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            (200, String::new())
        }
        "/garbage" => (200, "this is not JSON".to_owned()),
        "/empty" => (200, String::new()),
        "/broken" => (500, "boom".to_owned()),
        "/huge" => (200, " ".repeat(20 << 20)),
        _ => (200, answer(&path, &review).to_string()),
    };
    Response::builder().status(code).header("content-type", "application/json").body(Full::new(text.into())).unwrap()
}

/// An `AdmissionReview` that answers another.
pub(crate) fn reviewed(review: &Value, mut response: Value) -> Value {
    if response.get("uid").is_none() {
        response["uid"] = review["request"]["uid"].clone();
    }
    json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "response": response})
}

/// A patch as a response carries it.
pub(crate) fn patch(operations: Value) -> Value {
    json!({"allowed": true, "patchType": "JSONPatch", "patch": STANDARD.encode(operations.to_string())})
}
