//! Requests in a closed loop: each connection asks again when it has its answer.

use crate::client::Cluster;
use crate::figures::Figures;
use crate::objects::Ask;
use crate::server::Server;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How much is asked at once, how long and how often at most.
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    pub(crate) count: u64,
}

impl Load {
    /// Sends `ask(0)`, `ask(1)` and so on over all connections, each at least once.
    pub(crate) async fn run<F>(&self, server: &Server, cluster: &Cluster, ask: F) -> Figures
    where
        F: Fn(u64) -> Ask + Clone + Send + Sync + 'static,
    {
        let numbers = Arc::new(AtomicU64::new(0));
        let mut connections = Vec::new();
        for _ in 0..self.connections {
            connections.push(cluster.connect().await);
        }
        let (begun, cpu) = (Instant::now(), server.cpu());
        let mut tasks = JoinSet::new();
        for mut connection in connections {
            let (ask, numbers, time, count) = (ask.clone(), Arc::clone(&numbers), self.time, self.count);
            tasks.spawn(async move {
                let (mut times, mut bytes) = (Vec::new(), 0);
                loop {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let request = ask(number);
                    let before = Instant::now();
                    bytes += connection.ask(request).await;
                    times.push(before.elapsed());
                    if begun.elapsed() >= time {
                        break;
                    }
                }
                (times, bytes)
            });
        }
        let mut figures = Figures::default();
        for (times, bytes) in tasks.join_all().await {
            figures.times.extend(times);
            figures.bytes += bytes;
        }
        let asked = numbers.load(Ordering::Relaxed);
        Figures { elapsed: begun.elapsed(), cpu: server.cpu() - cpu, asked, ..figures }
    }
}
