//! How fast pods get their nodes, all the way: made through the API, placed by the scheduler, bound durably.
//!
//! `HAKATA_BENCH_NODES` and `HAKATA_BENCH_PODS` change the numbers. No node runs; the pods stay where they are put.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and ends at the first surprise")]

use cluster::config::Config;
use cluster::server::Server;
use futures_util::stream::{self, StreamExt};
use http::Request;
use object::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const NODES: &str = "/api/v1/nodes";
const PODS: &str = "/api/v1/namespaces/default/pods";
/// How many requests are under way at once.
const PARALLEL: usize = 64;

#[tokio::main]
async fn main() {
    let number = |name: &str, default: usize| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (nodes, pods) = (number("HAKATA_BENCH_NODES", 1_000), number("HAKATA_BENCH_PODS", 10_000));
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        ..Config::new(folder.path().join("data"))
    };
    let server = Server::build(config).await.unwrap();
    let client = server.client("system:bench");
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    wait_for(&client, "/api/v1/namespaces/default/serviceaccounts/default").await;
    each(nodes, |at| send(&client, "POST", NODES, node(at))).await;
    let start = Instant::now();
    each(pods, |at| send(&client, "POST", PODS, pod(at))).await;
    let made = start.elapsed();
    loop {
        let waiting = send(&client, "GET", &format!("{PODS}?fieldSelector=spec.nodeName=&limit=1"), Value::Null).await;
        if waiting["items"].as_array().is_some_and(Vec::is_empty) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let placed = start.elapsed();
    println!("{pods} pods on {nodes} nodes: made in {made:.2?}, all placed and bound after {placed:.2?}");
    stop.cancel();
    running.await.unwrap();
}

async fn each<F: Future>(count: usize, work: impl Fn(usize) -> F) {
    stream::iter(0..count).map(work).buffer_unordered(PARALLEL).for_each(|_| async {}).await;
}

async fn send(client: &kube::Client, method: &str, path: &str, body: Value) -> Value {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(path).header("Content-Type", "application/json").body(body);
    client.request(request.unwrap()).await.unwrap()
}

async fn wait_for(client: &kube::Client, path: &str) {
    let request = || Request::get(path).body(Vec::new()).unwrap();
    while client.request::<Value>(request()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A node that is ready; nobody looks after it, and for so long nobody minds.
fn node(at: usize) -> Value {
    let name = format!("node-{at}");
    let amounts = json!({"cpu": "32", "memory": "256Gi", "pods": "110"});
    let ready = json!([{"type": "Ready", "status": "True", "reason": "KubeletReady"}]);
    json!({
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": format!("zone-{}", at % 3)}},
        "status": {"capacity": amounts, "allocatable": amounts, "conditions": ready},
    })
}

fn pod(at: usize) -> Value {
    json!({
        "metadata": {"name": format!("pod-{at}"), "labels": {"app": "a"}},
        "spec": {"containers": [{
            "name": "main", "image": "image", "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        }]},
    })
}
