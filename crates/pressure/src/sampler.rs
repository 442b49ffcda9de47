//! Reads the pressure of every group, as cheaply as the kernel allows.
//!
//! A read of a pressure file costs the kernel several µs, and there is one for each resource of each group. What saves
//! most of them: when some task of a group stalls, a task of every group above it stalls, too. So a group whose `total`
//! has not moved has no group below it whose `total` has, and the whole subtree is left out ([`Sampler::sample`]). A
//! group that has been read in vain is read less often ([`SLOWEST`]). What is left is bounded by a budget of time:
//! whatever does not fit stays in the queue for the next round. Totals only grow, so nothing is lost by reading late,
//! and [`Sampler::sample_all`] reads all that is due.
//!
//! [`crate::tree`] keeps the list of groups. Deliberately absent: averages (of groups that are left out they would be
//! old; who wants them reads afresh), and any meaning of groups (`owner`).

use crate::reader::{Door, Look};
use cgroup::{Pressure, Resource};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The root's place among the slots.
pub(crate) const ROOT: u32 = 0;
/// Every resource.
const ALL: u8 = 0b1111;
/// How many groups are read between two looks at the clock.
const BETWEEN_CLOCKS: usize = 16;
/// A group that never waits though its neighbours do is read once in so many rounds.
const SLOWEST: u8 = 8;
/// Names of the files, by resource.
const FILES: [&str; 4] = ["cpu.pressure", "memory.pressure", "io.pressure", "irq.pressure"];

/// µs of waiting, by resource in the order of [`Resource::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// At least one task waited.
    pub some: [u64; 4],
    /// All tasks that could run waited.
    pub full: [u64; 4],
}

impl Stalls {
    /// Adds others.
    pub fn add(&mut self, other: &Stalls) {
        for at in 0..4 {
            self.some[at] += other.some[at];
            self.full[at] += other.full[at];
        }
    }
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Groups that were read.
    pub groups: usize,
    /// Files that were read.
    pub reads: usize,
    /// Groups that have to wait for the next round.
    pub left: usize,
}

/// What the sampler may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Descriptors that are kept open.
    pub descriptors: usize,
    /// Time for one round; no limit if there is none.
    pub budget: Option<Duration>,
}

impl Default for Limits {
    /// Half of the descriptors that the process may have, and 20 ms a round: two hundredths of a processor.
    fn default() -> Limits {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(1 << 20);
        let descriptors = usize::try_from(limit / 2).unwrap_or(usize::MAX).min(60_000);
        Limits { descriptors, budget: Some(Duration::from_millis(20)) }
    }
}

/// Reads all groups below a root.
#[derive(Debug)]
pub struct Sampler {
    pub(crate) root: PathBuf,
    /// Where the pressure of the whole machine is, if the root of the tree has no files of its own.
    host: Option<PathBuf>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) free: Vec<u32>,
    /// Groups that have to be read.
    queue: VecDeque<u32>,
    /// Groups whose totals have moved since the last [`Sampler::take`].
    touched: Vec<u32>,
    /// A buffer for paths.
    path: PathBuf,
    open: usize,
    limits: Limits,
    /// Rounds so far.
    rounds: u32,
    /// Everything that is due is read, whatever its pace.
    eager: bool,
    /// Something vanished that the tree does not know of yet.
    pub(crate) stale: bool,
}

/// A group.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// Path below the root.
    pub(crate) name: Box<str>,
    pub(crate) parent: u32,
    pub(crate) children: Vec<u32>,
    /// What `cgroup.stat` said when the children were listed last.
    pub(crate) descendants: Option<(u64, u64)>,
    pub(crate) live: bool,
    /// It was made after the sampler, so all its waiting counts.
    pub(crate) young: bool,
    doors: [Door; 4],
    totals: [Option<(u64, u64)>; 4],
    /// Resources that have to be read, a bit each.
    due: u8,
    queued: bool,
    /// It is read once in so many rounds.
    pace: u8,
    gained: Stalls,
    touched: bool,
}

impl Sampler {
    /// Takes the tree at `root`, reads everything once, and remembers it as the beginning. `host` is the folder of the
    /// machine's own pressure files, for kernels whose root group has none.
    pub fn open(root: &Path, host: Option<&Path>, limits: Limits) -> Sampler {
        let first = Slot { live: true, ..Slot::default() };
        let mut sampler = Sampler {
            root: root.to_owned(),
            host: host.map(Path::to_owned),
            slots: vec![first],
            free: Vec::new(),
            queue: VecDeque::new(),
            touched: Vec::new(),
            path: PathBuf::new(),
            open: 0,
            limits,
            rounds: 0,
            eager: true,
            stale: false,
        };
        sampler.walk(true, false);
        sampler.sample_within(None);
        sampler
    }

    /// Reads what may have changed, within the budget.
    pub fn sample(&mut self) -> Round {
        self.eager = false;
        self.sample_within(self.limits.budget)
    }

    /// Reads what may have changed, however long it takes.
    pub fn sample_all(&mut self) -> Round {
        self.eager = true;
        for (id, slot) in self.slots.iter_mut().enumerate() {
            if slot.live && slot.due != 0 && !slot.queued {
                slot.queued = true;
                self.queue.push_back(u32::try_from(id).unwrap_or_default());
            }
        }
        self.sample_within(None)
    }

    fn sample_within(&mut self, budget: Option<Duration>) -> Round {
        let begun = Instant::now();
        let mut round = Round::default();
        self.rounds = self.rounds.wrapping_add(1);
        self.slots[ROOT as usize].due = ALL;
        if !self.slots[ROOT as usize].queued {
            self.slots[ROOT as usize].queued = true;
            self.queue.push_front(ROOT);
        }
        while let Some(id) = self.queue.pop_front() {
            self.slots[id as usize].queued = false;
            if !self.slots[id as usize].live {
                continue;
            }
            round.reads += self.look(id);
            round.groups += 1;
            let is_over = || budget.is_some_and(|budget| begun.elapsed() >= budget);
            if round.groups.is_multiple_of(BETWEEN_CLOCKS) && is_over() {
                break;
            }
        }
        round.left = self.queue.len();
        round
    }

    /// Reads what is due of a group, and makes due what may have changed below it. How many files that were.
    fn look(&mut self, id: u32) -> usize {
        let due = std::mem::take(&mut self.slots[id as usize].due);
        let (mut reads, mut below) = (0, 0);
        for resource in Resource::ALL {
            let (at, bit) = (resource as usize, 1 << resource as usize);
            if due & bit == 0 {
                continue;
            }
            reads += 1;
            match self.read(id, at) {
                Look::Found(pressure) if !self.note(id, at, &pressure) => {}
                // What the kernel does not offer for the whole machine it offers for no group.
                Look::Absent if id == ROOT => {}
                Look::Found(_) | Look::Absent => below |= bit,
                Look::Gone => {
                    self.vanished(id);
                    return reads;
                }
            }
        }
        let slot = &mut self.slots[id as usize];
        slot.pace = if below == 0 { (slot.pace * 2).clamp(1, SLOWEST) } else { 1 };
        if below != 0 {
            for index in 0..self.slots[id as usize].children.len() {
                let child = self.slots[id as usize].children[index];
                self.make_due_in_turn(child, below);
            }
        }
        reads
    }

    fn read(&mut self, id: u32, at: usize) -> Look {
        let slot = &mut self.slots[id as usize];
        let door = &mut slot.doors[at];
        let was_closed = door.is_closed();
        if was_closed {
            locate(&mut self.path, &self.root, self.host.as_deref().filter(|_| id == ROOT), &slot.name, at);
        }
        let look = door.look(&self.path, self.open < self.limits.descriptors);
        if was_closed && door.is_open() {
            self.open += 1;
        }
        look
    }

    /// Takes new totals of a resource. Whether they have moved, or are the first.
    fn note(&mut self, id: u32, at: usize, pressure: &Pressure) -> bool {
        let slot = &mut self.slots[id as usize];
        let now = (pressure.some.total, pressure.full.total);
        let before = slot.totals[at].replace(now);
        let Some(before) = before.or(slot.young.then_some((0, 0))) else { return true };
        let (some, full) = (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1));
        if some == 0 && full == 0 {
            return false;
        }
        slot.gained.some[at] += some;
        slot.gained.full[at] += full;
        if !slot.touched {
            slot.touched = true;
            self.touched.push(id);
        }
        true
    }

    /// Makes a group due, and has it read now if it is its turn. What is due stays so.
    fn make_due_in_turn(&mut self, id: u32, resources: u8) {
        let pace = u32::from(self.slots[id as usize].pace.max(1));
        if self.eager || self.rounds.wrapping_add(id).is_multiple_of(pace) {
            self.make_due(id, resources);
        } else {
            self.slots[id as usize].due |= resources;
        }
    }

    pub(crate) fn make_due(&mut self, id: u32, resources: u8) {
        let slot = &mut self.slots[id as usize];
        slot.due |= resources;
        if !slot.queued {
            slot.queued = true;
            self.queue.push_back(id);
        }
    }

    /// Everything of a group has to be read.
    pub(crate) fn make_all_due(&mut self, id: u32) {
        self.make_due(id, ALL);
    }

    /// Gives how long each group has waited since the last time, for those that have.
    pub fn take(&mut self, mut each: impl FnMut(&str, Stalls)) {
        for id in self.touched.drain(..) {
            let slot = &mut self.slots[id as usize];
            slot.touched = false;
            let gained = std::mem::take(&mut slot.gained);
            if slot.live {
                each(&slot.name, gained);
            }
        }
    }

    /// Groups that have waited since the last [`Sampler::take`], and how long.
    pub(crate) fn touched(&self) -> impl Iterator<Item = (&str, &Stalls)> {
        let slots = self.touched.iter().map(|id| &self.slots[*id as usize]);
        slots.filter(|slot| slot.live).map(|slot| (&*slot.name, &slot.gained))
    }

    /// The names of groups that have none below them.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().filter(|slot| slot.live && slot.children.is_empty()).map(|slot| &*slot.name)
    }

    /// The names of all groups; the root's is empty.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().filter(|slot| slot.live).map(|slot| &*slot.name)
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.len() <= 1
    }

    /// Closes the files of a group that is no more.
    pub(crate) fn close(&mut self, id: u32) {
        let slot = &mut self.slots[id as usize];
        self.open -= slot.doors.iter().filter(|door| door.is_open()).count();
        let (queued, touched) = (slot.queued, slot.touched);
        // Whoever is still in a list is taken out of it by that list's next pass.
        *slot = Slot { queued, touched, ..Slot::default() };
    }

    /// Lets absent files be looked for again.
    pub(crate) fn retry_absent(&mut self) {
        for door in self.slots.iter_mut().flat_map(|slot| &mut slot.doors) {
            door.retry();
        }
    }
}

/// Writes the path of a pressure file into the buffer.
fn locate(path: &mut PathBuf, root: &Path, host: Option<&Path>, name: &str, at: usize) {
    path.clear();
    path.push(root);
    if !name.is_empty() {
        path.push(name);
    }
    path.push(FILES[at]);
    if let Some(host) = host
        && !path.exists()
    {
        path.clear();
        path.push(host);
        path.push(Resource::ALL[at].name());
    }
}

#[cfg(test)]
mod tests;
