//! A command over SPDY: the client opens a stream for each of its streams, and one for how the command ended.

use super::websocket::while_following;
use super::{Handler, Options, Streams, Verb, follow_sizes};
use crate::Timeouts;
use crate::outlet::{Chunk, Outlet};
use crate::spdy::connection::{self, Handle, Stream};
use crate::spdy::frame::Frame;
use bytes::Bytes;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::debug;

/// A version of the protocol, 1 to 4.
pub(super) type Version = u8;

/// The versions, as clients name them.
pub(super) const VERSIONS: [(&str, Version); 4] =
    [("v4.channel.k8s.io", 4), ("v3.channel.k8s.io", 3), ("v2.channel.k8s.io", 2), ("channel.k8s.io", 1)];

/// The streams of the client, as far as they are open.
#[derive(Default)]
struct Opened {
    stdin: Option<Stream>,
    stdout: Option<Stream>,
    stderr: Option<Stream>,
    error: Option<Stream>,
    resize: Option<Stream>,
}

impl Opened {
    /// Waits for so many streams; `None` if they do not come in time.
    async fn wait(streams: &mut mpsc::Receiver<Stream>, count: usize, patience: Duration) -> Option<Opened> {
        let deadline = Instant::now() + patience;
        let mut opened = Opened::default();
        let mut missing = count;
        while missing > 0 {
            let stream = tokio::time::timeout_at(deadline, streams.recv()).await.ok()??;
            let place = match stream.headers.get("streamtype") {
                Some("stdin") => &mut opened.stdin,
                Some("stdout") => &mut opened.stdout,
                Some("stderr") => &mut opened.stderr,
                Some("error") => &mut opened.error,
                Some("resize") => &mut opened.resize,
                other => {
                    debug!(?other, "a client opened a stream that nobody asked for");
                    continue;
                }
            };
            *place = Some(stream);
            missing -= 1;
        }
        Some(opened)
    }
}

pub(super) async fn run<I: AsyncRead + AsyncWrite>(
    io: I,
    version: Version,
    options: Options,
    verb: Verb,
    timeouts: Timeouts,
    handle: Handler,
) {
    let serve = async |connection: Handle| {
        let Handle { mut streams, queue, closed } = connection;
        let wanted = [true, options.stdin, options.stdout, options.stderr, options.tty && version > 2];
        let count = wanted.into_iter().filter(|wanted| *wanted).count();
        let Some(opened) = Opened::wait(&mut streams, count, timeouts.creation).await else {
            return debug!("timed out waiting for client to create streams");
        };
        drop(streams);
        let ids = [&opened.stdout, &opened.stderr, &opened.stdin, &opened.resize];
        let ids: Vec<u32> = ids.into_iter().flatten().map(|stream| stream.id).collect();
        let (size_tx, size) = watch::channel(None);
        let outlet = |stream: Stream| -> super::Outlet { Box::new(Outlet::new(stream.id, queue.clone())) };
        let command = Streams {
            stdin: opened.stdin.map(|stream| -> super::Inlet { Box::new(stream.inlet) }),
            stdout: opened.stdout.map(outlet),
            stderr: opened.stderr.map(outlet),
            tty: options.tty,
            size,
            closed,
        };
        let sizes = async {
            if let Some(stream) = opened.resize {
                follow_sizes(stream.inlet, size_tx).await;
            }
        };
        let outcome = while_following(handle(command), sizes).await;
        let text = if version > 3 { outcome.status(verb).to_string() } else { outcome.text(verb) };
        for id in ids {
            finish(&queue, id, Bytes::new()).await;
        }
        if let Some(error) = opened.error {
            finish(&queue, error.id, text.into()).await;
        }
    };
    connection::run(io, timeouts.idle, |_| true, serve).await;
}

/// Sends the last bytes of a stream. Fails only if the client is gone.
async fn finish(queue: &mpsc::Sender<Frame>, to: u32, data: Bytes) {
    let _ = queue.send(Chunk { to, data, last: true }.into()).await;
}
