//! Any kustomization file, resources and patch are built or refused. The input is cut at lines of `#####`.
#![no_main]

use kustomize::{Memory, Options, build};
use libfuzzer_sys::fuzz_target;

const RESOURCES: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      \
    containers: [{name: web, image: 'nginx:1', env: [{name: A, value: b}]}]\n";
const PATCHED: &str = "resources: [all.yaml]\npatches: [{path: patch.yaml, target: {kind: Deployment}}]\n";

fuzz_target!(|text: &str| {
    let mut parts = text.split("#####\n");
    let kustomization = parts.next().unwrap_or("");
    let resources = parts.next().unwrap_or(RESOURCES);
    let patch = parts.next().unwrap_or(kustomization);
    for top in [kustomization, PATCHED] {
        let host = Memory::new([
            ("/app/kustomization.yaml", top),
            ("/app/all.yaml", resources),
            ("/app/patch.yaml", patch),
        ]);
        let _ = build(&host, "/app", &Options::default()).and_then(|built| built.to_yaml());
    }
});
