//! Speaking with a key management service: version 2 of its protocol, gRPC on a Unix socket.
//!
//! Calls are few (a seed is asked for at a start and when the service has a new key), so each has a connection and a
//! thread of its own, and whoever calls waits.

use crate::chain;
use encryption::{KeyService, KmsSettings, Wrapped};
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use object::protobuf::wire::{Reader, Wire, put_bytes, put_message};
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixStream;

/// Most bytes of an answer.
const MOST: usize = 1 << 20;
/// What comes before a message: whether it is compressed, and its length.
const HEAD: usize = 5;

/// A service.
#[derive(Debug)]
pub(super) struct Service {
    socket: PathBuf,
    timeout: Duration,
}

impl Service {
    pub(super) fn new(settings: &KmsSettings) -> Service {
        let path = settings.endpoint.strip_prefix("unix:").unwrap_or(&settings.endpoint);
        Service { socket: path.strip_prefix("//").unwrap_or(path).into(), timeout: settings.timeout }
    }

    /// Calls a method and waits for its answer.
    fn call(&self, method: &str, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let ask = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            runtime.block_on(async {
                let asked = tokio::time::timeout(self.timeout, self.ask(method, message)).await;
                asked.unwrap_or_else(|_| Err(format!("no answer within {:?}", self.timeout)))
            })
        };
        let answered = std::thread::scope(|scope| scope.spawn(ask).join());
        let answered = answered.unwrap_or_else(|_| Err("the call ended in a panic".to_owned()));
        answered.map_err(|why| format!("{method} at {}: {why}", self.socket.display()))
    }

    async fn ask(&self, method: &str, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let text = |error: hyper::Error| chain(&error);
        // Behind `@` stands a name that is in no file system.
        let path = self.socket.to_string_lossy();
        let stream = match path.trim_start_matches('/').strip_prefix('@') {
            Some(name) => UnixStream::connect(format!("\0{name}")).await,
            None => UnixStream::connect(&self.socket).await,
        };
        let stream = stream.map_err(|error| error.to_string())?;
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(text)?;
        let connection = tokio::spawn(connection);
        let request = Request::post(format!("http://localhost/v2.KeyManagementService/{method}"))
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .body(Full::new(Bytes::from(framed(&message))));
        let answer = sender.send_request(request.map_err(|error| error.to_string())?).await.map_err(text)?;
        let (head, body) = answer.into_parts();
        let collected = Limited::new(body, MOST).collect().await.map_err(|error| error.to_string())?;
        let trailers = collected.trailers().cloned().unwrap_or_default();
        connection.abort();
        succeeded(&head.headers, &trailers)?;
        unframed(&collected.to_bytes()).ok_or_else(|| "its answer is no message".to_owned())
    }
}

/// What gRPC tells of a call's end.
fn succeeded(headers: &HeaderMap, trailers: &HeaderMap) -> Result<(), String> {
    let text = |name: &str| trailers.get(name).or(headers.get(name)).and_then(|value| value.to_str().ok());
    match text("grpc-status") {
        Some("0") => Ok(()),
        Some(code) => Err(format!("code {code}: {}", text("grpc-message").unwrap_or("it does not tell why"))),
        None => Err("it does not speak gRPC".to_owned()),
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], message].concat()
}

fn unframed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, message) = bytes.split_first_chunk::<HEAD>()?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    (head[0] == 0 && message.len() == length as usize).then(|| message.to_vec())
}

impl KeyService for Service {
    fn encrypt(&self, seed: &[u8]) -> Result<Wrapped, String> {
        let mut request = Vec::new();
        put_bytes(&mut request, 1, seed);
        put_bytes(&mut request, 2, call_id().as_bytes());
        let mut wrapped = Wrapped::default();
        each(&self.call("Encrypt", request)?, |number, bytes| match number {
            1 => bytes.clone_into(&mut wrapped.ciphertext),
            2 => wrapped.key_id = String::from_utf8_lossy(bytes).into_owned(),
            3 => {
                let (mut key, mut value) = (String::new(), Vec::new());
                let read = each(bytes, |number, bytes| match number {
                    1 => key = String::from_utf8_lossy(bytes).into_owned(),
                    2 => bytes.clone_into(&mut value),
                    _ => {}
                });
                if read.is_ok() {
                    wrapped.annotations.insert(key, value);
                }
            }
            _ => {}
        })?;
        Ok(wrapped)
    }

    fn decrypt(&self, wrapped: &Wrapped) -> Result<Vec<u8>, String> {
        let mut request = Vec::new();
        put_bytes(&mut request, 1, &wrapped.ciphertext);
        put_bytes(&mut request, 2, call_id().as_bytes());
        put_bytes(&mut request, 3, wrapped.key_id.as_bytes());
        for (key, value) in &wrapped.annotations {
            put_message(&mut request, 4, |entry| {
                put_bytes(entry, 1, key.as_bytes());
                put_bytes(entry, 2, value);
            });
        }
        field(&self.call("Decrypt", request)?, 1)
    }

    fn key_id(&self) -> Result<String, String> {
        let answer = self.call("Status", Vec::new())?;
        let healthy = field(&answer, 2)?;
        if healthy != b"ok" {
            return Err(format!("it is not well: {}", String::from_utf8_lossy(&healthy)));
        }
        field(&answer, 3).map(|id| String::from_utf8_lossy(&id).into_owned())
    }
}

/// Tells calls apart in the service's log.
fn call_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Calls `take` with every text or message within a message.
fn each<'a>(message: &'a [u8], mut take: impl FnMut(u32, &'a [u8])) -> Result<(), String> {
    let mut fields = Reader::new(message);
    while let Some((number, value)) = fields.next("answer").map_err(|error| error.to_string())? {
        if let Wire::Bytes(bytes) = value {
            take(number, bytes);
        }
    }
    Ok(())
}

fn field(message: &[u8], wanted: u32) -> Result<Vec<u8>, String> {
    let mut found = Vec::new();
    each(message, |number, bytes| {
        if number == wanted {
            bytes.clone_into(&mut found);
        }
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
