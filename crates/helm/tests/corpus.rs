//! Real charts, rendered with their default values: equal to what Helm 4 prints, blank lines and trailing spaces aside.

use std::fs;
use std::path::{Path, PathBuf};

use helm::capabilities::Capabilities;
use helm::engine::Release;
use helm::render::{Options, render};
use helm::values::Values;

fn corpus() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let root = std::env::var("HAKATA_CORPORA").unwrap_or_else(|_| default.to_owned());
    let path = Path::new(&root).join("helm");
    path.is_dir().then_some(path)
}

fn template(path: &Path) -> Result<String, helm::Error> {
    let mut chart = helm::chart::load(path)?;
    let release = Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
    let rendered = render(&mut chart, &Values::new(), &release, &Capabilities::default(), Options::default())?;
    Ok(rendered.template_output(false))
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect()
}

/// The first line that differs.
fn difference(got: &str, want: &str) -> Option<String> {
    let (got, want) = (lines(got), lines(want));
    if got == want {
        return None;
    }
    let at = got.iter().zip(&want).position(|(a, b)| a != b).unwrap_or(got.len().min(want.len()));
    let line = |lines: &[&str]| lines.get(at).copied().unwrap_or("(end)").to_owned();
    Some(format!("line {at}: {:?} instead of {:?}", line(&got), line(&want)))
}

#[test]
fn charts_render_as_with_helm_4() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: there is no chart corpus (HAKATA_CORPORA)");
        return;
    };
    let mut cases: Vec<PathBuf> = fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.join("chart").is_dir());
    cases.sort();
    let mut failures = Vec::new();
    for case in &cases {
        let want = fs::read_to_string(case.join("expected-helm4.yaml")).unwrap();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        match template(&case.join("chart")) {
            Ok(got) => failures.extend(difference(&got, &want).map(|difference| format!("{name}: {difference}"))),
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    assert!(failures.is_empty(), "{} of {} charts differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
