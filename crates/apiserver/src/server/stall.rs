//! A connection whose client has stopped reading: it ends after a while, and with it what waits to be sent.
//!
//! Whoever follows logs or holds a terminal may pause as long as they like: a connection that carries such a request is
//! excused from then on. Deliberately absent: clients that are slow to send (`http::body`, `listen`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Set once a connection carries a request that takes as long as its client likes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Excused(Arc<AtomicBool>);

impl Excused {
    pub(crate) fn excuse(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_excused(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A stream on which a write may wait for the other side only so long.
pub(crate) struct Patient<S> {
    stream: S,
    excused: Excused,
    patience: Duration,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(crate) fn new(stream: S, patience: Duration, excused: Excused) -> Patient<S> {
        Patient { stream, excused, patience, waiting: None }
    }

    /// Turns a write that waits for too long into an error.
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() || self.excused.is_excused() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client has stopped reading")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, data);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, data);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const PATIENCE: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let (server, client) = tokio::io::duplex(1024);
        let mut server = Patient::new(server, PATIENCE, Excused::default());
        let error = server.write_all(&[0; 4096]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }

    #[tokio::test]
    async fn a_client_may_be_slow_as_long_as_it_reads() {
        let (server, mut client) = tokio::io::duplex(64);
        let mut server = Patient::new(server, Duration::from_secs(60), Excused::default());
        let writing = tokio::spawn(async move { server.write_all(&[7; 4096]).await });
        let mut got = vec![0; 4096];
        client.read_exact(&mut got).await.unwrap();
        writing.await.unwrap().unwrap();
        assert!(got == [7; 4096]);
    }

    #[tokio::test]
    async fn whoever_is_excused_may_pause() {
        let (server, mut client) = tokio::io::duplex(64);
        let excused = Excused::default();
        excused.excuse();
        let mut server = Patient::new(server, PATIENCE, excused);
        let writing = tokio::spawn(async move { server.write_all(&[7; 4096]).await });
        tokio::time::sleep(PATIENCE * 3).await;
        client.read_exact(&mut vec![0; 4096]).await.unwrap();
        writing.await.unwrap().unwrap();
    }
}
