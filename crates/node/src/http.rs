//! Requests to pods, for probes and hooks: plain HTTP/1.1 or TLS without checking who answers, as upstream has it.

use crate::dial;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::{Container, HTTPGetAction};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;

/// Most bytes of an answer that are looked at.
const BODY: usize = 10 * 1024;
/// Most redirections to the same host that are followed.
const REDIRECTIONS: usize = 10;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
}

/// Why nothing came back, as text for messages.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("Get {url:?}: {why}")]
    Connect { url: String, why: String },
    #[error("Get {url:?}: EOF")]
    Exchange {
        url: String,
        #[source]
        source: hyper::Error,
    },
    #[error("{0}")]
    Invalid(String),
    #[error("Get {0:?}: stopped after 10 redirects")]
    Redirections(String),
}

/// Where a request goes and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    https: bool,
    host: String,
    port: u16,
    path: String,
    headers: HeaderMap,
}

impl Target {
    /// What an action of the spec means for a pod at `address`. `agent` is `probe` or `lifecycle`.
    pub(crate) fn of(
        action: &HTTPGetAction,
        container: &Container,
        address: &str,
        agent: &str,
    ) -> Result<Target, HttpError> {
        let port = crate::core::probe::port(&action.port, container).map_err(HttpError::Invalid)?;
        let host = action.host.as_deref().filter(|host| !host.is_empty()).unwrap_or(address);
        let path = action.path.as_deref().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let mut headers = HeaderMap::new();
        for own in action.http_headers.iter().flatten() {
            let name = HeaderName::from_bytes(own.name.as_bytes());
            let value = HeaderValue::from_str(&own.value);
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(HttpError::Invalid(format!("invalid header {:?}", own.name)));
            };
            headers.append(name, value);
        }
        if !headers.contains_key(header::USER_AGENT) {
            let agent = format!("kube-{agent}/1.36");
            headers
                .insert(header::USER_AGENT, HeaderValue::from_str(&agent).unwrap_or(HeaderValue::from_static("kube")));
        }
        match headers.get(header::ACCEPT).map(HeaderValue::is_empty) {
            None => drop(headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"))),
            Some(true) => drop(headers.remove(header::ACCEPT)),
            Some(false) => {}
        }
        let https = action.scheme.as_deref() == Some("HTTPS");
        Ok(Target { https, host: host.to_owned(), port, path, headers })
    }

    /// The same without TLS.
    pub(crate) fn plain(&self) -> Target {
        Target { https: false, ..self.clone() }
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        dial::join(&self.host, self.port)
    }

    /// The whole of it, as messages name it.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}{}", if self.https { "https" } else { "http" }, self.authority(), self.path)
    }

    /// The place that an answer points to, if it is on the same host.
    fn redirected(&self, location: &str) -> Option<Target> {
        let uri: Uri = location.parse().ok()?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut next = Target { path: path.to_owned(), ..self.clone() };
        if let Some(host) = uri.host() {
            next.https = uri.scheme_str() == Some("https");
            next.port = uri.port_u16().unwrap_or(if next.https { 443 } else { 80 });
            host.trim_matches(['[', ']']).clone_into(&mut next.host);
        }
        (next.host == self.host).then_some(next)
    }
}

/// What went wrong with TLS.
fn told(error: &std::io::Error) -> String {
    let text = error.to_string();
    let is_plain = text.contains("InvalidContentType") || text.contains("corrupt message");
    if is_plain { PLAIN.to_owned() } else { text }
}

/// What Go says when a server answers TLS in plain text.
pub(crate) const PLAIN: &str = "http: server gave HTTP response to HTTPS client";

/// Sends a request and follows redirections on the same host.
pub(crate) async fn get(target: &Target) -> Result<Answer, HttpError> {
    let mut target = target.clone();
    for _ in 0..=REDIRECTIONS {
        let (answer, location) = get_once(&target).await?;
        match location.filter(|_| answer.status.is_redirection()).and_then(|place| target.redirected(&place)) {
            Some(next) => target = next,
            None => return Ok(answer),
        }
    }
    Err(HttpError::Redirections(target.url()))
}

async fn get_once(target: &Target) -> Result<(Answer, Option<String>), HttpError> {
    let connected = dial::connect(&target.host, target.port).await;
    let stream = connected.map_err(|why| HttpError::Connect { url: target.url(), why })?;
    if !target.https {
        return exchange(target, TokioIo::new(stream)).await;
    }
    let name = ServerName::try_from(target.host.clone())
        .map_err(|_| HttpError::Invalid(format!("invalid host name {:?}", target.host)))?;
    let connector = tokio_rustls::TlsConnector::from(client_config()?);
    let stream = connector.connect(name, stream).await;
    let stream = stream.map_err(|error| HttpError::Connect { url: target.url(), why: told(&error) })?;
    exchange(target, TokioIo::new(stream)).await
}

async fn exchange<S>(target: &Target, stream: S) -> Result<(Answer, Option<String>), HttpError>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let failed = |source| HttpError::Exchange { url: target.url(), source };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.map_err(failed)?;
    let request = request(target)?;
    let answer = async move {
        let response = sender.send_request(request).await.map_err(failed)?;
        let status = response.status();
        let location =
            response.headers().get(header::LOCATION).and_then(|place| place.to_str().ok()).map(str::to_owned);
        // What is over the limit, and what breaks off, does not matter.
        let body = Limited::new(response.into_body(), BODY).collect().await;
        let body = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default();
        Ok((Answer { status, body }, location))
    };
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // The answer knows better how it ended.
        _ = &mut connection => answer.await,
    }
}

fn request(target: &Target) -> Result<Request<Empty<Bytes>>, HttpError> {
    let mut request = Request::get(&target.path).body(Empty::new());
    if let Ok(request) = &mut request {
        *request.headers_mut() = target.headers.clone();
        if !target.headers.contains_key(header::HOST)
            && let Ok(host) = HeaderValue::from_str(&target.authority())
        {
            request.headers_mut().insert(header::HOST, host);
        }
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    request.map_err(|error| HttpError::Invalid(error.to_string()))
}

fn client_config() -> Result<Arc<ClientConfig>, HttpError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| HttpError::Invalid(error.to_string()))?;
    let verifier = Arc::new(Anybody { schemes });
    Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

/// Takes every certificate: probes ask whether something answers, not who.
#[derive(Debug)]
struct Anybody {
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use value::json;

    /// A server that answers each request with the next of these texts, and tells what it was asked.
    async fn serve(answers: Vec<&'static str>) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = vec![0; 4096];
                let length = stream.read(&mut buffer).await.unwrap();
                asked.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            asked
        });
        (port, task)
    }

    fn target(port: u16, action: value::Value) -> Target {
        let mut action = action;
        action["port"] = json!(port);
        let action: HTTPGetAction = value::from_value(action).unwrap();
        Target::of(&action, &Container::default(), "127.0.0.1", "probe").unwrap()
    }

    #[tokio::test]
    async fn a_request_says_what_the_spec_says() {
        let (port, server) = serve(vec!["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]).await;
        let headers = json!([{"name": "Host", "value": "example.org"}, {"name": "X-A", "value": "b"}]);
        let answer = get(&target(port, json!({"path": "/ok?x=1", "httpHeaders": headers}))).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "hi"));
        let asked = server.await.unwrap().remove(0).to_lowercase();
        for part in
            ["get /ok?x=1 http/1.1\r\n", "host: example.org", "x-a: b", "user-agent: kube-probe/1.36", "accept: */*"]
        {
            assert!(asked.contains(part), "{part} in {asked}");
        }
    }

    #[tokio::test]
    async fn redirections_on_the_same_host_are_followed() {
        let moved = "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n";
        let (port, server) = serve(vec![moved, "HTTP/1.1 204 No Content\r\n\r\n"]).await;
        assert_eq!(get(&target(port, json!({"path": "/here"}))).await.unwrap().status.as_u16(), 204);
        assert!(server.await.unwrap()[1].starts_with("GET /there "));
        let away = "HTTP/1.1 302 Found\r\nLocation: http://example.org/\r\nContent-Length: 0\r\n\r\n";
        let (port, _server) = serve(vec![away]).await;
        assert_eq!(get(&target(port, json!({}))).await.unwrap().status.as_u16(), 302);
    }

    #[tokio::test]
    async fn nobody_there_is_told_as_go_does() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = get(&target(port, json!({"path": "/x"}))).await.unwrap_err().to_string();
        let why = format!("dial tcp 127.0.0.1:{port}: connect: connection refused");
        assert_eq!(error, format!("Get \"http://127.0.0.1:{port}/x\": {why}"));
    }
}
