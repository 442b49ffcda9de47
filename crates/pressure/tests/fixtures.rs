//! Recorded files of a pure v2 host (a kubelet with the systemd driver over containerd), read twice, as a tree of
//! ordinary folders: what comes out of them, whatever this machine is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cgroup::Hierarchy;
use pressure::{Cause, Entry, Limits, Monitor, Owner, Owners, Settings, Sort, Wanted};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const ID: &str = "8f0c3e5d7b9a8f0c3e5d7b9a8f0c3e5d7b9a8f0c3e5d7b9a8f0c3e5d7b9a1234";
const POD: &str =
    "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f1e2d3c_4b5a_6978_8796_a5b4c3d2e1f0.slice";

/// The API's part: it knows the names.
struct Names;

impl Owners for Names {
    fn pod(&self, uid: &str) -> Option<Owner> {
        let pod = Owner { sort: Sort::Pod, namespace: "shop".into(), pod: "cart-1".into(), ..Owner::default() };
        (uid == "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0").then_some(pod)
    }

    fn container(&self, id: &str, pod: Option<&str>) -> Option<Owner> {
        let pod = self.pod(pod?)?;
        let owner = Owner { sort: Sort::Container, name: "app".into(), cpu_limit: "200m".into(), ..pod };
        (id == ID).then_some(owner)
    }
}

fn write(root: &Path, group: &str, files: &[(&str, &str)]) {
    let folder = root.join(group);
    fs::create_dir_all(&folder).unwrap();
    files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
}

/// A pressure file as Linux 6.8 writes it.
fn stalled(some: u64, full: u64) -> String {
    format!(
        "some avg10=12.34 avg60=5.00 avg300=1.02 total={some}\nfull avg10=10.00 avg60=4.10 avg300=0.90 total={full}\n"
    )
}

fn pressures(root: &Path, group: &str, cpu: u64, memory: u64, io: u64) {
    let files =
        [("cpu.pressure", stalled(cpu, 0)), ("memory.pressure", stalled(memory, 0)), ("io.pressure", stalled(io, 0))];
    files.iter().for_each(|(name, text)| write(root, group, &[(name, text)]));
}

fn monitor(root: &Path) -> Monitor {
    let mounts = format!("30 23 0:27 / {} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate", root.display());
    let hierarchy = Arc::new(Hierarchy::from_mounts(&mounts).unwrap());
    let limits = Limits { descriptors: 100, budget: None };
    Monitor::over(hierarchy, None, Settings { step: Duration::from_secs(10), limits }).unwrap()
}

fn entry(monitor: &Monitor, label: &str) -> Entry {
    let report = monitor.report("n1", Wanted::default(), &Names);
    report.entries.into_iter().find(|entry| entry.owner.label() == label).unwrap()
}

#[test]
fn a_throttled_container_is_found_on_a_pure_v2_host() {
    let world = tempfile::tempdir().unwrap();
    let (root, container) = (world.path(), format!("{POD}/cri-containerd-{ID}.scope"));
    let groups = ["", "kubepods.slice", "kubepods.slice/kubepods-burstable.slice", POD, &container];
    let stat = |periods: u64, throttled: u64| {
        format!(
            "usage_usec 900000\nuser_usec 600000\nsystem_usec 300000\ncore_sched.force_idle_usec 0\nnr_periods {periods}\nnr_throttled {throttled}\nthrottled_usec {}\nnr_bursts 0\nburst_usec 0\n",
            throttled * 80_000
        )
    };
    groups.iter().for_each(|group| pressures(root, group, 1_000_000, 0, 0));
    write(root, &container, &[("cpu.stat", &stat(1000, 100)), ("cpu.max", "20000 100000\n")]);
    let mut monitor = monitor(root);
    monitor.meter_all();
    groups.iter().for_each(|group| pressures(root, group, 9_000_000, 0, 0));
    write(root, &container, &[("cpu.stat", &stat(1100, 161))]);
    monitor.step();
    let entry = entry(&monitor, "shop/cart-1/app");
    assert_eq!((entry.stalled.cpu, entry.throttled), ([8_000_000, 0], Some(61.0)));
    assert_eq!(entry.findings[0].cause, Cause::Quota);
    let want = "held back by limits.cpu of 200m: throttled in 61 % of periods";
    assert!(entry.findings[0].sentence.contains(want), "{entry:?}");
}

#[test]
fn a_unit_that_was_killed_for_memory_is_found_where_files_are_missing() {
    let world = tempfile::tempdir().unwrap();
    let (root, unit) = (world.path(), "system.slice/backup.service");
    let events =
        |max: u64, kills: u64| format!("low 0\nhigh 0\nmax {max}\noom {kills}\noom_kill {kills}\noom_group_kill 0\n");
    for group in ["", "system.slice", unit] {
        pressures(root, group, 0, 10, 0);
    }
    // An old kernel, or a controller that is not handed down.
    fs::remove_file(root.join(unit).join("cpu.pressure")).unwrap();
    let files = [("memory.current", "104857600\n"), ("memory.max", "104857600\n")];
    write(root, unit, &files);
    write(root, unit, &[("memory.events", &events(5, 0))]);
    let mut monitor = monitor(root);
    monitor.meter_all();
    for group in ["", "system.slice", unit] {
        write(root, group, &[("memory.pressure", &stalled(5_000_010, 4_000_000))]);
    }
    write(root, unit, &[("memory.events", &events(90, 2))]);
    monitor.step();
    let entry = entry(&monitor, "backup.service");
    assert_eq!((entry.findings[0].cause, entry.cpu.some), (Cause::NearOom, 0.0));
    assert!(entry.findings[0].sentence.contains("at its memory limit of 100 MiB"), "{entry:?}");
    assert!(entry.findings[0].sentence.contains("the kernel killed 2 of its processes"), "{entry:?}");
}
