//! The everyday verbs on a server of their own, beside the real kubectl where there is one: the same words.

use crate::program::{Serving, hakata};
use std::path::{Path, PathBuf};
use std::process::Command;

const OBJECTS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: colors, labels: {app: paint}}
data: {red: "1", text: "a\nb\n"}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {k: value}
---
apiVersion: v1
kind: Service
metadata: {name: paint}
spec: {selector: {app: paint}, ports: [{port: 80, targetPort: http, name: http}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: paint}
spec:
  serviceName: paint
  selector: {matchLabels: {app: paint}}
  template:
    metadata: {labels: {app: paint}}
    spec:
      containers:
      - name: paint
        image: paint:1
        ports: [{containerPort: 80, name: http}]
        env: [{name: A, value: "1"}, {name: MY_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        resources: {limits: {memory: 1Gi}, requests: {cpu: 100m}}
        livenessProbe: {httpGet: {path: /x, port: http}}
        volumeMounts: [{name: v, mountPath: /v}]
      volumes: [{name: v, emptyDir: {}}, {name: c, configMap: {name: colors}}]
"#;

/// A server with a file of objects beside it.
struct World {
    folder: tempfile::TempDir,
    serving: Serving,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let serving = Serving::start(folder.path(), &["--no-node"]);
        std::fs::write(folder.path().join("objects.yaml"), OBJECTS).unwrap();
        World { folder, serving }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn ours(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let config = self.file("kubeconfig");
        hakata(&[arguments, &["--kubeconfig", &config]].concat())
    }

    #[track_caller]
    fn check(&self, arguments: &str, want: &str) {
        let words: Vec<&str> = arguments.split(' ').collect();
        let (code, out, errors) = self.ours(&words);
        assert_eq!((code, out.as_str()), (Some(0), want), "{arguments}: {errors}");
    }

    #[track_caller]
    fn check_failure(&self, arguments: &str, want: &str) {
        let words: Vec<&str> = arguments.split(' ').collect();
        let (code, _, errors) = self.ours(&words);
        assert!(code == Some(1) && errors.trim_end() == want, "{arguments}: {code:?} {errors}");
    }
}

/// The kubectl whose words count: the first that the environment names.
fn kubectl() -> Option<PathBuf> {
    let named = std::env::var("HAKATA_KUBECTL").ok()?;
    named.split(':').map(PathBuf::from).find(|path| path.is_file())
}

#[test]
fn objects_are_applied_read_changed_and_deleted() {
    let world = World::new();
    let file = world.file("objects.yaml");
    world.check(
        &format!("apply -f {file}"),
        "configmap/colors created\nsecret/key created\nservice/paint created\nstatefulset.apps/paint created\n",
    );
    world.check(
        &format!("apply -f {file}"),
        "configmap/colors unchanged\nsecret/key configured\nservice/paint unchanged\nstatefulset.apps/paint unchanged\n",
    );
    world.check("get cm colors -o jsonpath={.data.red}", "1");
    world.check("get cm,secret -l app=paint -o name", "configmap/colors\n");
    world.check("label cm colors tier=front", "configmap/colors labeled\n");
    world.check_failure(
        "label cm colors tier=back",
        "error: 'tier' already has a value (front), and --overwrite is false",
    );
    world.check("annotate cm colors note=x tier-", "configmap/colors annotated\n");
    world.check("patch cm colors --type=merge -p {\"data\":{\"blue\":\"2\"}}", "configmap/colors patched\n");
    world.check("scale sts paint --replicas=3", "statefulset.apps/paint scaled\n");
    world.check("get sts paint -o jsonpath={.spec.replicas}", "3");
    world.check("rollout restart sts/paint", "statefulset.apps/paint restarted\n");
    world.check("wait cm/colors --for=jsonpath={.data.blue}=2 --timeout=5s", "configmap/colors condition met\n");
    world.check_failure(
        "wait cm/colors --for=condition=Ready --timeout=0",
        "error: condition not met for configmaps/colors",
    );
    world.check_failure("get pods/nothing", "Error from server (NotFound): pods \"nothing\" not found");
    world.check(
        "delete cm/colors secret/key",
        "configmap \"colors\" deleted from default namespace\nsecret \"key\" deleted from default namespace\n",
    );
    world.check("get cm,secret -o name", "configmap/kube-root-ca.crt\n");
}

#[test]
fn a_kustomization_is_compared_applied_and_deleted() {
    let world = World::new();
    std::fs::write(world.file("kustomization.yaml"), "namePrefix: my-\nresources: [map.yaml]\n").unwrap();
    let map =
        |color: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: map}}\ndata: {{color: {color}}}\n");
    std::fs::write(world.file("map.yaml"), map("red")).unwrap();
    let folder = world.folder.path().display().to_string();
    world.check(&format!("apply -k {folder}"), "configmap/my-map created\n");
    world.check(&format!("diff -k {folder}"), "");
    std::fs::write(world.file("map.yaml"), map("blue")).unwrap();
    let (code, out, errors) = world.ours(&["diff", "-k", &folder]);
    assert_eq!(code, Some(1), "{errors}");
    assert!(out.contains("\n-  color: red\n+  color: blue\n"), "{out}");
    world.check(&format!("apply -k {folder} --server-side --force-conflicts"), "configmap/my-map serverside-applied\n");
    world.check("get cm my-map -o jsonpath={.data.color}", "blue");
    world.check(&format!("delete -k {folder}"), "configmap \"my-map\" deleted from default namespace\n");
}

#[test]
fn kubectl_says_the_same() {
    let Some(kubectl) = kubectl() else {
        println!("SKIPPED: no kubectl to compare with (HAKATA_KUBECTL)");
        return;
    };
    let world = World::new();
    let (code, _, errors) = world.ours(&["apply", "-f", &world.file("objects.yaml")]);
    assert_eq!(code, Some(0), "{errors}");
    for arguments in [
        "get ns",
        "get svc -A -o wide",
        "get all",
        "get cm,secret",
        "get cm colors -o yaml",
        "get cm -o json",
        "get sts paint -o jsonpath={.spec.template.spec.containers[*].image}",
        "get ns --show-labels",
        "get nothing",
        "get ns -o custom-columns=N:.metadata.name,P:.status.phase",
        "get pods",
        "get pods -A",
        "get pod x",
        "describe svc paint",
        "describe cm colors",
        "describe secret key",
        "describe sts paint",
        "describe ns default",
        "describe clusterrole edit",
        "describe clusterrolebinding cluster-admin",
        "describe sa default",
        "events",
        "rollout history sts/paint",
        "top pods",
        "label cm colors x",
        "delete pods",
        "wait cm/colors --for=nothing",
        "scale sts/none --replicas=1",
    ] {
        compare(&kubectl, &world, arguments);
    }
    assert_eq!(world.serving.terminate(), Some(0));
}

/// Ages pass between two calls, so a difference counts when it stays.
#[track_caller]
fn compare(kubectl: &Path, world: &World, arguments: &str) {
    let words: Vec<&str> = arguments.split(' ').collect();
    let mut seen = None;
    for _ in 0..30 {
        let theirs =
            Command::new(kubectl).args(&words).arg("--kubeconfig").arg(world.file("kubeconfig")).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let theirs = (theirs.status.code(), text(&theirs.stdout), text(&theirs.stderr));
        let ours = world.ours(&words);
        if ours == theirs {
            return;
        }
        seen = Some((theirs, ours));
    }
    let (theirs, ours) = seen.expect("something was compared");
    panic!("{arguments}\nkubectl: {theirs:#?}\nhakata: {ours:#?}");
}
