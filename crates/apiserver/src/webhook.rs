//! Calls to webhooks: a JSON document is posted to a URL or a Service, and one comes back.
//!
//! What is asked stands with those who ask (`admission::webhooks`, `conversion`); here is how to get there: where a
//! client configuration leads ([`target`]), whom to trust ([`trust`]), services that files lead to ([`remote`]), and the call itself. Failures read as Go words
//! them.
//!
//! Deliberately absent: connections that are kept, and redirects, which no webhook needs.

mod go_words;
mod remote;
mod target;
pub(crate) mod trust;

pub(crate) use go_words::of_dial;
pub use remote::{Remote, RemoteError};

pub(crate) use target::{Target, resolve_service};

use crate::lookup::Stored;
use crate::net;
use ::http::{Method, Request, Response, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use object::{Value, View};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;
use trust::Trust;

/// Most bytes of an answer.
const MAX_ANSWER: usize = 16 << 20;

/// Calls webhooks.
pub(crate) struct Caller {
    trust: Trust,
    cluster: Stored,
    tasks: TaskTracker,
}

/// Why a webhook did not answer with a document.
#[derive(Debug)]
pub(crate) enum CallError {
    /// It is not said where it is.
    Target(String),
    /// It could not be reached, or not in time, or did not speak HTTP.
    Post { url: String, why: String },
    /// It answered, but not with what was asked for.
    Answer(String),
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CallError::Target(why) | CallError::Answer(why) => f.write_str(why),
            CallError::Post { url, why } => write!(f, "Post {}: {why}", object::quote::quote(url)),
        }
    }
}

impl Caller {
    pub(crate) fn new(cluster: Stored) -> Arc<Caller> {
        Arc::new(Caller { trust: Trust::default(), cluster, tasks: TaskTracker::new() })
    }

    /// Posts a document to where `config` (a `clientConfig`) leads.
    pub(crate) async fn post(&self, config: View<'_>, document: &Value, limit: Duration) -> Result<Value, CallError> {
        let target = Target::of(config).map_err(CallError::Target)?;
        let url = format!("{}?timeout={}s", target.url(), limit.as_secs());
        let failed = |why: String| CallError::Post { url: url.clone(), why };
        let tls = self.trust.config(target.authorities()).map_err(CallError::Target)?;
        let exchange = async {
            let (host, port) = target.resolve(&self.cluster)?;
            let stream = net::dial(&host, port).await.map_err(|error| error.to_string())?;
            let stream = net::secure(stream, target.server_name(), tls).await.map_err(|error| of_dial(&error))?;
            let request = request(&target, limit, document).map_err(|error| error.to_string())?;
            let answer = net::send(stream, request, &self.tasks).await.map_err(|error| go_words::of_http(&error))?;
            read(answer).await
        };
        let answer = tokio::time::timeout(limit, exchange).await;
        let (code, bytes) = answer.map_err(|_| failed("context deadline exceeded".to_owned()))?.map_err(failed)?;
        understand(code, &bytes).map_err(CallError::Answer)
    }
}

fn request(target: &Target, limit: Duration, document: &Value) -> Result<Request<Full<Bytes>>, ::http::Error> {
    Request::builder()
        .method(Method::POST)
        .uri(format!("{}?timeout={}s", target.path(), limit.as_secs()))
        .header(header::HOST, target.authority())
        .header(header::USER_AGENT, "kube-apiserver-admission")
        .header(header::ACCEPT, "application/json, */*")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(document.to_string().into()))
}

async fn read(answer: Response<Incoming>) -> Result<(u16, Vec<u8>), String> {
    let code = answer.status().as_u16();
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "unexpected EOF".to_owned())?;
        if let Ok(block) = frame.into_data() {
            if bytes.len() + block.len() > MAX_ANSWER {
                return Err(format!("the answer is larger than {MAX_ANSWER} bytes"));
            }
            bytes.extend_from_slice(&block);
        }
    }
    Ok((code, bytes))
}

/// The document of an answer; a refusal in the words of upstream's client.
fn understand(code: u16, bytes: &[u8]) -> Result<Value, String> {
    let document = object::json::read(bytes).map(|(document, _)| document);
    if (200..300).contains(&code) {
        if bytes.is_empty() {
            return Err(format!("0-length response with status code: {code} and content type: "));
        }
        return document.map_err(|error| object::decode::bad_json(&error.to_string()));
    }
    if let Ok(status) = &document
        && View::from(status).str("kind") == "Status"
        && !View::from(status).str("message").is_empty()
    {
        return Err(View::from(status).str("message").to_owned());
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).trim().to_owned();
    Err(go_words::of_code(code, &text))
}
