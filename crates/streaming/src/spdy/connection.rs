//! A connection of SPDY, on the server's side: reads frames into streams, writes what streams and handler say, and
//! says goodbye at the end.
//!
//! What a handler does not take holds up the whole connection, once [`WINDOW`] bytes wait on one stream.

use super::frame::{self, Decoder, Encoder, Frame};
use super::headers::Headers;
use crate::outlet::QUEUE;
use crate::{LINGER, WINDOW};
use bytes::BytesMut;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// Most streams at once.
const MAX_STREAMS: usize = 1000;
/// From so many streams on, those that are over are looked for.
const PURGE_FROM: usize = 64;
/// Frames are written together up to this many bytes.
const BATCH: usize = 64 * 1024;

/// A stream that the client opened.
pub(crate) struct Stream {
    pub(crate) id: u32,
    pub(crate) headers: Headers,
    /// What the client sends on it.
    pub(crate) inlet: DuplexStream,
    /// Cancelled when the client wants no more of it.
    pub(crate) reset: CancellationToken,
    _alive: Arc<()>,
}

/// What a handler has of a connection.
pub(crate) struct Handle {
    /// New streams. Once this is dropped, further ones are refused.
    pub(crate) streams: mpsc::Receiver<Stream>,
    /// What goes to the client.
    pub(crate) queue: mpsc::Sender<Frame>,
    /// Cancelled when the client is gone.
    pub(crate) closed: CancellationToken,
}

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error("the client breaks the protocol")]
    Frame(#[from] frame::Error),
    #[error("nothing happened for {0:?}")]
    Idle(Duration),
}

/// Runs a connection until the handler is done. `accept` says of each new stream whether it is wanted.
pub(crate) async fn run<I, A, H, F>(io: I, idle: Duration, accept: A, handle: H)
where
    I: AsyncRead + AsyncWrite,
    A: Fn(&Headers) -> bool,
    H: FnOnce(Handle) -> F,
    F: Future<Output = ()>,
{
    let (reader, writer) = tokio::io::split(io);
    let (queue, queued) = mpsc::channel(QUEUE);
    let (streams_tx, streams) = mpsc::channel(1);
    let closed = CancellationToken::new();
    let wrote = AtomicBool::new(false);
    let handling = handle(Handle { streams, queue: queue.clone(), closed: closed.clone() });
    let mut reading = Reading { streams: HashMap::new(), last_stream: 0, queue: queue.clone(), streams_tx, accept };
    let mut read = pin!(async {
        let end = reading.run(reader, idle, &wrote).await;
        closed.cancel();
        reading.streams.clear();
        end
    });
    let mut serve = pin!(async {
        let handled = async {
            handling.await;
            // It fails if the client is gone; then there is nobody to say goodbye to.
            let _ = queue.send(Frame::GoAway { last_stream: 0 }).await;
        };
        let written = async {
            let end = write(writer, queued, &wrote).await;
            closed.cancel();
            end
        };
        tokio::join!(handled, written).1
    });
    let ends = tokio::select! {
        written = &mut serve => (tokio::time::timeout(LINGER, read).await.unwrap_or(Ok(())), written),
        read = &mut read => (read, serve.await),
    };
    for error in [ends.0.err(), ends.1.err().map(End::Io)].into_iter().flatten() {
        debug!(error = &error as &dyn std::error::Error, "a SPDY connection ended");
    }
}

struct Reading<A> {
    streams: HashMap<u32, Open>,
    last_stream: u32,
    queue: mpsc::Sender<Frame>,
    streams_tx: mpsc::Sender<Stream>,
    accept: A,
}

/// The connection's side of an open stream.
struct Open {
    /// Where its bytes go; gone once the client has sent all, or nobody takes them.
    pipe: Option<DuplexStream>,
    reset: CancellationToken,
    alive: Weak<()>,
}

impl<A: Fn(&Headers) -> bool> Reading<A> {
    async fn run(&mut self, mut reader: impl AsyncRead + Unpin, idle: Duration, wrote: &AtomicBool) -> Result<(), End> {
        let (mut decoder, mut bytes) = (Decoder::default(), BytesMut::with_capacity(BATCH));
        loop {
            while let Some(frame) = decoder.decode(&mut bytes)? {
                if matches!(frame, Frame::GoAway { .. }) {
                    return Ok(());
                }
                self.take(frame).await;
            }
            bytes.reserve(BATCH / 4);
            match tokio::time::timeout(idle, reader.read_buf(&mut bytes)).await {
                Ok(Ok(0)) => return Ok(()),
                Ok(read) => drop(read?),
                Err(_) if wrote.swap(false, Ordering::Relaxed) => {}
                Err(_) => return Err(End::Idle(idle)),
            }
        }
    }

    async fn take(&mut self, frame: Frame) {
        match frame {
            Frame::Open { stream, headers, last } => self.open(stream, headers, last).await,
            Frame::Data { stream, data, last } => {
                let Some(open) = self.streams.get_mut(&stream) else { return };
                if let Some(pipe) = &mut open.pipe
                    && (pipe.write_all(&data).await.is_err() || last)
                {
                    open.pipe = None;
                }
            }
            Frame::Reset { stream, .. } => {
                if let Some(open) = self.streams.remove(&stream) {
                    open.reset.cancel();
                }
            }
            // Even numbers would be answers to pings of ours.
            Frame::Ping(id) if id % 2 == 1 => self.say(Frame::Ping(id)).await,
            Frame::Ping(_) | Frame::Reply { .. } | Frame::GoAway { .. } | Frame::Other => {}
        }
    }

    async fn open(&mut self, id: u32, headers: Headers, last: bool) {
        if id.is_multiple_of(2) || id <= self.last_stream {
            return self.say(Frame::Reset { stream: id, status: frame::PROTOCOL_ERROR }).await;
        }
        self.last_stream = id;
        if self.streams.len() >= PURGE_FROM {
            self.streams.retain(|_, open| open.alive.strong_count() > 0);
        }
        if self.streams.len() >= MAX_STREAMS {
            return self.say(Frame::Reset { stream: id, status: frame::REFUSED_STREAM }).await;
        }
        if !(self.accept)(&headers) {
            return self.say(Frame::Reset { stream: id, status: frame::CANCEL }).await;
        }
        let Ok(place) = self.streams_tx.reserve().await else {
            let refused = Frame::Reset { stream: id, status: frame::REFUSED_STREAM };
            // The handler takes no more streams.
            let _ = self.queue.send(refused).await;
            return;
        };
        let (pipe, inlet) = tokio::io::duplex(WINDOW);
        let (reset, alive) = (CancellationToken::new(), Arc::new(()));
        let open = Open { pipe: (!last).then_some(pipe), reset: reset.clone(), alive: Arc::downgrade(&alive) };
        self.streams.insert(id, open);
        // The answer is queued before whatever the handler sends.
        let _ = self.queue.send(Frame::Reply { stream: id, last: false }).await;
        place.send(Stream { id, headers, inlet, reset, _alive: alive });
    }

    /// Fails only if the client takes nothing more, which the writer finds out by itself.
    async fn say(&self, frame: Frame) {
        let _ = self.queue.send(frame).await;
    }
}

/// Writes frames until the goodbye.
async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Frame>,
    wrote: &AtomicBool,
) -> io::Result<()> {
    let (mut encoder, mut bytes) = (Encoder::default(), BytesMut::with_capacity(BATCH));
    while let Some(frame) = queue.recv().await {
        let mut next = Some(frame);
        let mut is_over = false;
        while let Some(frame) = next {
            encoder.encode(&frame, &mut bytes);
            is_over = matches!(frame, Frame::GoAway { .. });
            next = if is_over || bytes.len() >= BATCH { None } else { queue.try_recv().ok() };
        }
        writer.write_all(&bytes).await?;
        writer.flush().await?;
        bytes.clear();
        wrote.store(true, Ordering::Relaxed);
        if is_over {
            return writer.shutdown().await;
        }
    }
    Ok(())
}
