//! The sampler over trees that are ordinary folders, as a pure v2 host would show them.

use super::*;
use std::collections::BTreeMap;
use std::fs;

struct World(tempfile::TempDir);

impl World {
    fn new(groups: &[&str]) -> World {
        let world = World(tempfile::tempdir().unwrap());
        world.set("", 0, 0);
        for group in groups {
            let ends = group.match_indices('/').map(|(at, _)| at).chain([group.len()]);
            ends.for_each(|end| world.set(&group[..end], 0, 0));
        }
        world
    }

    /// Sets what a group has waited for the processor: some, full.
    fn set(&self, group: &str, some: u64, full: u64) {
        let folder = self.0.path().join(group);
        fs::create_dir_all(&folder).unwrap();
        let line = |kind: &str, total: u64| format!("{kind} avg10=0.00 avg60=0.00 avg300=0.00 total={total}\n");
        fs::write(folder.join("cpu.pressure"), line("some", some) + &line("full", full)).unwrap();
        fs::write(folder.join("memory.pressure"), line("some", 0) + &line("full", 0)).unwrap();
        fs::write(folder.join("io.pressure"), line("some", 0) + &line("full", 0)).unwrap();
    }

    fn remove(&self, group: &str) {
        fs::remove_dir_all(self.0.path().join(group)).unwrap();
    }

    fn count(&self, group: &str, below: u64) {
        let text = format!("nr_descendants {below}\nnr_dying_descendants 0\n");
        fs::write(self.0.path().join(group).join("cgroup.stat"), text).unwrap();
    }

    fn open(&self) -> Sampler {
        Sampler::open(self.0.path(), None, Limits { descriptors: 100, budget: None })
    }
}

fn taken(sampler: &mut Sampler) -> BTreeMap<String, (u64, u64)> {
    let mut all = BTreeMap::new();
    sampler.take(|name, stalls| {
        all.insert(name.to_owned(), (stalls.some[0], stalls.full[0]));
    });
    all
}

#[test]
fn what_was_before_does_not_count_and_what_comes_after_does() {
    let world = World::new(&["pods/a"]);
    world.set("pods/a", 500, 50);
    let mut sampler = world.open();
    assert!(taken(&mut sampler).is_empty());
    for group in ["", "pods", "pods/a"] {
        world.set(group, 900, 60);
    }
    sampler.sample();
    assert_eq!(taken(&mut sampler)["pods/a"], (400, 10));
    sampler.sample();
    assert!(taken(&mut sampler).is_empty(), "nothing moved");
}

#[test]
fn below_a_group_that_did_not_wait_nobody_is_read() {
    let world = World::new(&["quiet/a", "quiet/b", "busy/c"]);
    let mut sampler = world.open();
    assert_eq!(sampler.sample(), Round { groups: 1, reads: 4, left: 0 }, "the root alone");
    for group in ["", "busy", "busy/c"] {
        world.set(group, 7, 0);
    }
    let round = sampler.sample();
    // The root, for all resources; its two children and the child of the one that waited, for the processor alone.
    assert_eq!(taken(&mut sampler).keys().collect::<Vec<_>>(), ["", "busy", "busy/c"]);
    assert_eq!(round, Round { groups: 4, reads: 7, left: 0 });
}

#[test]
fn groups_come_and_go() {
    let world = World::new(&["a", "b"]);
    let mut sampler = world.open();
    assert_eq!(sampler.len(), 3);
    world.set("c/d", 30, 0);
    world.set("c", 30, 0);
    world.set("", 30, 0);
    world.remove("a");
    sampler.refresh(false);
    sampler.sample();
    assert_eq!(sampler.names().collect::<std::collections::BTreeSet<_>>(), ["", "b", "c", "c/d"].into());
    assert_eq!(taken(&mut sampler)["c/d"], (30, 0), "all that a new group waited counts");
    world.remove("c");
    sampler.refresh(true);
    assert_eq!(sampler.len(), 2);
}

#[test]
fn a_group_that_vanishes_between_two_looks_is_forgotten() {
    let world = World::new(&["a/b"]);
    let mut sampler = Sampler::open(world.0.path(), None, Limits { descriptors: 0, budget: None });
    world.remove("a/b");
    ["", "a"].iter().for_each(|group| world.set(group, 5, 0));
    sampler.sample();
    assert_eq!(sampler.names().collect::<Vec<_>>(), ["", "a"]);
    assert!(sampler.stale);
}

#[test]
fn where_the_number_of_groups_is_the_same_nobody_looks() {
    let world = World::new(&["a/b"]);
    world.count("", 2);
    world.count("a", 1);
    let mut sampler = world.open();
    world.set("a/c", 1, 0);
    sampler.refresh(false);
    assert_eq!(sampler.len(), 3, "the numbers say that nothing is new");
    world.count("", 3);
    world.count("a", 2);
    sampler.refresh(false);
    assert_eq!(sampler.len(), 4);
}

#[test]
fn what_does_not_fit_the_budget_is_read_later() {
    let groups: Vec<String> = (0..100).map(|number| format!("pod{number}")).collect();
    let world = World::new(&groups.iter().map(String::as_str).collect::<Vec<_>>());
    let mut sampler = Sampler::open(world.0.path(), None, Limits { descriptors: 1000, budget: Some(Duration::ZERO) });
    world.set("", 9, 0);
    groups.iter().for_each(|group| world.set(group, 9, 0));
    let first = sampler.sample();
    assert!(first.left > 0, "{first:?}");
    let mut rounds = 0;
    while sampler.sample().left > 0 {
        rounds += 1;
        assert!(rounds < 100, "it gets through");
    }
    assert_eq!(taken(&mut sampler).len(), 101);
}

#[test]
fn the_machine_stands_in_where_the_root_has_no_files() {
    let world = World::new(&[]);
    let host = tempfile::tempdir().unwrap();
    fs::remove_file(world.0.path().join("cpu.pressure")).unwrap();
    fs::write(host.path().join("cpu"), "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n").unwrap();
    let mut sampler = Sampler::open(world.0.path(), Some(host.path()), Limits { descriptors: 9, budget: None });
    fs::write(host.path().join("cpu"), "some avg10=0.00 avg60=0.00 avg300=0.00 total=4\n").unwrap();
    sampler.sample();
    assert_eq!(taken(&mut sampler)[""], (3, 0));
}

#[test]
fn who_never_waits_is_read_less_often_and_misses_nothing() {
    let world = World::new(&["busy", "quiet"]);
    let mut sampler = world.open();
    let mut reads = 0;
    for round in 1..=32 {
        ["", "busy"].iter().for_each(|group| world.set(group, round, 0));
        reads += sampler.sample().reads;
    }
    assert_eq!(taken(&mut sampler)["busy"], (32, 0));
    // The root has four files and the busy one is read for the processor, each round; the quiet one hardly ever.
    assert!(reads <= 32 * 5 + 8, "{reads}");
    ["", "busy", "quiet"].iter().for_each(|group| world.set(group, 50, 0));
    sampler.sample_all();
    assert_eq!(taken(&mut sampler)["quiet"], (50, 0));
}
