//! What is said about pressure: who waited how much in a stretch of time, and why. The same shape on every way: from
//! this kernel, from a node of hakata, from another kubelet's summary; it travels as JSON.

use crate::explain::Finding;
use crate::history::Window;
use crate::owner::{Owner, Sort};
use cgroup::Resource;
use serde::{Deserialize, Serialize};

/// Who waits for what, on one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The node; the machine's name without a cluster.
    pub node: String,
    /// When, as RFC 3339 has it.
    pub at: String,
    /// How many seconds before that are told of.
    pub seconds: f64,
    /// Where it comes from.
    pub source: Source,
    /// Who waited, the worst first.
    pub entries: Vec<Entry>,
}

/// Where a report comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// From this machine's kernel, measured for this report.
    #[default]
    Kernel,
    /// From the history of a node of hakata.
    Node,
    /// From the averages in a kubelet's summary: without causes.
    Summary,
}

/// Shares of time, in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// At least one task waited.
    pub some: f64,
    /// All tasks that could run waited.
    pub full: f64,
}

/// One group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Whose it is.
    #[serde(flatten)]
    pub owner: Owner,
    /// Its path below the root of control groups; empty if that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Waiting for processors.
    pub cpu: Share,
    /// Waiting for memory.
    pub memory: Share,
    /// Waiting for block devices.
    pub io: Share,
    /// Time lost to interrupts.
    #[serde(default)]
    pub irq: Share,
    /// µs of waiting in this stretch, as the kernel counts them.
    #[serde(default)]
    pub stalled: Stalled,
    /// The share of periods in which it used up its quota of processor time, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<f64>,
    /// Why it waits, the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Shares of the last steps, the oldest first, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
}

/// µs of waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stalled {
    /// For processors: some, full.
    pub cpu: [u64; 2],
    /// For memory.
    pub memory: [u64; 2],
    /// For block devices.
    pub io: [u64; 2],
}

/// Shares over time, in percent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Seconds of a step.
    pub step: f64,
    /// Waiting for processors.
    pub cpu: Vec<f64>,
    /// Waiting for memory.
    pub memory: Vec<f64>,
    /// Waiting for block devices.
    pub io: Vec<f64>,
}

/// By what entries are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// By what is worst about each.
    #[default]
    Worst,
    /// By waiting for processors.
    Cpu,
    /// By waiting for memory.
    Memory,
    /// By waiting for block devices.
    Io,
    /// By name.
    Name,
}

impl Entry {
    /// An entry of a window.
    pub(crate) fn of(owner: Owner, group: &str, window: &Window) -> Entry {
        let share = |resource| Share { some: rounded(window.some(resource)), full: rounded(window.full(resource)) };
        let stalled =
            |resource: Resource| [window.stalls.some[resource as usize], window.stalls.full[resource as usize]];
        let used = &window.used;
        Entry {
            owner,
            group: group.to_owned(),
            cpu: share(Resource::Cpu),
            memory: share(Resource::Memory),
            io: share(Resource::Io),
            irq: share(Resource::Irq),
            stalled: Stalled {
                cpu: stalled(Resource::Cpu),
                memory: stalled(Resource::Memory),
                io: stalled(Resource::Io),
            },
            throttled: (used.periods > 0).then(|| rounded(used.throttled_periods as f64 * 100.0 / used.periods as f64)),
            findings: Vec::new(),
            series: None,
        }
    }

    /// How bad it is: waiting for memory and devices counts as much as for processors, all tasks count twice.
    pub fn badness(&self) -> f64 {
        let each = [self.cpu, self.memory, self.io, self.irq].map(|share| share.some + share.full);
        each.into_iter().fold(0.0, f64::max)
    }

    /// Which of two comes first.
    pub(crate) fn compare(&self, other: &Entry, by: By) -> std::cmp::Ordering {
        let names = || (self.owner.label(), self.owner.sort).cmp(&(other.owner.label(), other.owner.sort));
        other.measure(by).total_cmp(&self.measure(by)).then_with(names)
    }

    fn measure(&self, by: By) -> f64 {
        match by {
            By::Worst => self.badness(),
            By::Cpu => self.cpu.some,
            By::Memory => self.memory.some,
            By::Io => self.io.some,
            By::Name => 0.0,
        }
    }
}

/// Two digits are more than a measurement is good for.
fn rounded(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

impl Report {
    /// Sorts the entries; those that are alike by name.
    pub fn sort(&mut self, by: By) {
        self.entries.sort_by(|a, b| a.compare(b, by));
    }

    /// Keeps what is asked for.
    pub fn retain(&mut self, filter: &Filter) {
        self.entries.retain(|entry| filter.keeps(&entry.owner));
    }

    /// All findings with their owners, the worst first.
    pub fn findings(&self) -> Vec<(&Entry, &Finding)> {
        let each = self.entries.iter().flat_map(|entry| entry.findings.iter().map(move |finding| (entry, finding)));
        let mut all: Vec<_> = each.collect();
        all.sort_by(|a, b| b.1.share.total_cmp(&a.1.share));
        all
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only pods of this namespace.
    pub namespace: Option<String>,
    /// Only these pods, by namespace and name.
    pub pods: Option<std::collections::BTreeSet<(String, String)>>,
    /// Only these sorts; all, if there are none.
    pub sorts: Vec<Sort>,
}

impl Filter {
    fn keeps(&self, owner: &Owner) -> bool {
        let is_namespace = self.namespace.as_ref().is_none_or(|namespace| *namespace == owner.namespace);
        let key = || (owner.namespace.clone(), owner.pod.clone());
        let is_pod = self.pods.as_ref().is_none_or(|pods| pods.contains(&key()));
        is_namespace && is_pod && (self.sorts.is_empty() || self.sorts.contains(&owner.sort))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pod: &str, cpu: f64, memory: f64) -> Entry {
        let owner = Owner { sort: Sort::Pod, namespace: "shop".to_owned(), pod: pod.to_owned(), ..Owner::default() };
        let share = |some| Share { some, full: 0.0 };
        Entry { owner, cpu: share(cpu), memory: share(memory), ..Entry::default() }
    }

    fn names(report: &Report) -> Vec<&str> {
        report.entries.iter().map(|entry| entry.owner.pod.as_str()).collect()
    }

    #[test]
    fn entries_are_sorted_and_kept_as_asked() {
        let entries = vec![entry("a", 5.0, 0.0), entry("b", 1.0, 9.0), entry("c", 5.0, 0.0)];
        let mut report = Report { entries, ..Report::default() };
        report.sort(By::Worst);
        assert_eq!(names(&report), ["b", "a", "c"]);
        report.sort(By::Cpu);
        assert_eq!(names(&report), ["a", "c", "b"]);
        let pods = [("shop".to_owned(), "b".to_owned()), ("other".to_owned(), "a".to_owned())].into();
        report.retain(&Filter { pods: Some(pods), ..Filter::default() });
        assert_eq!(names(&report), ["b"]);
        report.retain(&Filter { namespace: Some("other".to_owned()), ..Filter::default() });
        assert!(report.entries.is_empty());
    }

    #[test]
    fn reports_travel_as_json() {
        let report = Report { entries: vec![entry("a", 5.0, 0.0)], seconds: 10.0, ..Report::default() };
        let value = value::to_value(&report).unwrap();
        assert_eq!(value["entries"][0]["cpu"]["some"], 5.0);
        assert_eq!(value["entries"][0]["sort"], "pod");
        assert_eq!(value::from_value::<Report>(value).unwrap(), report);
    }
}
