//! The gRPC health check: one call of `grpc.health.v1.Health/Check`, its few bytes of protobuf written by hand.

use crate::dial;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::Duration;

/// What is asked.
const METHOD: &str = "/grpc.health.v1.Health/Check";
/// Most bytes of an answer.
const ANSWER: usize = 16 * 1024;
/// Status codes of gRPC that have messages of their own.
const UNIMPLEMENTED: u32 = 12;
/// What a healthy service answers.
const SERVING: u64 = 1;

/// Asks a service whether it is healthy; if not, why not.
pub(super) async fn check(host: &str, port: u16, service: &str, timeout: Duration) -> Result<(), String> {
    let address = dial::join(host, port);
    let limit = dial::go_duration(timeout);
    let started = tokio::time::Instant::now();
    let connected = tokio::time::timeout(timeout, dial::connect(host, port)).await;
    let stream = match connected {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) | Err(_) => {
            return Err(format!(
                "timeout: failed to connect service {address:?} within {limit}: context deadline exceeded"
            ));
        }
    };
    let left = timeout.saturating_sub(started.elapsed());
    match tokio::time::timeout(left, call(stream, &address, service)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("timeout: health rpc did not complete within {limit}")),
    }
}

async fn call(stream: tokio::net::TcpStream, address: &str, service: &str) -> Result<(), String> {
    let failed = |error: hyper::Error| {
        format!(
            "error: health rpc probe failed: rpc error: code = Unavailable desc = connection error: desc = {:?}",
            error.to_string()
        )
    };
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(failed)?;
    let request = Request::post(format!("http://{address}{METHOD}"))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::USER_AGENT, "kube-probe/1.36")
        .header(header::TE, "trailers")
        .body(Full::new(framed(service)));
    let request = request.map_err(|error| format!("error: health rpc probe failed: {error}"))?;
    let answer = async move {
        let response = sender.send_request(request).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER)
            .collect()
            .await
            .map_err(|error| format!("error: health rpc probe failed: rpc error: code = Internal desc = {error}"))?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        judge(&head.headers, &trailers, &body.to_bytes())
    };
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // The answer knows better how it ended.
        _ = &mut connection => answer.await,
    }
}

/// The request: not compressed, its length, field 1 of the message.
fn framed(service: &str) -> Bytes {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        varint(service.len(), &mut message);
        message.extend_from_slice(service.as_bytes());
    }
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap_or_default().to_be_bytes());
    frame.extend_from_slice(&message);
    Bytes::from(frame)
}

fn varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn judge(headers: &HeaderMap, trailers: &HeaderMap, body: &[u8]) -> Result<(), String> {
    let text = |name: &str| {
        let value = trailers.get(name).or_else(|| headers.get(name));
        value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let code: u32 = text("grpc-status").parse().unwrap_or(2);
    let message = text("grpc-message");
    match code {
        0 => match status(body) {
            SERVING => Ok(()),
            other => Err(format!("service unhealthy (responded with {:?})", name(other))),
        },
        UNIMPLEMENTED => Err(format!(
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {message}"
        )),
        other => {
            Err(format!("error: health rpc probe failed: rpc error: code = {} desc = {message}", code_name(other)))
        }
    }
}

/// Field 1 of the answer, a number; what is not there is 0.
fn status(body: &[u8]) -> u64 {
    let Some([0x08, rest @ ..]) = body.get(5..) else { return 0 };
    let bytes = rest.iter().take(10).enumerate();
    let mut value = 0;
    for (index, byte) in bytes {
        value |= u64::from(byte & 0x7f).checked_shl(7 * index as u32).unwrap_or_default();
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn name(status: u64) -> String {
    match status {
        0 => "UNKNOWN".to_owned(),
        1 => "SERVING".to_owned(),
        2 => "NOT_SERVING".to_owned(),
        3 => "SERVICE_UNKNOWN".to_owned(),
        other => other.to_string(),
    }
}

fn code_name(code: u32) -> String {
    const NAMES: [&str; 17] = [
        "OK",
        "Canceled",
        "Unknown",
        "InvalidArgument",
        "DeadlineExceeded",
        "NotFound",
        "AlreadyExists",
        "PermissionDenied",
        "ResourceExhausted",
        "FailedPrecondition",
        "Aborted",
        "OutOfRange",
        "Unimplemented",
        "Internal",
        "Unavailable",
        "DataLoss",
        "Unauthenticated",
    ];
    NAMES.get(code as usize).map_or_else(|| format!("Code({code})"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Response;
    use http_body_util::StreamBody;
    use hyper::body::Frame;
    use hyper::service::service_fn;

    /// A health service that answers with a status, or with a code of gRPC.
    async fn serve(status: u8, code: &'static str) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| async move {
                assert_eq!(request.uri().path(), METHOD);
                let body = request.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(&body[..], b"\0\0\0\0\x05\x0a\x03web");
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", code.parse().unwrap());
                trailers.insert("grpc-message", "why".parse().unwrap());
                let data = Bytes::from(vec![0, 0, 0, 0, 2, 8, status]);
                let frames = [Ok::<_, std::convert::Infallible>(Frame::data(data)), Ok(Frame::trailers(trailers))];
                Ok::<_, std::convert::Infallible>(Response::new(StreamBody::new(futures_util::stream::iter(frames))))
            });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
        port
    }

    async fn ask(status: u8, code: &'static str) -> Result<(), String> {
        check("127.0.0.1", serve(status, code).await, "web", Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn services_are_asked() {
        assert_eq!(ask(1, "0").await, Ok(()));
        assert_eq!(ask(2, "0").await.unwrap_err(), "service unhealthy (responded with \"NOT_SERVING\")");
        let want = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): why";
        assert_eq!(ask(1, "12").await.unwrap_err(), want);
        let want = "error: health rpc probe failed: rpc error: code = NotFound desc = why";
        assert_eq!(ask(1, "5").await.unwrap_err(), want);
    }

    #[test]
    fn long_names_are_framed() {
        let frame = framed(&"x".repeat(300));
        assert_eq!(&frame[..8], &[0, 0, 0, 1, 47, 0x0a, 0xac, 0x02]);
    }
}
