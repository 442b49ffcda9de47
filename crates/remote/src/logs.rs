//! `logs`: what containers have said, and go on saying.

use crate::error::{Error, Result};
use crate::socket::refusal;
use form_urlencoded::Serializer;
use futures_util::StreamExt;
use http::Request;
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use std::sync::Arc;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Mutex;

/// What of a log is wanted.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Go on as it grows.
    pub follow: bool,
    /// Of the container before this one.
    pub previous: bool,
    /// With the time before each line.
    pub timestamps: bool,
    /// Only the last seconds.
    pub since_seconds: Option<u64>,
    /// Only from this time on (RFC 3339).
    pub since_time: Option<String>,
    /// Only so many lines, the last ones.
    pub tail: Option<u64>,
    /// Only so many bytes.
    pub limit_bytes: Option<u64>,
    /// Whether the node need not show who it is.
    pub insecure_skip_tls_verify_backend: bool,
}

/// One container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The namespace of the pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
}

impl Source {
    fn target(&self, options: &Options) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("container", &self.container);
        let flags = [
            ("follow", options.follow),
            ("previous", options.previous),
            ("timestamps", options.timestamps),
            ("insecureSkipTLSVerifyBackend", options.insecure_skip_tls_verify_backend),
        ];
        for (name, _) in flags.into_iter().filter(|(_, wanted)| *wanted) {
            query.append_pair(name, "true");
        }
        let numbers =
            [("sinceSeconds", options.since_seconds), ("tailLines", options.tail), ("limitBytes", options.limit_bytes)];
        for (name, number) in numbers {
            if let Some(number) = number {
                query.append_pair(name, &number.to_string());
            }
        }
        if let Some(time) = &options.since_time {
            query.append_pair("sinceTime", time);
        }
        format!("/api/v1/namespaces/{}/pods/{}/log?{}", self.namespace, self.pod, query.finish())
    }
}

/// Writes logs out: one after another, or all at once if they are followed. With `prefix`, each line says whose it is.
///
/// # Errors
/// The first failure; with `ignore_errors` failures are written out instead, and the others go on.
pub async fn write<O: AsyncWrite + Unpin>(
    client: &Client,
    sources: &[Source],
    options: &Options,
    prefix: bool,
    ignore_errors: bool,
    output: O,
) -> Result<()> {
    let output = Arc::new(Mutex::new(output));
    let at_once = if options.follow { sources.len().max(1) } else { 1 };
    let each = futures_util::stream::iter(sources).map(|source| {
        let output = output.clone();
        async move {
            let written = write_one(client, source, options, prefix, &output).await;
            match written {
                Err(error @ (Error::Server { .. } | Error::Connection { .. })) if ignore_errors => {
                    put(&output, format!("{error}\n").as_bytes()).await
                }
                other => other,
            }
        }
    });
    let mut ends = each.buffer_unordered(at_once);
    while let Some(end) = ends.next().await {
        end?;
    }
    Ok(())
}

async fn write_one<O: AsyncWrite + Unpin>(
    client: &Client,
    source: &Source,
    options: &Options,
    prefix: bool,
    output: &Mutex<O>,
) -> Result<()> {
    let request = Request::get(source.target(options)).body(Body::empty());
    let request = request.map_err(|error| Error::usage(format!("this log cannot be asked for: {error}")))?;
    let answer = client.send(request).await?;
    if !answer.status().is_success() {
        return Err(refusal(answer).await);
    }
    let head = format!("[pod/{}/{}] ", source.pod, source.container);
    let (mut body, mut line) = (answer.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Error::lost("the log broke off", error))?;
        let Ok(data) = frame.into_data() else { continue };
        if !prefix {
            put(output, &data).await?;
            continue;
        }
        for part in data.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                put(output, &[head.as_bytes(), &line].concat()).await?;
                line.clear();
            }
        }
    }
    if line.is_empty() { Ok(()) } else { put(output, &[head.as_bytes(), &line].concat()).await }
}

async fn put<O: AsyncWrite + Unpin>(output: &Mutex<O>, bytes: &[u8]) -> Result<()> {
    let mut output = output.lock().await;
    output.write_all(bytes).await.map_err(Error::local("cannot write the log"))?;
    output.flush().await.map_err(Error::local("cannot write the log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_says_what_is_wanted() {
        let source = Source { namespace: "n".to_owned(), pod: "p".to_owned(), container: "c".to_owned() };
        assert_eq!(source.target(&Options::default()), "/api/v1/namespaces/n/pods/p/log?container=c");
        let options = Options { follow: true, tail: Some(0), since_seconds: Some(60), ..Options::default() };
        let want = "/api/v1/namespaces/n/pods/p/log?container=c&follow=true&sinceSeconds=60&tailLines=0";
        assert_eq!(source.target(&options), want);
    }
}
