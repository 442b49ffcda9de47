//! A service that runs here, and what is told when it does not.

use super::*;
use http::HeaderName;
use hyper::Response;
use hyper::body::{Frame, Incoming};
use std::convert::Infallible;
use std::path::Path;
use tokio::net::UnixListener;

/// Serves the protocol: a seed is encrypted by turning its bytes over.
fn serve(socket: &Path) {
    let socket = socket.to_owned();
    // begun: server -> test
    let (begun_tx, begun) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = UnixListener::bind(&socket).unwrap();
            begun_tx.send(()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let service = hyper::service::service_fn(answer);
                tokio::spawn(async move {
                    // Clients go when they know enough.
                    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
    });
    begun.recv().unwrap();
}

type Answer = Response<http_body_util::combinators::BoxBody<Bytes, Infallible>>;

async fn answer(request: Request<Incoming>) -> Result<Answer, Infallible> {
    assert_eq!(request.headers()[header::CONTENT_TYPE], "application/grpc");
    let path = request.uri().path().to_owned();
    let sent = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let sent = unframed(&sent).unwrap();
    let turned = || field(&sent, 1).unwrap().iter().map(|byte| !byte).collect::<Vec<u8>>();
    let mut message = Vec::new();
    let (mut code, mut why) = ("0", "");
    match path.as_str() {
        "/v2.KeyManagementService/Status" => {
            for (number, text) in [(1, "v2"), (2, "ok"), (3, "key-1")] {
                put_bytes(&mut message, number, text.as_bytes());
            }
        }
        "/v2.KeyManagementService/Encrypt" => {
            assert_eq!(field(&sent, 2).unwrap().len(), 36);
            put_bytes(&mut message, 1, &turned());
            put_bytes(&mut message, 2, b"key-1");
            put_message(&mut message, 3, |entry| {
                put_bytes(entry, 1, b"version.example.com");
                put_bytes(entry, 2, b"7");
            });
        }
        "/v2.KeyManagementService/Decrypt" if field(&sent, 3).unwrap() == b"key-1" => {
            put_bytes(&mut message, 1, &turned());
        }
        _ => (code, why) = ("5", "no such key"),
    }
    let trailers = [("grpc-status", code), ("grpc-message", why)];
    let trailers = trailers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    let trailers: HeaderMap = trailers.into_iter().collect();
    let frames = [Frame::data(Bytes::from(framed(&message))), Frame::trailers(trailers)].map(Ok);
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames)).boxed();
    Ok(Response::builder().header(header::CONTENT_TYPE, "application/grpc").body(body).unwrap())
}

fn service(socket: &Path) -> Service {
    let endpoint = format!("unix://{}", socket.display());
    Service::new(&KmsSettings { name: "vault".to_owned(), endpoint, timeout: Duration::from_secs(20) })
}

#[test]
fn a_service_is_spoken_with() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("kms.sock");
    serve(&socket);
    let service = service(&socket);
    assert_eq!(service.key_id().as_deref(), Ok("key-1"));
    let wrapped = service.encrypt(b"seed").unwrap();
    assert_eq!((wrapped.key_id.as_str(), &wrapped.annotations["version.example.com"][..]), ("key-1", &b"7"[..]));
    assert_ne!(wrapped.ciphertext, b"seed");
    assert_eq!(service.decrypt(&wrapped).as_deref(), Ok(&b"seed"[..]));
    let other = Wrapped { key_id: "key-0".to_owned(), ..wrapped };
    assert!(service.decrypt(&other).unwrap_err().ends_with("code 5: no such key"));
}

#[test]
fn who_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("kms.sock");
    let why = service(&socket).encrypt(b"seed").unwrap_err();
    assert!(why.starts_with("Encrypt at ") && why.contains("kms.sock: No such file"), "{why}");
}
