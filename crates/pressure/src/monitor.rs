//! Watches a machine: samples its groups, keeps the history, reports.
//!
//! [`Monitor::sample`] is called often (each second), [`Monitor::step`] at the end of each step of the history. Both
//! block for a moment and belong on a thread of their own.

use crate::explain::{self, Level, Machine, Other, Subject, WORTH};
use crate::history::{History, Used, Window};
use crate::meter::Meter;
use crate::owner::{Named, Owner, Owners, Sort, named, owner_of};
use crate::report::{By, Entry, Report, Series, Source};
use crate::sampler::{Limits, Round, Sampler, Stalls};
use cgroup::{DetectError, Hierarchy, Pressure, Resource};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the machine's own pressure files are.
const HOST: &str = "/proc/pressure";
/// How often everything is walked.
const WHOLE: Duration = Duration::from_secs(60);
/// From this share of the time on it is worth a look what a group uses, in percent.
const WORTH_A_LOOK: f64 = 1.0;
/// Neighbours that are looked at.
const NEIGHBOURS: usize = 1000;

/// Why pressure cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There are no control groups.
    #[error(transparent)]
    Groups(#[from] DetectError),
    /// The kernel has no pressure stall information.
    #[error(
        "this kernel tells nothing of pressure: there is no /proc/pressure; use Linux 4.20 or later, and boot with psi=1"
    )]
    NoPressure,
    /// Pressure of groups needs cgroup2.
    #[error(
        "cgroup2 is not mounted, and only its groups have pressure; mount it: mount -t cgroup2 none /sys/fs/cgroup/unified"
    )]
    NoUnified,
}

/// How to watch.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The resolution of the history.
    pub step: Duration,
    /// What sampling may use.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { step: Duration::from_secs(10), limits: Limits::default() }
    }
}

/// What a report shall tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Of how much time; of the last step if there is none.
    pub over: Option<Duration>,
    /// Also of groups that have no name of their own.
    pub all_groups: bool,
    /// With the shares of this many of the last steps.
    pub series: Option<u32>,
}

/// Watches a machine.
#[derive(Debug)]
pub struct Monitor {
    hierarchy: Arc<Hierarchy>,
    sampler: Sampler,
    history: History,
    meter: Meter,
    step: Duration,
    stepped: Instant,
    sampled: Instant,
    walked: Instant,
    machine: Machine,
}

impl Monitor {
    /// Begins to watch this machine.
    pub fn open(settings: Settings) -> Result<Monitor, OpenError> {
        let hierarchy = Hierarchy::detect()?;
        if !Path::new(HOST).join("cpu").exists() {
            return Err(OpenError::NoPressure);
        }
        Monitor::over(hierarchy, Some(Path::new(HOST)), settings)
    }

    /// Begins to watch other control groups, as fixtures have them.
    pub fn over(hierarchy: Arc<Hierarchy>, host: Option<&Path>, settings: Settings) -> Result<Monitor, OpenError> {
        let root = hierarchy.unified().ok_or(OpenError::NoUnified)?;
        let sampler = Sampler::open(root, host, settings.limits);
        let now = Instant::now();
        Ok(Monitor {
            hierarchy,
            sampler,
            history: History::default(),
            meter: Meter::new(settings.step),
            step: settings.step,
            stepped: now,
            sampled: now,
            walked: now,
            machine: Machine { processors: processors(), memory_available: memory_available() },
        })
    }

    /// Looks what groups use from now on, for a first report that knows causes.
    pub fn meter_all(&mut self) {
        let named: Vec<String> = self.sampler.names().filter(|name| is_named(name)).map(str::to_owned).collect();
        let plain = self.sampler.leaves().filter(|name| !is_named(name)).map(str::to_owned);
        for name in named.into_iter().chain(plain.collect::<Vec<_>>()) {
            self.meter.begin(&self.hierarchy.group(&name));
        }
    }

    /// Reads what may have changed since the last time.
    pub fn sample(&mut self) -> Round {
        let whole = self.walked.elapsed() >= WHOLE;
        self.sampler.refresh(whole);
        if whole {
            self.walked = Instant::now();
        }
        let round = self.sampler.sample();
        self.look_at_use();
        round
    }

    /// Takes a first look at what those use who wait now, and at all others if the whole machine waits.
    fn look_at_use(&mut self) {
        let elapsed = self.sampled.elapsed();
        self.sampled = Instant::now();
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
        let waits = |stalls: &Stalls, least: f64| {
            stalls.some.iter().chain(&stalls.full).any(|stall| *stall as f64 * 100.0 / micros as f64 >= least)
        };
        let (hierarchy, meter) = (&self.hierarchy, &mut self.meter);
        let mut is_machine = false;
        for (name, stalls) in self.sampler.touched() {
            if name.is_empty() {
                is_machine = waits(stalls, WORTH[0]);
            } else if waits(stalls, WORTH_A_LOOK) {
                meter.begin(&hierarchy.group(name));
            }
        }
        if is_machine {
            let others = self.sampler.names().filter(|name| is_named(name)).take(NEIGHBOURS);
            others.for_each(|name| meter.begin(&hierarchy.group(name)));
        }
    }

    /// Whether a step is over.
    pub fn is_step_over(&self) -> bool {
        self.stepped.elapsed() >= self.step
    }

    /// Ends a step: what was waited since the last one goes into the history. Everything is read, however long it takes,
    /// so that the step is whole.
    pub fn step(&mut self) {
        self.sampler.refresh(false);
        self.sampler.sample_all();
        let elapsed = self.stepped.elapsed();
        self.stepped = Instant::now();
        self.history.step(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
        let mut waited: HashMap<Box<str>, Stalls> = HashMap::new();
        self.sampler.take(|name, stalls| {
            waited.insert(name.into(), stalls);
        });
        for name in self.meter.begun() {
            let Some(used) = self.meter.settle(&self.hierarchy.group(&name)) else { continue };
            let stalls = waited.remove(&name).unwrap_or_default();
            self.history.note(&name, &stalls, &used);
        }
        for (name, stalls) in waited {
            self.history.note(&name, &stalls, &Used::default());
        }
        let there: HashSet<&str> = self.sampler.names().collect();
        self.meter.step(|name| there.contains(name));
        self.machine.memory_available = memory_available();
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.sampler.len()
    }

    /// The pressure of a group now, with the kernel's averages.
    pub fn pressure(&self, group: &str, resource: Resource) -> Option<Pressure> {
        self.hierarchy.group(group).pressure(resource).ok().flatten()
    }

    /// Tells who waited.
    pub fn report(&self, node: &str, wanted: Wanted, owners: &dyn Owners) -> Report {
        let steps = self.steps(wanted.over);
        let windows: HashMap<&str, Window> = self.history.all_over(steps).collect();
        let known = self.known(&windows, wanted.all_groups, owners);
        let none = Level::default();
        let mut others = Vec::new();
        for (name, owner) in known.iter().filter(|(_, owner)| matches!(owner.sort, Sort::Container | Sort::Unit)) {
            let Some(window) = windows.get(name).copied() else { continue };
            others.push(Other { owner, window, level: self.meter.level(name).unwrap_or(&none) });
        }
        let entries = known.iter().map(|(name, owner)| {
            let window = windows.get(name).copied().unwrap_or_else(|| self.history.over(name, steps));
            let mut entry = Entry::of(owner.clone(), name, &window);
            let level = self.meter.level(name).unwrap_or(&none);
            let above = self.above(name, &windows);
            let subject = Subject { owner, window, level, above, seconds: self.seconds(name) };
            entry.findings = explain::explain(&subject, &self.machine, &others);
            entry.series = wanted.series.map(|steps| self.series(name, steps));
            entry
        });
        let mut report = Report {
            node: node.to_owned(),
            at: Timestamp::now().to_string(),
            seconds: self.history.elapsed(steps) as f64 / 1e6,
            source: Source::Kernel,
            entries: entries.collect(),
        };
        report.sort(By::Worst);
        report
    }

    fn steps(&self, over: Option<Duration>) -> u32 {
        let over = over.unwrap_or(self.step).as_secs_f64();
        (over / self.step.as_secs_f64()).ceil().clamp(1.0, f64::from(u32::MAX / 2)) as u32
    }

    /// Groups that are worth an entry, with their owners.
    fn known<'a>(
        &'a self,
        windows: &HashMap<&'a str, Window>,
        all: bool,
        owners: &dyn Owners,
    ) -> Vec<(&'a str, Owner)> {
        let there: HashSet<&str> = self.sampler.names().collect();
        let leaves: HashSet<&str> = self.sampler.leaves().collect();
        // What has gone is told of if it waited.
        let gone = windows.keys().copied().filter(|name| !there.contains(name) && is_named(name));
        let wanted = there.iter().copied().filter(|name| {
            all || match named(name) {
                Named::Group => leaves.contains(name) && !is_inside(name),
                _ => !is_inside(name),
            }
        });
        wanted.chain(gone).map(|name| (name, owner_of(name, owners))).collect()
    }

    /// What the groups above one used, and their quotas, for those that have one.
    fn above(&self, name: &str, windows: &HashMap<&str, Window>) -> Vec<(Used, (u64, u64))> {
        let mut above = Vec::new();
        let mut name = name;
        while let Some((parent, _)) = name.rsplit_once('/') {
            let quota = self.meter.level(parent).and_then(|level| level.quota);
            above.extend(windows.get(parent).zip(quota).map(|(window, quota)| (window.used, quota)));
            name = parent;
        }
        above
    }

    fn seconds(&self, name: &str) -> [u64; 4] {
        Resource::ALL.map(|resource| {
            let micros = self.history.since(name, resource, WORTH[resource as usize]);
            micros.map_or(0, |micros| micros.div_ceil(1_000_000))
        })
    }

    fn series(&self, name: &str, steps: u32) -> Series {
        let of = |resource| self.history.shares(name, resource, steps);
        Series {
            step: self.step.as_secs_f64(),
            cpu: of(Resource::Cpu),
            memory: of(Resource::Memory),
            io: of(Resource::Io),
        }
    }
}

/// Whether a group stands for something that has a name.
fn is_named(group: &str) -> bool {
    !matches!(named(group), Named::Group | Named::Machine)
}

/// Whether a group lies in a container or a unit.
fn is_inside(group: &str) -> bool {
    let mut above = group;
    while let Some((parent, _)) = above.rsplit_once('/') {
        if matches!(named(parent), Named::Container { .. } | Named::Unit { .. }) {
            return true;
        }
        above = parent;
    }
    false
}

fn processors() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
}

/// Memory that is to be had, in percent of all.
fn memory_available() -> f64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let value = |key: &str| -> Option<f64> {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.trim_start_matches(':').split_whitespace().next()?.parse().ok())
    };
    match (value("MemAvailable"), value("MemTotal")) {
        (Some(available), Some(total)) if total > 0.0 => available * 100.0 / total,
        _ => 0.0,
    }
}
