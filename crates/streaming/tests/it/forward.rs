//! Port forwarding as clients of each protocol see it. The pod gives back what it gets on port 7, and has no other.

use crate::world::{Spdy, WebSocket, node, spdy, upgrade};
use futures_util::StreamExt;
use std::io;
use std::net::SocketAddr;
use streaming::Timeouts;
use streaming::forward::{self, Pod};
use streaming::spdy::frame::Frame;
use tokio::io::DuplexStream;

async fn dial(port: u16) -> io::Result<DuplexStream> {
    if port != 7 {
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens"));
    }
    let (ours, theirs) = tokio::io::duplex(1024);
    tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(theirs);
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut writer).await.unwrap();
    });
    Ok(ours)
}

async fn pod_node() -> SocketAddr {
    let pod = Pod { name: "pod_ns".to_owned(), uid: "1234".to_owned() };
    node(move |request| forward::serve(request, pod.clone(), Timeouts::default(), dial)).await
}

const TARGET: &str = "/portForward/ns/pod";

async fn converse<I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(mut client: Spdy<I>) {
    for (stream, kind, request) in [(1, "error", "0"), (3, "data", "0"), (5, "error", "1"), (7, "data", "1")] {
        client.open(stream, &[("streamtype", kind), ("port", "7"), ("requestid", request)]).await;
        assert_eq!(client.next().await, Some(Frame::Reply { stream, last: false }));
    }
    client.data(7, b"second", true).await;
    assert_eq!(client.until_last(7).await, "second");
    client.data(3, b"first", true).await;
    assert_eq!(client.until_last(3).await, "first");
    // A port on which nobody listens.
    for (stream, kind) in [(9, "error"), (11, "data")] {
        client.open(stream, &[("streamtype", kind), ("port", "9"), ("requestid", "2")]).await;
    }
    assert_eq!(client.until_last(9).await, "error forwarding port 9 to pod pod_ns, uid 1234: nobody listens");
    // No port at all.
    client.open(13, &[("streamtype", "error"), ("port", "x")]).await;
    while let Some(frame) = client.next().await {
        if matches!(frame, Frame::Reset { stream: 13, .. }) {
            return;
        }
    }
    panic!("the stream is not refused");
}

#[tokio::test]
async fn spdy_carries_many_connections() {
    converse(spdy(pod_node().await, TARGET, "portforward.k8s.io").await).await;
}

#[tokio::test]
async fn websocket_carries_spdy() {
    let socket = WebSocket::open(pod_node().await, TARGET, "SPDY/3.1+portforward.k8s.io").await;
    let (sink, stream) = socket.0.split();
    let (ours, theirs) = tokio::io::duplex(65536);
    let (mut reader, mut writer) = tokio::io::split(theirs);
    tokio::spawn(async move {
        let mut stream = stream;
        while let Some(Ok(message)) = stream.next().await {
            tokio::io::AsyncWriteExt::write_all(&mut writer, &message.into_data()).await.unwrap();
        }
    });
    tokio::spawn(async move {
        let (mut sink, mut bytes) = (sink, [0; 100]);
        while let Ok(length @ 1..) = tokio::io::AsyncReadExt::read(&mut reader, &mut bytes).await {
            let message = tokio_tungstenite::tungstenite::Message::Binary(bytes[..length].to_vec().into());
            futures_util::SinkExt::send(&mut sink, message).await.unwrap();
        }
    });
    converse(Spdy::over(ours)).await;
}

#[tokio::test]
async fn channels_carry_one_connection_for_each_port() {
    let mut client = WebSocket::open(pod_node().await, "/portForward/ns/pod?port=7,9", "v4.channel.k8s.io").await;
    client.send(b"\x00hello").await;
    let mut channels = vec![Vec::new(); 4];
    while channels[0].len() < 7 || channels[3].len() < 3 {
        let message = client.0.next().await.unwrap().unwrap().into_data();
        channels[usize::from(message[0])].extend_from_slice(&message[1..]);
    }
    assert_eq!(&channels[0], b"\x07\x00hello");
    assert!(channels[3].starts_with(b"\x09\x00error forwarding port 9"));
    let refused = upgrade(pod_node().await, TARGET, &[("upgrade", "websocket")]).await.err();
    assert_eq!(refused, Some(400), "no port is named");
}
