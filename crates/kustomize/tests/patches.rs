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

/// What becomes of resources in one file, patched if there is a patch.
fn built(resources: &str, patch: &str) -> Result<String, String> {
    let kustomization =
        if patch.is_empty() { "resources: [a.yaml]\n" } else { "resources: [a.yaml]\npatches: [{path: p.yaml}]\n" };
    let host =
        Memory::new([("/app/kustomization.yaml", kustomization), ("/app/a.yaml", resources), ("/app/p.yaml", patch)]);
    build(&host, "/app", &Options::default()).and_then(|built| built.to_yaml()).map_err(|e| e.to_string())
}

const THING: &str = "apiVersion: x/v1\nkind: Thing\nmetadata:\n  name: t\n";

#[test]
fn an_item_without_its_key_takes_the_place_of_all() {
    let pod = |containers: &str| format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n{containers}");
    let before = pod("  containers:\n  - {name: a, image: i}\n  - {name: b, image: j}\n");
    let after = built(&before, &pod("  containers: [{image: k}]\n")).unwrap();
    assert_eq!(after, pod("  containers: []\n"));
}

#[test]
fn a_null_in_a_patch_takes_out_a_null() {
    let with = |spec: &str| format!("{THING}spec:\n{spec}");
    assert_eq!(built(&with("  a: null\n  b: 1\n"), &with("  a: null\n")).unwrap(), with("  b: 1\n"));
    assert_eq!(built(&with("  a: null\n  b: 1\n"), &with("  b: 2\n")).unwrap(), with("  a: null\n  b: 2\n"));
}

#[test]
fn scalars_mean_what_they_mean_to_upstream() {
    for (value, want) in [
        ("!!binary aGk=", "hi"),
        ("'<<'", "<<"),
        ("-9223372036854775809", "-9.223372036854776e+18"),
        (">\n    a\n     b\n    c\n", "|\n    a\n\n     b\n    c"),
        (">+\n    a\n\n", "|+\n    a\n"),
        (">\n    a\n    b\n\n    c\n", "|\n    a b\n    c"),
    ] {
        let after = built(&format!("{THING}spec:\n  v: {value}\n"), "").unwrap();
        assert_eq!(after.trim_end(), format!("{THING}spec:\n  v: {want}").trim_end(), "{value}");
    }
}

#[test]
fn keys_that_are_no_texts_are_refused() {
    let refused = |kustomization: &str| {
        let host = Memory::new([("/app/kustomization.yaml", kustomization), ("/app/a.yaml", THING)]);
        let error = build(&host, "/app", &Options::default()).and_then(|built| built.to_yaml()).unwrap_err();
        assert!(error.to_string().contains("json: unsupported type"), "{error}");
    };
    refused("resources: [a.yaml]\ncommonAnnotations: {yes: v}\n");
    refused("resources: [a.yaml]\nlabels: [{pairs: {'1': v}}]\n");
    refused("configMapGenerator: [{name: c, literals: [1=x]}]\n");
    assert!(built(&format!("{THING}spec: {{'1': x, n: y}}\n"), "").unwrap().ends_with("  \"1\": x\n  \"n\": \"y\"\n"));
}

#[test]
fn texts_in_texts_keep_their_styles() {
    let config = "# kept\na: 'x' # here\nb: {c: [1, \"2\"]}\n\nd:\n    - e\n";
    let indented: String = config.lines().map(|line| format!("    {line}\n")).collect();
    let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  f: |\n{indented}");
    let kustomization = "resources: [a.yaml]\nreplacements:\n- sourceValue: new\n  targets:\n  - select: {kind: ConfigMap}\n    fieldPaths: [data.f.a]\n";
    let host = Memory::new([("/app/kustomization.yaml", kustomization), ("/app/a.yaml", map.as_str())]);
    let text = build(&host, "/app", &Options::default()).and_then(|built| built.to_yaml()).unwrap();
    assert!(
        text.contains("  f: |-\n    # kept\n    a: 'new' # here\n    b: {c: [1, \"2\"]}\n    d:\n    - e\nkind"),
        "{text}"
    );
}

/// What is replaced in a text takes its own comments and quotes along, and those of its key stay.
#[test]
fn lists_and_texts_in_texts_are_replaced_whole() {
    const TEXT: &str =
        "a: # comment a\n  b: \"x\" # c\n# before c\nc: d # tail\nl:\n# first\n- 1 # one\n- \"2\" # two\n# foot\n";
    const A: &str = "a: # comment a\n  b: \"x\" # c\n";
    const C: &str = "# before c\nc: d # tail\n";
    const L: &str = "l:\n# first\n- 1 # one\n- \"2\" # two\n# foot\n";
    assert_eq!(TEXT, [A, C, L].concat());
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    for (source, target, want) in [
        ("l", "l", [A, C, "l:\n- p\n- \"q\"\n"]),
        ("s", "l", [A, C, "l: text\n"]),
        ("s", "a", ["a: text # comment a\n", C, L]),
        ("l", "a", ["a: # comment a\n- p\n- \"q\"\n", C, L]),
    ] {
        let source = format!("- source: {{kind: Thing, fieldPath: spec.{source}}}\n");
        let target = format!("  - select: {{kind: ConfigMap}}\n    fieldPaths: [data.f.{target}]\n");
        let kustomization = format!("resources: [a.yaml]\nreplacements:\n{source}  targets:\n{target}");
        let thing = format!("{THING}spec:\n  s: text\n  l:\n  - p\n  - \"q\"\n---\n");
        let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  f: |\n{}", indented(TEXT));
        let resources = thing + &map;
        let files = [("/app/kustomization.yaml", kustomization.as_str()), ("/app/a.yaml", resources.as_str())];
        let text = build(&Memory::new(files), "/app", &Options::default()).and_then(|built| built.to_yaml()).unwrap();
        assert!(text.contains(&format!("  f: |-\n{}kind", indented(&want.concat()))), "{text}");
    }
}

#[test]
fn a_list_that_is_there_is_something() {
    let check = |text: &str| {
        let host = Memory::new([("/app/kustomization.yaml", text)]);
        build(&host, "/app", &Options::default()).map(drop).map_err(|e| e.to_string())
    };
    assert_eq!(check("resources: []\n"), Ok(()));
    assert_eq!(check("bases: []\n"), Err("kustomization.yaml is empty".to_owned()));
    assert!(
        built("apiVersion: v1\nkind: List\nitems: {a: b}\n", "").unwrap_err().contains("missing Resource metadata")
    );
}

/// Where go-yaml writes a folded text in quotes, reading it again doubles no line break.
#[test]
fn folded_texts_that_cannot_stay_folded() {
    let thing = |text: &str| format!("{THING}spec:\n  s: {text}  z: 1\n");
    let patch = format!("{THING}spec:\n  z: 2\n");
    for (text, want) in [
        (">\n    a\n     b\n    c\n", "|\n    a\n\n     b\n    c\n"),
        (">\n    a \n     b\n    c\n", "\"a \\n b\\nc\\n\"\n"),
        (">+\n\n\n", "|2+\n\n\n"),
        (">+\n    a\n\n\n", "|+\n    a\n\n\n\n"),
    ] {
        assert_eq!(built(&thing(text), &patch).unwrap(), thing(want).replace("z: 1", "z: 2"), "{text}");
    }
}

/// A key that a patch adds to a map that is there loses its tag, and is what it looks like then.
#[test]
fn keys_with_tags() {
    let spec = |entries: &str| format!("{THING}spec:\n{entries}");
    let base = spec("  p: 1\n");
    assert_eq!(built(&base, &spec("  !!binary aGk=: x\n")).unwrap(), spec("  aGk=: x\n  p: 1\n"));
    assert_eq!(built(&base, &spec("  !!str a: x\n")).unwrap(), spec("  a: x\n  p: 1\n"));
    assert_eq!(built(&base, &spec("  \"1\": x\n")).unwrap(), spec("  \"1\": x\n  p: 1\n"));
    let error = built(&base, &spec("  !!str 1: x\n")).unwrap_err();
    assert!(error.contains("json: unsupported type: map[interface {}]interface {}"), "{error}");
    assert_eq!(built(&spec("  !!str 1: x\n"), "").unwrap(), spec("  \"1\": x\n"));
    assert_eq!(built(&base, &spec("  new:\n    !!str 1: x\n")).unwrap(), spec("  new:\n    \"1\": x\n  p: 1\n"));
}
