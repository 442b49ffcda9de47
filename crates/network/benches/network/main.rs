//! How fast the network is: attaching pods, loading and changing Services, and what a Service costs on the way.
//!
//! Services are written by us and by the `nft` program in the same run, in the same layout. Runs as root, in network
//! namespaces of its own: `cargo bench -p network`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a bench prints, and ends when something fails"
)]

mod path;
mod pods;
mod services;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/world.rs"]
mod world;

use std::time::{Duration, Instant};

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(world) = world::world() else { return };
        let network = world.network().await;
        pods::measure(&network).await;
        services::measure(&world);
        path::measure(&world, &network).await;
        network.remove_all().await.unwrap();
    });
}

/// Times of one thing done many times: the median and the 99th of a hundred.
fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("{what}: p50 {:.2?}, p99 {:.2?} ({} times)", at(50), at(99), times.len());
}

fn time<T>(body: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = body();
    (value, start.elapsed())
}
