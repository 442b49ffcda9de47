//! Bodies of requests and answers.
//!
//! Answers are one block, a sequence of blocks made as the client takes them (lists), or a stream that ends when the
//! client goes (watches). A list is never joined into one block.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use object::Status;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The largest request body, in bytes.
pub const MAX_BODY: usize = 3 * 1024 * 1024;

/// Most bytes of a body that is too large which are read and thrown away.
const MAX_DISCARDED: usize = 4 * MAX_BODY;

/// How long a client may let the server wait for the next piece of a body.
const SLOW_BODY: Duration = Duration::from_secs(30);

/// How long a body may take in all.
const WHOLE_BODY: Duration = Duration::from_secs(60);

/// A source of blocks that needs no waiting.
pub type Blocks = Box<dyn Iterator<Item = Bytes> + Send>;

/// A source of blocks that waits between them.
pub type BlockStream = BoxStream<'static, Bytes>;

/// Why a body breaks off.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer.
pub enum Body {
    /// Nothing.
    Empty,
    /// One block.
    Full(Bytes),
    /// Blocks made as the client takes them; between two of them other tasks have their turn.
    Blocks(Blocks),
    /// A block has just been made: others are let through before the next one.
    Resting(Blocks),
    /// Blocks that come with time.
    Stream(BlockStream),
    /// The body of somebody else's answer, which may break off.
    Passing(UnsyncBoxBody<Bytes, Failure>),
    /// A body, and something that lives as long as it.
    Kept(Box<Keep>),
}

/// A body, and something that lives as long as it.
pub struct Keep {
    body: Body,
    _kept: std::sync::Arc<dyn std::any::Any + Send + Sync>,
}

impl Keep {
    /// Ties `kept` to a body.
    pub fn new(body: Body, kept: std::sync::Arc<dyn std::any::Any + Send + Sync>) -> Keep {
        Keep { body, _kept: kept }
    }
}

impl Body {
    /// A body of one block.
    pub fn full(block: impl Into<Bytes>) -> Body {
        Body::Full(block.into())
    }

    /// The body of somebody else's answer.
    pub fn passing<B>(body: B) -> Body
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Failure>,
    {
        Body::Passing(UnsyncBoxBody::new(body.map_err(Into::into)))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let block = match &mut *self {
            Body::Empty => None,
            Body::Full(block) => {
                let block = std::mem::take(block);
                *self = Body::Empty;
                (!block.is_empty()).then_some(block)
            }
            Body::Blocks(blocks) => {
                let block = blocks.next();
                let blocks = std::mem::replace(blocks, Box::new(std::iter::empty()));
                *self = if block.is_some() { Body::Resting(blocks) } else { Body::Empty };
                block
            }
            Body::Resting(blocks) => {
                let blocks = std::mem::replace(blocks, Box::new(std::iter::empty()));
                *self = Body::Blocks(blocks);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Body::Stream(stream) => std::task::ready!(stream.poll_next_unpin(cx)),
            Body::Passing(body) => return Pin::new(body).poll_frame(cx),
            Body::Kept(keep) => return Pin::new(&mut keep.body).poll_frame(cx),
        };
        Poll::Ready(block.map(|block| Ok(Frame::data(block))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Empty => true,
            Body::Passing(body) => body.is_end_stream(),
            Body::Kept(keep) => keep.body.is_end_stream(),
            Body::Full(_) | Body::Blocks(_) | Body::Resting(_) | Body::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Empty => SizeHint::with_exact(0),
            Body::Full(block) => SizeHint::with_exact(block.len() as u64),
            Body::Blocks(_) | Body::Resting(_) | Body::Stream(_) => SizeHint::default(),
            Body::Passing(body) => body.size_hint(),
            Body::Kept(keep) => keep.body.size_hint(),
        }
    }
}

/// Reads a request body whole.
///
/// # Errors
/// 413 if it is larger than [`MAX_BODY`]; 400 if the client stopped in the middle; 408 if it takes too long.
pub async fn read<B>(body: B) -> Result<Bytes, Status>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    tokio::time::timeout(WHOLE_BODY, read_whole(body)).await.unwrap_or_else(|_| Err(late()))
}

async fn read_whole<B>(body: B) -> Result<Bytes, Status>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let announced = body.size_hint().lower();
    let mut blocks: Vec<Bytes> = Vec::new();
    let mut length = 0;
    let mut body = std::pin::pin!(body);
    if announced > MAX_BODY as u64 {
        discard(&mut body, announced).await;
        return Err(too_large());
    }
    while let Some(frame) = next_frame(&mut body).await? {
        let frame =
            frame.map_err(|error| Status::bad_request(format!("the request body could not be read: {error}")))?;
        if let Ok(block) = frame.into_data() {
            length += block.len();
            if length > MAX_BODY {
                break;
            }
            blocks.push(block);
        }
    }
    if length > MAX_BODY {
        discard(&mut body, 0).await;
        return Err(too_large());
    }
    if blocks.len() == 1 {
        return Ok(blocks.swap_remove(0));
    }
    let mut whole = Vec::with_capacity(length);
    blocks.iter().for_each(|block| whole.extend_from_slice(block));
    Ok(whole.into())
}

/// Reads on for a while without keeping anything, so that a client that is still sending sees the answer and not a
/// broken connection.
async fn discard<B>(body: &mut Pin<&mut B>, announced: u64)
where
    B: http_body::Body<Data = Bytes>,
{
    let mut left = MAX_DISCARDED;
    if announced > left as u64 {
        return;
    }
    while let Some(length) = next_length(body).await {
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// The length of the next frame; `None` at the end or if there is none to be had.
async fn next_length<B>(body: &mut Pin<&mut B>) -> Option<usize>
where
    B: http_body::Body<Data = Bytes>,
{
    let frame = next_frame(body).await.ok()??.ok()?;
    Some(frame.data_ref().map_or(0, Bytes::len))
}

/// The next frame; 408 if the client lets the server wait for it.
async fn next_frame<B>(body: &mut Pin<&mut B>) -> Result<Option<Result<Frame<Bytes>, B::Error>>, Status>
where
    B: http_body::Body<Data = Bytes>,
{
    tokio::time::timeout(SLOW_BODY, body.frame()).await.map_err(|_| late())
}

fn late() -> Status {
    Status::plain(408, "Timeout", "the request body did not arrive in time")
}

fn too_large() -> Status {
    Status::too_large(format!("Request entity too large: limit is {MAX_BODY}"))
}
