//! Groups on the machine's own kernel: needs root and mounted control groups, and says so where it has neither.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test says what it skipped, and fails by panicking")]

use cgroup::{Group, Hierarchy, Mode, Resource, Resources};
use std::process::{Child, Command};
use std::sync::Arc;

/// A group of the test's own, removed at its end.
struct Own(Group);

impl Own {
    fn new(name: &str) -> Option<Own> {
        let hierarchy: Arc<Hierarchy> = match Hierarchy::detect() {
            Ok(hierarchy) => hierarchy,
            Err(error) => {
                println!("SKIPPED: {error}");
                return None;
            }
        };
        let group = hierarchy.group(&format!("hakata-test-{name}-{}", std::process::id()));
        match group.create() {
            Ok(()) => Some(Own(group)),
            Err(error) => {
                println!("SKIPPED: {error}: control groups are written by root alone");
                None
            }
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.remove();
    }
}

/// A process that only waits, ended at last.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Sleeper {
        Sleeper(Command::new("sleep").arg("600").spawn().unwrap())
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_group_is_made_in_every_tree_and_leaves_nothing() {
    let Some(own) = Own::new("made") else { return };
    let child = own.0.child("pod");
    child.create().unwrap();
    child.create().unwrap();
    assert!(child.paths().iter().all(|path| path.is_dir()), "{:?}", child.paths());
    assert_eq!(own.0.children(), ["pod"]);
    own.0.remove().unwrap();
    own.0.remove().unwrap();
    assert!(!own.0.exists());
}

#[test]
fn limits_are_the_kernels() {
    let Some(own) = Own::new("limits") else { return };
    let resources = Resources {
        cpu_shares: Some(512),
        cpu_quota: Some(50_000),
        memory_max: Some(64 << 20),
        pids_max: Some(50),
        ..Resources::default()
    };
    own.0.apply(&resources).unwrap();
    let statistics = own.0.statistics().unwrap();
    assert_eq!(statistics.memory.limit, Some(64 << 20));
    assert_eq!(statistics.pids.limit, Some(50));
    own.0.apply(&Resources { memory_max: Some(-1), pids_max: Some(-1), ..Resources::default() }).unwrap();
    let statistics = own.0.statistics().unwrap();
    assert_eq!((statistics.memory.limit, statistics.pids.limit), (None, None));
}

#[test]
fn processes_join_are_counted_and_killed() {
    let Some(own) = Own::new("kill") else { return };
    let (leaf, mut sleeper) = (own.0.child("leaf"), Sleeper::start());
    leaf.create().unwrap();
    leaf.join(sleeper.0.id()).unwrap();
    assert_eq!(own.0.processes().unwrap().into_iter().collect::<Vec<_>>(), [sleeper.0.id()]);
    assert_eq!(leaf.statistics().unwrap().pids.current, 1);
    leaf.freeze(true).unwrap();
    // Its end shows only after somebody has waited for it.
    let waiter = std::thread::spawn(move || sleeper.0.wait().map(|status| status.success()));
    own.0.kill().unwrap();
    assert!(!waiter.join().unwrap().unwrap());
    assert!(own.0.processes().unwrap().is_empty());
}

#[test]
fn pressure_is_read_where_the_kernel_offers_it() {
    let Some(own) = Own::new("pressure") else { return };
    let hierarchy = Hierarchy::detect().unwrap();
    let offered = hierarchy.unified().is_some_and(|root| root.join("cpu.pressure").exists());
    let pressure = own.0.pressure(Resource::Cpu).unwrap();
    assert_eq!(pressure.is_some(), offered && hierarchy.mode() != Mode::V1);
}

#[test]
fn a_group_that_is_gone_has_used_nothing() {
    let Some(own) = Own::new("gone") else { return };
    let gone = own.0.child("never");
    assert_eq!(gone.statistics().unwrap().cpu.usage, 0);
    assert_eq!(gone.pressure(Resource::Memory).unwrap(), None);
    assert!(gone.processes().unwrap().is_empty());
}
