//! How fast the API server is, over TLS, seen by a client in another process.
//!
//! `cargo build --release -p hakata && cargo bench -p cluster --bench api` starts that server on a free port of the
//! loopback device with a temporary folder and prints one line for each measurement: requests a second, how long one
//! took (median and 99th percentile), and what a request cost the server in CPU time.
//!
//! - `HAKATA_BIN`: the server to measure, else `hakata` in the folder of this build.
//! - `HAKATA_BENCH_PEER`: a kubeconfig (with a client certificate in it) of another API server, which is measured in the
//!   place of ours, and `HAKATA_BENCH_PIDS`: the processes that it consists of.
//! - `HAKATA_BENCH_OBJECTS`: how many pods are there, one or several counts, ascending: `10000,100000`.
//! - `HAKATA_BENCH_SECONDS`: how long each measurement takes (3).
//! - `HAKATA_BENCH_DIR`: where the folder is made. It should lie on a real disk, since writes wait for one.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and stops at the first error")]

mod client;
mod custom;
mod fanout;
mod figures;
mod load;
mod objects;
mod policies;
mod server;
mod wire;

use crate::client::Cluster;
use crate::load::Load;
use crate::server::Server;
use figures::{megabytes, row};
use std::env;
use std::path::PathBuf;
use std::time::Duration;

/// Connections that load the objects; also the most writers that are measured.
const WRITERS: usize = 64;
/// Connections that read and patch.
const READERS: usize = 16;
/// How many follow one collection.
const WATCHERS: usize = 1000;
/// How long the server is left alone before its idle cost is read.
const IDLE: Duration = Duration::from_secs(3);

fn main() {
    let settings = Settings::read();
    let folder = tempfile::tempdir_in(&settings.folder).unwrap();
    let server = Server::peer().unwrap_or_else(|| Server::start(folder.path()));
    let cluster = Cluster::read(&server.kubeconfig());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!("{:<36} {:>9.0} ms", "ready after", server.ready.as_secs_f64() * 1000.0);
    runtime.block_on(async {
        idle(&server, "idle, new").await;
        if !server.is_peer() {
            custom::measure(&cluster).await;
            policies::measure(&server, &cluster, settings.time).await;
        }
        cluster.prepare().await;
        for &objects in &settings.objects {
            measure(&server, &cluster, objects, settings.time).await;
        }
    });
    server.stop();
}

/// What the environment says.
struct Settings {
    objects: Vec<u64>,
    time: Duration,
    folder: PathBuf,
}

impl Settings {
    fn read() -> Settings {
        let objects = env::var("HAKATA_BENCH_OBJECTS").unwrap_or_else(|_| "10000".to_owned());
        let seconds = env::var("HAKATA_BENCH_SECONDS").map_or(3.0, |text| text.parse().unwrap());
        Settings {
            objects: objects.split(',').map(|count| count.trim().parse().unwrap()).collect(),
            time: Duration::from_secs_f64(seconds),
            folder: env::var_os("HAKATA_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from),
        }
    }
}

/// Everything, with so many pods.
async fn measure(server: &Server, cluster: &Cluster, objects: u64, time: Duration) {
    let there = cluster.count_pods().await;
    let loading = Load { connections: WRITERS, time: Duration::from_secs(600), count: objects.saturating_sub(there) };
    println!("\n{objects} pods");
    if loading.count > 0 {
        row(&format!("  load, {WRITERS} writers"), loading.run(server, cluster, objects::create_pod(there)).await);
    }
    idle(server, "  idle").await;
    let load = |connections| Load { connections, time, count: u64::MAX };
    for connections in [1, READERS] {
        let figures = load(connections).run(server, cluster, objects::get_pod(objects)).await;
        row(&format!("  GET, {connections} connections"), figures);
    }
    row("  LIST, JSON", load(1).run(server, cluster, objects::list_pods("application/json")).await);
    row("  LIST, Table", load(1).run(server, cluster, objects::list_pods(objects::TABLE)).await);
    row("  LIST of 500, JSON", load(1).run(server, cluster, objects::list_page()).await);
    row(&format!("  PATCH, {READERS} writers"), load(READERS).run(server, cluster, objects::patch_pod(objects)).await);
    let mut numbers = there.max(objects);
    for writers in [1, 16, WRITERS] {
        let figures = load(writers).run(server, cluster, objects::create_pod(numbers)).await;
        numbers += figures.asked;
        row(&format!("  CREATE, {writers} writers"), figures);
    }
    row(&format!("  watch, {WATCHERS} watchers"), fanout::run(server, cluster, WATCHERS, time).await);
    idle(server, "  idle after all that").await;
}

/// What the server takes while nobody asks.
async fn idle(server: &Server, name: &str) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = server.cpu();
    tokio::time::sleep(IDLE).await;
    let share = (server.cpu() - before).as_secs_f64() / IDLE.as_secs_f64();
    let memory = server.memory();
    println!(
        "{name:<36} {:>9.2} % of a core, {:.1} s CPU so far, {:.1} MB resident (at most {:.1})",
        share * 100.0,
        server.cpu().as_secs_f64(),
        megabytes(memory.resident),
        megabytes(memory.peak)
    );
}
