//! How build time and memory grow, and the ratio to `kubectl kustomize` in the same run.
//!
//! `cargo bench -p kustomize`; the program to compare with is named by `HAKATA_KUBECTL`, else `kubectl` of the path.

#![allow(clippy::print_stdout, reason = "a bench prints")]

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

/// Builds in this process, and prints the time and the peak of memory.
fn measure(dir: &str) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let text = kustomize::build(&kustomize::Disk, dir, &kustomize::Options::default())?.into_yaml()?;
    let took = start.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB").trim();
    println!("{} {} {}", took.as_micros(), peak.split(' ').next().unwrap_or("0"), text.len());
    Ok(())
}

/// The best of three runs of a program, by its whole time.
fn best(program: &Path, args: &[&str]) -> Option<(Duration, String)> {
    let mut best: Option<(Duration, String)> = None;
    for _ in 0..3 {
        let start = Instant::now();
        let ran =
            Command::new(program).args(args).stderr(Stdio::null()).output().ok().filter(|ran| ran.status.success())?;
        let took = start.elapsed();
        if best.as_ref().is_none_or(|(least, _)| took < *least) {
            best = Some((took, String::from_utf8_lossy(&ran.stdout).into_owned()));
        }
    }
    best
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, dir] = args.as_slice()
        && flag == "--measure"
    {
        return measure(dir);
    }
    let kubectl = PathBuf::from(std::env::var("HAKATA_KUBECTL").unwrap_or_else(|_| "kubectl".to_owned()));
    let place = std::env::temp_dir().join(format!("kustomize-bench-{}", std::process::id()));
    println!("{:<28} {:>10} {:>10} {:>12} {:>8}", "case", "build", "peak", "kubectl", "ratio");
    let cases = [
        ("10 mixed, transformers", 10, true, true),
        ("1,000 mixed", 1_000, true, false),
        ("1,000 mixed, transformers", 1_000, true, true),
        ("5,000 plain", 5_000, false, false),
        ("5,000 mixed, transformers", 5_000, true, true),
        ("10,000 mixed, transformers", 10_000, true, true),
        ("20,000 mixed, transformers", 20_000, true, true),
    ];
    for (name, count, mixed, transformers) in cases {
        let dir = place.join(count.to_string()).join(format!("{mixed}-{transformers}"));
        make(&dir, count, mixed, transformers)?;
        let dir = dir.to_string_lossy();
        let (whole, said) = best(&std::env::current_exe()?, &["--measure", &dir]).ok_or("our own build failed")?;
        let mut numbers = said.split_whitespace().map(|number| number.parse::<u64>().unwrap_or(0));
        let build = Duration::from_micros(numbers.next().unwrap_or(0));
        let peak = numbers.next().unwrap_or(0) / 1024;
        let (theirs, ratio) = match (count <= 5_000).then(|| best(&kubectl, &["kustomize", &dir])).flatten() {
            Some((theirs, _)) => {
                (format!("{:.1} ms", millis(theirs)), format!("{:.1}x", millis(theirs) / millis(whole)))
            }
            None => ("skipped".to_owned(), String::new()),
        };
        println!("{name:<28} {:>7.1} ms {peak:>7} MB {theirs:>12} {ratio:>8}", millis(build));
    }
    std::fs::remove_dir_all(&place)?;
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
