//! How much of a processor it takes to sample 10,000 control groups once a second.
//!
//! Makes 10,000 groups in the cgroup2 tree (2,500 pods of three containers), measures, and removes them. Three numbers:
//! all quiet; one pod in fifty under pressure; and every file of every group read, which is what the first round costs.
//! Run it with `cargo bench -p pressure`; `HAKATA_GROUPS` sets another number.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and fails by panicking")]

use cgroup::{Group, Hierarchy};
use pressure::{Limits, Sampler};
use rustix::time::{ClockId, clock_gettime};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Containers in a pod.
const CONTAINERS: usize = 3;
/// One pod in so many is busy.
const BUSY: usize = 50;
/// Rounds of a measurement, a second each: a step of the history, at whose end all that is due is read.
const ROUNDS: u32 = 10;

fn main() {
    let groups: usize = std::env::var("HAKATA_GROUPS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let hierarchy = Hierarchy::detect().unwrap();
    let Some(root) = hierarchy.unified().filter(|root| root.join("cpu.pressure").exists()) else {
        println!("SKIPPED: the kernel has no pressure information, or cgroup2 is not mounted");
        return;
    };
    let tree = Tree::make(&root.join("hakata-bench"), groups / (CONTAINERS + 1));
    let limits = Limits { budget: None, ..Limits::default() };
    let begun = Instant::now();
    let mut sampler = Sampler::open(root, None, limits);
    println!("{} groups, {} descriptors; all read once in {:.1?}", sampler.len(), limits.descriptors, begun.elapsed());
    measure("all quiet", &mut sampler);
    let spinners = tree.spin(&hierarchy);
    measure(&format!("{} pods under pressure", spinners.len()), &mut sampler);
    drop(spinners);
}

/// Samples once a second, as a node does.
fn measure(what: &str, sampler: &mut Sampler) {
    // The paces settle first.
    for _ in 0..4 {
        std::thread::sleep(Duration::from_secs(1));
        sampler.sample_all();
    }
    let (mut used, mut reads, mut waited) = (Duration::ZERO, 0, 0);
    for round in 1..=ROUNDS {
        std::thread::sleep(Duration::from_secs(1));
        let begun = processor_time();
        sampler.refresh(false);
        let done = if round == ROUNDS { sampler.sample_all() } else { sampler.sample() };
        reads += done.reads;
        sampler.take(|_, _| waited += 1);
        used += processor_time() - begun;
    }
    let each = used / ROUNDS;
    println!(
        "{what}: {each:.2?} a second, {:.2} % of a processor ({} files read a round, {} groups waited)",
        each.as_secs_f64() * 100.0,
        reads / ROUNDS as usize,
        waited / ROUNDS
    );
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// Groups that are removed at the end.
struct Tree {
    root: std::path::PathBuf,
    pods: usize,
}

impl Tree {
    fn make(root: &std::path::Path, pods: usize) -> Tree {
        let tree = Tree { root: root.to_owned(), pods };
        tree.folders().iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
        tree
    }

    /// Parents first.
    fn folders(&self) -> Vec<std::path::PathBuf> {
        let mut all = vec![self.root.clone()];
        for pod in 0..self.pods {
            let folder = self.root.join(format!("pod{pod:012}"));
            all.push(folder.clone());
            all.extend((0..CONTAINERS).map(|container| folder.join(format!("container{container}"))));
        }
        all
    }

    fn spin(&self, hierarchy: &std::sync::Arc<Hierarchy>) -> Vec<Spinner> {
        let busy = (0..self.pods).step_by(BUSY);
        busy.map(|pod| Spinner::start(&hierarchy.group(&format!("hakata-bench/pod{pod:012}/container0")))).collect()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        for folder in self.folders().iter().rev() {
            let begun = Instant::now();
            while std::fs::remove_dir(folder).is_err() && folder.exists() && begun.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// A process that works a little, again and again, and so waits for others that do.
struct Spinner(Child);

impl Spinner {
    fn start(group: &Group) -> Spinner {
        let script = "read go; while :; do i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; sleep 0.2; done";
        let mut child = Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
        std::fs::write(group.unified_path().unwrap().join("cgroup.procs"), child.id().to_string()).unwrap();
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        Spinner(child)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
