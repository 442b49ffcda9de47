//! `/metrics`: what the server did, in Prometheus' text form, under upstream's names where it has one.

use crate::flow::{Control, Counted};
use crate::request::Info;
use crate::server::Core;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Upper bounds of the duration histogram, in seconds.
const BOUNDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// How a request burdens the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It reads.
    Read,
    /// It changes something.
    Write,
    /// It lasts as long as the client likes.
    Long,
}

impl Kind {
    /// The kind of a request.
    pub(crate) fn of(info: &Info) -> Kind {
        if info.is_long_running() {
            return Kind::Long;
        }
        match info.verb {
            "create" | "update" | "patch" | "delete" | "deletecollection" | "post" | "put" => Kind::Write,
            _ => Kind::Read,
        }
    }
}

/// What is counted.
#[derive(Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<Labels, Count>>,
    reading: AtomicI64,
    writing: AtomicI64,
    long: AtomicI64,
}

/// What requests are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Labels {
    verb: &'static str,
    group: String,
    version: String,
    resource: String,
    subresource: String,
    code: u16,
}

#[derive(Default)]
struct Count {
    total: u64,
    seconds: f64,
    buckets: [u64; BOUNDS.len()],
}

impl Labels {
    /// The labels of a request. Resources that are not served are not told apart, lest clients invent labels.
    pub(crate) fn of(core: &Core, info: &Info, code: u16) -> Labels {
        let empty = Labels {
            verb: info.verb,
            group: String::new(),
            version: String::new(),
            resource: String::new(),
            subresource: String::new(),
            code,
        };
        let Some(resource) = &info.resource else { return empty };
        let registry = core.registry.load();
        let Some(entry) = registry.find(&resource.group, &resource.version, &resource.resource) else { return empty };
        let known = entry.subresources.iter().any(|sub| sub.name == resource.subresource);
        Labels {
            group: resource.group.clone(),
            version: resource.version.clone(),
            resource: resource.resource.clone(),
            subresource: if known { resource.subresource.clone() } else { String::new() },
            ..empty
        }
    }
}

/// Counts a request as under way until it is dropped.
pub(crate) struct UnderWay<'a>(&'a AtomicI64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Counts a request as under way.
    pub(crate) fn begin(&self, kind: Kind) -> UnderWay<'_> {
        let gauge = match kind {
            Kind::Read => &self.reading,
            Kind::Write => &self.writing,
            Kind::Long => &self.long,
        };
        gauge.fetch_add(1, Ordering::Relaxed);
        UnderWay(gauge)
    }

    /// Counts an answered request.
    pub(crate) fn end(&self, labels: Labels, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut requests = self.requests();
        let count = requests.entry(labels).or_default();
        count.total += 1;
        count.seconds += seconds;
        for (bucket, _) in count.buckets.iter_mut().zip(BOUNDS).filter(|(_, bound)| seconds <= *bound) {
            *bucket += 1;
        }
    }

    fn requests(&self) -> MutexGuard<'_, BTreeMap<Labels, Count>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page.
pub(crate) async fn page(core: &Core) -> String {
    let mut page = String::new();
    requests(&core.metrics, &mut page);
    under_way(&core.metrics, &mut page);
    flow(&core.flow, &mut page);
    core.admission.metrics(&mut page);
    if let Some(audit) = &core.audit {
        audit.metrics(&mut page);
    }
    objects(core, &mut page);
    store(&core.store.metrics().await, &mut page);
    process(&mut page);
    page
}

fn requests(metrics: &Metrics, page: &mut String) {
    let requests = metrics.requests();
    head(page, "apiserver_request_total", "counter", "Requests by verb, resource and code.");
    for (labels, count) in requests.iter() {
        let (l, code) = (common(labels), labels.code);
        line(page, format_args!("apiserver_request_total{{{l},code=\"{code}\"}} {}", count.total));
    }
    let name = "apiserver_request_duration_seconds";
    head(page, name, "histogram", "Time from a request's head to its answer's, in seconds.");
    for (labels, count) in requests.iter() {
        let l = format!("{},code=\"{}\"", common(labels), labels.code);
        for (bound, bucket) in BOUNDS.iter().zip(count.buckets) {
            line(page, format_args!("{name}_bucket{{{l},le=\"{bound}\"}} {bucket}"));
        }
        line(page, format_args!("{name}_bucket{{{l},le=\"+Inf\"}} {}", count.total));
        line(page, format_args!("{name}_sum{{{l}}} {}", count.seconds));
        line(page, format_args!("{name}_count{{{l}}} {}", count.total));
    }
}

fn common(labels: &Labels) -> String {
    let Labels { verb, group, version, resource, subresource, .. } = labels;
    let verb = verb.to_ascii_uppercase();
    format!(
        "verb=\"{verb}\",group=\"{group}\",version=\"{version}\",resource=\"{resource}\",subresource=\"{subresource}\""
    )
}

fn under_way(metrics: &Metrics, page: &mut String) {
    let name = "apiserver_current_inflight_requests";
    head(page, name, "gauge", "Requests under way, without those that last as long as the client likes.");
    for (kind, gauge) in [("mutating", &metrics.writing), ("readOnly", &metrics.reading)] {
        line(page, format_args!("{name}{{request_kind=\"{kind}\"}} {}", gauge.load(Ordering::Relaxed)));
    }
    let name = "apiserver_longrunning_requests";
    head(page, name, "gauge", "Requests that last as long as the client likes.");
    line(page, format_args!("{name} {}", metrics.long.load(Ordering::Relaxed)));
}

/// Name, kind, help and value of a figure about a priority level.
type Figure = (&'static str, &'static str, &'static str, fn(&Counted) -> u64);

fn flow(control: &Control, page: &mut String) {
    let levels = control.counted();
    let figures: [Figure; 5] = [
        ("nominal_limit_seats", "gauge", "Seats of a priority level's own.", |level| level.seats.into()),
        ("current_executing_seats", "gauge", "Seats that are taken.", |level| level.taken.into()),
        ("current_inqueue_requests", "gauge", "Requests that wait.", |level| level.waiting as u64),
        ("dispatched_requests_total", "counter", "Requests that ran.", |level| level.dispatched),
        ("rejected_requests_total", "counter", "Requests that were refused.", |level| level.refused),
    ];
    for (name, kind, help, value) in figures {
        let name = format!("apiserver_flowcontrol_{name}");
        head(page, &name, kind, help);
        for level in &levels {
            line(page, format_args!("{name}{{priority_level=\"{}\"}} {}", level.level, value(level)));
        }
    }
}

fn objects(core: &Core, page: &mut String) {
    let name = "apiserver_storage_objects";
    head(page, name, "gauge", "Stored objects by resource.");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in core.store.snapshot().range("/", None) {
        let mut segments = entry.key.split('/').skip(1);
        let (group, resource) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let name = if group == "core" { resource.to_owned() } else { format!("{resource}.{group}") };
        *counts.entry(name).or_default() += 1;
    }
    for (resource, count) in counts {
        line(page, format_args!("{name}{{resource=\"{resource}\"}} {count}"));
    }
}

fn store(store: &store::Metrics, page: &mut String) {
    let gauges = [
        ("hakata_store_revision", "Current revision.", store.revision),
        ("hakata_store_compacted_revision", "Oldest revision that can be asked for.", store.compacted_revision),
        ("apiserver_storage_size_bytes", "Bytes of the database file.", store.database_bytes),
        ("hakata_store_wal_bytes", "Bytes of the write-ahead log.", store.wal_bytes),
        ("hakata_store_event_bytes", "Bytes that watchable events keep in memory.", store.event_bytes as u64),
        ("apiserver_registered_watchers", "Open watchers.", store.watchers as u64),
    ];
    for (name, help, value) in gauges {
        head(page, name, "gauge", help);
        line(page, format_args!("{name} {value}"));
    }
    let counters = [
        ("hakata_store_commits_total", "Applied transactions.", store.commits),
        ("hakata_store_conflicts_total", "Transactions refused because somebody else was quicker.", store.conflicts),
        ("hakata_store_failures_total", "Transactions refused because the disk failed or was full.", store.failures),
        ("hakata_store_fsyncs_total", "Calls that brought data safely to disk.", store.fsyncs),
    ];
    for (name, help, value) in counters {
        head(page, name, "counter", help);
        line(page, format_args!("{name} {value}"));
    }
}

/// What the kernel tells of this process; nothing where it tells nothing.
fn process(page: &mut String) {
    let Ok(statm) = std::fs::read_to_string("/proc/self/statm") else { return };
    // Pages are 4 KiB on all machines that we build for.
    let pages: Vec<u64> = statm.split_whitespace().filter_map(|text| text.parse().ok()).collect();
    if let [_, resident, ..] = pages[..] {
        head(page, "process_resident_memory_bytes", "gauge", "Resident memory.");
        line(page, format_args!("process_resident_memory_bytes {}", resident * 4096));
    }
    if let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") {
        head(page, "process_open_fds", "gauge", "Open file descriptors.");
        line(page, format_args!("process_open_fds {}", descriptors.count()));
    }
}

fn head(page: &mut String, name: &str, kind: &str, help: &str) {
    line(page, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing to a String does not fail");
    page.push('\n');
}
