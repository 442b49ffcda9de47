//! What a group has used: processor time, memory, block devices, processes.
//!
//! One shape for both layouts. Fields that a layout does not have are zero or `None`, as their docs say.

use crate::file::{self, Error, flat, number};
use crate::group::Group;
use crate::hierarchy::{Controller, Mode};

/// What a group uses and has used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Processor time.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Memory,
    /// Block devices, by number.
    pub io: Vec<Io>,
    /// Processes and threads.
    pub pids: Pids,
}

/// Processor time, in µs since the group was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// In all.
    pub usage: u64,
    /// In user space.
    pub user: u64,
    /// In the kernel.
    pub system: u64,
    /// Periods in which the group could run; counted only under a quota.
    pub periods: u64,
    /// Periods in which it used up its quota.
    pub throttled_periods: u64,
    /// Time its tasks waited for the next period.
    pub throttled: u64,
    /// Time it may run in each period; `None` without a limit.
    pub quota: Option<u64>,
    /// The period of the quota; zero without one.
    pub period: u64,
}

/// Memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All that is charged to the group.
    pub usage: u64,
    /// The limit; `None` if there is none.
    pub limit: Option<u64>,
    /// Anonymous memory.
    pub anonymous: u64,
    /// Pages of files.
    pub file: u64,
    /// Pages of files that nobody has used lately: reclaimed first.
    pub inactive_file: u64,
    /// Swapped out.
    pub swap: u64,
    /// Page faults since the group was made.
    pub faults: u64,
    /// Page faults that had to read.
    pub major_faults: u64,
    /// Pages that were read again soon after they had been reclaimed: thrashing.
    pub refaults: u64,
    /// How often the group was at its `memory.high` (v2 alone).
    pub high_events: u64,
    /// How often it was at its limit.
    pub max_events: u64,
    /// How often the kernel killed a process of it for want of memory.
    pub oom_kills: u64,
}

impl Memory {
    /// What counts when memory is short: usage without files that nobody has used lately, as the kubelet reckons.
    pub fn working_set(&self) -> u64 {
        self.usage.saturating_sub(self.inactive_file)
    }
}

/// What a group has done with one block device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Io {
    /// Major number of the device.
    pub major: u32,
    /// Minor number of the device.
    pub minor: u32,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Read operations.
    pub reads: u64,
    /// Write operations.
    pub writes: u64,
}

/// Processes and threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pids {
    /// Now.
    pub current: u64,
    /// The limit; `None` if there is none.
    pub limit: Option<u64>,
}

impl Statistics {
    pub(crate) fn read(group: &Group, mode: Mode) -> Result<Statistics, Error> {
        let read = |controller: Controller, name: &str| match group.path_of(controller) {
            Some(folder) => Ok(file::read(&folder.join(name))?.unwrap_or_default()),
            None => Ok(String::new()),
        };
        let pids = Pids {
            current: number(&read(Controller::Pids, "pids.current")?).unwrap_or_default(),
            limit: number(&read(Controller::Pids, "pids.max")?),
        };
        if mode == Mode::V2 {
            let mut cpu = cpu_v2(&read(Controller::Cpu, "cpu.stat")?);
            (cpu.quota, cpu.period) = quota_v2(&read(Controller::Cpu, "cpu.max")?);
            let mut memory = memory_v2(&read(Controller::Memory, "memory.stat")?);
            memory.usage = number(&read(Controller::Memory, "memory.current")?).unwrap_or_default();
            memory.limit = number(&read(Controller::Memory, "memory.max")?);
            memory.swap = number(&read(Controller::Memory, "memory.swap.current")?).unwrap_or_default();
            events_v2(&read(Controller::Memory, "memory.events")?, &mut memory);
            return Ok(Statistics { cpu, memory, io: io_v2(&read(Controller::Io, "io.stat")?), pids });
        }
        let mut cpu = throttling_v1(&read(Controller::Cpu, "cpu.stat")?);
        cpu.usage = number(&read(Controller::CpuAcct, "cpuacct.usage")?).unwrap_or_default() / 1000;
        ticks_v1(&read(Controller::CpuAcct, "cpuacct.stat")?, &mut cpu);
        cpu.quota = number(&read(Controller::Cpu, "cpu.cfs_quota_us")?);
        if cpu.quota.is_some() {
            cpu.period = number(&read(Controller::Cpu, "cpu.cfs_period_us")?).unwrap_or_default();
        }
        let mut memory = memory_v1(&read(Controller::Memory, "memory.stat")?);
        memory.usage = number(&read(Controller::Memory, "memory.usage_in_bytes")?).unwrap_or_default();
        memory.limit = number(&read(Controller::Memory, "memory.limit_in_bytes")?);
        memory.max_events = number(&read(Controller::Memory, "memory.failcnt")?).unwrap_or_default();
        memory.oom_kills = flat(&read(Controller::Memory, "memory.oom_control")?)
            .find_map(|(key, value)| (key == "oom_kill").then_some(value))
            .unwrap_or_default();
        let bytes = read(Controller::Io, "blkio.throttle.io_service_bytes_recursive")?;
        let operations = read(Controller::Io, "blkio.throttle.io_serviced_recursive")?;
        Ok(Statistics { cpu, memory, io: io_v1(&bytes, &operations), pids })
    }
}

fn cpu_v2(text: &str) -> Cpu {
    let mut cpu = Cpu::default();
    for (key, value) in flat(text) {
        match key {
            "usage_usec" => cpu.usage = value,
            "user_usec" => cpu.user = value,
            "system_usec" => cpu.system = value,
            "nr_periods" => cpu.periods = value,
            "nr_throttled" => cpu.throttled_periods = value,
            "throttled_usec" => cpu.throttled = value,
            _ => {}
        }
    }
    cpu
}

/// `20000 100000`, or `max 100000` without a limit.
fn quota_v2(text: &str) -> (Option<u64>, u64) {
    let mut words = text.split_ascii_whitespace().map(|word| word.parse().ok());
    match (words.next().flatten(), words.next().flatten()) {
        (Some(quota), period) => (Some(quota), period.unwrap_or_default()),
        (None, _) => (None, 0),
    }
}

fn throttling_v1(text: &str) -> Cpu {
    let mut cpu = Cpu::default();
    for (key, value) in flat(text) {
        match key {
            "nr_periods" => cpu.periods = value,
            "nr_throttled" => cpu.throttled_periods = value,
            "throttled_time" => cpu.throttled = value / 1000,
            _ => {}
        }
    }
    cpu
}

/// Times in ticks, of which user space sees a hundred a second on every architecture.
fn ticks_v1(text: &str, cpu: &mut Cpu) {
    /// µs in a tick.
    const TICK: u64 = 10_000;
    for (key, value) in flat(text) {
        match key {
            "user" => cpu.user = value.saturating_mul(TICK),
            "system" => cpu.system = value.saturating_mul(TICK),
            _ => {}
        }
    }
}

fn memory_v2(text: &str) -> Memory {
    let mut memory = Memory::default();
    for (key, value) in flat(text) {
        match key {
            "anon" => memory.anonymous = value,
            "file" => memory.file = value,
            "inactive_file" => memory.inactive_file = value,
            "pgfault" => memory.faults = value,
            "pgmajfault" => memory.major_faults = value,
            "workingset_refault_anon" | "workingset_refault_file" => memory.refaults += value,
            _ => {}
        }
    }
    memory
}

fn events_v2(text: &str, memory: &mut Memory) {
    for (key, value) in flat(text) {
        match key {
            "high" => memory.high_events = value,
            "max" => memory.max_events = value,
            "oom_kill" => memory.oom_kills = value,
            _ => {}
        }
    }
}

fn memory_v1(text: &str) -> Memory {
    let mut memory = Memory::default();
    for (key, value) in flat(text) {
        match key {
            "total_rss" => memory.anonymous = value,
            "total_cache" => memory.file = value,
            "total_inactive_file" => memory.inactive_file = value,
            "total_swap" => memory.swap = value,
            "total_pgfault" => memory.faults = value,
            "total_pgmajfault" => memory.major_faults = value,
            "total_workingset_refault_anon" | "total_workingset_refault_file" => memory.refaults += value,
            _ => {}
        }
    }
    memory
}

/// Lines such as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0`.
fn io_v2(text: &str) -> Vec<Io> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let mut io = device(words.next()?)?;
            for (key, value) in words.filter_map(|word| word.split_once('=')) {
                let value = value.parse().unwrap_or_default();
                match key {
                    "rbytes" => io.read_bytes = value,
                    "wbytes" => io.written_bytes = value,
                    "rios" => io.reads = value,
                    "wios" => io.writes = value,
                    _ => {}
                }
            }
            Some(io)
        })
        .collect()
}

/// Lines such as `8:0 Read 4096`, one file for bytes and one for operations.
fn io_v1(bytes: &str, operations: &str) -> Vec<Io> {
    let mut found: Vec<Io> = Vec::new();
    for (text, is_bytes) in [(bytes, true), (operations, false)] {
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(Some(new)), Some(what), Some(value)) = (words.next().map(device), words.next(), words.next())
            else {
                continue;
            };
            let at = found.iter().position(|io| (io.major, io.minor) == (new.major, new.minor)).unwrap_or(found.len());
            if at == found.len() {
                found.push(new);
            }
            let (io, value) = (&mut found[at], value.parse().unwrap_or_default());
            match (what, is_bytes) {
                ("Read", true) => io.read_bytes = value,
                ("Write", true) => io.written_bytes = value,
                ("Read", false) => io.reads = value,
                ("Write", false) => io.writes = value,
                _ => {}
            }
        }
    }
    found
}

fn device(word: &str) -> Option<Io> {
    let (major, minor) = word.split_once(':')?;
    Some(Io { major: major.parse().ok()?, minor: minor.parse().ok()?, ..Io::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttling_is_read_in_both_layouts() {
        let v2 = cpu_v2(
            "usage_usec 900\nuser_usec 600\nsystem_usec 300\nnr_periods 10\nnr_throttled 4\nthrottled_usec 70\n",
        );
        let want = Cpu {
            usage: 900,
            user: 600,
            system: 300,
            periods: 10,
            throttled_periods: 4,
            throttled: 70,
            ..Cpu::default()
        };
        assert_eq!(v2, want);
        let v1 = throttling_v1("nr_periods 10\nnr_throttled 4\nthrottled_time 70000\n");
        assert_eq!((v1.periods, v1.throttled_periods, v1.throttled), (10, 4, 70));
    }

    #[test]
    fn a_quota_has_a_period() {
        assert_eq!(quota_v2("20000 100000\n"), (Some(20_000), 100_000));
        assert_eq!(quota_v2("max 100000\n"), (None, 0));
        assert_eq!(quota_v2(""), (None, 0));
    }

    #[test]
    fn refaults_of_both_kinds_count() {
        let memory = memory_v2("anon 5\nworkingset_refault_anon 2\nworkingset_refault_file 3\ninactive_file 1\n");
        assert_eq!((memory.refaults, memory.anonymous), (5, 5));
    }

    #[test]
    fn devices_are_joined_from_two_files() {
        let io = io_v1("8:0 Read 4096\n8:0 Write 0\nTotal 4096\n", "8:0 Read 1\n253:1 Write 2\n");
        let sda = Io { major: 8, minor: 0, read_bytes: 4096, reads: 1, ..Io::default() };
        assert_eq!(io, [sda, Io { major: 253, minor: 1, writes: 2, ..Io::default() }]);
        assert_eq!(io_v2("8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=9\nnonsense\n"), [sda]);
    }

    #[test]
    fn the_working_set_leaves_idle_files_out() {
        let memory = Memory { usage: 10, inactive_file: 4, ..Memory::default() };
        assert_eq!(memory.working_set(), 6);
    }
}
