//! Reaches a cluster by a kubeconfig.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use http::{HeaderValue, Request, Uri};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower::BoxError;

use crate::Error;

/// A way to a cluster: a client, and the namespace its kubeconfig prefers.
pub struct Connection {
    /// Speaks for the user of the kubeconfig.
    pub client: kube::Client,
    /// `default`, unless the context says otherwise.
    pub namespace: String,
}

/// Where the kubeconfig is: the path given, `$KUBECONFIG`'s first, or the one in the home directory.
#[must_use]
pub fn default_path() -> PathBuf {
    let named = std::env::var("KUBECONFIG").unwrap_or_default();
    match named.split(':').find(|path| !path.is_empty()) {
        Some(path) => path.into(),
        None => Path::new(&std::env::var("HOME").unwrap_or_default()).join(".kube/config"),
    }
}

/// Reads a kubeconfig and makes a client of one of its contexts, of the current one where none is named.
///
/// # Errors
/// Where the file cannot be read, or says nothing of the context.
pub fn connect(path: &Path, context: Option<&str>) -> Result<Connection, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::file(path, source))?;
    let config = yaml::to_json(&text).map_err(|error| Error::Release(format!("{}: {error}", path.display())))?;
    let base = path.parent().unwrap_or(Path::new("."));
    let name = context.or_else(|| config["current-context"].as_str()).unwrap_or_default();
    let context = &named(&config, "contexts", name)?["context"];
    let cluster = &named(&config, "clusters", context["cluster"].as_str().unwrap_or_default())?["cluster"];
    let nobody = Value::Null;
    let user = match context["user"].as_str() {
        Some(user) if !user.is_empty() => &named(&config, "users", user)?["user"],
        _ => &nobody,
    };
    let target = Arc::new(Target::new(base, cluster, user)?);
    let namespace = context["namespace"].as_str().unwrap_or("default").to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let target = Arc::clone(&target);
        async move { target.call(request).await }
    });
    Ok(Connection { client: kube::Client::new(service, namespace.clone()), namespace })
}

fn named<'a>(config: &'a Value, list: &str, name: &str) -> Result<&'a Value, Error> {
    let items = config[list].as_array().into_iter().flatten();
    let mut found = items.filter(|item| item["name"] == name);
    found.next().ok_or_else(|| Error::Release(format!("kubeconfig has no entry {name:?} among its {list}")))
}

/// The bytes of a field that holds them, or the path of a file that does.
fn bytes(base: &Path, entry: &Value, name: &str) -> Result<Option<Vec<u8>>, Error> {
    if let Some(data) = entry[format!("{name}-data")].as_str().filter(|data| !data.is_empty()) {
        let data = base64::engine::general_purpose::STANDARD.decode(data);
        return data.map(Some).map_err(|error| Error::Release(format!("{name}-data: {error}")));
    }
    match entry[name].as_str().filter(|path| !path.is_empty()) {
        None => Ok(None),
        Some(path) => {
            let path = base.join(path);
            std::fs::read(&path).map(Some).map_err(|source| Error::file(path, source))
        }
    }
}

/// A server, and how it is spoken to.
struct Target {
    host: String,
    port: u16,
    prefix: String,
    tls: Option<(tokio_rustls::TlsConnector, ServerName<'static>)>,
    authorization: Option<HeaderValue>,
}

impl Target {
    fn new(base: &Path, cluster: &Value, user: &Value) -> Result<Self, Error> {
        let server = cluster["server"].as_str().unwrap_or_default();
        let wrong = |error: &dyn std::fmt::Display| Error::Release(format!("server {server:?}: {error}"));
        let uri: Uri = server.parse().map_err(|error| wrong(&error))?;
        let host = uri.host().ok_or_else(|| wrong(&"it has no host"))?.trim_matches(['[', ']']).to_owned();
        let secure = uri.scheme_str() != Some("http");
        let token = match (user["token"].as_str(), user["tokenFile"].as_str()) {
            (Some(token), _) => Some(token.to_owned()),
            (None, Some(path)) => {
                let path = base.join(path);
                Some(std::fs::read_to_string(&path).map_err(|source| Error::file(path, source))?)
            }
            (None, None) => None,
        };
        let header = token.map(|token| HeaderValue::from_str(&format!("Bearer {}", token.trim())));
        let name = cluster["tls-server-name"].as_str().unwrap_or(&host).to_owned();
        let tls = match secure {
            false => None,
            true => {
                let name = ServerName::try_from(name).map_err(|error| wrong(&error))?;
                Some((tls(base, cluster, user)?, name))
            }
        };
        Ok(Self {
            port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            host,
            tls,
            authorization: header.transpose().map_err(|error| wrong(&error))?,
        })
    }

    async fn call(&self, mut request: Request<Body>) -> Result<http::Response<hyper::body::Incoming>, BoxError> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = format!("{}{path}", self.prefix).parse()?;
        let headers = request.headers_mut();
        headers.insert(http::header::HOST, HeaderValue::from_str(&format!("{}:{}", self.host, self.port))?);
        if let Some(value) = &self.authorization {
            headers.insert(http::header::AUTHORIZATION, value.clone());
        }
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => exchange(stream, request).await,
            Some((connector, name)) => exchange(connector.connect(name.clone(), stream).await?, request).await,
        }
    }
}

/// Sends one request over a connection of its own.
async fn exchange<S>(stream: S, request: Request<Body>) -> Result<http::Response<hyper::body::Incoming>, BoxError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer's body; how it ended shows there.
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

fn tls(base: &Path, cluster: &Value, user: &Value) -> Result<tokio_rustls::TlsConnector, Error> {
    let wrong = |what: &str, error: &dyn std::fmt::Display| Error::Release(format!("{what}: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("tls", &error))?;
    let builder = if cluster["insecure-skip-tls-verify"] == true {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(super::trusting::Trusting(provider)))
    } else {
        let mut roots = rustls::RootCertStore::empty();
        let pem = bytes(base, cluster, "certificate-authority")?.unwrap_or_default();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| wrong("certificate-authority", &error))?;
            roots.add(certificate).map_err(|error| wrong("certificate-authority", &error))?;
        }
        builder.with_root_certificates(roots)
    };
    let certificate = bytes(base, user, "client-certificate")?;
    let key = bytes(base, user, "client-key")?;
    let config = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            let chain = CertificateDer::pem_slice_iter(&certificate).collect::<Result<Vec<_>, _>>();
            let chain = chain.map_err(|error| wrong("client-certificate", &error))?;
            let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| wrong("client-key", &error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| wrong("client-certificate", &error))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config).into())
}
