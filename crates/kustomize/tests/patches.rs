//! Patches and the annotations of a build: what kubectl 1.36 makes of each.

use kustomize::{Memory, Options, build};

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\nspec:\n  replicas: 1\n";

#[track_caller]
fn check(kustomization: &str, want: &str) {
    let host = Memory::new([("/app/kustomization.yaml", kustomization), ("/app/d.yaml", DEPLOYMENT)]);
    let built = build(&host, "/app", &Options::default()).and_then(|built| built.to_yaml());
    assert_eq!(built.expect("it builds"), want);
}

fn patched(operations: &str) -> String {
    format!("resources: [d.yaml]\npatches:\n- target: {{kind: Deployment}}\n  patch: |-\n    {operations}\n")
}

#[test]
fn a_json_patch_finds_annotations_to_add_to() {
    let with = |annotations: &str| DEPLOYMENT.replace("  name: d\n", &format!("{annotations}  name: d\n"));
    check(
        &patched("- {op: add, path: /metadata/annotations/a~1b, value: \"7\"}"),
        &with("  annotations:\n    a/b: \"7\"\n"),
    );
    check(&patched("- {op: replace, path: /metadata/annotations, value: {a: b}}"), &with("  annotations:\n    a: b\n"));
    check(&patched("- {op: remove, path: /metadata/annotations}"), DEPLOYMENT);
    check(&patched("- {op: add, path: /metadata/annotations, value: {}}"), DEPLOYMENT);
}

#[test]
fn prefix_and_suffix_in_one_are_one_transformation() {
    let transformer = "apiVersion: builtin\n  kind: PrefixSuffixTransformer\n  metadata: {name: both}\n  prefix: a-\n  suffix: -z\n  fieldSpecs: [{path: metadata/name}]";
    let kustomization =
        format!("resources: [d.yaml]\nbuildMetadata: [transformerAnnotations]\ntransformers:\n- |-\n  {transformer}\n");
    let host = Memory::new([("/app/kustomization.yaml", kustomization.as_str()), ("/app/d.yaml", DEPLOYMENT)]);
    let text = build(&host, "/app", &Options::default()).and_then(|built| built.to_yaml()).unwrap();
    assert!(text.contains("name: a-d-z"), "{text}");
    assert_eq!(text.matches("kind: PrefixSuffixTransformer").count(), 1, "{text}");
}
