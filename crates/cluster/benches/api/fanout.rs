//! One write, many watchers: how long until each of them has the event.

use crate::client::Cluster;
use crate::figures::Figures;
use crate::objects::{self, WATCHED};
use crate::server::Server;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Watches that share a connection, as a client library shares it.
const STREAMS: usize = 50;
/// How long the watchers may need to be told of one write.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes objects one after the other, each when all watchers have been told of the one before. A figure is a delivery.
pub(crate) async fn run(server: &Server, cluster: &Cluster, watchers: usize, time: Duration) -> Figures {
    let (told_tx, mut told_rx) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for body in open(cluster, watchers).await {
        tasks.spawn(follow(body, told_tx.clone()));
    }
    let mut writer = cluster.connect().await;
    let (begun, cpu) = (Instant::now(), server.cpu());
    let mut figures = Figures::default();
    while begun.elapsed() < time {
        let before = Instant::now();
        writer.ask(objects::create_watched(figures.asked)).await;
        figures.asked += 1;
        for _ in 0..watchers {
            let told = tokio::time::timeout(PATIENCE, told_rx.recv()).await.unwrap();
            let at: Instant = told.unwrap();
            figures.times.push(at.saturating_duration_since(before));
        }
    }
    Figures { elapsed: begun.elapsed(), cpu: server.cpu() - cpu, ..figures }
}

/// The bodies of so many watches, from now on.
async fn open(cluster: &Cluster, watchers: usize) -> Vec<Incoming> {
    let mut bodies = Vec::new();
    let mut connection = cluster.connect_multiplexed().await;
    for number in 0..watchers {
        if number > 0 && number % STREAMS == 0 {
            connection = cluster.connect_multiplexed().await;
        }
        let url =
            cluster.url(&format!("{WATCHED}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"));
        let request = Request::get(url).body(Full::new(Bytes::new())).unwrap();
        connection.ready().await.unwrap();
        let answer = connection.send_request(request).await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        bodies.push(answer.into_body());
    }
    bodies
}

/// Tells when an event has come whole.
async fn follow(mut body: Incoming, told_tx: mpsc::UnboundedSender<Instant>) {
    while let Some(Ok(frame)) = body.frame().await {
        let at = Instant::now();
        let ends = frame.data_ref().map_or(0, |data| data.iter().filter(|&&byte| byte == b'\n').count());
        for _ in 0..ends {
            if told_tx.send(at).is_err() {
                return;
            }
        }
    }
}
