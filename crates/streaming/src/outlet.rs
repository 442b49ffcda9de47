//! A stream of bytes that leaves through the queue of its connection. The queue is bounded, so that a handler is only
//! as quick as its client.

use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

/// Most bytes in one chunk.
pub(crate) const MAX_CHUNK: usize = 32 * 1024;
/// Most chunks that wait for the client, over all streams of a connection.
pub(crate) const QUEUE: usize = 8;

/// Bytes on their way to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Channel or stream.
    pub(crate) to: u32,
    /// The bytes; may be none.
    pub(crate) data: Bytes,
    /// True if nothing follows.
    pub(crate) last: bool,
}

/// One outgoing stream.
pub(crate) struct Outlet<T> {
    to: u32,
    queue: PollSender<T>,
    is_over: bool,
}

impl<T: From<Chunk> + Send + 'static> Outlet<T> {
    pub(crate) fn new(to: u32, queue: mpsc::Sender<T>) -> Outlet<T> {
        Outlet { to, queue: PollSender::new(queue), is_over: false }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8], last: bool) -> Poll<io::Result<()>> {
        ready!(self.queue.poll_reserve(cx)).map_err(|_| gone())?;
        let chunk = Chunk { to: self.to, data: Bytes::copy_from_slice(data), last };
        Poll::Ready(self.queue.send_item(chunk.into()).map_err(|_| gone()))
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone")
}

impl<T: From<Chunk> + Send + 'static> AsyncWrite for Outlet<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_over {
            return Poll::Ready(Err(gone()));
        }
        let part = &buffer[..buffer.len().min(MAX_CHUNK)];
        if part.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_send(cx, part, false))?;
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_over {
            ready!(self.poll_send(cx, &[], true))?;
            self.is_over = true;
        }
        Poll::Ready(Ok(()))
    }
}
