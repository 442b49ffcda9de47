//! Untyped requests: paths in, JSON out.

use http::{Method, Request};
use kube::Client;
use object::Value;
use object::json;
use std::borrow::Cow;

/// Sends a request and reads the answer. `body` may be null; that of a PATCH is a merge patch.
pub async fn send(client: &Client, method: Method, path: &str, body: &Value) -> Result<Value, kube::Error> {
    let content = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    send_as(client, method, path, content, body).await
}

/// Sends a request with a body of the given type.
pub async fn send_as(
    client: &Client,
    method: Method,
    path: &str,
    content: &str,
    body: &Value,
) -> Result<Value, kube::Error> {
    let bytes = if body.is_null() { Vec::new() } else { written(body) };
    let request = Request::builder().method(method).uri(path).header(http::header::CONTENT_TYPE, content).body(bytes);
    client.request(request.map_err(kube::Error::HttpError)?).await
}

/// The body as Go's clients write it, since a server may keep parts of it as they came.
fn written(body: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    json::write(&mut bytes, body);
    match json::compact(&bytes) {
        Cow::Borrowed(_) => bytes,
        Cow::Owned(escaped) => escaped,
    }
}

/// An object, or `None` if it does not exist.
pub async fn find(client: &Client, path: &str) -> Result<Option<Value>, kube::Error> {
    match send(client, Method::GET, path, &Value::Null).await {
        Ok(object) => Ok(Some(object)),
        Err(error) if code(&error) == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes an object; that it is there already, or that its namespace goes, is no failure.
pub async fn ensure(client: &Client, collection: &str, object: &Value) -> Result<(), kube::Error> {
    match send(client, Method::POST, collection, object).await {
        Ok(_) => Ok(()),
        Err(error) if matches!(code(&error), 403 | 404 | 409) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The HTTP status of a refusal; 0 if the error is none.
pub fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}

/// What a refusal says; the error's text if it is none.
pub fn message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Whether an object could not be made because its namespace is being deleted.
pub fn is_namespace_going(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    status.code == 403 && causes.iter().any(|cause| cause.reason == "NamespaceTerminating")
}
