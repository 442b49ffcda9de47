//! Input that would never end, or never fit: each is refused, and soon.

use kustomize::{Memory, Options, build};

fn text_of(files: &[(String, String)], target: &str) -> Result<String, String> {
    let host = Memory::new(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let built = build(&host, target, &Options::default()).and_then(|built| built.to_yaml());
    built.map_err(|e| e.to_string())
}

#[track_caller]
fn refused(files: &[(String, String)], target: &str, why: &str) {
    let error = text_of(files, target).expect_err("it is refused");
    assert!(error.contains(why), "{error:.500}");
}

fn file(path: impl Into<String>, text: impl Into<String>) -> (String, String) {
    (path.into(), text.into())
}

/// Kustomizations of which each leads to the next.
fn chain(length: usize) -> Vec<(String, String)> {
    let mut files = vec![file(format!("/{length}/a.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")];
    files.push(file(format!("/{length}/kustomization.yaml"), "resources: [a.yaml]\n"));
    files.extend(
        (0..length).map(|at| {
            file(format!("/{at}/kustomization.yaml"), format!("resources: [../{}]\nnamePrefix: p\n", at + 1))
        }),
    );
    files
}

#[test]
fn long_chains_of_bases() {
    assert!(text_of(&chain(300), "/0").unwrap().contains(&format!("name: {}a\n", "p".repeat(300))));
    refused(&chain(2_500), "/0", "kustomizations are nested more than 2000 deep");
}

#[test]
fn bases_that_double_at_every_step() {
    let mut files = vec![file("/l25/kustomization.yaml", "buildMetadata: []\nresources: []\nnamePrefix: x\n")];
    for at in 0..25 {
        let next = at + 1;
        files.push(file(format!("/l{at}/kustomization.yaml"), format!("resources: [../m{next}, ../n{next}]\n")));
        for side in ["m", "n"] {
            files.push(file(format!("/{side}{next}/kustomization.yaml"), format!("resources: [../l{next}]\n")));
        }
    }
    refused(&files, "/l0", "kustomizations take part in this build");
}

#[test]
fn cycles() {
    for (field, kind) in [("resources", "Kustomization"), ("components", "Component")] {
        let version = if kind == "Component" { "v1alpha1" } else { "v1beta1" };
        let head = format!("apiVersion: kustomize.config.k8s.io/{version}\nkind: {kind}\n");
        let files = [
            file("/top/kustomization.yaml", format!("{field}: [../a]\n")),
            file("/a/kustomization.yaml", format!("{head}{field}: [../b]\n")),
            file("/b/kustomization.yaml", format!("{head}{field}: [../a]\n")),
        ];
        refused(&files, "/top", "cycle detected");
    }
}

/// A list of lists of lists, each of nine times the one before it.
fn bomb(indent: &str) -> String {
    let mut text = format!("{indent}a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for at in 1..12 {
        let before = at - 1;
        let items = vec![format!("*a{before}"); 9].join(", ");
        text.push_str(&format!("{indent}a{at}: &a{at} [{items}]\n"));
    }
    text
}

#[test]
fn aliases_of_aliases() {
    let resource = format!("apiVersion: v1\nkind: Thing\nmetadata: {{name: a}}\nspec:\n{}", bomb("  "));
    let files = [file("/app/kustomization.yaml", "resources: [a.yaml]\n"), file("/app/a.yaml", resource.as_str())];
    refused(&files, "/app", "excessive aliasing");
    refused(&[file("/app/kustomization.yaml", bomb(""))], "/app", "excessive aliasing");
    let mut merges = "apiVersion: v1\nkind: Thing\nmetadata: {name: a}\nm0: &m0 {k: v}\n".to_owned();
    for at in 1..40 {
        merges.push_str(&format!("m{at}: &m{at} {{<<: [*m{0}, *m{0}], k{at}: v}}\n", at - 1));
    }
    let files = [file("/app/kustomization.yaml", "resources: [a.yaml]\n"), file("/app/a.yaml", merges)];
    refused(&files, "/app", "excessive aliasing");
}

#[test]
fn expressions_that_would_grow() {
    let kustomization = "resources: [a.yaml]\npatches:\n- target: {name: '((((a{1000}){1000}){1000}){1000})'}\n  patch: '[{\"op\": \"remove\", \"path\": \"/x\"}]'\n";
    let files = [
        file("/app/kustomization.yaml", kustomization),
        file("/app/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
    ];
    refused(&files, "/app", "error parsing regexp");
}

#[test]
fn deep_nesting() {
    let deep =
        format!("apiVersion: v1\nkind: Thing\nmetadata: {{name: a}}\nspec: {}{}\n", "[".repeat(5000), "]".repeat(5000));
    let files = [file("/app/kustomization.yaml", "resources: [a.yaml]\n"), file("/app/a.yaml", deep.as_str())];
    refused(&files, "/app", "exceeded max depth");
    refused(&[file("/app/kustomization.yaml", deep.as_str())], "/app", "exceeded max depth");
}
