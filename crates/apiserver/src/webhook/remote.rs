//! A service that a file in the form of a kubeconfig leads to: webhooks of audit, tokens and authorisation.
//!
//! The file's current context names the server and what is shown to it (a client certificate, a token, a password).

use super::trust::Trust;
use super::{Target, go_words, of_dial, read};
use crate::net::{self, Stream};
use ::http::{HeaderValue, Method, Request, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use object::{View, json};
use rustls::ClientConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// Why a file leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is no YAML.
    #[error("cannot read {path}")]
    Yaml {
        /// Which.
        path: PathBuf,
        /// Where it is wrong.
        #[source]
        source: yaml::Error,
    },
    /// It is no kubeconfig that leads somewhere.
    #[error("{path} is no kubeconfig that leads to a service: {why}")]
    Invalid {
        /// Which.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

/// A service elsewhere.
#[derive(Clone)]
pub struct Remote {
    target: Arc<Target>,
    /// `None` for plain HTTP.
    tls: Option<Arc<ClientConfig>>,
    server_name: String,
    authorization: Option<HeaderValue>,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is shown to the service is secret.
        f.debug_struct("Remote").field("url", &self.target.url()).finish_non_exhaustive()
    }
}

impl Remote {
    /// Where the file `path` leads. Files that it names are looked for beside it.
    pub fn load(path: &Path) -> Result<Remote, RemoteError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| RemoteError::Read { path: path.to_owned(), source })?;
        let value = yaml::to_json(&text).map_err(|source| RemoteError::Yaml { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Remote::read(View::from(&value), folder).map_err(|why| RemoteError::Invalid { path: path.to_owned(), why })
    }

    fn read(config: View<'_>, folder: &Path) -> Result<Remote, String> {
        let named = |list: &str, name: &str| config.list(list).find(|entry| entry.str("name") == name);
        let context = match config.str("current-context") {
            "" => config.list("contexts").next(),
            name => Some(named("contexts", name).ok_or_else(|| format!("there is no context {name:?}"))?),
        };
        let context = context.ok_or("there is no context")?.get("context");
        let cluster = named("clusters", context.str("cluster"));
        let cluster =
            cluster.ok_or_else(|| format!("there is no cluster {:?}", context.str("cluster")))?.get("cluster");
        let user = named("users", context.str("user")).map_or(View::ABSENT, |user| user.get("user"));
        let server = cluster.str("server");
        let is_plain = server.starts_with("http://");
        if !is_plain && !server.starts_with("https://") {
            return Err(format!("the server {server:?} is no URL that begins with https:// or http://"));
        }
        let file = Files { folder };
        let authorities = file.bytes(cluster, "certificate-authority")?.unwrap_or_default();
        let target = Target::of(View::from(&json!({"url": server, "caBundle": STANDARD.encode(authorities)})))?;
        let server_name = match cluster.str("tls-server-name") {
            "" => target.server_name().to_owned(),
            name => name.to_owned(),
        };
        let tls = if is_plain { None } else { Some(tls(&file, cluster, user, &target)?) };
        Ok(Remote {
            server_name,
            tls,
            authorization: authorization(&file, user)?,
            target: Arc::new(if is_plain { target.plain(server) } else { target }),
            tasks: TaskTracker::new(),
        })
    }

    /// A URL, with authorities of its certificate (PEM), or those of the system.
    pub(crate) fn at(url: &str, authorities: &[u8]) -> Result<Remote, String> {
        let is_plain = url.starts_with("http://");
        if !is_plain && !url.starts_with("https://") {
            return Err(format!("{url:?} is no URL that begins with https:// or http://"));
        }
        let target = Target::of(View::from(&json!({"url": url, "caBundle": STANDARD.encode(authorities)})))?;
        Ok(Remote {
            server_name: target.server_name().to_owned(),
            tls: if is_plain { None } else { Some(Trust::default().config(target.authorities())?) },
            authorization: None,
            target: Arc::new(if is_plain { target.plain(url) } else { target }),
            tasks: TaskTracker::new(),
        })
    }

    /// Where it is, for messages.
    pub(crate) fn url(&self) -> String {
        self.target.url()
    }

    /// Posts a JSON document; what comes back, with its code.
    ///
    /// # Errors
    /// In the words of upstream's client.
    pub(crate) async fn post(&self, document: Bytes, limit: Duration) -> Result<(u16, Vec<u8>), String> {
        self.call(Method::POST, document, limit).await
    }

    /// Gets what is there, with its code.
    ///
    /// # Errors
    /// In the words of upstream's client.
    pub(crate) async fn get(&self, limit: Duration) -> Result<(u16, Vec<u8>), String> {
        self.call(Method::GET, Bytes::new(), limit).await
    }

    async fn call(&self, method: Method, document: Bytes, limit: Duration) -> Result<(u16, Vec<u8>), String> {
        let name = if method == Method::GET { "Get" } else { "Post" };
        let mut request = Request::builder()
            .method(method)
            .uri(self.target.path_and_query())
            .header(header::HOST, self.target.authority())
            .header(header::USER_AGENT, "kube-apiserver")
            .header(header::ACCEPT, "application/json, */*")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(document)).map_err(|error| error.to_string())?;
        self.send(name, request, limit).await
    }

    async fn send(&self, name: &str, request: Request<Full<Bytes>>, limit: Duration) -> Result<(u16, Vec<u8>), String> {
        let failed = |why: String| format!("{name} {}: {why}", object::quote::quote(&self.url()));
        let exchange = async {
            let stream = self.connect().await?;
            let answer = net::send(stream, request, &self.tasks).await.map_err(|error| go_words::of_http(&error))?;
            read(answer).await
        };
        let answer = tokio::time::timeout(limit, exchange).await;
        answer.map_err(|_| failed("context deadline exceeded".to_owned()))?.map_err(failed)
    }

    async fn connect(&self) -> Result<Stream, String> {
        let (host, port) = self.target.place();
        let stream = net::dial(host, port).await.map_err(|error| error.to_string())?;
        match &self.tls {
            Some(tls) => net::secure(stream, &self.server_name, tls.clone()).await.map_err(|error| of_dial(&error)),
            None => Ok(Box::new(stream)),
        }
    }
}

fn tls(file: &Files<'_>, cluster: View<'_>, user: View<'_>, target: &Target) -> Result<Arc<ClientConfig>, String> {
    let trust = match (file.bytes(user, "client-certificate")?, file.bytes(user, "client-key")?) {
        (Some(chain), Some(key)) => {
            let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&chain).collect();
            let chain = chain.map_err(|error| format!("the client certificate cannot be read: {error}"))?;
            let key = String::from_utf8(key).map_err(|_| "the client key is no PEM")?;
            Trust::showing((chain, key))
        }
        (None, None) => Trust::default(),
        _ => return Err("a client certificate needs a client key, and the other way round".to_owned()),
    };
    trust.configured(target.authorities(), cluster.bool("insecure-skip-tls-verify"))
}

fn authorization(file: &Files<'_>, user: View<'_>) -> Result<Option<HeaderValue>, String> {
    for unknown in ["exec", "auth-provider"] {
        if user.has(unknown) {
            return Err(format!("the user's credentials come from {unknown:?}, which no server can ask"));
        }
    }
    let token = match (user.str("token"), user.str("tokenFile")) {
        ("", "") => None,
        ("", path) => Some(file.text(path)?),
        (token, _) => Some(token.to_owned()),
    };
    let text = match token {
        Some(token) => format!("Bearer {}", token.trim()),
        None if user.str("username").is_empty() => return Ok(None),
        None => {
            let pair = format!("{}:{}", user.str("username"), user.str("password"));
            format!("Basic {}", STANDARD.encode(pair))
        }
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| "the user's token cannot stand in a header")?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// What a kubeconfig has in itself or in a file that it names.
struct Files<'a> {
    folder: &'a Path,
}

impl Files<'_> {
    fn bytes(&self, of: View<'_>, key: &str) -> Result<Option<Vec<u8>>, String> {
        let data = of.str(&format!("{key}-data"));
        if !data.is_empty() {
            return STANDARD.decode(data).map(Some).map_err(|error| format!("{key}-data is no base64: {error}"));
        }
        let path = of.str(key);
        if path.is_empty() {
            return Ok(None);
        }
        self.text(path).map(|text| Some(text.into_bytes()))
    }

    fn text(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.folder.join(path)).map_err(|error| format!("cannot read {path:?}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Remote, String> {
        Remote::read(View::from(&yaml::to_json(text).unwrap()), Path::new("/none"))
    }

    const REST: &str = "contexts: [{name: c, context: {cluster: a, user: u}}]\ncurrent-context: c\n";

    #[test]
    fn a_kubeconfig_leads_to_a_service() {
        let cluster = "clusters: [{name: a, cluster: {server: 'https://h.example:8443/x?y=z', insecure-skip-tls-verify: true}}]\n";
        let user = "users: [{name: u, user: {token: t}}]";
        let remote = read(&format!("{REST}{cluster}{user}")).unwrap();
        assert_eq!(remote.url(), "https://h.example:8443/x");
        assert_eq!(remote.target.path_and_query(), "/x?y=z");
        assert_eq!(remote.authorization.as_ref().unwrap(), "Bearer t");
        assert!(!format!("{remote:?}").contains("Bearer"));
        let plain = read(&format!("{REST}clusters: [{{name: a, cluster: {{server: 'http://h.example/x'}}}}]")).unwrap();
        assert_eq!((plain.target.place(), plain.tls.is_none()), (("h.example", 80), true));
        assert_eq!(plain.url(), "http://h.example/x");
    }

    #[test]
    fn one_that_leads_nowhere_says_why() {
        let why = |text: &str| read(text).unwrap_err();
        assert_eq!(why("{}"), "there is no context");
        assert_eq!(why("current-context: x"), "there is no context \"x\"");
        assert_eq!(why(REST), "there is no cluster \"a\"");
        let cluster = "clusters: [{name: a, cluster: {server: 'https://h'}}]\n";
        let user = "users: [{name: u, user: {exec: {}}}]";
        assert_eq!(
            why(&format!("{REST}{cluster}{user}")),
            "the user's credentials come from \"exec\", which no server can ask"
        );
        let ftp = "clusters: [{name: a, cluster: {server: 'ftp://h'}}]\n";
        assert!(why(&format!("{REST}{ftp}")).contains("is no URL that begins with https://"));
    }
}
