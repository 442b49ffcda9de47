//! What pressure means: the cause, in one plain sentence with what to change, and who else has a part in it.
//!
//! Pure: values in, [`Finding`]s out. One file for each resource; each says by which signs it tells causes apart.
//! Deliberately absent: measuring ([`crate::monitor`]).

mod cpu;
mod io;
mod irq;
mod memory;
mod words;

use crate::history::{Used, Window};
use crate::owner::Owner;
use cgroup::Resource;
use serde::{Deserialize, Serialize};

/// Why something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Its own limit of processor time.
    Quota,
    /// Others on the same processors.
    Neighbours,
    /// More threads of its own than processors.
    OwnThreads,
    /// Memory has to be given back before more is had.
    Reclaim,
    /// What was given back is needed again at once.
    Thrashing,
    /// There is next to nothing left to give back, or processes were killed for it.
    NearOom,
    /// A block device is slow or busy.
    Device,
    /// Interrupts take the processor.
    Interrupts,
}

/// Something that is overloaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Of what there is too little.
    #[serde(with = "resource_name")]
    pub resource: Resource,
    /// Why.
    pub cause: Cause,
    /// The share of time, in percent.
    pub share: f64,
    /// For how many seconds it has gone on.
    pub seconds: u64,
    /// What stalls, how much, since when, why, and what to change.
    pub sentence: String,
    /// The block device, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Who else has a part in it, the largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Neighbour>,
}

/// Somebody who has a part in another's waiting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Who.
    pub name: String,
    /// How much, in words: `1.2 processors`.
    pub uses: String,
}

/// From which share of time on there is a finding, in percent.
pub(crate) const WORTH: [f64; 4] = [5.0, 2.0, 5.0, 5.0];
/// Neighbours that are named.
const NAMED: usize = 3;

/// What a group has and may have now.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Level {
    /// µs of processor time in each period, and the period.
    pub(crate) quota: Option<(u64, u64)>,
    /// Memory that cannot be given back at once, in bytes.
    pub(crate) working_set: u64,
    /// Anonymous memory, in bytes.
    pub(crate) anonymous: u64,
    /// The limit of memory, in bytes.
    pub(crate) memory_limit: Option<u64>,
    /// Block devices and bytes since the last look, the busiest first.
    pub(crate) devices: Vec<(String, u64)>,
}

/// The machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Machine {
    /// How many processors.
    pub(crate) processors: u32,
    /// Memory that is to be had, in percent.
    pub(crate) memory_available: f64,
}

/// Somebody else on the machine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Other<'a> {
    /// Who.
    pub(crate) owner: &'a Owner,
    /// What it waited and used.
    pub(crate) window: Window,
    /// What it has.
    pub(crate) level: &'a Level,
}

/// Who is to be explained.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'a> {
    /// Who.
    pub(crate) owner: &'a Owner,
    /// What it waited and used.
    pub(crate) window: Window,
    /// What it has.
    pub(crate) level: &'a Level,
    /// What the groups above it used, and their quotas: they hold back what is below them.
    pub(crate) above: Vec<(Used, (u64, u64))>,
    /// For how many seconds each resource has been short.
    pub(crate) seconds: [u64; 4],
}

impl Subject<'_> {
    fn seconds(&self, resource: Resource) -> u64 {
        self.seconds[resource as usize]
    }

    fn finding(&self, resource: Resource, cause: Cause, sentence: String) -> Finding {
        let share = self.window.share(resource);
        let seconds = self.seconds(resource);
        Finding { resource, cause, share, seconds, sentence, device: None, neighbours: Vec::new() }
    }

    /// Others that are neither it nor a part of it.
    fn neighbours<'o>(&self, others: &'o [Other<'o>]) -> impl Iterator<Item = &'o Other<'o>> {
        let owner = self.owner.clone();
        others.iter().filter(move |other| *other.owner != owner && !owner.is_same_pod(other.owner))
    }
}

/// Explains what is overloaded about somebody, the worst first.
pub(crate) fn explain(subject: &Subject<'_>, machine: &Machine, others: &[Other<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for resource in Resource::ALL {
        if subject.window.share(resource) < WORTH[resource as usize] {
            continue;
        }
        match resource {
            Resource::Cpu => findings.extend(cpu::explain(subject, machine, others)),
            Resource::Memory => findings.push(memory::explain(subject, machine, others)),
            Resource::Io => findings.push(io::explain(subject, others)),
            Resource::Irq => findings.push(irq::explain(subject)),
        }
    }
    findings.sort_by(|a, b| b.share.total_cmp(&a.share));
    findings
}

/// The largest few by some measure.
fn ranked<'o>(
    others: impl Iterator<Item = &'o Other<'o>>,
    measure: impl Fn(&Other<'_>) -> u64,
    least: u64,
    words: impl Fn(u64) -> String,
) -> Vec<Neighbour> {
    let mut all: Vec<(u64, &Other<'_>)> = others.map(|other| (measure(other), other)).collect();
    all.retain(|(amount, _)| *amount >= least.max(1));
    all.sort_by_key(|(amount, other)| (std::cmp::Reverse(*amount), other.owner.label()));
    let named = all.into_iter().take(NAMED);
    named.map(|(amount, other)| Neighbour { name: other.owner.label(), uses: words(amount) }).collect()
}

/// Resources by the kernel's names.
mod resource_name {
    use cgroup::Resource;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
    pub(super) fn serialize<S: Serializer>(resource: &Resource, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(resource.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Resource, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Resource::ALL.into_iter().find(|resource| resource.name() == name);
        found.ok_or_else(|| D::Error::custom(format!("{name:?} is no resource; cpu, memory, io and irq are")))
    }
}

#[cfg(test)]
mod tests;
