//! Answers: an object, a list or a `Status`, in the form that was agreed on.

use super::media::Encoding;
use super::{Body, message};
use ::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use object::{Status, Value};

/// An answer of one JSON block.
pub fn json(code: u16, json: impl Into<Bytes>) -> Response<Body> {
    with_type(code, "application/json", Body::full(json))
}

/// An answer of one value, written as asked; what has no protobuf message is written as JSON.
pub fn value(code: u16, encoding: Encoding, value: &Value) -> Response<Body> {
    match encoding {
        Encoding::Json => json(code, value.to_string()),
        Encoding::Yaml => with_type(code, "application/yaml", Body::full(yaml::from_json(value))),
        Encoding::Protobuf => match message::sealed(value) {
            Some(message) => with_type(code, message::CONTENT_TYPE, Body::full(message)),
            None => json(code, value.to_string()),
        },
    }
}

/// Stored or encoded JSON bytes, written as asked.
pub fn encoded(code: u16, encoding: Encoding, bytes: Bytes) -> Response<Body> {
    match encoding {
        Encoding::Json => json(code, bytes),
        Encoding::Yaml | Encoding::Protobuf => {
            value(code, encoding, &serde_json::from_slice(&bytes).unwrap_or_default())
        }
    }
}

/// A failure.
pub fn status(status: &Status) -> Response<Body> {
    status_as(status, Encoding::Json)
}

/// A failure, written as asked.
pub fn status_as(status: &Status, encoding: Encoding) -> Response<Body> {
    let mut answer = value(status.code, encoding, &status.to_value());
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
