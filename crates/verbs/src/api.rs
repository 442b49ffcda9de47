//! Requests to a cluster: JSON in and out, watches line by line, errors as the server words them.

use crate::discovery::Discovery;
use crate::error::{Error, Result};
use futures_util::stream::{self, Stream, StreamExt as _};
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use kube::client::Body;
use std::collections::HashSet;
use std::sync::Mutex;
use tokio::sync::OnceCell;
use value::Value;

/// What asks for a table.
pub(crate) const AS_TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// A cluster, and the namespace to work in.
pub struct Api {
    client: kube::Client,
    /// Objects without a namespace of their own are in this one.
    pub namespace: String,
    discovery: OnceCell<Discovery>,
    warned: Mutex<HashSet<String>>,
}

/// A request's body: its type and content.
pub(crate) type Content = (&'static str, Vec<u8>);

impl Api {
    /// The cluster that a client reaches.
    #[must_use]
    pub fn new(client: kube::Client, namespace: impl Into<String>) -> Self {
        Self { client, namespace: namespace.into(), discovery: OnceCell::new(), warned: Mutex::default() }
    }

    /// What kinds the cluster knows; asked for once.
    pub(crate) async fn discovery(&self) -> Result<&Discovery> {
        self.discovery.get_or_try_init(|| Discovery::fetch(self)).await
    }

    async fn answer(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        content: Option<Content>,
    ) -> Result<Response<Body>> {
        let mut request = Request::builder().method(method).uri(path).header("accept", accept);
        let mut data = Vec::new();
        if let Some((ty, bytes)) = content {
            request = request.header("content-type", ty);
            data = bytes;
        }
        let request =
            request.body(Body::from(data)).map_err(|error| Error::usage(format!("{path:?} is no path: {error}")))?;
        let answer = self.client.send(request).await.map_err(|error| Error::Connection(unreachable(&error)))?;
        self.warn_of(&answer);
        Ok(answer)
    }

    /// Shows the server's warnings, each once, as kubectl does.
    fn warn_of(&self, answer: &Response<Body>) {
        for header in answer.headers().get_all("warning") {
            let Ok(text) = header.to_str() else { continue };
            let Some(warning) = text.splitn(3, ' ').nth(2) else { continue };
            let warning = warning.trim_matches('"').replace("\\\"", "\"");
            if self.warned.lock().is_ok_and(|mut warned| warned.insert(warning.clone())) {
                crate::text::warn(&format!("Warning: {warning}"));
            }
        }
    }

    pub(crate) async fn bytes(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        content: Option<Content>,
    ) -> Result<Vec<u8>> {
        let answer = self.answer(method, path, accept, content).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| Error::Connection(unreachable(&error)))?;
        let bytes = body.to_bytes();
        if status.is_success() { Ok(bytes.to_vec()) } else { Err(Error::from_answer(status.as_u16(), &bytes)) }
    }

    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        content: Option<Content>,
    ) -> Result<Value> {
        let bytes = self.bytes(method, path, accept, content).await?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Connection(format!("{path} answered no JSON: {error}")))
    }

    /// What is at a path.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.json(Method::GET, path, "application/json", None).await
    }

    /// What is at a path, or none.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Value>> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn post(&self, path: &str, object: &Value) -> Result<Value> {
        let content = ("application/json", object.to_string().into_bytes());
        self.json(Method::POST, path, "application/json", Some(content)).await
    }

    pub(crate) async fn patch(&self, path: &str, ty: &'static str, patch: &Value) -> Result<Value> {
        let content = (ty, patch.to_string().into_bytes());
        self.json(Method::PATCH, path, "application/json", Some(content)).await
    }

    /// The events of a watch, one JSON value each, until the server ends it.
    pub(crate) async fn watch(&self, path: &str, accept: &str) -> Result<impl Stream<Item = Result<Value>> + use<>> {
        let answer = self.answer(Method::GET, path, accept, None).await?;
        let status = answer.status();
        if !status.is_success() {
            let body = answer.into_body().collect().await.map_err(|error| Error::Connection(unreachable(&error)))?;
            return Err(Error::from_answer(status.as_u16(), &body.to_bytes()));
        }
        let frames = answer.into_body().into_data_stream().boxed();
        Ok(stream::unfold((frames, Vec::new()), next_event).boxed())
    }
}

type Frames = stream::BoxStream<'static, std::result::Result<bytes::Bytes, kube::Error>>;

/// The next line of a watch, out of as many frames as it takes.
async fn next_event((mut frames, mut rest): (Frames, Vec<u8>)) -> Option<(Result<Value>, (Frames, Vec<u8>))> {
    loop {
        if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            if line.trim_ascii().is_empty() {
                continue;
            }
            let event = serde_json::from_slice(&line).map_err(|error| Error::Connection(error.to_string()));
            return Some((event, (frames, rest)));
        }
        match frames.next().await? {
            Ok(frame) => rest.extend_from_slice(&frame),
            Err(error) => return Some((Err(Error::Connection(unreachable(&error))), (frames, Vec::new()))),
        }
    }
}

/// The innermost cause is the one that tells.
fn unreachable(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    if text.contains("Connection refused") || text.contains("onnection refused") {
        return format!("The connection to the server was refused - did you specify the right host or port? ({text})");
    }
    format!("Unable to connect to the server: {text}")
}
