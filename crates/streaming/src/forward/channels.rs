//! Port forwarding over WebSocket channels: two for each port, for data and errors, each beginning with the port's
//! number. One connection for each port, which begins at once.

use super::Pod;
use crate::channels::Codec;
use crate::outlet::{Chunk, Outlet};
use crate::websocket::{self, Item};
use crate::{Timeouts, WINDOW};
use bytes::Bytes;
use futures_util::future::join_all;
use std::fmt;
use std::future::Future;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::sync::mpsc;

/// The subprotocols.
pub(super) const FORMS: [(&str, Codec); 3] =
    [("", Codec::Binary), ("v4.channel.k8s.io", Codec::Binary), ("v4.base64.channel.k8s.io", Codec::Base64)];

pub(super) async fn run<I, D, F, C, E>(io: I, codec: Codec, ports: Vec<u16>, pod: Pod, timeouts: Timeouts, dial: D)
where
    I: AsyncRead + AsyncWrite + Unpin,
    D: Fn(u16) -> F,
    F: Future<Output = Result<C, E>>,
    C: AsyncRead + AsyncWrite + Unpin,
    E: fmt::Display,
{
    let socket = websocket::accept(io).await;
    let (mut pipes, mut inlets) = (Vec::new(), Vec::new());
    for _ in &ports {
        let (pipe, inlet) = tokio::io::duplex(WINDOW);
        pipes.extend([Some(pipe), None]);
        inlets.push(inlet);
    }
    let (pod, dial) = (&pod, &dial);
    websocket::run(socket, codec, pipes, timeouts.idle, async |connection| {
        let queue = &connection.queue;
        let forwards = (0u32..).zip(ports).zip(inlets).map(|((place, port), inlet)| async move {
            for channel in [place * 2, place * 2 + 1] {
                send(queue, channel, Bytes::copy_from_slice(&port.to_le_bytes())).await;
            }
            if let Err(why) = forward(dial(port), place * 2, inlet, queue).await {
                send(queue, place * 2 + 1, pod.failure(port, why).into()).await;
            }
        });
        tokio::select! {
            _ = join_all(forwards) => {}
            () = connection.closed.cancelled() => {}
        }
    })
    .await;
}

async fn forward<C, E>(
    dialed: impl Future<Output = Result<C, E>>,
    channel: u32,
    inlet: DuplexStream,
    queue: &mpsc::Sender<Item>,
) -> Result<(), E>
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = dialed.await?;
    let mut client = tokio::io::join(inlet, Outlet::new(channel, queue.clone()));
    // What breaks later is the connection's end, as it is for any other client of the pod.
    let _ = tokio::io::copy_bidirectional(&mut client, &mut connection).await;
    Ok(())
}

/// Fails only if the client is gone.
async fn send(queue: &mpsc::Sender<Item>, channel: u32, data: Bytes) {
    let _ = queue.send(Item::Chunk(Chunk { to: channel, data, last: false })).await;
}
