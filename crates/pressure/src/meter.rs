//! What groups use beside waiting: processor time, throttling, memory, devices. Looked at only where there is pressure,
//! since it costs ten times what a pressure file does.
//!
//! A use is the difference of two looks. The first is taken as soon as a group waits ([`Meter::begin`]), the second at
//! the end of the step ([`Meter::settle`]).

use crate::device::Devices;
use crate::explain::Level;
use crate::history::Used;
use cgroup::{Group, Statistics};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Groups that are looked at in one step at most.
const MOST: usize = 1000;

/// Looks at groups.
#[derive(Debug)]
pub(crate) struct Meter {
    looks: HashMap<Box<str>, (Instant, Statistics)>,
    levels: HashMap<Box<str>, Level>,
    devices: Devices,
    /// A look that is older is no base.
    oldest: Duration,
    /// Looks in this step.
    taken: usize,
}

impl Meter {
    pub(crate) fn new(step: Duration) -> Meter {
        Meter {
            looks: HashMap::new(),
            levels: HashMap::new(),
            devices: Devices::default(),
            oldest: step + step / 2,
            taken: 0,
        }
    }

    /// Takes a first look at a group, unless there is one.
    pub(crate) fn begin(&mut self, group: &Group) {
        let is_known = self.looks.get(group.name()).is_some_and(|(at, _)| at.elapsed() < self.oldest);
        if is_known || self.taken >= MOST {
            return;
        }
        self.taken += 1;
        if let Ok(statistics) = group.statistics() {
            self.looks.insert(group.name().into(), (Instant::now(), statistics));
        }
    }

    /// Takes the second look: what the group has used since the first, which this look is for the next step.
    pub(crate) fn settle(&mut self, group: &Group) -> Option<Used> {
        let (at, before) = self.looks.get(group.name())?;
        if at.elapsed() >= self.oldest * 2 {
            self.looks.remove(group.name());
            return None;
        }
        let now = group.statistics().ok()?;
        let level = level(before, &now, &mut self.devices);
        let used = difference(before, &now);
        self.levels.insert(group.name().into(), level);
        self.looks.insert(group.name().into(), (Instant::now(), now));
        Some(used)
    }

    /// The groups that have a first look.
    pub(crate) fn begun(&self) -> Vec<Box<str>> {
        self.looks.keys().cloned().collect()
    }

    /// What a group had when it was looked at last.
    pub(crate) fn level(&self, name: &str) -> Option<&Level> {
        self.levels.get(name)
    }

    /// Begins a new step.
    pub(crate) fn step(&mut self, is_there: impl Fn(&str) -> bool) {
        self.taken = 0;
        let oldest = self.oldest * 2;
        self.looks.retain(|name, (at, _)| at.elapsed() < oldest && is_there(name));
        let looks = &self.looks;
        self.levels.retain(|name, _| looks.contains_key(name));
    }
}

fn difference(before: &Statistics, now: &Statistics) -> Used {
    let (cpu, memory) = ((&before.cpu, &now.cpu), (&before.memory, &now.memory));
    let gain = |before: u64, now: u64| now.saturating_sub(before);
    Used {
        cpu: gain(cpu.0.usage, cpu.1.usage),
        periods: gain(cpu.0.periods, cpu.1.periods),
        throttled_periods: gain(cpu.0.throttled_periods, cpu.1.throttled_periods),
        throttled: gain(cpu.0.throttled, cpu.1.throttled),
        refaults: gain(memory.0.refaults, memory.1.refaults),
        major_faults: gain(memory.0.major_faults, memory.1.major_faults),
        limit_hits: gain(memory.0.max_events + memory.0.high_events, memory.1.max_events + memory.1.high_events),
        oom_kills: gain(memory.0.oom_kills, memory.1.oom_kills),
    }
}

fn level(before: &Statistics, now: &Statistics, devices: &mut Devices) -> Level {
    let mut moved: Vec<(String, u64)> = Vec::new();
    for io in &now.io {
        let old = before.io.iter().find(|old| (old.major, old.minor) == (io.major, io.minor)).copied();
        let old = old.unwrap_or_default();
        let bytes = (io.read_bytes + io.written_bytes).saturating_sub(old.read_bytes + old.written_bytes);
        if bytes > 0 {
            moved.push((devices.name(io.major, io.minor), bytes));
        }
    }
    moved.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    Level {
        quota: now.cpu.quota.map(|quota| (quota, now.cpu.period)),
        working_set: now.memory.working_set(),
        anonymous: now.memory.anonymous,
        memory_limit: now.memory.limit,
        devices: moved,
    }
}
