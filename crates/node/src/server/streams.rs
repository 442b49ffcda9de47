//! Commands in containers, looking on at them, and connections to their ports; the protocols are the crate
//! `streaming`'s.

use super::routes::plain;
use super::{Body, Node};
use crate::core::model::on_host_network;
use crate::dial;
use container::config::ExecConfig;
use container::{Session, Writer};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use streaming::command::{self, Inlet, Outcome, Outlet, Size, Streams, Verb};
use streaming::{Answer, Timeouts, forward};
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::sync::watch;

/// Answers `exec`: `NS/POD/CONTAINER` or `NS/POD/UID/CONTAINER`.
pub(super) fn exec(node: &Node, request: Request<Incoming>, rest: &[&str]) -> Response<Body> {
    let id = match find(node, rest) {
        Ok(id) => id,
        Err(answer) => return *answer,
    };
    let argv = command::words(request.uri().query());
    let runtime = node.context.runtime.clone();
    let answer = command::serve(request, Verb::Exec, Timeouts::default(), move |streams| async move {
        let config = ExecConfig { argv, tty: streams.tty, stdin: streams.stdin.is_some(), ..ExecConfig::default() };
        match runtime.exec(&id, config).await {
            Ok(session) => pump(streams, session, true).await,
            Err(error) => Outcome::Failed(crate::chain(&error)),
        }
    });
    finish(node, answer)
}

/// Answers `attach`.
pub(super) fn attach(node: &Node, request: Request<Incoming>, rest: &[&str]) -> Response<Body> {
    let id = match find(node, rest) {
        Ok(id) => id,
        Err(answer) => return *answer,
    };
    let runtime = node.context.runtime.clone();
    let answer = command::serve(request, Verb::Attach, Timeouts::default(), move |streams| async move {
        match runtime.attach(&id, streams.stdin.is_some()).await {
            Ok(session) => pump(streams, session, false).await,
            Err(error) => Outcome::Failed(crate::chain(&error)),
        }
    });
    finish(node, answer)
}

/// Answers `portForward`: `NS/POD` or `NS/POD/UID`.
pub(super) async fn forward(node: &Node, request: Request<Incoming>, rest: &[&str]) -> Response<Body> {
    let (namespace, name) = match rest {
        [namespace, name] | [namespace, name, _] => (*namespace, *name),
        _ => return plain(StatusCode::NOT_FOUND, "404 page not found"),
    };
    let Some(known) = node.pods.named(namespace, name) else {
        return plain(StatusCode::NOT_FOUND, "pod does not exist");
    };
    let uid = known.pod.metadata.uid.clone().unwrap_or_default();
    let netns = match on_host_network(&known.pod) {
        true => None,
        false => match node.context.network.pod(&uid).await {
            Ok(Some(attached)) => Some(attached.netns),
            Ok(None) => return plain(StatusCode::INTERNAL_SERVER_ERROR, "the pod has no network"),
            Err(error) => return plain(StatusCode::INTERNAL_SERVER_ERROR, crate::chain(&error)),
        },
    };
    let pod = forward::Pod { name: format!("{name}_{namespace}"), uid };
    let netns = Arc::new(netns);
    let answer = forward::serve(request, pod, Timeouts::default(), move |port| {
        let netns = netns.clone();
        async move {
            let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
            match &*netns {
                Some(netns) => network::connect_within(netns, local).await.map_err(|error| crate::chain(&error)),
                None => dial::connect("127.0.0.1", port).await,
            }
        }
    });
    finish(node, answer)
}

/// Lets the session go on, and answers.
fn finish(node: &Node, answer: Answer) -> Response<Body> {
    if let Some(session) = answer.session {
        let stop = node.context.stop.clone();
        node.sessions.spawn(async move {
            // A node that stops cuts off those who look on; what they look at goes on.
            let _ = stop.run_until_cancelled(session).await;
        });
    }
    answer.response.map(BodyExt::boxed)
}

/// The running container that a path means.
fn find(node: &Node, rest: &[&str]) -> Result<String, Box<Response<Body>>> {
    let (namespace, name, container) = match rest {
        [namespace, name, container] | [namespace, name, _, container] => (*namespace, *name, *container),
        _ => return Err(Box::new(plain(StatusCode::NOT_FOUND, "404 page not found"))),
    };
    let Some(known) = node.pods.named(namespace, name) else {
        return Err(Box::new(plain(StatusCode::NOT_FOUND, "pod does not exist")));
    };
    let uid = known.pod.metadata.uid.clone().unwrap_or_default();
    let state = crate::observe::pod(&node.context.runtime, &uid, &[]);
    match state.latest(container).filter(|latest| latest.is_running()) {
        Some(latest) => Ok(latest.id.clone()),
        None => {
            let why = format!("container not found ({container:?})");
            Err(Box::new(plain(StatusCode::INTERNAL_SERVER_ERROR, why)))
        }
    }
}

/// Moves bytes both ways until the process ends, or the client is gone. A process that was started for the client ends
/// with it.
async fn pump(streams: Streams, mut session: Session, own: bool) -> Outcome {
    let Streams { stdin, stdout, stderr, mut size, closed, .. } = streams;
    let input = tokio::spawn(copy_in(stdin, session.stdin.take()));
    let output = tokio::spawn(copy_out(session.stdout.take(), stdout));
    let errors = tokio::spawn(copy_out(session.stderr.take(), stderr));
    if let Some(size) = *size.borrow_and_update() {
        resize(&session, size);
    }
    let code = tokio::select! {
        code = follow(&mut session, &mut size) => Some(code),
        () = closed.cancelled() => None,
    };
    input.abort();
    let Some(code) = code else {
        output.abort();
        errors.abort();
        if own && let Err(error) = session.kill().await {
            tracing::debug!(error = &error as &dyn std::error::Error, "cannot kill a command whose client is gone");
        }
        return Outcome::Failed("the client is gone".to_owned());
    };
    // What was written before the end is still to be sent.
    let _ = tokio::join!(output, errors);
    match code {
        Ok(code) => Outcome::Exited(code),
        Err(error) => Outcome::Failed(crate::chain(&error)),
    }
}

/// Waits for the end, and tells the terminal its sizes meanwhile.
async fn follow(session: &mut Session, size: &mut watch::Receiver<Option<Size>>) -> Result<i32, container::Error> {
    loop {
        let new = tokio::select! {
            code = session.wait() => return code,
            changed = size.changed() => changed.map(|()| *size.borrow_and_update()),
        };
        match new {
            Ok(Some(size)) => resize(session, size),
            Ok(None) => {}
            Err(_) => return session.wait().await,
        }
    }
}

fn resize(session: &Session, size: Size) {
    if let Err(error) = session.resize(size.width, size.height) {
        tracing::debug!(error = &error as &dyn std::error::Error, "cannot resize a terminal");
    }
}

async fn copy_in(from: Option<Inlet>, to: Option<Writer>) {
    let (Some(mut from), Some(mut to)) = (from, to) else { return };
    // A process that reads no more, and a client that sends no more, both end it.
    let _ = tokio::io::copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}

async fn copy_out(from: Option<impl AsyncRead + Unpin>, to: Option<Outlet>) {
    let Some(mut from) = from else { return };
    match to {
        Some(mut to) => {
            let _ = tokio::io::copy(&mut from, &mut to).await;
            let _ = to.shutdown().await;
        }
        // Nobody wants it, but the process must not be held up.
        None => drop(tokio::io::copy(&mut from, &mut tokio::io::sink()).await),
    }
}
