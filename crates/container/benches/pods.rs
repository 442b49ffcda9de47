//! How long a pod takes from nothing to a running container, one by one and many at once, and what it costs to keep:
//! the memory of shims that share their text.
//!
//! `cargo bench -p container` as root, with Debian's busybox-static. `HAKATA_BENCH_PODS` says how many (50), and
//! `HAKATA_BENCH_EXECUTABLE` which program becomes shim and runtime (`target/release/hakata`; this one otherwise).

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench is read by people")]

use container::{Config, ContainerConfig, ImageConfig, ImportOptions, PodConfig, Runtime};
use std::path::Path;
use std::time::{Duration, Instant};

const BUSYBOX: &str = "/bin/busybox";

fn main() {
    container::reexec::main_if_asked();
    if !rustix::process::geteuid().is_root() || !Path::new(BUSYBOX).exists() {
        println!("SKIPPED: it needs root and busybox-static");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(bench());
}

async fn bench() {
    let folder = tempfile::Builder::new().prefix("hakata-bench-").tempdir().unwrap();
    let cluster = format!("bench-{}", std::process::id());
    let config = Config {
        cluster: cluster.clone(),
        data: folder.path().join("data"),
        run: folder.path().join("run"),
        executable: std::env::var_os("HAKATA_BENCH_EXECUTABLE")
            .map_or_else(|| std::env::current_exe().unwrap(), Into::into),
        ..Config::default()
    };
    let runtime = Runtime::open(config).await.unwrap();
    image(&runtime, folder.path()).await;
    let count = std::env::var("HAKATA_BENCH_PODS").ok().and_then(|text| text.parse().ok()).unwrap_or(50_usize);
    let mut steps: [Vec<Duration>; 4] = Default::default();
    for number in 0..count {
        let times = pod(&runtime, &cluster, &format!("one-{number}")).await;
        steps.iter_mut().zip(times).for_each(|(step, time)| step.push(time));
    }
    for (name, times) in ["sandbox", "create", "start", "all"].iter().zip(&mut steps) {
        times.sort();
        let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
        println!("one by one: {name:8} p50 {:6.1?} p99 {:6.1?}", at(50), at(99));
    }
    memory(&runtime);
    let begin = Instant::now();
    let names: Vec<String> = (0..count).map(|number| format!("many-{number}")).collect();
    let all = names.iter().map(|name| pod(&runtime, &cluster, name));
    futures_util::future::join_all(all).await;
    println!("{count} at once: all run after {:.1?}", begin.elapsed());
    let begin = Instant::now();
    runtime.remove_all().await.unwrap();
    println!("{} removed in {:.1?}", 2 * count, begin.elapsed());
    // A node removes it with its cluster.
    cgroup::Hierarchy::detect().unwrap().group(&format!("/hakata-{cluster}")).remove().unwrap();
}

async fn image(runtime: &Runtime, folder: &Path) {
    let root = folder.join("root");
    std::fs::create_dir_all(root.join("bin")).unwrap();
    std::fs::copy(BUSYBOX, root.join("bin/busybox")).unwrap();
    let options = ImportOptions { name: Some("busybox".to_owned()), config: ImageConfig::default() };
    runtime.images().import(&root, options).await.unwrap();
}

async fn pod(runtime: &Runtime, cluster: &str, uid: &str) -> [Duration; 4] {
    let begin = Instant::now();
    let pod =
        PodConfig { uid: uid.to_owned(), cgroup_parent: format!("/hakata-{cluster}/pod{uid}"), ..PodConfig::default() };
    runtime.run_pod(pod).await.unwrap();
    let sandbox = begin.elapsed();
    let container = ContainerConfig {
        pod: uid.to_owned(),
        name: "main".to_owned(),
        image: "busybox".to_owned(),
        argv: ["/bin/busybox", "sleep", "1000"].map(str::to_owned).to_vec(),
        seccomp: container::config::Seccomp::RuntimeDefault,
        ..ContainerConfig::default()
    };
    let id = runtime.create(container).await.unwrap();
    let created = begin.elapsed();
    runtime.start(&id).await.unwrap();
    let started = begin.elapsed();
    [sandbox, created - sandbox, started - created, started]
}

/// What all shims take together, each page shared by several counted in parts.
fn memory(runtime: &Runtime) {
    let (mut parts, mut own, mut count) = (0, 0, 0);
    for shim in runtime.pods().iter().filter_map(|pod| pod.shim) {
        let text = std::fs::read_to_string(format!("/proc/{shim}/smaps_rollup")).unwrap_or_default();
        let of = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0)
        };
        parts += of("Pss:");
        own += of("Private_Dirty:") + of("Private_Clean:");
        count += 1;
    }
    let (parts, own) = (parts / count.max(1), own / count.max(1));
    println!("memory of a shim, {count} of them: {parts} kB in parts (Pss), {own} kB of its own");
}
