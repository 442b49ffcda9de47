//! Limits as values, and the files in which each layout wants them.
//!
//! Pure: [`Resources::settings`] says what to write; [`crate::Group::apply`] writes it.

use crate::hierarchy::{Controller, Mode};

/// What a group may use. `None` leaves a limit as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Share of processor time under contention, in v1's unit: 1024 for a whole processor, 2 at least.
    pub cpu_shares: Option<u64>,
    /// Processor time in each period, in µs; -1 lifts the limit.
    pub cpu_quota: Option<i64>,
    /// The period, in µs; 100 ms if not given.
    pub cpu_period: Option<u64>,
    /// Most memory, in bytes; -1 lifts the limit.
    pub memory_max: Option<i64>,
    /// Memory above which processes are slowed and reclaimed, in bytes (v2 alone); -1 lifts it.
    pub memory_high: Option<i64>,
    /// Memory that is not reclaimed under pressure, in bytes (v2 alone).
    pub memory_min: Option<u64>,
    /// Most swap beside the memory, in bytes (v2 alone).
    pub swap_max: Option<i64>,
    /// Kill all processes of the group together when one runs out of memory (v2 alone).
    pub oom_group: Option<bool>,
    /// Most processes and threads; -1 lifts the limit.
    pub pids_max: Option<i64>,
    /// Most bytes in huge pages of a size, by the kernel's name of the size (`2MB`, `1GB`).
    pub huge_pages: Vec<(String, u64)>,
    /// Processors, as a list (`0-3,7`).
    pub cpus: Option<String>,
    /// Further files of v2, written as they are.
    pub unified: Vec<(String, String)>,
}

/// The period of processor quotas if none is given, in µs.
const PERIOD: u64 = 100_000;
/// What the kernel allows for v1's shares.
const SHARES: std::ops::RangeInclusive<u64> = 2..=262_144;

/// One value to be written to one file of one controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) controller: Controller,
    pub(crate) file: String,
    pub(crate) value: String,
    /// The value limits nothing, or only helps others: it does not matter where the kernel lacks the file.
    pub(crate) optional: bool,
}

impl Resources {
    /// What to write, in order.
    pub(crate) fn settings(&self, mode: Mode) -> Vec<Setting> {
        match mode {
            Mode::V2 => self.v2(),
            Mode::V1 | Mode::Hybrid => self.v1(),
        }
    }

    fn v2(&self) -> Vec<Setting> {
        let mut all = Vec::new();
        let mut set = |controller, file: &str, value: String, optional| {
            all.push(Setting { controller, file: file.to_owned(), value, optional });
        };
        if let Some(shares) = self.cpu_shares {
            set(Controller::Cpu, "cpu.weight", weight_from_shares(shares).to_string(), false);
        }
        if let Some(quota) = self.cpu_quota {
            let period = self.cpu_period.unwrap_or(PERIOD);
            set(Controller::Cpu, "cpu.max", format!("{} {period}", limit(quota)), quota < 0);
        }
        if let Some(high) = self.memory_high {
            set(Controller::Memory, "memory.high", limit(high), high < 0);
        }
        if let Some(max) = self.memory_max {
            set(Controller::Memory, "memory.max", limit(max), max < 0);
        }
        if let Some(swap) = self.swap_max {
            set(Controller::Memory, "memory.swap.max", limit(swap), true);
        }
        if let Some(min) = self.memory_min {
            set(Controller::Memory, "memory.min", min.to_string(), min == 0);
        }
        if let Some(group) = self.oom_group {
            set(Controller::Memory, "memory.oom.group", u8::from(group).to_string(), true);
        }
        if let Some(pids) = self.pids_max {
            set(Controller::Pids, "pids.max", limit(pids), pids < 0);
        }
        for (size, bytes) in &self.huge_pages {
            set(Controller::HugeTlb, &format!("hugetlb.{size}.max"), bytes.to_string(), *bytes == 0);
        }
        if let Some(cpus) = &self.cpus {
            set(Controller::CpuSet, "cpuset.cpus", cpus.clone(), false);
        }
        for (file, value) in &self.unified {
            set(Controller::Memory, file, value.clone(), false);
        }
        all
    }

    fn v1(&self) -> Vec<Setting> {
        let mut all = Vec::new();
        let mut set = |controller, file: &str, value: String, optional| {
            all.push(Setting { controller, file: file.to_owned(), value, optional });
        };
        if let Some(shares) = self.cpu_shares {
            let shares = shares.clamp(*SHARES.start(), *SHARES.end());
            set(Controller::Cpu, "cpu.shares", shares.to_string(), false);
        }
        if let Some(quota) = self.cpu_quota {
            let period = self.cpu_period.unwrap_or(PERIOD);
            set(Controller::Cpu, "cpu.cfs_period_us", period.to_string(), quota < 0);
            set(Controller::Cpu, "cpu.cfs_quota_us", quota.max(-1).to_string(), quota < 0);
        }
        if let Some(max) = self.memory_max {
            set(Controller::Memory, "memory.limit_in_bytes", max.max(-1).to_string(), max < 0);
        }
        if let Some(pids) = self.pids_max {
            set(Controller::Pids, "pids.max", limit(pids), pids < 0);
        }
        for (size, bytes) in &self.huge_pages {
            set(Controller::HugeTlb, &format!("hugetlb.{size}.limit_in_bytes"), bytes.to_string(), *bytes == 0);
        }
        if let Some(cpus) = &self.cpus {
            set(Controller::CpuSet, "cpuset.cpus", cpus.clone(), false);
        }
        all
    }
}

fn limit(value: i64) -> String {
    if value < 0 { "max".to_owned() } else { value.to_string() }
}

/// v1's shares for a request of processor time in thousandths of a processor.
pub fn shares_from_milli_cpu(milli: u64) -> u64 {
    (milli.saturating_mul(1024) / 1000).clamp(*SHARES.start(), *SHARES.end())
}

/// v2's weight for v1's shares.
///
/// A curve through (2, 1), (1024, 100) and (262144, 10000), so that a request of one processor has the weight that the
/// kernel gives to a group that nobody configured. It is the one that OCI runtimes have agreed on.
pub fn weight_from_shares(shares: u64) -> u64 {
    if shares <= *SHARES.start() {
        return 1;
    }
    if shares >= *SHARES.end() {
        return 10_000;
    }
    // 262144 is exact in f64, and the result lies between 1 and 10000.
    #[expect(clippy::cast_precision_loss, reason = "at most 262144")]
    let log = (shares as f64).log2();
    let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 10000")]
    let weight = 10f64.powf(exponent).ceil() as u64;
    weight.clamp(1, 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(resources: &Resources, mode: Mode, want: &[(&str, &str)]) {
        let settings = resources.settings(mode);
        let got: Vec<(&str, &str)> =
            settings.iter().map(|setting| (setting.file.as_str(), setting.value.as_str())).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn limits_go_to_the_files_of_each_layout() {
        let resources = Resources {
            cpu_shares: Some(1024),
            cpu_quota: Some(20_000),
            memory_max: Some(64 << 20),
            pids_max: Some(100),
            ..Resources::default()
        };
        let v2 = [("cpu.weight", "100"), ("cpu.max", "20000 100000"), ("memory.max", "67108864"), ("pids.max", "100")];
        check(&resources, Mode::V2, &v2);
        let v1 = [
            ("cpu.shares", "1024"),
            ("cpu.cfs_period_us", "100000"),
            ("cpu.cfs_quota_us", "20000"),
            ("memory.limit_in_bytes", "67108864"),
            ("pids.max", "100"),
        ];
        check(&resources, Mode::Hybrid, &v1);
    }

    #[test]
    fn a_limit_is_lifted() {
        let resources = Resources { cpu_quota: Some(-1), memory_max: Some(-1), ..Resources::default() };
        check(&resources, Mode::V2, &[("cpu.max", "max 100000"), ("memory.max", "max")]);
    }

    #[test]
    fn weights_follow_the_agreed_curve() {
        let points = [(0, 1), (2, 1), (102, 17), (1024, 100), (262_144, 10_000), (u64::MAX, 10_000)];
        for (shares, weight) in points {
            assert_eq!(weight_from_shares(shares), weight, "{shares} shares");
        }
        assert_eq!(shares_from_milli_cpu(0), 2);
        assert_eq!(shares_from_milli_cpu(250), 256);
    }
}
