//! `exec` as clients of each protocol see it. The command here gives its input back, tells its error output how large
//! its terminal is, and ends with the exit code that it is called by.

use crate::world::{Spdy, WebSocket, node, spdy, upgrade};
use std::net::SocketAddr;
use streaming::Timeouts;
use streaming::command::{self, Outcome, Streams, Verb};
use streaming::spdy::frame::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn echo(code: i32, streams: Streams) -> Outcome {
    let Streams { stdin, stdout, stderr, mut size, .. } = streams;
    if let (Some(mut stdin), Some(mut stdout)) = (stdin, stdout) {
        let mut text = [0; 4096];
        loop {
            match stdin.read(&mut text).await.unwrap() {
                0 => break,
                length => stdout.write_all(&text[..length]).await.unwrap(),
            }
        }
    }
    if let Some(mut stderr) = stderr {
        let _ = stderr.write_all(b"done").await;
    } else if let Ok(size) = size.wait_for(Option::is_some).await {
        assert_eq!(size.unwrap().width, 80);
    }
    if code < 0 { Outcome::Failed("no such container".to_owned()) } else { Outcome::Exited(code) }
}

async fn echo_node() -> SocketAddr {
    node(|request| {
        let words = command::words(request.uri().query());
        let code = words.first().map_or(0, |word| word.parse().unwrap());
        command::serve(request, Verb::Exec, Timeouts::default(), move |streams| echo(code, streams))
    })
    .await
}

const ALL: &str = "/exec/ns/pod/c?input=1&output=1&error=1";

fn target(code: i32) -> String {
    format!("{ALL}&command={code}")
}

#[tokio::test]
async fn version_5_closes_standard_input() {
    let mut client = WebSocket::open(echo_node().await, &target(3), "v5.channel.k8s.io").await;
    client.send(b"\x00hello ").await;
    client.send(b"\x00world").await;
    client.send(b"\xff\x00").await;
    let channels = client.rest().await;
    assert_eq!((&channels[1][..], &channels[2][..]), (&b"hello world"[..], &b"done"[..]));
    let status: value::Value = serde_json::from_slice(&channels[3]).unwrap();
    assert_eq!(status["reason"], "NonZeroExitCode");
    assert_eq!(status["details"]["causes"][0], value::json!({"reason": "ExitCode", "message": "3"}));
}

#[tokio::test]
async fn older_clients_end_by_going() {
    for (protocol, message, got) in [
        ("v4.channel.k8s.io", &b"\x00hi"[..], &b"hi"[..]),
        ("v4.base64.channel.k8s.io", &b"0aGk="[..], &b"aGk="[..]),
        ("channel.k8s.io", &b"\x00hi"[..], &b"hi"[..]),
    ] {
        let mut client = WebSocket::open(echo_node().await, &target(0), protocol).await;
        client.send(message).await;
        // The command gives back what it got, whether or not more comes.
        let mut echoed = Vec::new();
        while echoed.is_empty() {
            use futures_util::StreamExt;
            echoed = client.0.next().await.unwrap().unwrap().into_data().slice(1..).to_vec();
        }
        assert_eq!(echoed, got, "{protocol}");
        client.0.close(None).await.unwrap();
    }
}

#[tokio::test]
async fn a_node_without_the_container_says_so() {
    let mut client = WebSocket::open(echo_node().await, &target(-1), "v5.channel.k8s.io").await;
    client.send(b"\xff\x00").await;
    let channels = client.rest().await;
    let status: value::Value = serde_json::from_slice(&channels[3]).unwrap();
    let message = "Internal error occurred: error executing command in container: no such container";
    assert_eq!((status["message"].as_str(), status["code"].as_i64()), (Some(message), Some(500)));
}

async fn open_all<I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(client: &mut Spdy<I>) {
    for (stream, kind) in [(1, "error"), (3, "stdin"), (5, "stdout"), (7, "stderr")] {
        client.open(stream, &[("streamtype", kind)]).await;
        assert_eq!(client.next().await, Some(Frame::Reply { stream, last: false }));
    }
}

#[tokio::test]
async fn spdy_has_a_stream_for_each() {
    let mut client = spdy(echo_node().await, &target(7), "v4.channel.k8s.io").await;
    open_all(&mut client).await;
    client.send(Frame::Ping(1)).await;
    assert_eq!(client.next().await, Some(Frame::Ping(1)));
    client.data(3, b"hello", false).await;
    client.data(3, b"", true).await;
    assert_eq!(client.until_last(5).await, "hello");
    let status: value::Value = serde_json::from_str(&client.until_last(1).await).unwrap();
    assert_eq!(status["details"]["causes"][0]["message"], "7");
    assert!(matches!(client.next().await, Some(Frame::GoAway { .. })));
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn before_version_4_the_end_is_told_in_words() {
    let mut client = spdy(echo_node().await, &target(1), "v2.channel.k8s.io").await;
    open_all(&mut client).await;
    client.data(3, b"", true).await;
    let words = client.until_last(1).await;
    assert_eq!(words, "command terminated with non-zero exit code: command terminated with exit code 1");
}

#[tokio::test]
async fn a_terminal_has_a_size() {
    let target = "/exec/ns/pod/c?input=1&output=1&tty=1&command=0";
    let mut client = spdy(echo_node().await, target, "v4.channel.k8s.io").await;
    for (stream, kind) in [(1, "error"), (3, "stdin"), (5, "stdout"), (7, "resize")] {
        client.open(stream, &[("streamtype", kind)]).await;
    }
    client.data(7, b"{\"Width\":80,\"Height\":24}\n", false).await;
    client.data(3, b"", true).await;
    let status: value::Value = serde_json::from_str(&client.until_last(1).await).unwrap();
    assert_eq!(status["status"], "Success");
}

#[tokio::test]
async fn refusals_come_before_the_upgrade() {
    let node = echo_node().await;
    let refused = async |target, headers: &[_]| upgrade(node, target, headers).await.err();
    assert_eq!(refused("/exec/ns/pod/c", &[("upgrade", "SPDY/3.1")]).await, Some(400));
    assert_eq!(refused(ALL, &[("upgrade", "SPDY/3.1")]).await, Some(400));
    let unknown = [("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", "v9.channel.k8s.io")];
    assert_eq!(refused(ALL, &unknown).await, Some(403));
}

#[tokio::test]
async fn large_output_waits_for_its_reader_and_arrives_whole() {
    const SIZE: usize = 8 * 1024 * 1024;
    let node = node(|request| {
        command::serve(request, Verb::Exec, Timeouts::default(), |streams| async move {
            let mut stdout = streams.stdout.unwrap();
            for block in 0..SIZE / 65536 {
                stdout.write_all(&[u8::try_from(block % 251).unwrap(); 65536]).await.unwrap();
            }
            Outcome::Exited(0)
        })
    })
    .await;
    let mut client = WebSocket::open(node, "/exec/n/p/c?output=1", "v5.channel.k8s.io").await;
    let channels = client.rest().await;
    assert_eq!(channels[1].len(), SIZE);
    assert!(channels[1].chunks(65536).enumerate().all(|(at, block)| block.iter().all(|b| usize::from(*b) == at % 251)));
}

#[tokio::test]
async fn the_command_hears_when_its_client_goes() {
    let (heard_tx, mut heard) = tokio::sync::mpsc::channel(1);
    let node = node(move |request| {
        let heard = heard_tx.clone();
        command::serve(request, Verb::Exec, Timeouts::default(), |streams| async move {
            streams.closed.cancelled().await;
            heard.send(()).await.unwrap();
            Outcome::Exited(0)
        })
    })
    .await;
    drop(WebSocket::open(node, "/exec/n/p/c?output=1", "v5.channel.k8s.io").await);
    heard.recv().await.unwrap();
    let mut client = spdy(node, "/exec/n/p/c?output=1", "v4.channel.k8s.io").await;
    for (stream, kind) in [(1, "error"), (3, "stdout")] {
        client.open(stream, &[("streamtype", kind)]).await;
        client.next().await;
    }
    drop(client);
    heard.recv().await.unwrap();
}
