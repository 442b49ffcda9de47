//! Answers: an object, a list or a `Status`, in the form that was agreed on.

use super::Body;
use super::media::Encoding;
use ::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use object::{Status, Value};

/// An answer of one JSON block.
pub fn json(code: u16, json: impl Into<Bytes>) -> Response<Body> {
    with_type(code, "application/json", Body::full(json))
}

/// An answer of one JSON value, written as asked.
pub fn value(code: u16, encoding: Encoding, value: &Value) -> Response<Body> {
    match encoding {
        Encoding::Json | Encoding::Protobuf => json(code, value.to_string()),
        Encoding::Yaml => with_type(code, "application/yaml", Body::full(yaml::from_json(value))),
    }
}

/// Stored or encoded JSON bytes, written as asked.
pub fn encoded(code: u16, encoding: Encoding, bytes: Bytes) -> Response<Body> {
    match encoding {
        Encoding::Json | Encoding::Protobuf => json(code, bytes),
        Encoding::Yaml => value(code, encoding, &serde_json::from_slice(&bytes).unwrap_or_default()),
    }
}

/// A failure.
pub fn status(status: &Status) -> Response<Body> {
    let mut answer = json(status.code, status.to_value().to_string());
    if let Some(seconds) =
        status.details.as_ref().map(|details| details.retry_after_seconds).filter(|&seconds| seconds > 0)
    {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}

/// Plain text.
pub fn text(code: u16, text: impl Into<Bytes>) -> Response<Body> {
    let mut answer = with_type(code, "text/plain; charset=utf-8", Body::full(text));
    answer.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    answer
}

/// Any body.
pub fn with_type(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    answer
}
