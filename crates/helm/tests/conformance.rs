//! Templates one by one, with what Helm 4.2.3 makes of each: its output as JSON, or `!` and its error.

use helm::capabilities::Capabilities;
use helm::chart::{File, load_files};
use helm::engine::Release;
use helm::render::{Options, render};
use helm::values::Values;
use value::Value as Json;

const CASES: &str = include_str!("conformance/cases.txt");
const VALUES: &str = include_str!("conformance/values.yaml");

fn file(name: &str, text: &str) -> File {
    File { name: name.to_owned(), data: text.as_bytes().to_vec(), modified: None }
}

/// What a chart with these templates prints, or how it fails.
fn run(templates: &[(&str, &str)]) -> Result<String, String> {
    let mut files = vec![file("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"), file("values.yaml", VALUES)];
    files.extend(templates.iter().map(|(name, text)| file(name, text)));
    let mut chart = load_files(files).map_err(|error| error.to_string())?;
    let release = Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
    let rendered = render(&mut chart, &Values::new(), &release, &Capabilities::default(), Options::default());
    rendered.map(|rendered| rendered.manifest).map_err(|error| error.to_string())
}

/// How a case went: its output as JSON, or its error.
fn outcome(template: &str, want_error: bool) -> String {
    if want_error {
        let error = run(&[("templates/t.yaml", template)]).expect_err("the case is an error");
        return format!("!{}", Json::from(error.trim_end()));
    }
    let asking = "x: {{ include \"c/templates/_t.yaml\" . | toJson }}";
    match run(&[("templates/_t.yaml", template), ("templates/z.yaml", asking)]) {
        Ok(text) => text.lines().find_map(|line| line.strip_prefix("x: ")).unwrap_or_default().to_owned(),
        Err(error) => format!("!{}", Json::from(error)),
    }
}

/// Two JSON texts, compared as what they stand for.
fn same(a: &str, b: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Json>(text.trim_start_matches('!')).ok();
    a == b || a.starts_with('!') == b.starts_with('!') && read(a).is_some() && read(a) == read(b)
}

#[test]
fn templates_do_what_they_do_in_helm_4() {
    let mut failures = Vec::new();
    let mut count = 0;
    for case in CASES.split(">>> ").filter(|case| !case.is_empty()) {
        let (template, want) = case.split_once('\n').unwrap();
        let want = want.trim_end_matches('\n');
        let got = std::panic::catch_unwind(|| outcome(template, want.starts_with('!'))).unwrap_or("panic".to_owned());
        count += 1;
        if !same(&got, want) {
            failures.push(format!("{template}\n   got {got}\n  want {want}"));
        }
    }
    assert!(failures.is_empty(), "{} of {count} differ:\n{}", failures.len(), failures.join("\n"));
}
