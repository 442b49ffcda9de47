//! Changes of kustomization files, compared with what `kustomize edit` writes.

use kustomize::edit::{Data, DataKind, Edit, List, Texts};
use kustomize::{Host as _, Memory, Result};

const HEAD: &str = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// Changes a file, and compares what is written, without the fields that every file has.
fn check(before: &str, change: impl Fn(&mut Edit<'_>) -> Result<()>, after: &str) {
    let host = Memory::new([
        ("/app/kustomization.yaml", format!("{HEAD}{before}").as_str()),
        ("/app/a.yaml", "kind: A\napiVersion: v1\nmetadata: {name: a}\n"),
        ("/app/b.yaml", "kind: B\napiVersion: v1\nmetadata: {name: b}\n"),
        ("/app/notes.txt", "some: text\n"),
        ("/app/below/kustomization.yaml", "resources: []\n"),
    ]);
    let mut edit = Edit::open(&host, "/app").expect("opens");
    let result = change(&mut edit).and_then(|()| edit.save());
    let text = match result {
        Ok(()) => String::from_utf8(host.read("/app/kustomization.yaml").expect("is there")).expect("is text"),
        Err(error) => format!("{HEAD}{error}"),
    };
    assert_eq!(text.strip_prefix(HEAD).expect("keeps its head"), after, "before:\n{before}");
}

#[test]
fn lists() {
    let add = |list, patterns: &'static [&str]| move |e: &mut Edit<'_>| e.add_paths(list, &texts(patterns), true);
    check("", add(List::Resources, &["*.yaml", "below"]), "resources:\n- a.yaml\n- b.yaml\n- below\n");
    check("# one\nresources: # two\n- a.yaml\n", add(List::Resources, &["a.yaml"]), "# one\nresources:\n- a.yaml\n");
    check(
        "resources: [x]\n# end\n",
        add(List::Components, &["below"]),
        "resources:\n- x\ncomponents:\n- below\n# end\n",
    );
    check(
        "",
        add(List::Resources, &["github.com/owner/repo/base?ref=v1"]),
        "resources:\n- github.com/owner/repo/base?ref=v1\n",
    );
    check(
        "",
        add(List::Resources, &["c.yaml"]),
        "c.yaml has no match: must build at directory: not a valid directory: no such file or directory",
    );
    let remove = |patterns: &'static [&str]| move |e: &mut Edit<'_>| e.remove_paths(List::Resources, &texts(patterns));
    check("resources: [a.yaml, b.yaml, c/d.yaml]\n", remove(&["*.yaml"]), "resources:\n- c/d.yaml\n");
    check("bases: [below]\n", |e| e.add_bases(&texts(&["below"])), "base below already in kustomization file");
    check("", |e| e.add_build_metadata(&texts(&["managedByLabel"]), false), "buildMetadata:\n- managedByLabel\n");
    check(
        "",
        |e| e.add_patch("p.yaml", "", &[("kind", "Deployment"), ("name", "")]),
        "patches:\n- path: p.yaml\n  target:\n    kind: Deployment\n",
    );
    check("patches: [{path: p.yaml}]\n", |e| e.remove_patch("p.yaml", "", &[]), "");
    check("", |e| e.add_patch("p", "q", &[]), "patch and path can't be set at the same time");
}

#[test]
fn images_and_replicas() {
    let images = |args: &'static [&str]| move |e: &mut Edit<'_>| e.set_images(&texts(args));
    check(
        "images: [{name: b, newTag: v1}]\n",
        images(&["a=r.io/x:v2", "b=other:*", "c@sha256:12"]),
        "images:\n- name: a\n  newName: r.io/x\n  newTag: v2\n- name: b\n  newName: other\n  newTag: v1\n\
         - digest: sha256:12\n  name: c\n",
    );
    check("", images(&["host:5000/a:v1"]), "images:\n- name: host:5000/a\n  newTag: v1\n");
    check(
        "replicas: [{name: b, count: 1}]\n",
        |e| e.set_replicas(&texts(&["a=3", "b=0"])),
        "replicas:\n- count: 3\n  name: a\n- count: 0\n  name: b\n",
    );
    check(
        "",
        |e| e.set_replicas(&texts(&["a"])),
        "invalid format of replica, use the following format: <name>=<count>",
    );
}

#[test]
fn labels_and_annotations() {
    let set = |texts_of, force| move |e: &mut Edit<'_>| e.set_texts(texts_of, &texts(&["a:b", "c:\"d e\""]), force);
    check("", set(Texts::Labels, false), "commonLabels:\n  a: b\n  c: d e\n");
    check(
        "commonAnnotations: {a: x, z: w}\n",
        set(Texts::Annotations, true),
        "commonAnnotations:\n  a: b\n  c: d e\n  z: w\n",
    );
    check(
        "commonLabels: {a: x}\n",
        set(Texts::Labels, false),
        "label a already in kustomization file. Use --force to override.",
    );
    check(
        "",
        |e| e.add_plain_labels(&texts(&["a:b"]), true, false),
        "labels:\n- includeTemplates: true\n  pairs:\n    a: b\n",
    );
    check("commonLabels: {a: x}\n", |e| e.remove_texts(Texts::Labels, &texts(&["a"]), false), "");
    check(
        "",
        |e| e.remove_texts(Texts::Labels, &texts(&["a"]), false),
        "commonLabels is not defined in kustomization file",
    );
}

#[test]
fn generators() {
    let data = |literals: &[&str], files: &[&str]| Data {
        name: "c".to_owned(),
        literals: texts(literals),
        files: texts(files),
        ..Data::default()
    };
    check(
        "configMapGenerator: [{name: c, env: x.env}]\n",
        |e| e.add_data(DataKind::ConfigMap, &data(&["k=v"], &["*.txt", "n=a.yaml"])),
        "configMapGenerator:\n- envs:\n  - x.env\n  files:\n  - notes.txt\n  - n=a.yaml\n  literals:\n  - k=v\n  name: c\n",
    );
    check(
        "secretGenerator: [{name: c, literals: [a=1, k=v]}]\n",
        |e| e.set_data(DataKind::Secret, &data(&["k=w"], &[]), "other"),
        "secretGenerator:\n- literals:\n  - a=1\n  - k=w\n  name: c\n  namespace: other\n",
    );
    check("", |e| e.set_data(DataKind::Secret, &data(&["k=w"], &[]), ""), "unable to find Secret with name \"c\"");
    check(
        "configMapGenerator: [{name: c}, {name: d}]\n",
        |e| e.remove_data(DataKind::ConfigMap, &texts(&["c"]), ""),
        "configMapGenerator:\n- name: d\n",
    );
}

#[test]
fn deprecated_fields() {
    check(
        "patchesStrategicMerge: [a.yaml, '{kind: X}']\npatchesJson6902: [{path: j, target: {kind: A}}]\ncommonLabels: {a: b}\n",
        |e| e.fix(),
        "labels:\n- includeSelectors: true\n  pairs:\n    a: b\npatches:\n- path: j\n  target:\n    kind: A\n- path: a.yaml\n- patch: '{kind: X}'\n",
    );
    check(
        "commonLabels: {a: b}\nlabels: [{pairs: {a: c}}]\n",
        |e| e.fix(),
        "label name 'a' exists in both commonLabels and labels",
    );
}

#[test]
fn new_files() {
    let host = Memory::new([
        ("/app/a.yaml", "kind: A\napiVersion: v1\nmetadata: {name: a}\n"),
        ("/app/notes.txt", "some: text\n"),
        ("/app/below/kustomization.yaml", "resources: []\n"),
        ("/app/deep/b.yaml", "kind: B\napiVersion: v1\nmetadata: {name: b}\n"),
    ]);
    let mut edit = Edit::create(&host, "/app").expect("there is none");
    edit.detect_resources(true);
    assert_eq!(edit.text(), format!("{HEAD}resources:\n- a.yaml\n- below\n- deep/b.yaml\n"));
    edit.save().expect("writes");
    assert!(Edit::create(&host, "/app").is_err());
}
