//! A node that answers as a test wants, and clients of it.

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use streaming::spdy::frame::{Decoder, Encoder, Frame};
use streaming::spdy::headers::Headers;
use streaming::{Answer, Body};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

type Serve = Arc<dyn Fn(Request<Incoming>) -> Answer + Send + Sync>;

/// Serves until the test is over.
pub(crate) async fn node(serve: impl Fn(Request<Incoming>) -> Answer + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve: Serve = Arc::new(serve);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serve = serve.clone();
            let service = service_fn(move |request| {
                let answer = serve(request);
                answer.session.map(tokio::spawn);
                async move { Ok::<Response<Body>, Infallible>(answer.response) }
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection.with_upgrades());
        }
    });
    address
}

/// Asks for an upgrade; `Err` is the answer that is none.
pub(crate) async fn upgrade(
    node: SocketAddr,
    target: &str,
    headers: &[(&'static str, &'static str)],
) -> Result<(TokioIo<Upgraded>, http::HeaderMap), u16> {
    let stream = TcpStream::connect(node).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    let mut request = Request::get(target).header("host", "node").header("connection", "Upgrade");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = sender.send_request(request.body(Body::default()).unwrap()).await.unwrap();
    if answer.status() != 101 {
        return Err(answer.status().as_u16());
    }
    let headers = answer.headers().clone();
    Ok((TokioIo::new(hyper::upgrade::on(answer).await.unwrap()), headers))
}

pub(crate) struct WebSocket(pub(crate) WebSocketStream<TokioIo<Upgraded>>);

impl WebSocket {
    pub(crate) async fn open(node: SocketAddr, target: &str, protocol: &'static str) -> WebSocket {
        let headers = [
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", protocol),
        ];
        let (io, headers) = upgrade(node, target, &headers).await.unwrap();
        assert_eq!(headers["sec-websocket-protocol"], protocol);
        WebSocket(WebSocketStream::from_raw_socket(io, Role::Client, None).await)
    }

    pub(crate) async fn send(&mut self, message: &'static [u8]) {
        self.0.send(Message::Binary(bytes::Bytes::from_static(message))).await.unwrap();
    }

    /// All messages until the end, each channel's joined.
    pub(crate) async fn rest(&mut self) -> Vec<Vec<u8>> {
        let mut channels: Vec<Vec<u8>> = Vec::new();
        while let Some(message) = self.0.next().await {
            let bytes = match message.unwrap() {
                Message::Binary(bytes) => bytes,
                Message::Text(text) => text.into(),
                Message::Close(_) => continue,
                _ => continue,
            };
            let channel = usize::from(bytes[0] % b'0');
            if channels.len() <= channel {
                channels.resize(channel + 1, Vec::new());
            }
            channels[channel].extend_from_slice(&bytes[1..]);
        }
        channels
    }
}

pub(crate) struct Spdy<I> {
    io: I,
    encoder: Encoder,
    decoder: Decoder,
    bytes: BytesMut,
}

pub(crate) async fn spdy(node: SocketAddr, target: &str, protocol: &'static str) -> Spdy<TokioIo<Upgraded>> {
    let headers = [("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", protocol)];
    Spdy::over(upgrade(node, target, &headers).await.unwrap().0)
}

impl<I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Spdy<I> {
    pub(crate) fn over(io: I) -> Spdy<I> {
        Spdy { io, encoder: Encoder::default(), decoder: Decoder::default(), bytes: BytesMut::new() }
    }

    pub(crate) async fn open(&mut self, stream: u32, headers: &[(&str, &str)]) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.send(Frame::Open { stream, headers: Headers(headers), last: false }).await;
    }

    pub(crate) async fn data(&mut self, stream: u32, data: &'static [u8], last: bool) {
        self.send(Frame::Data { stream, data: bytes::Bytes::from_static(data), last }).await;
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        let mut bytes = BytesMut::new();
        self.encoder.encode(&frame, &mut bytes);
        self.io.write_all(&bytes).await.unwrap();
        self.io.flush().await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.decoder.decode(&mut self.bytes).unwrap() {
                return Some(frame);
            }
            if self.io.read_buf(&mut self.bytes).await.unwrap() == 0 {
                return None;
            }
        }
    }

    /// What comes on a stream until its end; answers to pings and about other streams are passed over.
    pub(crate) async fn until_last(&mut self, wanted: u32) -> String {
        let mut text = Vec::new();
        while let Some(frame) = self.next().await {
            match frame {
                Frame::Data { stream, data, last } if stream == wanted => {
                    text.extend_from_slice(&data);
                    if last {
                        break;
                    }
                }
                _ => {}
            }
        }
        String::from_utf8(text).unwrap()
    }
}
