//! How long `hakata up` takes to a ready node, and what an idle cluster costs: memory and CPU time of all its processes.
//!
//! `cargo build --release -p hakata && cargo bench -p hakata --bench up` as root. It starts throw-away clusters of the
//! release build one after the other, and leaves nothing behind.
//!
//! - `HAKATA_BIN`: the program to measure, else `hakata` in the folder of this build.
//! - `HAKATA_BENCH_SECONDS`: how long the idle cluster is watched (30).

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and stops at the first error")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often a cluster is started.
const STARTS: usize = 10;
/// How long a new cluster is left alone before its idle cost is read.
const SETTLE: Duration = Duration::from_secs(20);
/// The kernel counts CPU time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    let missing = cluster::preflight::check();
    if !missing.is_empty() {
        missing.iter().for_each(|missing| println!("SKIPPED: {}", missing.what));
        return;
    }
    let program = program();
    starts(&program);
    idle(&program);
}

/// The program: as told, else the one that was built beside this bench.
fn program() -> PathBuf {
    env::var_os("HAKATA_BIN").map_or_else(
        || env::current_exe().unwrap().ancestors().nth(2).unwrap().join("hakata"),
        |path| PathBuf::from(path).canonicalize().unwrap(),
    )
}

fn starts(program: &Path) {
    let (mut new, mut again, mut downs) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..STARTS {
        let cluster = Cluster { program, name: format!("bench-{}-{number}", std::process::id()) };
        new.push(cluster.up());
        downs.push(cluster.run("down", &[]));
        again.push(cluster.up());
    }
    tell("up, a new cluster", new);
    tell("up, one that was there before", again);
    tell("down", downs);
}

fn idle(program: &Path) {
    let seconds = env::var("HAKATA_BENCH_SECONDS").map_or(30.0, |text| text.parse().unwrap());
    let cluster = Cluster { program, name: format!("bench-{}-idle", std::process::id()) };
    cluster.up();
    std::thread::sleep(SETTLE);
    let before = ticks(program);
    std::thread::sleep(Duration::from_secs_f64(seconds));
    let share = (ticks(program) - before) / TICKS_PER_SECOND / seconds;
    let processes = processes(program);
    let resident: u64 = processes.iter().map(|process| resident(process)).sum();
    println!(
        "idle: {} processes, {:.1} MiB resident, {:.2} % of a core",
        processes.len(),
        resident as f64 / 1024.0,
        share * 100.0
    );
}

/// A cluster that is deleted at the end.
struct Cluster<'p> {
    program: &'p Path,
    name: String,
}

impl Cluster<'_> {
    fn up(&self) -> Duration {
        self.run("up", &["--no-kubeconfig"])
    }

    /// How long the command takes.
    fn run(&self, verb: &str, more: &[&str]) -> Duration {
        let begun = Instant::now();
        let status = Command::new(self.program).args([verb, &self.name]).args(more).stdout(Stdio::null()).status();
        assert!(status.unwrap().success(), "hakata {verb} failed");
        begun.elapsed()
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        // The bench ends anyway; what stays is told by the command itself.
        let _ = Command::new(self.program).args(["down", &self.name, "--delete"]).stdout(Stdio::null()).status();
    }
}

/// The folders of all processes that run the program, among them the shims of pods.
fn processes(program: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    all.filter(|process| fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program)).collect()
}

/// CPU time so far of all processes that run the program, in ticks.
fn ticks(program: &Path) -> f64 {
    let of = |process: &PathBuf| {
        let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
        // The second field is the name in parentheses, which may hold spaces; utime and stime are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(')')?;
        Some(fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>())
    };
    processes(program).iter().filter_map(of).sum()
}

/// Resident memory of a process in KiB.
fn resident(process: &Path) -> u64 {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what}: {} times, median {:.0} ms, longest {:.0} ms",
        times.len(),
        median.as_secs_f64() * 1000.0,
        worst.as_secs_f64() * 1000.0
    );
}
