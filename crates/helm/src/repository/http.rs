//! Files from servers.

pub(super) mod tls;
pub(super) mod words;

use std::time::Duration;

use gotemplate::url::Url;

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
    let failed = |error: &reqwest::Error| Error::Repository(words::unanswered("Get", url, error));
    let mut request = client(entry)?.get(url).header("user-agent", agent());
    let known = !entry.username.is_empty() && !entry.password.is_empty();
    if known && (entry.pass_credentials_all || same_host(url, &entry.url)) {
        request = request.basic_auth(&entry.username, Some(&entry.password));
    }
    let answer = request.send().await.map_err(|error| failed(&error))?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(Error::Repository(format!("failed to fetch {url} : {}", status(&answer))));
    }
    whole(url, answer).await
}

/// As [`get`], for a server that has so long to give all of it.
pub(super) async fn get_within(url: &str, entry: &Entry, limit: Duration) -> Result<Vec<u8>, Error> {
    let late = || Error::Repository(format!("Get {url:?}: context deadline exceeded (Client.Timeout exceeded)"));
    tokio::time::timeout(limit, get(url, entry)).await.map_err(|_| late())?
}

/// Gets a document, and tells in other words what went wrong.
pub(super) async fn plain(url: &str, limit: Duration) -> Result<Vec<u8>, Error> {
    let failed = |why: String| Error::Repository(format!("HTTP request failed for {url}: {why}"));
    let late = || failed(format!("Get {url:?}: context deadline exceeded (Client.Timeout exceeded)"));
    let asked = async {
        let sent = client(&Entry::default())?.get(url).header("user-agent", agent()).send().await;
        let answer = sent.map_err(|error| failed(words::unanswered("Get", url, &error)))?;
        let status = answer.status();
        if status != reqwest::StatusCode::OK {
            let reason = status.canonical_reason().unwrap_or_default();
            let code = status.as_u16();
            return Err(Error::Repository(format!("HTTP request to {url} returned status {code} ({reason})")));
        }
        whole(url, answer).await
    };
    tokio::time::timeout(limit, asked).await.map_err(|_| late())?
}

/// All of an answer, as far as it may be long.
async fn whole(url: &str, mut answer: reqwest::Response) -> Result<Vec<u8>, Error> {
    let failed = |error: &reqwest::Error| Error::Repository(words::unanswered("Get", url, error));
    let mut data = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
        data.extend_from_slice(&chunk);
        if data.len() > LARGEST {
            return Err(Error::Repository(format!("failed to fetch {url} : it is larger than {LARGEST} bytes")));
        }
    }
    Ok(data)
}

/// What we call ourselves.
pub(super) fn agent() -> String {
    format!("Helm/{}", &crate::HELM_VERSION[1..])
}

/// The status of an answer, in the server's own words where it has some.
fn status(answer: &reqwest::Response) -> String {
    let own = answer.extensions().get::<hyper::ext::ReasonPhrase>();
    let own = own.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
    let usual = || answer.status().canonical_reason().unwrap_or_default().to_owned();
    format!("{} {}", answer.status().as_u16(), own.unwrap_or_else(usual)).trim_end().to_owned()
}

pub(super) fn client(entry: &Entry) -> Result<reqwest::Client, Error> {
    let files = tls::Files {
        ca: &entry.ca_file,
        certificate: &entry.cert_file,
        key: &entry.key_file,
        insecure: entry.insecure_skip_tls_verify,
    };
    client_of(files)
}

pub(super) fn client_of(files: tls::Files<'_>) -> Result<reqwest::Client, Error> {
    ready();
    let builder = reqwest::Client::builder().read_timeout(PATIENCE).connect_timeout(PATIENCE);
    let builder = files.apply(builder).map_err(Error::Repository)?;
    builder.build().map_err(|error| Error::Repository(format!("no client for network access: {error}")))
}

/// Whether credentials for one URL may be shown to another.
fn same_host(a: &str, b: &str) -> bool {
    let parts = |url: &str| Url::parse(url).ok().map(|url| (url.scheme, url.host));
    parts(a).is_some() && parts(a) == parts(b)
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
