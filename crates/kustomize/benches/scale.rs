//! How build time and memory grow, and the ratio to `kubectl kustomize` in the same run.
//!
//! `cargo bench -p kustomize`; the program to compare with is named by `HAKATA_KUBECTL`, else `kubectl` of the path. Times
//! of builds are processor time, and the least of several runs, so that what else the machine does counts little. The
//! sizes take turns, since a busy minute would otherwise hit one of two that are compared. `growth` is what a case takes
//! beside the one with half as many resources.

#![allow(clippy::print_stdout, reason = "a bench prints")]

use rustix::time::{ClockId, clock_gettime};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TRANSFORMERS: &str = "namePrefix: pre-
nameSuffix: -suf
namespace: everything
labels:
- includeSelectors: true
  pairs: {team: blue}
commonAnnotations: {owner: someone}
images:
- {name: nginx, newTag: 1.27.0}
replicas:
- {name: deployment-4, count: 7}
configMapGenerator:
- {name: config-0, literals: [a=b]}
patches:
- target: {kind: Deployment, name: deployment-1.*}
  patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: any}
    spec: {template: {spec: {containers: [{name: web, env: [{name: X, value: y}]}]}}}
- target: {kind: Service}
  patch: |-
    - {op: add, path: /spec/ports/0/name, value: http}
replacements:
- source: {kind: Service, name: service-0, fieldPath: metadata.name}
  targets:
  - select: {kind: Deployment, name: deployment-4}
    fieldPaths: [spec.template.metadata.annotations.peer]
    options: {create: true}
";

/// Resources of five kinds that name one another.
fn resources(count: usize, mixed: bool) -> String {
    let mut text = String::new();
    for i in 0..count {
        let n = i / 5 * 5;
        let written = match if mixed { i % 5 } else { 2 } {
            0 => write!(
                text,
                "apiVersion: v1\nkind: Service\nmetadata:\n  name: service-{i}\nspec:\n  selector:\n    app: app-{n}\n  ports:\n  - port: 80\n    targetPort: 8080\n"
            ),
            1 => write!(text, "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: account-{i}\n"),
            2 => write!(
                text,
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-{i}\ndata:\n  key: value-{i}\n  other: \"{i}\"\n"
            ),
            3 => write!(
                text,
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: secret-{i}\nstringData:\n  password: p{i}\n"
            ),
            _ => write!(
                text,
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: deployment-{i}\nspec:\n  replicas: 1\n  selector:\n    matchLabels:\n      app: app-{n}\n  template:\n    metadata:\n      labels:\n        app: app-{n}\n    spec:\n      serviceAccountName: account-{}\n      containers:\n      - name: web\n        image: nginx:1.25\n        envFrom:\n        - configMapRef:\n            name: settings-{}\n        - secretRef:\n            name: secret-{}\n        - configMapRef:\n            name: config-0\n",
                n + 1,
                n + 2,
                n + 3
            ),
        };
        written.expect("memory takes text");
        text.push_str("---\n");
    }
    text
}

fn make(dir: &Path, count: usize, mixed: bool, transformers: bool) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let mut head = "resources:\n- all.yaml\n".to_owned();
    if transformers {
        head.push_str(TRANSFORMERS);
    }
    std::fs::write(dir.join("kustomization.yaml"), head)?;
    std::fs::write(dir.join("all.yaml"), resources(count, mixed))
}

/// Builds in this process, and prints the processor time in microseconds and the peak of memory in kilobytes.
fn measure(dir: &str) -> Result<(), Box<dyn Error>> {
    let start = processor_time();
    let built = kustomize::build(&kustomize::Disk, dir, &kustomize::Options::default())?;
    let text = built.to_yaml()?;
    // As the command does it, which ends here.
    std::mem::forget(built);
    let took = processor_time().saturating_sub(start);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB").trim();
    println!("{} {} {}", took.as_micros(), peak.split(' ').next().unwrap_or("0"), text.len());
    Ok(())
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Runs a program that has to succeed; its whole time, and what it said.
fn run(program: &Path, args: &[&str]) -> Option<(Duration, String)> {
    let start = Instant::now();
    let ran = Command::new(program).args(args).stderr(Stdio::null()).output().ok()?;
    let took = start.elapsed();
    ran.status.success().then(|| (took, String::from_utf8_lossy(&ran.stdout).into_owned()))
}

/// What is built, and the least that it took so far.
struct Case {
    name: &'static str,
    count: usize,
    dir: String,
    /// Processor time of the build.
    build: Duration,
    /// From the start of the program to its end.
    whole: Duration,
    /// In megabytes.
    peak: u64,
}

impl Case {
    fn new(place: &Path, name: &'static str, count: usize, mixed: bool, transformers: bool) -> std::io::Result<Self> {
        let dir = place.join(format!("{count}-{mixed}-{transformers}"));
        make(&dir, count, mixed, transformers)?;
        let dir = dir.to_string_lossy().into_owned();
        Ok(Self { name, count, dir, build: Duration::MAX, whole: Duration::MAX, peak: 0 })
    }

    fn run(&mut self) -> Result<(), Box<dyn Error>> {
        let (whole, said) = run(&std::env::current_exe()?, &["--measure", &self.dir]).ok_or("our own build failed")?;
        let mut numbers = said.split_whitespace().map(|number| number.parse::<u64>().unwrap_or(0));
        self.build = self.build.min(Duration::from_micros(numbers.next().unwrap_or(0)));
        self.whole = self.whole.min(whole);
        self.peak = self.peak.max(numbers.next().unwrap_or(0) / 1024);
        Ok(())
    }

    /// The least of kubectl's runs: minutes each for many resources, so there is one of those.
    fn kubectl(&self, kubectl: &Path) -> Option<Duration> {
        let runs = match self.count {
            0..=1_000 => 3,
            1_001..=5_000 => 1,
            _ => 0,
        };
        (0..runs).filter_map(|_| run(kubectl, &["kustomize", &self.dir])).map(|(took, _)| took).min()
    }
}

/// Runs of each case.
const ROUNDS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, dir] = args.as_slice()
        && flag == "--measure"
    {
        return measure(dir);
    }
    let kubectl = PathBuf::from(std::env::var("HAKATA_KUBECTL").unwrap_or_else(|_| "kubectl".to_owned()));
    let place = std::env::temp_dir().join(format!("kustomize-bench-{}", std::process::id()));
    let mut cases = Vec::new();
    for (name, count, mixed, transformers) in [
        ("10 mixed, transformers", 10, true, true),
        ("1,000 mixed", 1_000, true, false),
        ("5,000 plain", 5_000, false, false),
        ("1,000 mixed, transformers", 1_000, true, true),
        ("2,000 mixed, transformers", 2_000, true, true),
        ("5,000 mixed, transformers", 5_000, true, true),
        ("10,000 mixed, transformers", 10_000, true, true),
        ("20,000 mixed, transformers", 20_000, true, true),
    ] {
        cases.push(Case::new(&place, name, count, mixed, transformers)?);
    }
    for _ in 0..ROUNDS {
        cases.iter_mut().try_for_each(Case::run)?;
    }
    println!("{:<28} {:>10} {:>7} {:>10} {:>14} {:>8}", "case", "build", "growth", "peak", "kubectl", "ratio");
    for (at, case) in cases.iter().enumerate() {
        let half = at.checked_sub(1).map(|before| &cases[before]).filter(|half| half.count * 2 == case.count);
        let growth = half.map_or(String::new(), |half| format!("{:.2}x", millis(case.build) / millis(half.build)));
        print!("{:<28} {:>7.1} ms {growth:>7} {:>7} MB ", case.name, millis(case.build), case.peak);
        match case.kubectl(&kubectl) {
            Some(theirs) => {
                println!("{:>11.1} ms {:>7.1}x", millis(theirs), millis(theirs) / millis(case.whole));
            }
            None => println!("{:>14}", "not run"),
        }
    }
    std::fs::remove_dir_all(&place)?;
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
