//! How long charts take to render, next to the real helm where `HAKATA_HELM` names it.
//!
//! `cargo bench -p helm`: the corpus end to end, its largest charts one by one, and umbrellas of 25, 50 and 100
//! subcharts with nested `tpl` and `include`. Helm's times are those of its process, start-up and all; ours are of the
//! library, loading the chart included. The best of several rounds counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use helm::capabilities::Capabilities;
use helm::engine::Release;
use helm::render::{Options, render};
use helm::values::Values;

const ROUNDS: usize = 5;

fn ours(chart: &Path) -> usize {
    let mut chart = helm::chart::load(chart).expect("the chart loads");
    let release = Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
    let rendered = render(&mut chart, &Values::new(), &release, &Capabilities::default(), Options::default());
    rendered.expect("the chart renders").template_output(false).len()
}

fn theirs(program: &str, chart: &Path) -> usize {
    let output = Command::new(program).args(["template", "rel"]).arg(chart).args(["--namespace", "ns"]).output();
    output.expect("helm runs").stdout.len()
}

fn best(mut run: impl FnMut() -> usize) -> Duration {
    let round = |_| {
        let start = Instant::now();
        std::hint::black_box(run());
        start.elapsed()
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}

fn report(name: &str, charts: &[PathBuf], helm: Option<&str>) {
    let mine = best(|| charts.iter().map(|chart| ours(chart)).sum());
    let line = format!("{name:<48} {:>10.2} ms", mine.as_secs_f64() * 1e3);
    match helm {
        None => write_line(&line),
        Some(program) => {
            let other = best(|| charts.iter().map(|chart| theirs(program, chart)).sum());
            let ratio = other.as_secs_f64() / mine.as_secs_f64();
            write_line(&format!("{line}   helm {:>10.2} ms   {ratio:>6.1} times", other.as_secs_f64() * 1e3));
        }
    }
}

fn write_line(line: &str) {
    use std::io::Write as _;
    // A closed pipe ends the report, nothing else.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn umbrella(directory: &Path, count: usize) -> PathBuf {
    let root = directory.join(format!("umbrella-{count}"));
    let put = |path: PathBuf, text: &str| {
        fs::create_dir_all(path.parent().expect("it has a parent")).expect("the directory is made");
        fs::write(path, text).expect("the file is written");
    };
    put(root.join("Chart.yaml"), "apiVersion: v2\nname: umbrella\nversion: 1.0.0\n");
    put(root.join("values.yaml"), "global:\n  suffix: '{{ .Release.Name }}-{{ .Chart.Name }}'\n");
    for index in 0..count {
        let sub = root.join(format!("charts/sub{index}"));
        put(sub.join("Chart.yaml"), &format!("apiVersion: v2\nname: sub{index}\nversion: 1.0.0\n"));
        put(sub.join("values.yaml"), "items: [a, b, c, d, e, f, g, h]\ntext: 'x {{ include \"NAME\" . }} y'\n");
        let helpers = "{{- define \"subINDEX.name\" }}{{ tpl .Values.global.suffix . }}{{ end }}\n{{- define \"subINDEX.labels\" }}app: {{ include \"subINDEX.name\" . }}\n{{- end }}\n";
        put(sub.join("templates/_helpers.tpl"), &helpers.replace("INDEX", &index.to_string()));
        let map = "{{- range $i, $item := .Values.items }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ $item }}-{{ include \"subINDEX.name\" $ }}\n  labels:\n    {{- include \"subINDEX.labels\" $ | nindent 4 }}\ndata:\n  text: {{ tpl (replace \"NAME\" \"subINDEX.name\" $.Values.text) $ | quote }}\n  all: {{ $.Values.items | toJson | quote }}\n{{- end }}\n";
        put(sub.join("templates/map.yaml"), &map.replace("INDEX", &index.to_string()));
    }
    root
}

fn main() {
    let helm = std::env::var("HAKATA_HELM").ok();
    let helm = helm.as_deref();
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let corpus = Path::new(&std::env::var("HAKATA_CORPORA").unwrap_or_else(|_| default.to_owned())).join("helm");
    let mut charts: Vec<PathBuf> = fs::read_dir(&corpus)
        .map(|entries| {
            entries.filter_map(|entry| Some(entry.ok()?.path().join("chart"))).filter(|path| path.is_dir()).collect()
        })
        .unwrap_or_default();
    charts.sort();
    if charts.is_empty() {
        write_line("there is no chart corpus (HAKATA_CORPORA): the umbrellas alone");
    } else {
        report(&format!("the corpus, {} charts", charts.len()), &charts, helm);
        let size = |chart: &PathBuf| {
            let output = chart.with_file_name("expected-helm4.yaml");
            std::cmp::Reverse(fs::metadata(output).map_or(0, |found| found.len()))
        };
        charts.sort_by_key(size);
        for chart in charts.iter().take(5) {
            let name = chart.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
            report(&name, std::slice::from_ref(chart), helm);
        }
    }
    let directory = tempfile::tempdir().expect("a temporary directory is made");
    for count in [25, 50, 100] {
        report(&format!("umbrella of {count}"), &[umbrella(directory.path(), count)], helm);
    }
}
