//! A key management service of the test's own, and servers whose Secrets only it can read.

use crate::guard::{SECRETS, lies_open, password, secret};
use crate::webhooks::send;
use crate::world::{Running, World};
use cluster::config::Config;
use cluster::server::Server;
use http::{HeaderMap, HeaderName, Method, Request, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::Response;
use hyper::body::{Bytes, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use object::protobuf::wire::{Reader, Wire, put_bytes, put_message};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// Serves the protocol, on a thread of its own: a seed is encrypted by turning its bytes over.
fn serve(socket: &Path, key: &'static str) {
    let socket = socket.to_owned();
    // begun: service -> test
    let (begun_tx, begun) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = UnixListener::bind(&socket).unwrap();
            begun_tx.send(()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let service = hyper::service::service_fn(move |request| answer(request, key));
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

async fn answer(request: Request<Incoming>, key: &str) -> Result<Answer, Infallible> {
    assert_eq!(request.headers()[header::CONTENT_TYPE], "application/grpc");
    let path = request.uri().path().to_owned();
    let sent = request.into_body().collect().await.unwrap().to_bytes();
    // Whether it is compressed, and its length.
    let sent = &sent[5..];
    let turned = || field(sent, 1).iter().map(|byte| !byte).collect::<Vec<u8>>();
    let mut message = Vec::new();
    let (mut code, mut why) = ("0", "");
    match path.as_str() {
        "/v2.KeyManagementService/Status" => {
            for (number, text) in [(1, "v2"), (2, "ok"), (3, key)] {
                put_bytes(&mut message, number, text.as_bytes());
            }
        }
        "/v2.KeyManagementService/Encrypt" => {
            assert_eq!(field(sent, 2).len(), 36, "calls have an id");
            put_bytes(&mut message, 1, &turned());
            put_bytes(&mut message, 2, key.as_bytes());
            put_message(&mut message, 3, |entry| {
                put_bytes(entry, 1, b"version.example.com");
                put_bytes(entry, 2, b"7");
            });
        }
        "/v2.KeyManagementService/Decrypt" if field(sent, 3) == key.as_bytes() => {
            let noted = field(sent, 4);
            assert_eq!((field(noted, 1), field(noted, 2)), (&b"version.example.com"[..], &b"7"[..]));
            put_bytes(&mut message, 1, &turned());
        }
        _ => (code, why) = ("5", "no such key"),
    }
    let trailers = [("grpc-status", code), ("grpc-message", why)];
    let trailers = trailers.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    let trailers: HeaderMap = trailers.into_iter().collect();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let framed = Bytes::from([&[0], &length[..], &message].concat());
    let frames = [Frame::data(framed), Frame::trailers(trailers)].map(Ok);
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed();
    Ok(Response::builder().header(header::CONTENT_TYPE, "application/grpc").body(body).unwrap())
}

/// A text or message within a message.
fn field(message: &[u8], wanted: u32) -> &[u8] {
    let mut fields = Reader::new(message);
    while let Some((number, value)) = fields.next("request").unwrap() {
        match value {
            Wire::Bytes(bytes) if number == wanted => return bytes,
            _ => {}
        }
    }
    &[]
}

/// An encryption configuration by which the service at `socket` has the key of Secrets.
fn configuration(folder: &Path, socket: &Path) -> PathBuf {
    let path = folder.join("encryption.yaml");
    let kms = format!("{{apiVersion: v2, name: vault, endpoint: 'unix://{}', timeout: 20s}}", socket.display());
    let text = format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - kms: {kms}\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_management_service_has_the_key_of_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let socket = |name: &str| folder.path().join(name);
    serve(&socket("kms.sock"), "key-1");
    let file = configuration(folder.path(), &socket("kms.sock"));
    let world = World::start_with(|config| config.guard.encryption = Some(file.clone())).await;
    let client = world.client().await;
    assert_eq!(send(&client, Method::POST, SECRETS, &secret("s", "a long enough password")).await.0, 201);
    let kept = world.stop_and_keep().await;
    let data = kept.path().join("data");
    assert!(!lies_open(&data, "a long enough password"));
    assert!(lies_open(&data, "k8s:enc:kms:v2:vault:"));

    // A new server has no seed: it asks for it.
    let running = Running::start_with(kept.path(), |config| config.guard.encryption = Some(file.clone())).await;
    assert_eq!(password(&running.client().await, "s").await, "a long enough password");
    running.stop().await;

    // In no file system.
    let name = format!("hakata-keys-{}", std::process::id());
    serve(Path::new(&format!("\0{name}")), "key-2");
    let other = PathBuf::from(format!("/@{name}"));
    for (socket, why) in [(other, "code 5: no such key"), (socket("gone.sock"), "gone.sock: No such file")] {
        let mut config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::new(data.clone()) };
        config.guard.encryption = Some(configuration(folder.path(), &socket));
        let error = Server::build(config).await.err().expect("the key is not there");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(why), "{cause}");
    }
}
