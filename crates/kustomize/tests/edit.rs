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
        ("/app/x.env", "X=1\n"),
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
    check(
        "secretGenerator: [{name: c, type: kubernetes.io/tls}]\n",
        |e| e.add_data(DataKind::Secret, &Data { secret_type: "Opaque".to_owned(), ..data(&["k=w"], &[]) }),
        "secretGenerator:\n- literals:\n  - k=w\n  name: c\n  type: kubernetes.io/tls\n",
    );
    check(
        "configMapGenerator: [{name: c, literals: [k=v]}]\n",
        |e| e.add_data(DataKind::ConfigMap, &data(&["k=w"], &[])),
        "failed to create configmap: configmap c illegally repeats the key `k`",
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

/// Fixes `vars`; returns the kustomization without its head, and the pod.
fn fix_vars(kustomization: &str, pod: &str, patch: &str) -> Result<(String, String, String)> {
    let host = Memory::new([
        ("/app/kustomization.yaml", format!("{HEAD}{kustomization}").as_str()),
        ("/app/pod.yaml", pod),
        ("/app/patch.yaml", patch),
        ("/app/base/kustomization.yaml", "resources: [../pod.yaml]\n"),
    ]);
    let mut edit = Edit::open(&host, "/app")?;
    edit.fix().and_then(|()| edit.fix_vars()).and_then(|()| edit.save())?;
    let read = |file: &str| String::from_utf8(host.read(file).expect("the file is there")).expect("the file is text");
    let after = read("/app/kustomization.yaml").strip_prefix(HEAD).expect("keeps its head").to_owned();
    Ok((after, read("/app/pod.yaml"), read("/app/patch.yaml")))
}

#[test]
fn vars_become_replacements() {
    let pod = |value: &str| {
        format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  args: # kept\n  - {value}\n  x.y: {value}\n")
    };
    let vars =
        "vars:\n- name: V\n  objref: {kind: Secret, name: s, apiVersion: v1}\n  fieldref: {fieldpath: metadata.uid}\n";
    let source = "  source:\n    fieldPath: metadata.uid\n    kind: Secret\n    name: s\n    version: v1\n";
    let source = source.replacen("  ", "- ", 1);
    let select = "    select:\n      kind: Pod\n      name: p\n      version: v1\n";
    for (value, options) in [
        ("$(V)", ""),
        ("$(V)/a", "    options:\n      delimiter: /\n"),
        ("a/b/$(V)", "    options:\n      delimiter: /\n      index: 2\n"),
        ("a.b.$(V).c", "    options:\n      delimiter: .\n      index: 2\n"),
    ] {
        for resources in ["- pod.yaml\n", "- base\n"] {
            let (after, changed, _) = fix_vars(&format!("resources:\n{resources}{vars}"), &pod(value), "").unwrap();
            let target = |path: &str| format!("  - fieldPaths:\n    - {path}\n{options}{select}");
            let want = format!(
                "resources:\n{resources}replacements:\n{source}  targets:\n{}{}",
                target("spec.args.0"),
                target("spec.[x.y]")
            );
            assert_eq!(after, want, "{value}");
            assert_eq!(changed, pod(&value.replace("$(V)", "V_PLACEHOLDER")));
        }
    }
    let error = fix_vars(&format!("resources: [pod.yaml]\n{vars}"), &pod("a$(V)/b"), "").unwrap_err();
    assert!(error.to_string().contains("error with pod.yaml: cannot convert all vars to replacements; $(V) is not"));
}

#[test]
fn vars_in_patches_go_where_the_patches_go() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n";
    let patch = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: q\nspec:\n  a: $(V)\n";
    let vars = "vars:\n- name: V\n  objref: {kind: Secret, name: s, apiVersion: v1}\n";
    for (options, name) in [("", "p"), (", options: {allowNameChange: true}", "q")] {
        let patches = format!("patches:\n- {{path: patch.yaml, target: {{kind: Pod, name: p}}{options}}}\n");
        let (after, _, changed) = fix_vars(&format!("resources: [pod.yaml]\n{patches}{vars}"), pod, patch).unwrap();
        assert!(
            after.ends_with(&format!("    - spec.a\n    select:\n      kind: Pod\n      name: {name}\n")),
            "{after}"
        );
        assert!(changed.ends_with("a: V_PLACEHOLDER\n"));
    }
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

/// Commas belong to values, as they do on upstream's command line.
#[test]
fn annotations_are_pairs_whose_keys_are_checked() {
    let set = |pairs: &'static [&str]| move |e: &mut Edit<'_>| e.set_annotations(&texts(pairs));
    check("", set(&["a:b,c:d", "e:"]), "commonAnnotations:\n  a: b,c:d\n  e: \"\"\n");
    check(
        "",
        set(&["bad key:x"]),
        "invalid annotation key: see the syntax and character set rules at \
         https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/",
    );
}
