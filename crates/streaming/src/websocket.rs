//! A WebSocket connection, on the server's side: as channels, and as a tunnel for another protocol.

use crate::channels::{Codec, Message as ChannelMessage};
use crate::outlet::{Chunk, QUEUE};
use crate::{LINGER, channels};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// Largest message that a client may send.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// How often a client that we let wait is told that we live. Its own pings stand behind what we do not take.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// A connection that was upgraded to WebSocket.
pub(crate) async fn accept<I: AsyncRead + AsyncWrite + Unpin>(io: I) -> WebSocketStream<I> {
    let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await
}

/// What goes to the client.
#[derive(Debug)]
pub(crate) enum Item {
    Chunk(Chunk),
    SignOfLife,
    Goodbye,
}

impl From<Chunk> for Item {
    fn from(chunk: Chunk) -> Item {
        Item::Chunk(chunk)
    }
}

/// What a handler has of a connection.
pub(crate) struct Handle {
    /// What goes to the client.
    pub(crate) queue: mpsc::Sender<Item>,
    /// Cancelled when the client is gone.
    pub(crate) closed: CancellationToken,
}

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the connection failed")]
    Socket(#[from] SocketError),
    #[error("the client breaks the protocol")]
    Channels(#[from] channels::Error),
    #[error("the client closes channel {0}, which is not there")]
    NoChannel(u8),
    #[error("nothing happened for {0:?}")]
    Idle(Duration),
}

/// Runs channels until the handler is done. `inlets` take what comes on the channels that the client writes.
pub(crate) async fn run<I, H, F>(
    socket: WebSocketStream<I>,
    codec: Codec,
    inlets: Vec<Option<DuplexStream>>,
    idle: Duration,
    handle: H,
) where
    I: AsyncRead + AsyncWrite + Unpin,
    H: FnOnce(Handle) -> F,
    F: Future<Output = ()>,
{
    let (sink, stream) = socket.split();
    let (queue, queued) = mpsc::channel(QUEUE);
    let closed = CancellationToken::new();
    let wrote = AtomicBool::new(false);
    let handling = handle(Handle { queue: queue.clone(), closed: closed.clone() });
    let signs = queue.clone();
    let mut read = pin!(async {
        let end = read(stream, codec, inlets, idle, &wrote, &signs).await;
        closed.cancel();
        end
    });
    let mut serve = pin!(async {
        let handled = async {
            handling.await;
            // It fails if the client is gone; then there is nobody to say goodbye to.
            let _ = queue.send(Item::Goodbye).await;
        };
        let written = async {
            let end = write(sink, codec, queued, &wrote).await;
            closed.cancel();
            end
        };
        tokio::join!(handled, written).1
    });
    let ends = tokio::select! {
        written = &mut serve => (tokio::time::timeout(LINGER, read).await.unwrap_or(Ok(())), written),
        read = &mut read => (read, serve.await),
    };
    for error in [ends.0.err(), ends.1.err().map(End::Socket)].into_iter().flatten() {
        debug!(error = &error as &dyn std::error::Error, "a WebSocket connection ended");
    }
}

async fn read<I: AsyncRead + AsyncWrite + Unpin>(
    mut stream: SplitStream<WebSocketStream<I>>,
    codec: Codec,
    mut inlets: Vec<Option<DuplexStream>>,
    idle: Duration,
    wrote: &AtomicBool,
    signs: &mpsc::Sender<Item>,
) -> Result<(), End> {
    loop {
        let message = match tokio::time::timeout(idle, stream.next()).await {
            Ok(None) => return Ok(()),
            Ok(Some(message)) => message?,
            Err(_) if wrote.swap(false, Ordering::Relaxed) => continue,
            Err(_) => return Err(End::Idle(idle)),
        };
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Text(text) => text.into(),
            Message::Close(_) => return Ok(()),
            _ => continue,
        };
        match codec.decode(&bytes)? {
            None => {}
            Some(ChannelMessage::Close(channel)) => match inlets.get_mut(usize::from(channel)) {
                Some(inlet) => *inlet = None,
                None => return Err(End::NoChannel(channel)),
            },
            Some(ChannelMessage::Data(channel, data)) => {
                let Some(place) = inlets.get_mut(usize::from(channel)) else { continue };
                let Some(inlet) = place else { continue };
                if hand_over(inlet, &data, signs).await.is_err() {
                    *place = None;
                }
            }
        }
    }
}

/// Hands bytes to the handler, giving signs of life while it does not take them.
async fn hand_over(inlet: &mut DuplexStream, data: &[u8], signs: &mpsc::Sender<Item>) -> io::Result<()> {
    let mut handing = pin!(inlet.write_all(data));
    loop {
        tokio::select! {
            done = &mut handing => return done,
            () = tokio::time::sleep(SIGN_OF_LIFE) => {
                // If the queue is full, the client has other signs of life.
                let _ = signs.try_send(Item::SignOfLife);
            }
        }
    }
}

async fn write<I: AsyncRead + AsyncWrite + Unpin>(
    mut sink: SplitSink<WebSocketStream<I>, Message>,
    codec: Codec,
    mut queue: mpsc::Receiver<Item>,
    wrote: &AtomicBool,
) -> Result<(), SocketError> {
    while let Some(item) = queue.recv().await {
        match item {
            Item::Goodbye => return close(&mut sink).await,
            Item::SignOfLife => sink.feed(Message::Pong(Bytes::new())).await?,
            // There is no way to say that a channel of ours is closed.
            Item::Chunk(chunk) if chunk.last && chunk.data.is_empty() => {}
            Item::Chunk(chunk) => sink.feed(message(codec, &chunk)).await?,
        }
        if queue.is_empty() {
            sink.flush().await?;
        }
        wrote.store(true, Ordering::Relaxed);
    }
    Ok(())
}

fn message(codec: Codec, chunk: &Chunk) -> Message {
    let bytes = codec.encode(u8::try_from(chunk.to).unwrap_or(u8::MAX), &chunk.data);
    match codec.is_text() {
        false => Message::Binary(bytes),
        true => Message::Text(String::from_utf8_lossy(&bytes).into_owned().into()),
    }
}

async fn close<S: Sink<Message, Error = SocketError> + Unpin>(sink: &mut S) -> Result<(), SocketError> {
    let goodbye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    sink.send(Message::Close(Some(goodbye))).await?;
    match sink.close().await {
        Err(SocketError::ConnectionClosed) => Ok(()),
        done => done,
    }
}

/// The bytes inside the messages of a connection, as a connection of its own.
pub struct Tunnel<I> {
    socket: WebSocketStream<I>,
    rest: Bytes,
}

impl<I> Tunnel<I> {
    /// The connection inside `socket`.
    pub fn new(socket: WebSocketStream<I>) -> Tunnel<I> {
        Tunnel { socket, rest: Bytes::new() }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Tunnel<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                None | Some(Ok(Message::Close(_))) => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                Some(Ok(Message::Binary(bytes))) => self.rest = bytes,
                Some(Ok(_)) => {}
            }
        }
        let length = self.rest.len().min(buffer.remaining());
        let part = self.rest.split_to(length);
        buffer.put_slice(&part);
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tunnel<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(io::Error::other)?;
        let message = Message::Binary(Bytes::copy_from_slice(buffer));
        Pin::new(&mut self.socket).start_send(message).map_err(io::Error::other)?;
        Poll::Ready(Ok(buffer.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.socket).poll_close(cx)) {
            Ok(()) | Err(SocketError::ConnectionClosed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(io::Error::other(error))),
        }
    }
}
