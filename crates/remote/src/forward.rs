//! `port-forward`: local ports that lead into a pod, over one connection for all.

mod ports;
mod spdy;

pub use ports::Pair;

use crate::error::{Error, Result};
use crate::socket;
use kube::Client;
use spdy::Connection;
use std::net::IpAddr;
use std::sync::Arc;
use streaming::Tunnel;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const PROTOCOL: &str = "SPDY/3.1+portforward.k8s.io";

/// Somebody who is told what goes on.
pub trait Listener: Send + Sync + 'static {
    /// A line for standard output.
    fn say(&self, line: &str);
    /// A line for standard error.
    fn complain(&self, line: &str);
}

/// Forwards until `stop`, or until the connection is lost.
///
/// # Errors
/// If no local port can be had, or the connection is lost.
pub async fn run(
    client: &Client,
    namespace: &str,
    pod: &str,
    addresses: &[IpAddr],
    pairs: &[Pair],
    listener: Arc<dyn Listener>,
    stop: CancellationToken,
) -> Result<()> {
    let target = format!("/api/v1/namespaces/{namespace}/pods/{pod}/portforward");
    let (socket, _) = socket::open(client, &target, PROTOCOL).await?;
    let mut bound = Vec::new();
    for pair in pairs {
        bound.extend(bind(addresses, *pair, &*listener).await?);
    }
    let (connection, running) = Connection::start(Tunnel::new(socket));
    let (connection, tasks) = (Arc::new(connection), TaskTracker::new());
    let end = stop.child_token();
    for (socket, remote) in bound {
        let accepting = accept(socket, remote, connection.clone(), listener.clone(), tasks.clone(), end.clone());
        tasks.spawn(accepting);
    }
    let lost = tokio::select! {
        () = running => true,
        () = stop.cancelled() => false,
    };
    end.cancel();
    tasks.close();
    tasks.wait().await;
    if lost { Err(Error::usage("lost connection to pod")) } else { Ok(()) }
}

/// Listens on a local port, on each address on which it can be had. Port 0 is any, the same on all.
async fn bind(addresses: &[IpAddr], pair: Pair, listener: &dyn Listener) -> Result<Vec<(TcpListener, u16)>> {
    let (mut bound, mut failures) = (Vec::new(), Vec::new());
    let mut local = pair.local;
    for address in addresses {
        match TcpListener::bind((*address, local)).await {
            Ok(socket) => {
                let own = socket.local_addr().map_err(Error::local("cannot tell the local port"))?;
                local = own.port();
                listener.say(&format!("Forwarding from {own} -> {}", pair.remote));
                bound.push((socket, pair.remote));
            }
            Err(error) => failures.push(format!("{address}: {error}")),
        }
    }
    if bound.is_empty() {
        let Pair { local, remote } = pair;
        let why = failures.join(", ");
        return Err(Error::usage(format!(
            "unable to listen on any of the requested ports: [{{{local} {remote}}}]: {why}"
        )));
    }
    Ok(bound)
}

async fn accept(
    socket: TcpListener,
    remote: u16,
    connection: Arc<Connection>,
    listener: Arc<dyn Listener>,
    tasks: TaskTracker,
    end: CancellationToken,
) {
    let local = socket.local_addr().map_or(0, |address| address.port());
    while let Some(Ok((stream, _))) = end.run_until_cancelled(socket.accept()).await {
        listener.say(&format!("Handling connection for {local}"));
        let (connection, listener, end) = (connection.clone(), listener.clone(), end.clone());
        tasks.spawn(async move {
            let Some(Err(why)) = end.run_until_cancelled(forward(stream, remote, &connection)).await else { return };
            listener.complain(&format!("an error occurred forwarding {local} -> {remote}: {why}"));
        });
    }
}

/// Moves the bytes of one connection; an error is what the pod's node says.
async fn forward(mut local: TcpStream, remote: u16, connection: &Connection) -> Result<(), String> {
    let stream = connection.open(remote).await.ok_or("the connection to the pod is lost")?;
    let spdy::Opened { mut data, error } = stream;
    let moving = async {
        // What breaks here is the end of this one connection.
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut local, &mut data) => {}
            () = error.failed() => {}
        }
        data.finish().await;
    };
    let (complaint, ()) = tokio::join!(error.text(), moving);
    if complaint.is_empty() { Ok(()) } else { Err(complaint) }
}
