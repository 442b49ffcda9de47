//! Files from servers.

use std::time::Duration;

use super::config::Entry;
use crate::Error;

/// A file may be as large as this.
const LARGEST: usize = 256 << 20;
/// A server that says nothing for so long is given up.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a future to its end, for callers that are no futures themselves.
pub(super) fn block<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Repository(format!("no runtime for network access: {error}")))?;
    runtime.block_on(future)
}

/// Lets TLS use the one provider that this program has.
pub(super) fn ready() {
    // Another part of the program may have chosen it before: that is the same one.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
}

/// Gets a file of a repository, with its credentials where they belong.
pub(super) async fn get(url: &str, entry: &Entry) -> Result<Vec<u8>, Error> {
    let failed = |error: &(dyn std::error::Error + 'static)| Error::Repository(chain(url, error));
    let client = client(entry)?;
    let mut request = client.get(url).header("user-agent", format!("Helm/{}", &crate::HELM_VERSION[1..]));
    if !entry.username.is_empty() && (entry.pass_credentials_all || same_host(url, &entry.url)) {
        request = request.basic_auth(&entry.username, Some(&entry.password));
    }
    let mut answer = request.send().await.map_err(|error| failed(&error))?;
    if !answer.status().is_success() {
        return Err(Error::Repository(format!("failed to fetch {url} : {}", status(answer.status()))));
    }
    let mut data = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
        data.extend_from_slice(&chunk);
        if data.len() > LARGEST {
            return Err(Error::Repository(format!("failed to fetch {url} : it is larger than {LARGEST} bytes")));
        }
    }
    Ok(data)
}

/// As [`get`], for a server that has so long to give all of it.
pub(super) async fn get_within(url: &str, entry: &Entry, limit: Duration) -> Result<Vec<u8>, Error> {
    let late = || Error::Repository(format!("Get {url:?}: context deadline exceeded (Client.Timeout exceeded)"));
    tokio::time::timeout(limit, get(url, entry)).await.map_err(|_| late())?
}

fn status(status: reqwest::StatusCode) -> String {
    format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()).trim_end().to_owned()
}

pub(super) fn client(entry: &Entry) -> Result<reqwest::Client, Error> {
    ready();
    let wrong = |what: &str, error: &dyn std::fmt::Display| Error::Repository(format!("{what}: {error}"));
    let mut builder = reqwest::Client::builder().read_timeout(PATIENCE).connect_timeout(PATIENCE);
    if entry.insecure_skip_tls_verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    let read = |path: &str| std::fs::read(path).map_err(|source| Error::file(path, source));
    if !entry.ca_file.is_empty() {
        let pem = read(&entry.ca_file)?;
        let certificates =
            reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(&entry.ca_file, &error))?;
        builder = builder.tls_certs_only(certificates);
    }
    if !entry.cert_file.is_empty() && !entry.key_file.is_empty() {
        let pem = [read(&entry.cert_file)?, read(&entry.key_file)?].concat();
        let identity = reqwest::Identity::from_pem(&pem).map_err(|error| wrong(&entry.cert_file, &error))?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|error| wrong("no client for network access", &error))
}

/// Whether credentials for one URL may be shown to another.
fn same_host(a: &str, b: &str) -> bool {
    let parts = |url: &str| {
        url.parse::<http::Uri>().ok().map(|uri| (uri.scheme_str().map(str::to_owned), uri.authority().cloned()))
    };
    parts(a).is_some() && parts(a) == parts(b)
}

/// What went wrong, down to its cause.
pub(super) fn chain(url: &str, error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let io = innermost.downcast_ref::<std::io::Error>();
    if io.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused) {
        return format!("Get {url:?}: dial tcp {}: connect: connection refused", host_and_port(url));
    }
    format!("Get {url:?}: {innermost}")
}

fn host_and_port(url: &str) -> String {
    let uri: http::Uri = url.parse().unwrap_or_default();
    let standard = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(standard))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_their_host() {
        assert!(same_host("https://a.example/x.tgz", "https://a.example/charts"));
        assert!(!same_host("https://b.example/x.tgz", "https://a.example/charts"));
        assert!(!same_host("http://a.example/x.tgz", "https://a.example/charts"));
        assert!(!same_host("https://a.example:444/x.tgz", "https://a.example/charts"));
    }
}
