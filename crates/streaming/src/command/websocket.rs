//! A command over WebSocket channels.

use super::{Handler, Options, Streams, Verb, follow_sizes};
use crate::channels::{Codec, ERROR, RESIZE, STDERR, STDIN, STDOUT};
use crate::outlet::{Chunk, Outlet};
use crate::websocket::{self, Item};
use crate::{Timeouts, WINDOW};
use bytes::Bytes;
use std::future::Future;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

/// A form of the protocol.
#[derive(Clone, Copy)]
pub(super) struct Form {
    codec: Codec,
    /// True if the end is told as a `Status`.
    has_status: bool,
}

const fn form(codec: Codec, has_status: bool) -> Form {
    Form { codec, has_status }
}

/// The subprotocols; clients that name none get the oldest.
pub(super) const FORMS: [(&str, Form); 6] = [
    ("", form(Codec::Binary, false)),
    ("channel.k8s.io", form(Codec::Binary, false)),
    ("base64.channel.k8s.io", form(Codec::Base64, false)),
    ("v4.channel.k8s.io", form(Codec::Binary, true)),
    ("v4.base64.channel.k8s.io", form(Codec::Base64, true)),
    ("v5.channel.k8s.io", form(Codec::BinaryWithClose, true)),
];

pub(super) async fn run<I: AsyncRead + AsyncWrite + Unpin>(
    io: I,
    form: Form,
    options: Options,
    verb: Verb,
    timeouts: Timeouts,
    handle: Handler,
) {
    let socket = websocket::accept(io).await;
    let (stdin_pipe, stdin) = tokio::io::duplex(WINDOW);
    let (sizes_pipe, sizes) = tokio::io::duplex(4096);
    let inlets = vec![options.stdin.then_some(stdin_pipe), None, None, None, Some(sizes_pipe)];
    debug_assert_eq!((usize::from(STDIN), usize::from(RESIZE)), (0, inlets.len() - 1));
    websocket::run(socket, form.codec, inlets, timeouts.idle, async |connection| {
        let (size_tx, size) = watch::channel(None);
        let queue = connection.queue;
        greet(&queue, options).await;
        let outlet = |channel: u8| -> super::Outlet { Box::new(Outlet::new(channel.into(), queue.clone())) };
        let streams = Streams {
            stdin: options.stdin.then(|| -> super::Inlet { Box::new(stdin) }),
            stdout: options.stdout.then(|| outlet(STDOUT)),
            stderr: options.stderr.then(|| outlet(STDERR)),
            tty: options.tty,
            size,
            closed: connection.closed,
        };
        let outcome = while_following(handle(streams), follow_sizes(sizes, size_tx)).await;
        let text = if form.has_status { outcome.status(verb).to_string() } else { outcome.text(verb) };
        if !text.is_empty() {
            send(&queue, ERROR, text.into()).await;
        }
    })
    .await;
}

/// Tells the client by an empty message that the connection stands.
async fn greet(queue: &mpsc::Sender<Item>, options: Options) {
    let channel = match options {
        Options { stdout: true, .. } => STDOUT,
        Options { stderr: true, .. } => STDERR,
        _ => ERROR,
    };
    send(queue, channel, Bytes::new()).await;
}

/// Fails only if the client is gone.
async fn send(queue: &mpsc::Sender<Item>, channel: u8, data: Bytes) {
    let _ = queue.send(Item::Chunk(Chunk { to: channel.into(), data, last: false })).await;
}

/// Does `main`, and beside it something that may end earlier or not at all.
pub(super) async fn while_following<T>(main: impl Future<Output = T>, beside: impl Future<Output = ()>) -> T {
    let beside = async {
        beside.await;
        std::future::pending().await
    };
    tokio::select! {
        done = main => done,
        () = beside => unreachable!("it never ends"),
    }
}
