//! Contention that a test makes on the machine's own kernel, and what is found out about it. Needs root, control groups
//! and pressure information, and says so where one is missing.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test says what it skipped, and fails by panicking")]

mod world;

use cgroup::{Resource, Resources};
use pressure::trigger::{Condition, LineKind, Triggers};
use pressure::{Cause, Entry, Finding, Monitor, Settings, Wanted};
use std::time::{Duration, Instant};
use world::{Disk, Own, Task};

/// How long a finding may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn monitor() -> Option<Monitor> {
    let settings = Settings { step: Duration::from_secs(2), ..Settings::default() };
    match Monitor::open(settings) {
        Ok(monitor) => Some(monitor),
        Err(error) => {
            println!("SKIPPED: {error}");
            None
        }
    }
}

/// Watches until a group's entry is as wanted.
#[track_caller]
fn until(monitor: &mut Monitor, group: &str, wanted: impl Fn(&Entry) -> bool) -> Entry {
    let deadline = Instant::now() + PATIENCE;
    loop {
        std::thread::sleep(Duration::from_millis(500));
        monitor.sample();
        if !monitor.is_step_over() {
            continue;
        }
        monitor.step();
        let report = monitor.report("here", Wanted::default(), &());
        let entry = report.entries.into_iter().find(|entry| entry.group == group);
        if let Some(entry) = entry.as_ref().filter(|entry| wanted(entry)) {
            return entry.clone();
        }
        assert!(Instant::now() < deadline, "{group} is not as wanted: {entry:#?}");
    }
}

fn finding(entry: &Entry, resource: Resource) -> Option<&Finding> {
    entry.findings.iter().find(|finding| finding.resource == resource)
}

#[test]
fn a_quota_is_blamed_for_what_it_holds_back() {
    let (Some(own), Some(mut monitor)) = (Own::new("quota"), monitor()) else { return };
    let limit = Resources { cpu_quota: Some(10_000), cpu_period: Some(100_000), ..Resources::default() };
    own.group.apply(&limit).unwrap();
    let _spinner = Task::spin(&own.group);
    let is_quota = |entry: &Entry| entry.findings.iter().any(|finding| finding.cause == Cause::Quota);
    let entry = until(&mut monitor, own.group.name(), is_quota);
    let finding = entry.findings.iter().find(|finding| finding.cause == Cause::Quota).unwrap();
    assert!(finding.sentence.contains("held back by its CPU quota of 100m: throttled in "), "{finding:?}");
    assert!(entry.throttled.unwrap() > 5.0, "{entry:?}");
}

#[test]
fn neighbours_are_blamed_and_named() {
    let (Some(own), Some(mut monitor)) = (Own::new("neighbours"), monitor()) else { return };
    // Containers, so that they are neighbours by name.
    let (victim, hog) = (own.container('a'), own.container('b'));
    victim.apply(&Resources { cpu_shares: Some(2), ..Resources::default() }).unwrap();
    let count = std::thread::available_parallelism().unwrap().get() * 2;
    let _hogs: Vec<Task> = (0..count).map(|_| Task::spin(&hog)).collect();
    let _victim = Task::spin(&victim);
    let name = hog.name().rsplit('/').next().unwrap()[..12].to_owned();
    let is_named = |entry: &Entry| {
        let blamed = entry.findings.iter().filter(|finding| finding.cause == Cause::Neighbours);
        blamed.flat_map(|finding| &finding.neighbours).any(|neighbour| neighbour.name == name)
    };
    let entry = until(&mut monitor, victim.name(), is_named);
    assert!(!entry.findings.iter().any(|finding| finding.cause == Cause::Quota), "{entry:?}");
}

#[test]
fn a_working_set_beyond_the_limit_thrashes() {
    let (Some(own), Some(mut monitor)) = (Own::new("memory"), monitor()) else { return };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    own.group.apply(&Resources { memory_max: Some(24 << 20), ..Resources::default() }).unwrap();
    // Written by the group itself, so that the file's pages are charged to it.
    let file = folder.path().join("set").display().to_string();
    let read = format!("while :; do cat {file}; done >/dev/null");
    let _readers = Task::shell(&own.group, &format!("head -c 100663296 /dev/zero > {file}; ({read}) & {read}"));
    let is_found =
        |entry: &Entry| finding(entry, Resource::Memory).is_some_and(|finding| finding.cause == Cause::Thrashing);
    let entry = until(&mut monitor, own.group.name(), is_found);
    let sentence = &finding(&entry, Resource::Memory).unwrap().sentence;
    assert!(sentence.contains("at its memory limit of 24 MiB"), "{sentence}");
}

#[test]
fn a_throttled_device_is_named() {
    let (Some(own), Some(mut monitor)) = (Own::new("io"), monitor()) else { return };
    let Some(disk) = Disk::loop_device(16) else { return };
    if !disk.throttle(&own.group, 1 << 20) {
        return;
    }
    let reader = format!("while :; do dd if={} of=/dev/null bs=64k iflag=direct; done 2>/dev/null", disk.device());
    let _reader = Task::shell(&own.group, &reader);
    let name = disk.device().trim_start_matches("/dev/").to_owned();
    let is_named = |entry: &Entry| {
        let device = finding(entry, Resource::Io).and_then(|finding| finding.device.clone());
        device.is_some_and(|device| device.starts_with(&name))
    };
    let entry = until(&mut monitor, own.group.name(), is_named);
    assert!(finding(&entry, Resource::Io).unwrap().share > 10.0, "{entry:?}");
}

#[test]
fn what_is_told_agrees_with_the_kernels_totals() {
    let (Some(own), Some(hierarchy)) = (Own::new("totals"), cgroup::Hierarchy::detect().ok()) else { return };
    let _spinners: Vec<Task> = (0..4).map(|_| Task::spin(&own.group)).collect();
    let total = || hierarchy.group(own.group.name()).pressure(Resource::Cpu).unwrap().map_or(0, |cpu| cpu.some.total);
    let outer_begin = total();
    let Some(mut monitor) = monitor() else { return };
    let inner_begin = total();
    let deadline = Instant::now() + PATIENCE;
    while total() < inner_begin + 500_000 {
        assert!(Instant::now() < deadline, "four spinners wait for half a second");
        std::thread::sleep(Duration::from_millis(200));
        monitor.sample();
    }
    let inner = total() - inner_begin;
    monitor.step();
    let outer = total() - outer_begin;
    let report = monitor.report("here", Wanted::default(), &());
    let entry = report.entries.iter().find(|entry| entry.group == own.group.name()).unwrap();
    let told = entry.stalled.cpu[0];
    assert!((inner..=outer).contains(&told), "{inner} <= {told} <= {outer}");
    let share = told as f64 / 10_000.0 / report.seconds;
    assert!((entry.cpu.some - share.min(100.0)).abs() < 0.1, "{share} {entry:?}");
}

#[test]
fn a_group_that_vanishes_under_the_monitor_does_no_harm() {
    let (Some(own), Some(mut monitor)) = (Own::new("vanish"), monitor()) else { return };
    for round in 0..20 {
        let child = own.group.child(&format!("short-{round}"));
        child.create().unwrap();
        let task = Task::spin(&child);
        monitor.sample();
        drop(task);
        child.kill().unwrap();
        child.remove().unwrap();
        monitor.sample();
    }
    monitor.step();
    let report = monitor.report("here", Wanted { all_groups: true, ..Wanted::default() }, &());
    assert!(!report.entries.iter().any(|entry| entry.group.contains("short-")), "they are gone");
    assert!(report.entries.iter().any(|entry| entry.group == own.group.name()));
}

#[test]
fn a_burst_of_a_second_fires_a_trigger_though_nobody_samples() {
    let (Some(own), Some(_)) = (Own::new("burst"), monitor()) else { return };
    let (told_tx, told_rx) = std::sync::mpsc::channel();
    let triggers = Triggers::start(move |key: &&str| {
        // Whoever does not listen any more has seen enough.
        let _ = told_tx.send(*key);
    });
    let triggers = triggers.unwrap();
    let condition = |window| Condition {
        resource: Resource::Cpu,
        line: LineKind::Some,
        threshold: Duration::from_millis(50),
        window: Duration::from_millis(window),
    };
    triggers.set("burst", &own.group, &condition(2000)).unwrap();
    // A window that takes a right that this process may not have is made longer.
    triggers.set("short", &own.group, &condition(1000)).unwrap();
    let other = own.group.child("quiet");
    other.create().unwrap();
    triggers.set("quiet", &other, &condition(2000)).unwrap();
    // As many as make each other wait; again, since the kernel looks at a new trigger from its next window on.
    let deadline = Instant::now() + PATIENCE;
    let mut fired = std::collections::BTreeSet::new();
    while !(fired.contains("burst") && fired.contains("short")) {
        assert!(Instant::now() < deadline, "only {fired:?} fired");
        let spinners: Vec<Task> = (0..8).map(|_| Task::spin(&own.group)).collect();
        std::thread::sleep(Duration::from_secs(1));
        drop(spinners);
        while let Ok(key) = told_rx.recv_timeout(Duration::from_secs(3)) {
            fired.insert(key);
        }
    }
    assert!(!fired.contains("quiet"));
    other.remove().unwrap();
    let is_gone = || !triggers.keys().contains(&"quiet");
    while !is_gone() {
        assert!(Instant::now() < deadline, "a trigger goes with its group");
        std::thread::sleep(Duration::from_millis(50));
    }
}
