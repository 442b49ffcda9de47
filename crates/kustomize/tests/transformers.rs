//! Transformers that share a turn over the resources give what one after the other would: kubectl 1.36 was asked.

use kustomize::{Memory, Options, build};

fn built(kustomization: &str, resources: &str) -> Result<String, String> {
    let host = Memory::new([("/app/kustomization.yaml", kustomization), ("/app/r.yaml", resources)]);
    build(&host, "/app", &Options::default()).and_then(|built| built.into_yaml()).map_err(|e| e.to_string())
}

fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n---\n")
}

const BAD_IMAGE: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{image: {a: b}}]}\n---\n";

#[test]
fn the_first_transformer_fails_first_whichever_resource_it_fails_on() {
    let bad_labels = "apiVersion: v1\nkind: Pod\nmetadata: {name: b, labels: [x]}\n";
    let kustomization = "resources: [r.yaml]\ncommonLabels: {a: b}\nimages:\n- {name: x, newTag: v2}\n";
    let error = built(kustomization, &format!("{BAD_IMAGE}{bad_labels}")).unwrap_err();
    assert!(error.contains("considering field 'metadata/labels' of object Pod.v1.[noGrp]/b.[noNs]"), "{error}");
}

#[test]
fn what_is_missed_in_the_end_comes_before_what_fails_later() {
    let kustomization = "resources: [r.yaml]\nreplicas:\n- {name: none, count: 2}\nimages:\n- {name: x, newTag: v2}\n";
    let error = built(kustomization, BAD_IMAGE).unwrap_err();
    assert!(error.contains("resource with name none does not match a config"), "{error}");
}

#[test]
fn what_a_patch_deletes_meets_no_other_transformer() {
    let patch = "- target: {kind: ConfigMap, name: a}\n  patch: |\n    $patch: delete\n    kind: ConfigMap\n    metadata: {name: a}\n";
    let kustomization = format!("resources: [r.yaml]\npatches:\n{patch}labels:\n- pairs: {{c: d}}\n");
    let text = built(&kustomization, &(config_map("a") + &config_map("b"))).unwrap();
    assert_eq!(text, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  labels:\n    c: d\n  name: b\n");
}

#[test]
fn a_name_that_a_patch_made_is_known_to_the_namespace_transformer() {
    let patch =
        "- target: {kind: ConfigMap, name: a}\n  patch: |-\n    - {op: replace, path: /metadata/name, value: b}\n";
    let kustomization = format!("resources: [r.yaml]\npatches:\n{patch}namespace: ns\n");
    let error = built(&kustomization, &(config_map("a") + &config_map("b"))).unwrap_err();
    assert!(error.contains("namespace transformation produces ID conflict"), "{error}");
    let text = built(&kustomization, &config_map("a")).unwrap();
    assert_eq!(text, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  namespace: ns\n");
}

/// More transformers than share a turn.
#[test]
fn many_transformers() {
    let count = 100;
    let mut kustomization = "resources: [r.yaml]\nnamePrefix: p-\nreplicas:\n".to_owned();
    let mut resources = String::new();
    for at in 0..count {
        kustomization.push_str(&format!("- {{name: d{at}, count: {at}}}\n"));
        resources.push_str(&format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d{at}}}\n---\n"));
    }
    let text = built(&kustomization, &resources).unwrap();
    for at in 0..count {
        assert!(text.contains(&format!("  name: p-d{at}\nspec:\n  replicas: {at}\n")), "{at}");
    }
}
