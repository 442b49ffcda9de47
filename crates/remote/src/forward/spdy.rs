//! The client's side of a SPDY connection: opens pairs of streams, for data and errors.

use bytes::{Bytes, BytesMut};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use streaming::spdy::frame::{CANCEL, Decoder, Encoder, Frame};
use streaming::spdy::headers::Headers;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, ReadHalf, WriteHalf, split,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, PollSender};

/// Most bytes that wait on one stream.
const WINDOW: usize = 128 * 1024;
/// Most bytes of one frame.
const CHUNK: usize = 32 * 1024;

/// A connection.
pub(super) struct Connection {
    /// Number of the next request.
    next: tokio::sync::Mutex<u32>,
    streams: Streams,
    queue: mpsc::Sender<Frame>,
}

type Streams = Arc<Mutex<HashMap<u32, Stream>>>;

/// The connection's side of a stream.
struct Stream {
    /// Told when the server accepts it.
    accepted: Option<oneshot::Sender<()>>,
    pipe: Option<DuplexStream>,
}

/// A pair of streams.
pub(super) struct Opened {
    pub(super) data: Data,
    pub(super) error: Complaint,
}

impl Connection {
    /// A connection over `io`, and what runs it until it ends.
    pub(super) fn start<I>(io: I) -> (Connection, impl Future<Output = ()> + Send)
    where
        I: AsyncRead + AsyncWrite + Send,
    {
        let (reader, writer) = split(io);
        let (queue, queued) = mpsc::channel(8);
        let streams = Streams::default();
        let reading = read(reader, streams.clone(), queue.clone());
        let running = async move {
            tokio::select! {
                () = reading => {}
                () = write(writer, queued) => {}
            }
        };
        (Connection { next: tokio::sync::Mutex::new(0), streams, queue }, running)
    }

    /// Opens a connection to a port; nothing if the whole connection is lost.
    pub(super) async fn open(&self, port: u16) -> Option<Opened> {
        let (mut pipes, mut accepted) = (Vec::new(), Vec::new());
        let ids = {
            // Streams have to be opened in the order of their numbers.
            let mut next = self.next.lock().await;
            let request = *next;
            *next += 1;
            let ids = [request * 4 + 1, request * 4 + 3];
            for (id, kind) in ids.into_iter().zip(["error", "data"]) {
                let (pipe, ours) = tokio::io::duplex(WINDOW);
                let (accepted_tx, accepted_rx) = oneshot::channel();
                lock(&self.streams).insert(id, Stream { accepted: Some(accepted_tx), pipe: Some(pipe) });
                let headers = [("streamtype", kind), ("port", &port.to_string()), ("requestid", &request.to_string())];
                let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
                self.queue.send(Frame::Open { stream: id, headers: Headers(headers), last: false }).await.ok()?;
                pipes.push(ours);
                accepted.push(accepted_rx);
            }
            ids
        };
        for accepted in accepted {
            accepted.await.ok()?;
        }
        let (data, error) = (pipes.pop()?, pipes.pop()?);
        // We say nothing on the stream of errors.
        self.queue.send(Frame::Data { stream: ids[0], data: Bytes::new(), last: true }).await.ok()?;
        let complaint = Complaint { pipe: tokio::sync::Mutex::new(error), failed: CancellationToken::new() };
        let data = Data {
            id: ids[1],
            inlet: data,
            outlet: PollSender::new(self.queue.clone()),
            queue: self.queue.clone(),
            is_over: false,
        };
        Some(Opened { data, error: complaint })
    }
}

fn lock(streams: &Streams) -> std::sync::MutexGuard<'_, HashMap<u32, Stream>> {
    streams.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads frames until the connection ends.
async fn read<I: AsyncRead>(mut reader: ReadHalf<I>, streams: Streams, queue: mpsc::Sender<Frame>) {
    let (mut decoder, mut bytes) = (Decoder::default(), BytesMut::new());
    loop {
        loop {
            match decoder.decode(&mut bytes) {
                Ok(Some(Frame::GoAway { .. })) | Err(_) => return lock(&streams).clear(),
                Ok(Some(frame)) => take(frame, &streams, &queue).await,
                Ok(None) => break,
            }
        }
        if !matches!(reader.read_buf(&mut bytes).await, Ok(1..)) {
            return lock(&streams).clear();
        }
    }
}

async fn take(frame: Frame, streams: &Streams, queue: &mpsc::Sender<Frame>) {
    match frame {
        Frame::Reply { stream, .. } => {
            let accepted = lock(streams).get_mut(&stream).and_then(|stream| stream.accepted.take());
            // Whoever no longer waits does not want it.
            let _ = accepted.map(|accepted| accepted.send(()));
        }
        Frame::Data { stream, data, last } => {
            let pipe = lock(streams).get_mut(&stream).and_then(|stream| stream.pipe.take());
            let Some(mut pipe) = pipe else { return };
            let is_taken = pipe.write_all(&data).await.is_ok();
            let mut streams = lock(streams);
            if last || !is_taken {
                streams.remove(&stream);
            } else if let Some(stream) = streams.get_mut(&stream) {
                stream.pipe = Some(pipe);
            }
        }
        Frame::Reset { stream, .. } => drop(lock(streams).remove(&stream)),
        Frame::Ping(id) if id % 2 == 0 => drop(queue.send(Frame::Ping(id)).await),
        _ => {}
    }
}

async fn write<I: AsyncWrite>(mut writer: WriteHalf<I>, mut queue: mpsc::Receiver<Frame>) {
    let (mut encoder, mut bytes) = (Encoder::default(), BytesMut::new());
    while let Some(frame) = queue.recv().await {
        encoder.encode(&frame, &mut bytes);
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
        bytes.clear();
    }
}

/// The stream of data.
pub(super) struct Data {
    id: u32,
    inlet: DuplexStream,
    outlet: PollSender<Frame>,
    queue: mpsc::Sender<Frame>,
    is_over: bool,
}

impl Data {
    /// Ends the stream, whatever was still to come.
    pub(super) async fn finish(&mut self) {
        // It fails if the connection is lost, and all streams with it.
        let _ = self.queue.send(Frame::Reset { stream: self.id, status: CANCEL }).await;
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8], last: bool) -> Poll<std::io::Result<()>> {
        let gone = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        ready!(self.outlet.poll_reserve(cx)).map_err(|_| gone())?;
        let frame = Frame::Data { stream: self.id, data: Bytes::copy_from_slice(data), last };
        Poll::Ready(self.outlet.send_item(frame).map_err(|_| gone()))
    }
}

impl AsyncRead for Data {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inlet).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Data {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<std::io::Result<usize>> {
        let part = &buffer[..buffer.len().min(CHUNK)];
        ready!(self.poll_send(cx, part, false))?;
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if !self.is_over {
            ready!(self.poll_send(cx, &[], true))?;
            self.is_over = true;
        }
        Poll::Ready(Ok(()))
    }
}

/// The stream of errors.
pub(super) struct Complaint {
    pipe: tokio::sync::Mutex<DuplexStream>,
    failed: CancellationToken,
}

impl Complaint {
    /// What the node complains of, once all is over; mostly nothing.
    pub(super) async fn text(&self) -> String {
        let (mut text, mut pipe) = (Vec::new(), self.pipe.lock().await);
        while matches!(pipe.read_buf(&mut text).await, Ok(1..)) && text.len() < CHUNK {
            self.failed.cancel();
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Waits for a complaint.
    pub(super) async fn failed(&self) {
        self.failed.cancelled().await;
    }
}
