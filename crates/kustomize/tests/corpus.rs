//! Every case of the shared corpus of kustomize's own tests: the same bytes, or the same parts of the error.
//!
//! Where the corpus is absent, the test says so and passes; cases with charts need a helm program (`HAKATA_HELM`, or
//! the one beside the corpora) and are counted as skipped without one.

use kustomize::{Disk, Options, Order, build};
use std::path::{Path, PathBuf};
use value::Value;

fn corpora() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    std::env::var_os("HAKATA_CORPORA").map_or_else(|| default.into(), PathBuf::from)
}

fn helm() -> Option<String> {
    let beside = corpora().join("../../oracle/layer36/helm/helm");
    let named = std::env::var_os("HAKATA_HELM").map_or(beside, PathBuf::from);
    named.is_file().then(|| named.to_string_lossy().into_owned())
}

/// What went wrong with a case, if anything; the outer option is for skipped cases.
fn run(case: &Path) -> Option<Result<(), String>> {
    let text = |name: &str| std::fs::read_to_string(case.join(name)).ok();
    let meta: Value = serde_json::from_str(&text("meta.json")?).ok()?;
    let option = |path: &str| meta.pointer(path).cloned().unwrap_or_default();
    let needs_helm = option("/needs_helm") == true;
    let helm = helm();
    if needs_helm && helm.is_none() {
        return None;
    }
    let options = Options {
        load_anything: option("/options/LoadRestrictions") == "LoadRestrictionsNone",
        order: match (option("/order") == "fifo", option("/options/Reorder").as_str()) {
            (true, _) => Order::Input,
            (_, Some("legacy")) => Order::LegacyByFlag,
            _ => Order::Legacy,
        },
        enable_plugins: option("/options/PluginsEnabled") == true,
        enable_helm: needs_helm,
        helm_command: helm.unwrap_or_default(),
        ..Options::default()
    };
    let dir = case.join("input").join(option("/dir").as_str().unwrap_or("."));
    let built = build(&Disk, &dir.to_string_lossy(), &options).and_then(|built| built.to_yaml());
    Some(match (text("expected.yaml"), text("expected_error.txt"), built) {
        (Some(want), _, Ok(found)) if want == found => Ok(()),
        (Some(want), _, Ok(found)) => Err(first_difference(&want, &found)),
        (Some(_), _, Err(e)) => Err(format!("failed: {e}")),
        (None, Some(parts), Err(e)) => {
            let text = e.to_string();
            match parts.lines().find(|part| !text.contains(*part)) {
                None => Ok(()),
                Some(part) => Err(format!("the error has no {part:?}: {text}")),
            }
        }
        (None, Some(parts), Ok(_)) => Err(format!("should fail with {parts:?}")),
        (None, None, _) => Err("neither expected.yaml nor expected_error.txt".to_owned()),
    })
}

fn first_difference(want: &str, found: &str) -> String {
    let (mut wanted, mut got) = (want.lines(), found.lines());
    for number in 1.. {
        match (wanted.next(), got.next()) {
            (None, None) => break,
            (a, b) if a != b => return format!("line {number}: want {a:?}, found {b:?}"),
            _ => {}
        }
    }
    "differs in its last line break".to_owned()
}

#[test]
fn every_case_gives_the_same_bytes() {
    let dir = corpora().join("kustomize");
    let Ok(entries) = std::fs::read_dir(&dir) else {
        println!("skipped: no corpus at {}", dir.display());
        return;
    };
    let mut cases: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|p| p.is_dir()).collect();
    cases.sort();
    assert!(!cases.is_empty(), "the corpus is empty");
    let mut failures = Vec::new();
    let mut skipped = 0;
    for case in &cases {
        match run(case) {
            None => skipped += 1,
            Some(Ok(())) => {}
            Some(Err(why)) => {
                failures.push(format!("{}: {why}", case.file_name().unwrap_or_default().to_string_lossy()))
            }
        }
    }
    println!("{} cases, {skipped} skipped for want of helm", cases.len());
    assert!(failures.is_empty(), "{} of {} cases fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
