//! The day's work: what is typed, in order, and what has to come back.

use super::program::{Answer, Kubectl};
use regex::Regex;
use std::path::PathBuf;

/// What a step has to give.
enum Want {
    /// Success, with this in the output.
    Says(&'static str),
    /// Success, and the output as in this file of `golden/`.
    Golden(&'static str),
    /// This exit code, and this in what it says, wherever.
    Fails(i32, &'static str),
}

use Want::{Fails, Golden, Says};

const WEB: &str = include_str!("web.yaml");
const WEB_CHANGED: &str = include_str!("web-changed.yaml");
const BOT: &str = include_str!("bot.yaml");
const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: '{ns}'}\n";
const UNKNOWN_FIELD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndta: {}\n";
const BAD_NAME: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A_b}\n";

/// Arguments, input, what has to come back.
const STEPS: &[(&str, &str, Want)] = &[
    ("create -f -", NAMESPACE, Says("namespace/{ns} created")),
    ("create -f -", NAMESPACE, Fails(1, "Error from server (AlreadyExists)")),
    // Apply from the client's side: made, unchanged, changed.
    ("apply -n {ns} -f -", WEB, Golden("applied")),
    ("apply -n {ns} -f -", WEB, Golden("unchanged")),
    ("diff -n {ns} -f -", WEB, Says("")),
    ("diff -n {ns} -f -", WEB_CHANGED, Fails(1, "+  colour: green")),
    ("apply -n {ns} -f -", WEB_CHANGED, Says("configmap/settings configured")),
    (
        "wait -n {ns} deployment/web '--for=jsonpath={.status.updatedReplicas}=2' --timeout=20s",
        "",
        Says("condition met"),
    ),
    // Look.
    ("get -n {ns} deployments,services", "", Golden("get")),
    ("get -n {ns} deployments -o wide", "", Golden("get-wide")),
    ("get -n {ns} deployment web -o 'jsonpath={.spec.template.spec.restartPolicy}'", "", Says("Always")),
    ("get -n {ns} configmap settings -o yaml", "", Says("colour: green")),
    ("get -n {ns} deployments -l app=web -o name", "", Says("deployment.apps/web")),
    ("get -n {ns} deployments -l app=other", "", Golden("get-none")),
    ("get -n {ns} configmap missing", "", Fails(1, "Error from server (NotFound): configmaps \"missing\" not found")),
    ("get -n {ns} nonsense", "", Fails(1, "the server doesn't have a resource type \"nonsense\"")),
    ("describe -n {ns} configmap settings", "", Says("colour:")),
    // Change: labels, notes, the three patches, an editor, the scale.
    ("label -n {ns} deployment web tier=front", "", Says("deployment.apps/web labeled")),
    ("label -n {ns} deployment web tier=back", "", Fails(1, "already has a value (front)")),
    ("annotate -n {ns} deployment web note=here", "", Says("deployment.apps/web annotated")),
    ("patch -n {ns} configmap settings --type merge -p '{\"data\":{\"size\":\"9\"}}'", "", Says("settings patched")),
    (
        "patch -n {ns} deployment web --type strategic \
         -p '{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"nginx:2\"}]}}}}'",
        "",
        Says("deployment.apps/web patched"),
    ),
    (
        // Nobody else changes this one meanwhile.
        "patch -n {ns} configmap settings --type json -p '[{\"op\":\"test\",\"path\":\"/data/size\",\"value\":\"9\"}]'",
        "",
        Says("configmap/settings patched (no change)"),
    ),
    (
        "patch -n {ns} deployment web --type merge -p '{\"spec\":{\"replicas\":-1}}'",
        "",
        Fails(1, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
    ),
    ("rollout history -n {ns} deployment web", "", Says("REVISION")),
    ("edit -n {ns} deployment web", "", Says("deployment.apps/web edited")),
    ("get -n {ns} deployment web -o 'jsonpath={.spec.replicas}'", "", Says("3")),
    ("scale -n {ns} deployment web --replicas 5", "", Says("deployment.apps/web scaled")),
    ("get -n {ns} deployment web -o 'jsonpath={.spec.replicas} {.spec..image}'", "", Says("5 nginx:2")),
    // Apply on the server's side: a conflict, and force.
    ("apply -n {ns} --server-side -f -", WEB, Fails(1, "Apply failed with")),
    ("apply -n {ns} --server-side --force-conflicts -f -", WEB, Golden("applied-server-side")),
    // Wait.
    ("wait -n {ns} deployment/web '--for=jsonpath={.spec.replicas}=2' --timeout=10s", "", Says("condition met")),
    // Who may; reviews and tokens travel as protobuf.
    ("create -n {ns} -f -", BOT, Says("rolebinding.rbac.authorization.k8s.io/bot created")),
    ("auth can-i create deployments -n {ns}", "", Says("yes")),
    ("auth can-i delete nodes -n {ns} --as system:serviceaccount:{ns}:bot", "", Fails(1, "no")),
    ("auth can-i --list -n {ns}", "", Says("selfsubjectaccessreviews.authorization.k8s.io")),
    ("create token bot -n {ns} --duration 20m", "", Says("ey")),
    // What has a command of its own.
    ("create configmap lit -n {ns} --from-literal a=b", "", Says("configmap/lit created")),
    ("create secret generic hidden -n {ns} --from-literal a=b", "", Says("secret/hidden created")),
    ("create deployment quick -n {ns} --image nginx:1", "", Says("deployment.apps/quick created")),
    ("create deployment quick -n {ns} --image nginx:1", "", Fails(1, "deployments.apps \"quick\" already exists")),
    ("set image -n {ns} deployment quick nginx=nginx:3", "", Says("deployment.apps/quick image updated")),
    ("expose -n {ns} deployment quick --port 80", "", Says("service/quick exposed")),
    ("autoscale -n {ns} deployment quick --max 3", "", Says("horizontalpodautoscaler.autoscaling/quick autoscaled")),
    ("create cronjob tick -n {ns} --image busybox --schedule '0 0 * * *'", "", Says("cronjob.batch/tick created")),
    ("create job once -n {ns} --from cronjob/tick", "", Says("job.batch/once created")),
    ("create quota few -n {ns} --hard pods=50", "", Says("resourcequota/few created")),
    ("create role reader -n {ns} --verb get --resource pods", "", Says("reader created")),
    ("run alone -n {ns} --image nginx:1", "", Says("pod/alone created")),
    ("get all -n {ns}", "", Says("deployment.apps/quick")),
    ("describe -n {ns} deployment quick", "", Says("RollingUpdateStrategy:  25% max unavailable, 25% max surge")),
    ("describe -n {ns} service quick", "", Says("Selector:")),
    ("cluster-info", "", Says("is running at")),
    // What there is.
    ("api-resources --api-group apps", "", Golden("api-resources")),
    ("api-versions", "", Says("rbac.authorization.k8s.io/v1")),
    ("explain deployment.spec.replicas", "", Says("replicas <integer>")),
    ("explain nonsense", "", Fails(1, "the server doesn't have a resource type")),
    ("get --raw /version", "", Says("v1.36")),
    ("get --raw /readyz", "", Says("ok")),
    // Bad input.
    ("create -n {ns} -f -", UNKNOWN_FIELD, Fails(1, "unknown field \"dta\"")),
    ("create -n {ns} -f -", BAD_NAME, Fails(1, "a lowercase RFC 1123 subdomain")),
    // Away with it.
    ("delete -n {ns} -f -", WEB, Says("deployment.apps \"web\" deleted")),
    ("wait -n {ns} deployment/web --for=delete --timeout=20s", "", Says("")),
    ("delete namespace {ns} --timeout=60s", "", Says("namespace \"{ns}\" deleted")),
    ("get namespace {ns}", "", Fails(1, "NotFound")),
];

/// Runs all steps; panics if some did not give what they have to.
pub(super) fn run(kubectl: &Kubectl) {
    let told = |step: &(&str, &str, Want)| check(step.0, &kubectl.run(step.0, step.1), &step.2).err();
    let failures: Vec<String> = STEPS.iter().filter_map(told).collect();
    assert!(failures.is_empty(), "{} steps failed\n{}", failures.len(), failures.join("\n\n"));
}

fn check(arguments: &str, answer: &Answer, want: &Want) -> Result<(), String> {
    let Answer { code, out, err } = answer;
    let told = format!("kubectl {arguments}\nexit code {code}\n--- output\n{out}\n--- errors\n{err}");
    match want {
        Says(text) if *code == 0 && out.contains(text) => Ok(()),
        Says(text) => Err(format!("want {text:?}:\n{told}")),
        Fails(wanted, text) if code == wanted && (out.contains(text) || err.contains(text)) => Ok(()),
        Fails(wanted, text) => Err(format!("want exit code {wanted} and {text:?}:\n{told}")),
        Golden(name) if *code == 0 => golden(name, &settled(&format!("{out}{err}")), &told),
        Golden(_) => Err(format!("want success:\n{told}")),
    }
}

/// Compares with a golden file.
fn golden(name: &str, got: &str, told: &str) -> Result<(), String> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests/it/kubectl/golden", &format!("{name}.txt")].iter().collect();
    if std::env::var_os("HAKATA_UPDATE").is_some() {
        std::fs::write(&path, got).unwrap();
        return Ok(());
    }
    let want = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    if want == got { Ok(()) } else { Err(format!("{} says\n{want}\n{told}", path.display())) }
}

/// A table without what changes from run to run: ages, addresses, and the widths that follow from them.
fn settled(text: &str) -> String {
    let replaced =
        [(r"\b\d+(s|m|ms)\b", "<age>"), (r"\b\d+\.\d+\.\d+\.\d+\b", "<ip>"), (" {2,}", "  "), (" +\n", "\n")];
    let replace =
        |text: String, (pattern, by): (&str, &str)| Regex::new(pattern).unwrap().replace_all(&text, by).into_owned();
    replaced.into_iter().fold(text.to_owned(), replace)
}
