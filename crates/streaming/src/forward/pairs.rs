//! Port forwarding over SPDY: each connection is a pair of streams, for data and errors, that name the port and share
//! a request id.

use super::{Pod, parse_port};
use crate::Timeouts;
use crate::outlet::{Chunk, Outlet};
use crate::spdy::connection::{self, Handle, Stream};
use crate::spdy::frame::{self, Frame};
use crate::spdy::headers::Headers;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A pair that is not complete yet.
#[derive(Default)]
struct Pair {
    data: Option<Stream>,
    error: Option<Stream>,
}

pub(super) async fn run<I, D, F, C, E>(io: I, pod: Pod, timeouts: Timeouts, dial: D)
where
    I: AsyncRead + AsyncWrite,
    D: Fn(u16) -> F,
    F: Future<Output = Result<C, E>>,
    C: AsyncRead + AsyncWrite + Unpin,
    E: fmt::Display,
{
    let (pod, dial) = (&pod, &dial);
    let serve = async |connection: Handle| {
        let Handle { mut streams, queue, closed } = connection;
        let queue = &queue;
        let mut pairs: HashMap<String, Pair> = HashMap::new();
        let mut waiting = FuturesUnordered::new();
        let mut forwards = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = closed.cancelled() => return,
                Some(stream) = streams.recv() => {
                    let id = request_id(&stream);
                    let pair = pairs.entry(id.clone()).or_insert_with(|| {
                        waiting.push(expiry(id.clone(), Instant::now() + timeouts.creation));
                        Pair::default()
                    });
                    match pair.add(stream) {
                        Err(why) => {
                            let text = format!("error processing stream for request {id}: {why}");
                            if let Some(error) = &pair.error {
                                send(queue, error.id, text, false).await;
                            }
                        }
                        Ok(()) => if let Some(Pair { data: Some(data), error: Some(error) }) = pairs.remove_if_whole(&id) {
                            forwards.push(forward(data, error, queue, pod, dial));
                        }
                    }
                }
                Some(id) = waiting.next(), if !waiting.is_empty() => {
                    if let Some(Pair { error: Some(error), .. }) = pairs.remove(&id) {
                        send(queue, error.id, format!("(request={id}) timed out waiting for streams"), false).await;
                    }
                }
                Some(()) = forwards.next(), if !forwards.is_empty() => {}
            }
        }
    };
    connection::run(io, timeouts.idle, is_wanted, serve).await;
}

trait RemoveIfWhole {
    fn remove_if_whole(&mut self, id: &str) -> Option<Pair>;
}

impl RemoveIfWhole for HashMap<String, Pair> {
    fn remove_if_whole(&mut self, id: &str) -> Option<Pair> {
        let is_whole = self.get(id).is_some_and(|pair| pair.data.is_some() && pair.error.is_some());
        if is_whole { self.remove(id) } else { None }
    }
}

impl Pair {
    fn add(&mut self, stream: Stream) -> Result<(), &'static str> {
        let (place, refusal) = match stream.headers.get("streamtype") {
            Some("error") => (&mut self.error, "error stream already assigned"),
            _ => (&mut self.data, "data stream already assigned"),
        };
        if place.is_some() {
            return Err(refusal);
        }
        *place = Some(stream);
        Ok(())
    }
}

async fn expiry(id: String, at: Instant) -> String {
    tokio::time::sleep_until(at).await;
    id
}

/// A stream names a port, and whether it is for data or errors.
fn is_wanted(headers: &Headers) -> bool {
    headers.get("port").is_some_and(|port| parse_port(port).is_ok())
        && matches!(headers.get("streamtype"), Some("data" | "error"))
}

/// The id that a pair shares. Clients that give none open the error stream first, and the data stream right after it.
fn request_id(stream: &Stream) -> String {
    match (stream.headers.get("requestid"), stream.headers.get("streamtype")) {
        (Some(id), _) if !id.is_empty() => id.to_owned(),
        (_, Some("error")) => stream.id.to_string(),
        _ => stream.id.saturating_sub(2).to_string(),
    }
}

async fn forward<D, F, C, E>(data: Stream, error: Stream, queue: &mpsc::Sender<Frame>, pod: &Pod, dial: &D)
where
    D: Fn(u16) -> F,
    F: Future<Output = Result<C, E>>,
    C: AsyncRead + AsyncWrite + Unpin,
    E: fmt::Display,
{
    let port = data.headers.get("port").and_then(|port| parse_port(port).ok()).unwrap_or_default();
    let Stream { id, inlet, reset, .. } = data;
    match dial(port).await {
        Ok(mut connection) => {
            let mut client = tokio::io::join(inlet, Outlet::new(id, queue.clone()));
            // What breaks later is the connection's end, as it is for any other client of the pod.
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut connection) => {}
                () = reset.cancelled() => {}
            }
            send(queue, id, String::new(), true).await;
            send(queue, error.id, String::new(), true).await;
        }
        Err(why) => {
            send(queue, error.id, pod.failure(port, why), true).await;
            for stream in [id, error.id] {
                let _ = queue.send(Frame::Reset { stream, status: frame::CANCEL }).await;
            }
        }
    }
}

/// Fails only if the client is gone.
async fn send(queue: &mpsc::Sender<Frame>, to: u32, text: String, last: bool) {
    let _ = queue.send(Chunk { to, data: Bytes::from(text), last }.into()).await;
}
