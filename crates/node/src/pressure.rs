//! Who waits on this node: the crate `pressure` watches the machine, and here its groups get the names of pods.
//!
//! Each second what may have changed is read, every ten seconds a step of the history ends. Without pressure information
//! in the kernel nothing runs, and who asks is told why. [`alerts`] tells of bursts when somebody wants to know, and
//! [`policy`] does something about a node that waits too much.

pub(crate) mod alerts;
mod names;
pub(crate) mod policy;

use crate::context::Context;
use crate::metrics::header;
use crate::pods::Pods;
use names::Names;
use pressure::{Limits, Monitor, Report, Settings, Sort, Source, Wanted};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tracing::info;

/// How often is sampled.
const PERIOD: Duration = Duration::from_secs(1);
/// Descriptors for pressure files. The node needs others for its containers.
const DESCRIPTORS: usize = 4096;

/// Watches this machine, if its kernel lets it.
pub(crate) struct Watch {
    monitor: Result<Mutex<Monitor>, String>,
}

impl Watch {
    /// Begins to watch.
    pub(crate) fn open() -> Watch {
        let usual = Limits::default();
        let limits = Limits { descriptors: DESCRIPTORS.min(usual.descriptors / 2), ..usual };
        let monitor = Monitor::open(Settings { limits, ..Settings::default() });
        let monitor = monitor.map(Mutex::new).map_err(|error| crate::chain(&error));
        if let Err(why) = &monitor {
            info!(why, "pressure is not watched");
        }
        Watch { monitor }
    }

    /// Watches until the node stops.
    pub(crate) async fn run(self: Arc<Self>, context: &Context) {
        if self.monitor.is_err() {
            return;
        }
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while context.stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let watch = self.clone();
            // It reads files for a moment; one that panics is missed, and the next goes on.
            let _ = tokio::task::spawn_blocking(move || watch.look()).await;
        }
    }

    fn look(&self) {
        let Ok(monitor) = &self.monitor else { return };
        let mut monitor = monitor.lock().unwrap_or_else(PoisonError::into_inner);
        monitor.sample();
        if monitor.is_step_over() {
            monitor.step();
        }
    }

    /// Tells who waited.
    pub(crate) async fn report(
        self: Arc<Self>,
        context: &Arc<Context>,
        pods: &Pods,
        wanted: Wanted,
    ) -> Result<Report, String> {
        let (context, pods) = (context.clone(), pods.clone());
        let told = tokio::task::spawn_blocking(move || self.told(&context, &pods, wanted)).await;
        told.unwrap_or_else(|error| Err(error.to_string()))
    }

    fn told(&self, context: &Context, pods: &Pods, wanted: Wanted) -> Result<Report, String> {
        let monitor = self.monitor.as_ref().map_err(Clone::clone)?;
        let names = Names::new(&context.runtime.list(), &pods.all());
        let monitor = monitor.lock().unwrap_or_else(PoisonError::into_inner);
        let report = monitor.report(&context.config.name, wanted, &(names, pressure::RuntimeFiles::default()));
        Ok(Report { source: Source::Node, ..report })
    }

    /// What is told to Prometheus beside what cAdvisor tells: shares of the last step, and how many groups there are.
    pub(crate) async fn metrics(self: Arc<Self>, context: &Arc<Context>, pods: &Pods) -> String {
        match self.report(context, pods, Wanted::default()).await {
            Ok(report) => render(&report),
            Err(_) => String::new(),
        }
    }
}

fn render(report: &Report) -> String {
    let name = "hakata_pressure_waiting_ratio";
    let help = "Share of the last ten seconds in which at least one task (some) or every task (full) waited.";
    let mut text = header(name, help, "gauge");
    let ours = report.entries.iter().filter(|entry| !entry.owner.pod.is_empty() || entry.owner.sort == Sort::Machine);
    for entry in ours.clone() {
        let owner = &entry.owner;
        for (resource, share) in [("cpu", entry.cpu), ("memory", entry.memory), ("io", entry.io)] {
            for (line, share) in [("some", share.some), ("full", share.full)] {
                let _ = writeln!(
                    text,
                    "{name}{{container={:?},line={line:?},namespace={:?},pod={:?},resource={resource:?}}} {}",
                    owner.name,
                    owner.namespace,
                    owner.pod,
                    share / 100.0
                );
            }
        }
    }
    let name = "hakata_pressure_finding";
    text += &header(name, "1 for each cause of waiting that was found in the last ten seconds.", "gauge");
    for entry in ours {
        let owner = &entry.owner;
        for finding in &entry.findings {
            let (resource, cause) = (finding.resource.name(), pressure::word(finding.cause));
            let _ = writeln!(
                text,
                "{name}{{cause={cause:?},container={:?},namespace={:?},pod={:?},resource={resource:?}}} 1",
                owner.name, owner.namespace, owner.pod
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use pressure::{Entry, Owner, Share};

    #[test]
    fn shares_are_ratios_for_prometheus() {
        let owner = Owner {
            sort: Sort::Container,
            namespace: "shop".to_owned(),
            pod: "cart-1".to_owned(),
            name: "app".to_owned(),
            ..Owner::default()
        };
        let entry = Entry { owner, cpu: Share { some: 12.5, full: 0.0 }, ..Entry::default() };
        let text = render(&Report { entries: vec![entry], ..Report::default() });
        let want = "hakata_pressure_waiting_ratio{container=\"app\",line=\"some\",namespace=\"shop\",pod=\"cart-1\",resource=\"cpu\"} 0.125\n";
        assert!(text.contains(want), "{text}");
    }
}
