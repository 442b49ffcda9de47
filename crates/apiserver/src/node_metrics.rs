//! What nodes and containers use: asked of the nodes when somebody wants to know, and kept for a short while.
//!
//! A use of processor time takes two measurements. The first question after a pause takes both, [`SHORTEST`] apart; as
//! long as somebody asks now and then, each measurement is compared with the one before. Nobody asks, nothing happens.
//!
//! Deliberately absent: how the answers look (`rest::metrics`).

mod text;

use crate::kubelet_client::Trust;
use crate::lookup::{Cluster, Stored};
use crate::net;
use crate::server::Core;
use ::http::Request;
use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Empty, Limited};
use object::View;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::debug;

/// How long a measurement is as good as new; that of a metrics server.
const RESOLUTION: Duration = Duration::from_secs(15);
/// Measurements further apart are not compared.
const LONGEST: Duration = Duration::from_secs(90);
/// Measurements that are taken for one question are so far apart.
const SHORTEST: Duration = Duration::from_secs(1);
/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of a node's answer.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// The measurements.
#[derive(Default)]
pub(crate) struct NodeMetrics(Mutex<Rounds>);

#[derive(Default)]
struct Rounds {
    latest: Option<(Instant, Arc<Round>)>,
    previous: Option<Arc<Round>>,
}

/// One measurement of all nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Round {
    /// The nodes that were asked, whether or not they answered.
    asked: BTreeSet<String>,
    nodes: BTreeMap<String, Point>,
    /// By namespace and name of the pod, then by container.
    pods: BTreeMap<(String, String), BTreeMap<String, Point>>,
}

/// What somebody has used up to some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    /// Milliseconds since the epoch.
    at: i64,
    /// Seconds since the epoch; 0 if not known.
    started: f64,
    cpu_seconds: Option<f64>,
    memory_bytes: Option<f64>,
}

/// What somebody uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Usage {
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
    /// Milliseconds over which it was measured.
    pub(crate) window: i64,
    /// Billionths of a processor.
    pub(crate) nano_cores: u64,
    /// Memory that cannot be given back, in bytes.
    pub(crate) memory_bytes: u64,
}

/// Two measurements.
pub(crate) struct Measured {
    before: Option<Arc<Round>>,
    now: Arc<Round>,
}

impl NodeMetrics {
    /// Measurements that are fresh.
    pub(crate) async fn measured(&self, core: &Core) -> Measured {
        let mut rounds = self.0.lock().await;
        if rounds.is_due(core) {
            rounds.measure(core).await;
        }
        // What answered for the first time has no past yet.
        for _ in 0..2 {
            if rounds.know_all(core) {
                break;
            }
            rounds.measure(core).await;
        }
        let now = rounds.latest.as_ref().map(|(_, round)| round.clone()).unwrap_or_default();
        Measured { before: rounds.previous.clone(), now }
    }
}

impl Rounds {
    /// True if what is known is too old to be an answer. What is too old to be compared with is forgotten.
    fn is_due(&mut self, core: &Core) -> bool {
        let age = self.latest.as_ref().map(|(at, _)| at.elapsed());
        if age.is_none_or(|age| age > LONGEST) {
            *self = Rounds::default();
        }
        age.is_none_or(|age| age >= RESOLUTION) || !self.know_all(core)
    }

    /// Asks all nodes, [`SHORTEST`] after the last time at the earliest.
    async fn measure(&mut self, core: &Core) {
        if let Some((at, _)) = &self.latest {
            tokio::time::sleep_until(*at + SHORTEST).await;
        }
        let now = Arc::new(measure(core).await);
        self.previous = self.latest.replace((Instant::now(), now)).map(|(_, round)| round);
    }

    /// True if every node that there is now was asked twice, and whoever answered the second time did so the first
    /// time too.
    fn know_all(&self, core: &Core) -> bool {
        let (Some((_, latest)), Some(previous)) = (&self.latest, &self.previous) else { return false };
        let names = names(core);
        let were_asked = names.is_subset(&latest.asked) && names.is_subset(&previous.asked);
        were_asked && latest.nodes.keys().all(|name| previous.nodes.contains_key(name))
    }
}

/// The names of all nodes.
fn names(core: &Core) -> BTreeSet<String> {
    let nodes = Stored(core.store.clone()).list("", "nodes", None);
    nodes.iter().map(|node| View::from(&**node).get("metadata").str("name").to_owned()).collect()
}

impl Measured {
    /// What a node uses.
    pub(crate) fn node(&self, name: &str) -> Option<Usage> {
        let before = self.before.as_ref().and_then(|round| round.nodes.get(name));
        usage(self.now.nodes.get(name)?, before)
    }

    /// What each container of a pod uses; nothing unless all are known.
    pub(crate) fn pod(&self, namespace: &str, name: &str) -> Option<Vec<(&str, Usage)>> {
        let key = (namespace.to_owned(), name.to_owned());
        let before = self.before.as_ref().and_then(|round| round.pods.get(&key));
        let containers = self.now.pods.get(&key)?.iter().map(|(container, point)| {
            let before = before.and_then(|points| points.get(container));
            usage(point, before).map(|usage| (container.as_str(), usage))
        });
        containers.collect()
    }
}

/// Compares two measurements. What started after the first one had used nothing when it started.
fn usage(now: &Point, before: Option<&Point>) -> Option<Usage> {
    let started = Point { at: (now.started * 1000.0) as i64, cpu_seconds: Some(0.0), ..*now };
    let has_restarted = |before: &&Point| before.started < now.started;
    let before = match before.filter(|before| !has_restarted(before)) {
        Some(before) => before,
        None if now.started > 0.0 => &started,
        None => return None,
    };
    let window = now.at - before.at;
    let used = now.cpu_seconds? - before.cpu_seconds?;
    if window <= 0 || used < 0.0 {
        return None;
    }
    let nano_cores = (used * 1e12 / window as f64) as u64;
    Some(Usage { at: now.at, window, nano_cores, memory_bytes: now.memory_bytes? as u64 })
}

async fn measure(core: &Core) -> Round {
    let nodes = Stored(core.store.clone()).list("", "nodes", None);
    let answers = nodes.iter().map(|node| async move {
        let node = View::from(&**node);
        let name = node.get("metadata").str("name").to_owned();
        match tokio::time::timeout(PATIENCE, ask(core, node)).await {
            Ok(Ok(answer)) => Some((name, answer)),
            Ok(Err(why)) => {
                debug!(node = name, why, "a node does not tell what it uses");
                None
            }
            Err(_) => {
                debug!(node = name, "a node does not tell in time what it uses");
                None
            }
        }
    });
    let asked = nodes.iter().map(|node| View::from(&**node).get("metadata").str("name").to_owned()).collect();
    let mut round = Round { asked, ..Round::default() };
    for (name, answer) in join_all(answers).await.into_iter().flatten() {
        text::read(&String::from_utf8_lossy(&answer), &name, &mut round);
    }
    round
}

async fn ask(core: &Core, node: View<'_>) -> Result<Bytes, String> {
    let place = core.kubelets.place(node).map_err(|status| status.message)?;
    let stream = core.kubelets.connect(&place, Trust::Checked).await.map_err(|error| error.to_string())?;
    let request = Request::get("/metrics/resource").header("host", format!("{}:{}", place.host, place.port));
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
    let answer = net::send(stream, request, &core.tunnels).await.map_err(|error| error.to_string())?;
    if answer.status().as_u16() != 200 {
        return Err(format!("its answer is {}", answer.status()));
    }
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at: i64, started: f64, cpu: f64) -> Point {
        Point { at, started, cpu_seconds: Some(cpu), memory_bytes: Some(4096.0) }
    }

    #[track_caller]
    fn check(now: Point, before: Option<Point>, want: Option<(i64, u64)>) {
        let got = usage(&now, before.as_ref());
        assert_eq!(got.map(|usage| (usage.window, usage.nano_cores)), want);
    }

    #[test]
    fn two_measurements_make_a_usage() {
        check(point(20_000, 1.0, 4.0), Some(point(10_000, 1.0, 3.0)), Some((10_000, 100_000_000)));
        check(point(20_000, 0.0, 4.0), None, None);
        // A container that started since.
        check(point(20_000, 15.0, 1.0), None, Some((5_000, 200_000_000)));
        check(point(20_000, 15.0, 1.0), Some(point(10_000, 1.0, 30.0)), Some((5_000, 200_000_000)));
        // A measurement that is not new, and one that went back.
        check(point(10_000, 1.0, 3.0), Some(point(10_000, 1.0, 3.0)), None);
        check(point(20_000, 1.0, 2.0), Some(point(10_000, 1.0, 3.0)), None);
    }
}
