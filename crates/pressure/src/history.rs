//! What groups waited and used over time: each step of the last hour, and a day in coarser ones. Bounded: quiet steps
//! take no room, and when there are too many points the oldest go first.
//!
//! Points are sums, so any stretch of time is the sum of its points ([`History::over`]) and agrees with the kernel's own
//! totals.

use crate::sampler::Stalls;
use cgroup::Resource;
use std::collections::{HashMap, VecDeque};

/// Steps that are kept as they are: an hour of 10 s.
pub(crate) const FINE: u32 = 360;
/// Steps that are joined after that: 5 min of 10 s.
const JOINED: u32 = 30;
/// Joined points that are kept: with the fine ones, a day.
const COARSE: u32 = 288;
/// Points in all; one takes about 90 bytes.
const MOST: usize = 200_000;

/// What a group used, in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// µs of processor time.
    pub cpu: u64,
    /// Periods of its quota in which it could run.
    pub periods: u64,
    /// Periods in which it used up its quota.
    pub throttled_periods: u64,
    /// µs its tasks waited for the next period.
    pub throttled: u64,
    /// Pages read again soon after they had been reclaimed.
    pub refaults: u64,
    /// Page faults that had to read.
    pub major_faults: u64,
    /// How often it was at its limit of memory.
    pub limit_hits: u64,
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: u64,
}

impl Used {
    fn add(&mut self, other: &Used) {
        self.cpu += other.cpu;
        self.periods += other.periods;
        self.throttled_periods += other.throttled_periods;
        self.throttled += other.throttled;
        self.refaults += other.refaults;
        self.major_faults += other.major_faults;
        self.limit_hits += other.limit_hits;
        self.oom_kills += other.oom_kills;
    }
}

/// What a group waited and used in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// µs.
    pub elapsed: u64,
    /// What it waited.
    pub stalls: Stalls,
    /// What it used; nothing where nobody looked, since there was no pressure.
    pub used: Used,
}

impl Window {
    /// The share of time in which some task waited, in percent.
    pub fn some(&self, resource: Resource) -> f64 {
        share(self.stalls.some[resource as usize], self.elapsed)
    }

    /// The share of time in which all tasks waited, in percent.
    pub fn full(&self, resource: Resource) -> f64 {
        share(self.stalls.full[resource as usize], self.elapsed)
    }

    /// The share that counts: of interrupts only the second is known.
    pub fn share(&self, resource: Resource) -> f64 {
        if resource == Resource::Irq { self.full(resource) } else { self.some(resource) }
    }
}

fn share(micros: u64, elapsed: u64) -> f64 {
    if elapsed == 0 { 0.0 } else { (micros as f64 * 100.0 / elapsed as f64).min(100.0) }
}

/// One step of a group, or several joined.
#[derive(Clone, Copy, Debug)]
struct Point {
    /// The last step of it.
    step: u32,
    stalls: Stalls32,
    used: Used32,
}

/// [`Stalls`] in half the room.
type Stalls32 = [u32; 8];
/// [`Used`] in half the room.
type Used32 = [u32; 8];

/// The history of all groups.
#[derive(Debug)]
pub(crate) struct History {
    /// µs that each of the last steps took, the newest last; and the number of the newest.
    steps: VecDeque<u64>,
    newest: u32,
    series: HashMap<Box<str>, Series>,
    points: usize,
    most: usize,
}

#[derive(Debug, Default)]
struct Series {
    fine: VecDeque<Point>,
    coarse: VecDeque<Point>,
}

impl Default for History {
    fn default() -> History {
        History { steps: VecDeque::new(), newest: 0, series: HashMap::new(), points: 0, most: MOST }
    }
}

impl History {
    /// Begins a new step, which took so many µs.
    pub(crate) fn step(&mut self, elapsed: u64) {
        self.newest += 1;
        self.steps.push_back(elapsed);
        if self.steps.len() > FINE as usize {
            self.steps.pop_front();
        }
        if self.newest.is_multiple_of(JOINED) {
            self.fold();
        }
    }

    /// Notes what a group did in the newest step.
    pub(crate) fn note(&mut self, name: &str, stalls: &Stalls, used: &Used) {
        let point = Point { step: self.newest, stalls: small_stalls(stalls), used: small_used(used) };
        match self.series.get_mut(name) {
            Some(series) => series.fine.push_back(point),
            None => {
                let series = self.series.entry(name.into()).or_default();
                series.fine.push_back(point);
            }
        }
        self.points += 1;
        if self.points > self.most {
            self.fold();
            self.thin();
        }
    }

    /// Joins what is older than an hour, and forgets what is older than a day.
    fn fold(&mut self) {
        let (hour, day) = (self.newest.saturating_sub(FINE), self.newest.saturating_sub(FINE + COARSE * JOINED));
        for series in self.series.values_mut() {
            while series.fine.front().is_some_and(|point| point.step <= hour) {
                let Some(point) = series.fine.pop_front() else { break };
                series.join(point);
            }
            while series.coarse.front().is_some_and(|point| point.step <= day) {
                series.coarse.pop_front();
            }
        }
        self.tidy();
    }

    /// Forgets the oldest quarter of the time that is known.
    fn thin(&mut self) {
        while self.points > self.most / 4 * 3 {
            let oldest = self.series.values().filter_map(Series::oldest).min().unwrap_or(self.newest);
            let until = oldest + (self.newest - oldest) / 4;
            for series in self.series.values_mut() {
                series.coarse.retain(|point| point.step > until);
                series.fine.retain(|point| point.step > until);
            }
            self.tidy();
            if oldest == self.newest {
                return;
            }
        }
    }

    fn tidy(&mut self) {
        self.series.retain(|_, series| !series.fine.is_empty() || !series.coarse.is_empty());
        self.points = self.series.values().map(|series| series.fine.len() + series.coarse.len()).sum();
    }

    /// µs of the last steps; those that are not known any more are taken to be like the average.
    pub(crate) fn elapsed(&self, steps: u32) -> u64 {
        let known = (steps as usize).min(self.steps.len());
        let sum: u64 = self.steps.iter().rev().take(known).sum();
        let beyond = u64::from(steps.min(self.newest)).saturating_sub(known as u64);
        sum + beyond * (sum / (known as u64).max(1))
    }

    /// What each group did in the last steps, for groups that did anything.
    pub(crate) fn all_over(&self, steps: u32) -> impl Iterator<Item = (&str, Window)> {
        let elapsed = self.elapsed(steps);
        self.series.iter().map(move |(name, series)| (&**name, self.sum(series, steps, elapsed)))
    }

    /// What a group did in the last steps.
    pub(crate) fn over(&self, name: &str, steps: u32) -> Window {
        let elapsed = self.elapsed(steps);
        let none = Window { elapsed, ..Window::default() };
        self.series.get(name).map_or(none, |series| self.sum(series, steps, elapsed))
    }

    fn sum(&self, series: &Series, steps: u32, elapsed: u64) -> Window {
        let after = self.newest.saturating_sub(steps);
        let mut window = Window { elapsed, ..Window::default() };
        let points = series.coarse.iter().chain(&series.fine).rev();
        for point in points.take_while(|point| point.step > after) {
            window.stalls.add(&large_stalls(&point.stalls));
            window.used.add(&large_used(&point.used));
        }
        window
    }

    /// How many µs ago the waiting began that goes on still: the shares of all steps since are at least `percent`.
    pub(crate) fn since(&self, name: &str, resource: Resource, percent: f64) -> Option<u64> {
        let series = self.series.get(name)?;
        let at = resource as usize + if resource == Resource::Irq { 4 } else { 0 };
        let (mut next, mut ago) = (self.newest, 0);
        for (point, elapsed) in series.fine.iter().rev().zip(self.steps.iter().rev()) {
            if point.step != next || share(u64::from(point.stalls[at]), *elapsed) < percent {
                break;
            }
            ago += elapsed;
            next -= 1;
        }
        (ago > 0).then_some(ago)
    }

    /// The shares of the last steps in percent, the oldest first; quiet steps are zero.
    pub(crate) fn shares(&self, name: &str, resource: Resource, steps: u32) -> Vec<f64> {
        let at = resource as usize + if resource == Resource::Irq { 4 } else { 0 };
        let known = (steps as usize).min(self.steps.len());
        let mut shares = vec![0.0; known];
        for point in self.series.get(name).iter().flat_map(|series| series.fine.iter().rev()) {
            let back = (self.newest - point.step) as usize;
            if back >= known {
                break;
            }
            shares[known - 1 - back] = share(u64::from(point.stalls[at]), self.steps[self.steps.len() - 1 - back]);
        }
        shares
    }

    /// Points that are kept.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.points
    }
}

impl Series {
    fn oldest(&self) -> Option<u32> {
        self.coarse.front().or(self.fine.front()).map(|point| point.step)
    }

    fn join(&mut self, point: Point) {
        match self.coarse.back_mut().filter(|last| last.step / JOINED == point.step / JOINED) {
            Some(last) => {
                last.step = point.step;
                let both = last.stalls.iter_mut().chain(&mut last.used).zip(point.stalls.iter().chain(&point.used));
                both.for_each(|(into, from)| *into = into.saturating_add(*from));
            }
            None => self.coarse.push_back(point),
        }
    }
}

fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn small_stalls(stalls: &Stalls) -> Stalls32 {
    let ([a, b, c, d], [e, f, g, h]) = (stalls.some, stalls.full);
    [a, b, c, d, e, f, g, h].map(small)
}

fn large_stalls(stalls: &Stalls32) -> Stalls {
    let [a, b, c, d, e, f, g, h] = stalls.map(u64::from);
    Stalls { some: [a, b, c, d], full: [e, f, g, h] }
}

fn small_used(used: &Used) -> Used32 {
    let Used { cpu, periods, throttled_periods, throttled, refaults, major_faults, limit_hits, oom_kills } = *used;
    [cpu, periods, throttled_periods, throttled, refaults, major_faults, limit_hits, oom_kills].map(small)
}

fn large_used(used: &Used32) -> Used {
    let [cpu, periods, throttled_periods, throttled, refaults, major_faults, limit_hits, oom_kills] =
        used.map(u64::from);
    Used { cpu, periods, throttled_periods, throttled, refaults, major_faults, limit_hits, oom_kills }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: u64 = 10_000_000;

    fn waits(some: u64) -> Stalls {
        Stalls { some: [some, 0, 0, 0], full: [0; 4] }
    }

    #[test]
    fn a_stretch_is_the_sum_of_its_steps() {
        let mut history = History::default();
        for number in 1..=4 {
            history.step(STEP);
            if number != 3 {
                history.note("a", &waits(number * 1_000_000), &Used { cpu: 5, ..Used::default() });
            }
        }
        let window = history.over("a", 2);
        assert_eq!((window.elapsed, window.stalls.some[0], window.used.cpu), (2 * STEP, 4_000_000, 5));
        assert_eq!(window.some(Resource::Cpu), 20.0);
        assert_eq!(history.over("a", 100).stalls.some[0], 7_000_000);
        assert_eq!(history.over("a", 100).elapsed, 4 * STEP, "no longer than there was anybody to look");
        assert_eq!(history.shares("a", Resource::Cpu, 3), [20.0, 0.0, 40.0]);
        assert_eq!(history.over("b", 2).some(Resource::Cpu), 0.0);
    }

    #[test]
    fn the_beginning_of_what_goes_on_is_known() {
        let mut history = History::default();
        for share in [50, 0, 30, 40, 20] {
            history.step(STEP);
            history.note("a", &waits(share * STEP / 100), &Used::default());
        }
        assert_eq!(history.since("a", Resource::Cpu, 10.0), Some(3 * STEP));
        assert_eq!(history.since("a", Resource::Cpu, 25.0), None);
        assert_eq!(history.since("a", Resource::Memory, 1.0), None);
    }

    #[test]
    fn what_is_older_than_an_hour_is_coarse_and_adds_up_still() {
        let mut history = History::default();
        for _ in 0..2 * FINE {
            history.step(STEP);
            history.note("a", &waits(1000), &Used::default());
        }
        assert!(history.len() < FINE as usize + 60, "{}", history.len());
        assert_eq!(history.over("a", 2 * FINE).stalls.some[0], u64::from(2 * FINE) * 1000);
        assert_eq!(history.over("a", 2 * FINE).elapsed, u64::from(2 * FINE) * STEP);
    }

    #[test]
    fn a_day_and_no_more_is_kept() {
        let mut history = History::default();
        for _ in 0..3 * (FINE + COARSE * JOINED) {
            history.step(STEP);
            history.note("a", &waits(1000), &Used::default());
        }
        assert!(history.len() < (FINE + COARSE + 60) as usize, "{}", history.len());
        for _ in 0..2 * (FINE + COARSE * JOINED) {
            history.step(STEP);
        }
        assert_eq!(history.len(), 0);
    }

    #[test]
    fn many_groups_do_not_take_more_room_than_is_allowed() {
        let mut history = History { most: 1000, ..History::default() };
        for _ in 0..20 {
            history.step(STEP);
            for number in 0..100 {
                history.note(&format!("pod{number}"), &waits(5), &Used::default());
            }
            assert!(history.len() <= 1000);
        }
        assert_eq!(history.over("pod7", 1).stalls.some[0], 5, "the newest stays");
    }
}
