//! `hakata helm` against a server: a release's life, alone and taking turns with Helm itself.
//!
//! Helm is looked for in `HAKATA_HELM`, then as `helm` on the path; without it those tests are skipped.

use super::program::{Serving, hakata};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A server with charts to install.
struct World {
    folder: tempfile::TempDir,
    kubeconfig: String,
    serving: Serving,
}

impl World {
    fn start() -> World {
        let folder = tempfile::tempdir().unwrap();
        let serving = Serving::start(folder.path(), &["--no-node"]);
        let kubeconfig = folder.path().join("kubeconfig").to_str().unwrap().to_owned();
        World { folder, kubeconfig, serving }
    }

    /// Writes a chart; the names of its files end with their contents' kind.
    fn chart(&self, name: &str, files: &[(&str, &str)]) -> String {
        let root = self.folder.path().join(name);
        write(&root, "Chart.yaml", &format!("apiVersion: v2\nname: {name}\nversion: 1.2.3\nappVersion: \"7\"\n"));
        files.iter().for_each(|(file, text)| write(&root, file, text));
        root.to_str().unwrap().to_owned()
    }

    fn ours(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let global = ["helm", "--kubeconfig", &self.kubeconfig];
        hakata(&[&global[..], arguments].concat())
    }

    /// What a command prints that has to succeed.
    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let (code, out, errors) = self.ours(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {out}{errors}");
        out
    }

    /// What a command complains of that has to fail.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let (code, out, errors) = self.ours(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {out}{errors}");
        errors
    }

    #[track_caller]
    fn kubectl(&self, arguments: &[&str]) -> String {
        let (code, out, errors) = hakata(&[arguments, &["--kubeconfig", &self.kubeconfig]].concat());
        assert_eq!(code, Some(0), "{arguments:?}: {out}{errors}");
        out
    }

    /// One field of the map that the charts here make.
    #[track_caller]
    fn color(&self, release: &str) -> String {
        self.kubectl(&["get", "configmap", &format!("{release}-own"), "-o", "jsonpath={.data.color}"])
    }

    fn stop(self) {
        assert_eq!(self.serving.terminate(), Some(0));
    }
}

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Helm, where it is there.
fn peer() -> Option<PathBuf> {
    let named = std::env::var_os("HAKATA_HELM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        named.or_else(|| std::env::split_paths(&path).map(|folder| folder.join("helm")).find(|file| file.is_file()));
    if found.is_none() {
        println!("SKIPPED: there is no helm (HAKATA_HELM, or on the path)");
    }
    found
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-own\ndata:\n  color: {{ .Values.color | quote }}\n{{- if .Values.extra }}\n  extra: {{ .Values.extra | quote }}\n{{- end }}\n";
const VALUES: &str = "color: red\nextra: \"\"\n";

#[test]
fn a_release_lives_and_tells_of_it() {
    let world = World::start();
    let chart = world.chart("paint", &[("values.yaml", VALUES), ("templates/map.yaml", MAP)]);
    let out = world.done(&["install", "life", &chart, "--labels", "team=blue"]);
    assert!(out.contains("STATUS: deployed\nREVISION: 1\nDESCRIPTION: Install complete\nTEST SUITE: None\n"), "{out}");
    let errors = world.refused(&["install", "life", &chart]);
    assert!(errors.contains("INSTALLATION FAILED: release name check failed: cannot reuse a name"), "{errors}");
    world.done(&["upgrade", "life", &chart, "--set", "color=blue"]);
    assert_eq!(world.color("life"), "blue");
    world.done(&["rollback", "life", "1"]);
    assert_eq!(world.color("life"), "red");
    let history = world.done(&["history", "life"]);
    assert!(history.contains("Rollback to 1") && history.matches("superseded").count() == 2, "{history}");
    let status = world.done(&["status", "life"]);
    assert!(status.contains("RESOURCES:\n==> v1/ConfigMap\nNAME       DATA   AGE\nlife-own   1      "), "{status}");
    let metadata = world.done(&["get", "metadata", "life"]);
    assert!(metadata.contains("status=deployed,team=blue,version=3\nDEPENDENCIES: \n"), "{metadata}");
    assert!(metadata.contains("APPLY_METHOD: server-side apply\n"), "{metadata}");
    let values = world.done(&["get", "values", "life", "--all", "--revision", "2"]);
    assert_eq!(values, "COMPUTED VALUES:\ncolor: blue\nextra: \"\"\n");
    world.done(&["uninstall", "life"]);
    assert!(world.refused(&["status", "life"]).contains("release: not found"));
    world.stop();
}

#[test]
fn hooks_that_fail_end_the_operation_and_leave_a_release_that_goes_on() {
    let world = World::start();
    let hook = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Values.hook }}\n  annotations:\n    helm.sh/hook: pre-install,pre-upgrade\n    helm.sh/hook-delete-policy: hook-succeeded\n";
    let values = format!("{VALUES}hook: good\n");
    let chart = world.chart(
        "hooked",
        &[("values.yaml", values.as_str()), ("templates/map.yaml", MAP), ("templates/hook.yaml", hook)],
    );
    let errors = world.refused(&["install", "bad", &chart, "--set", "hook=Not_A_Name"]);
    let want = "INSTALLATION FAILED: failed pre-install: warning: Hook pre-install hooked/templates/hook.yaml failed: ";
    assert!(errors.contains(want), "{errors}");
    assert!(world.done(&["status", "bad"]).contains("STATUS: failed\n"));
    world.done(&["upgrade", "bad", &chart, "--set", "hook=good"]);
    assert_eq!(world.color("bad"), "red");
    let left = world.kubectl(&["get", "configmaps", "-o", "name"]);
    assert!(!left.contains("configmap/good"), "a hook that succeeded goes: {left}");
    let errors = world.refused(&["upgrade", "bad", &chart, "--set", "hook=Not_A_Name", "--rollback-on-failure"]);
    assert!(
        errors.contains("has been rolled back due to rollback-on-failure being set: pre-upgrade hooks"),
        "{errors}"
    );
    let history = world.done(&["history", "bad"]);
    assert!(history.contains("Rollback to 2"), "{history}");
    world.stop();
}

#[test]
fn an_interrupted_operation_is_named_and_unlocked() {
    let world = World::start();
    let chart = world.chart("paint", &[("values.yaml", VALUES), ("templates/map.yaml", MAP)]);
    world.done(&["install", "stuck", &chart]);
    // As if the process had ended in the middle of it: the Secret says that it goes on.
    let name = "sh.helm.release.v1.stuck.v1";
    let data = world.kubectl(&["get", "secret", name, "-o", "jsonpath={.data.release}"]);
    let mut release = ::helm::release::decode(&text_of_base64(&data)).unwrap();
    release.info.status = "pending-upgrade".to_owned();
    release.info.description = "Preparing upgrade (by somebody@here)".to_owned();
    let changed = base64_of(&::helm::release::encode(&release).unwrap());
    let patch =
        format!(r#"{{"data":{{"release":"{changed}"}},"metadata":{{"labels":{{"status":"pending-upgrade"}}}}}}"#);
    world.kubectl(&["patch", "secret", name, "--type", "merge", "-p", &patch]);
    let errors = world.refused(&["upgrade", "stuck", &chart]);
    assert!(errors.contains("is in progress: Preparing upgrade (by somebody@here), since "), "{errors}");
    assert_eq!(world.done(&["unlock", "stuck"]), "release \"stuck\" is free again\n");
    assert_eq!(world.done(&["unlock", "stuck"]), "release \"stuck\" was not locked\n");
    world.done(&["upgrade", "stuck", &chart, "--set", "color=green"]);
    assert_eq!(world.color("stuck"), "green");
    world.stop();
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn text_of_base64(text: &str) -> String {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
}

#[test]
fn what_the_client_merged_goes_over_to_the_server() {
    let world = World::start();
    let chart = world.chart("paint", &[("values.yaml", VALUES), ("templates/map.yaml", MAP)]);
    world.done(&["install", "over", &chart, "--server-side=false", "--set", "extra=x"]);
    let managers = || {
        let path = "jsonpath={range .metadata.managedFields[*]}{.manager}:{.operation} {end}";
        world.kubectl(&["get", "configmap", "over-own", "--show-managed-fields", "-o", path])
    };
    assert_eq!(managers(), "helm:Update ");
    world.done(&["upgrade", "over", &chart, "--server-side=true", "--set", "color=blue"]);
    assert_eq!(managers(), "helm:Apply ");
    let data = world.kubectl(&["get", "configmap", "over-own", "-o", "jsonpath={.data}"]);
    assert_eq!(data, r#"{"color":"blue"}"#, "what the new revision leaves out is gone");
    world.stop();
}

#[test]
fn what_is_not_ready_is_told_and_templates_are_explained() {
    let world = World::start();
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers: [{name: web, image: nginx}]\n";
    let chart = world.chart("slow", &[("templates/web.yaml", deployment)]);
    let errors = world.refused(&["install", "slow", &chart, "--wait", "--timeout", "2s"]);
    assert!(errors.contains("resource Deployment/default/web not ready. status: InProgress, message: "), "{errors}");
    assert!(errors.contains("context deadline exceeded"), "{errors}");
    assert!(!errors.contains('\x1b') && !errors.contains("WAITING FOR"), "no table in a pipe: {errors}");

    let broken = world.chart("broken", &[("templates/b.yaml", "a: 1\nb: {{ .Values.no.thing }}\nc: 3\n")]);
    let errors = world.refused(&["install", "broken", &broken]);
    for want in [
        "INSTALLATION FAILED: ",
        "broken/templates/b.yaml:2:13",
        "<.Values.no.thing>",
        ">    2 | b: {{ .Values.no.thing }}",
    ] {
        assert!(errors.contains(want), "want {want:?} in {errors}");
    }
    world.stop();
}

#[test]
fn definitions_are_upgraded_on_request_and_the_difference_is_shown() {
    let world = World::start();
    let definition = |more: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things.example.com\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {{plural: things, singular: thing, kind: Thing, listKind: ThingList}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec: {{type: object, properties: {{a: {{type: string}}{more}}}}}\n"
        )
    };
    let thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: one\nspec: {a: x}\n";
    let first = definition("");
    let chart = world.chart("defs", &[("crds/thing.yaml", first.as_str()), ("templates/thing.yaml", thing)]);
    world.done(&["install", "defs", &chart]);
    assert_eq!(world.kubectl(&["get", "things", "-o", "name"]), "thing.example.com/one\n");
    write(Path::new(&chart), "crds/thing.yaml", &definition(", added: {type: integer}"));
    world.done(&["upgrade", "defs", &chart]);
    let schema = || world.kubectl(&["get", "crd", "things.example.com", "-o", "yaml"]);
    assert!(!schema().contains("added:"), "without being asked nothing changes");
    let (code, _, errors) = world.ours(&["upgrade", "defs", &chart, "--upgrade-crds", "--dry-run=server"]);
    assert!(code == Some(0) && errors.contains("+              added:"), "{code:?} {errors}");
    assert!(!schema().contains("added:"), "a dry run shows, and changes nothing");
    let (code, _, errors) = world.ours(&["upgrade", "defs", &chart, "--upgrade-crds"]);
    assert!(code == Some(0) && errors.contains("+              added:"), "{code:?} {errors}");
    assert!(schema().contains("added:"));
    world.stop();
}

#[test]
fn both_programs_take_turns_on_a_release() {
    let Some(peer) = peer() else { return };
    let world = World::start();
    let chart = world.chart("paint", &[("values.yaml", VALUES), ("templates/map.yaml", MAP)]);
    let theirs = |arguments: &[&str]| {
        let output = Command::new(&peer).args(arguments).env("KUBECONFIG", &world.kubeconfig).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    world.done(&["install", "turns", &chart]);
    theirs(&["upgrade", "turns", &chart, "--set", "color=blue"]);
    world.done(&["upgrade", "turns", &chart, "--set", "color=green"]);
    theirs(&["rollback", "turns", "2"]);
    assert_eq!(world.color("turns"), "blue");
    for command in [
        &["history", "turns"][..],
        &["history", "turns", "-o", "json"],
        &["list"],
        &["get", "values", "turns"],
        &["get", "manifest", "turns"],
        &["get", "metadata", "turns"],
        &["status", "turns"],
    ] {
        // Between two commands objects grow older.
        let ageless = |text: String| {
            let lines = text.lines().map(|line| if line.starts_with("turns-own ") { "" } else { line });
            lines.collect::<Vec<_>>().join("\n")
        };
        assert_eq!(ageless(world.done(command)), ageless(theirs(command)), "{command:?}");
    }
    world.done(&["uninstall", "turns"]);

    theirs(&["install", "back", &chart, "--server-side=false"]);
    world.done(&["upgrade", "back", &chart, "--set", "color=blue", "--server-side=true"]);
    theirs(&["upgrade", "back", &chart, "--set", "color=green"]);
    world.done(&["rollback", "back"]);
    assert_eq!(world.color("back"), "blue");
    theirs(&["uninstall", "back"]);
    assert!(world.refused(&["status", "back"]).contains("release: not found"));
    world.stop();
}
