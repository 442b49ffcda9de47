//! How long a pod takes from its creation to `Running`, with its image at hand: one after the other, and all at once.
//!
//! `cargo bench -p node`; needs root. What is measured is what a user waits for: API server, node, network, runtime.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    reason = "a bench prints, and uses a part of the tests' world"
)]

#[path = "../tests/it/world.rs"]
mod world;

use std::time::{Duration, Instant};
use value::json;
use world::{FOREVER, World, cannot_run, shell};

/// Pods one after the other.
const ONE_BY_ONE: usize = 20;
/// Pods at once.
const AT_ONCE: usize = 100;

fn main() {
    container::reexec::main_if_asked();
    if cannot_run() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let world = World::start("bench").await;
    start(&world, "warm").await;
    let mut times = Vec::new();
    for index in 0..ONE_BY_ONE {
        times.push(start(&world, &format!("one-{index}")).await);
    }
    tell("one by one", &mut times);
    end(&world, std::iter::once("warm".to_owned()).chain((0..ONE_BY_ONE).map(|index| format!("one-{index}")))).await;
    let names: Vec<String> = (0..AT_ONCE).map(|index| format!("all-{index}")).collect();
    let mut times = futures_util::future::join_all(names.iter().map(|name| start(&world, name))).await;
    tell("all at once", &mut times);
    world.finish().await;
}

async fn start(world: &World, name: &str) -> Duration {
    let begun = Instant::now();
    world.pod(name, json!({"containers": [shell("main", FOREVER)]})).await;
    world.phase(name, "Running").await;
    begun.elapsed()
}

/// Makes room: a node takes 110 pods.
async fn end(world: &World, names: impl Iterator<Item = String>) {
    let names: Vec<String> = names.collect();
    futures_util::future::join_all(names.iter().map(|name| world.delete(name))).await;
}

fn tell(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
    println!("{what}: {} pods, create to Running: p50 {:.1} ms, p99 {:.1} ms", times.len(), at(50), at(99));
}
