//! `hakata helm` where pods run: hooks to their end, their logs, and waiting for what gets ready and what does not.

use crate::machine::Cluster;
use crate::program::hakata;
use std::path::Path;

const JOB: &str = "\
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-{{ .Values.event }}
  annotations:
    helm.sh/hook: {{ .Values.event }}
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 0
      containers:
      - {name: main, image: 'busybox:1', command: [sh, -c, 'echo first line; echo second; exit {{ .Values.code }}']}
";

const TEST: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-check
  annotations: {helm.sh/hook: test}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: 'busybox:1', command: [sh, -c, 'echo checking; exit {{ .Values.testCode }}']}
";

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-web}
spec:
  replicas: 2
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: busybox:1
        command: [sleep, '100000']
        readinessProbe: {exec: {command: [sh, -c, '{{ .Values.probe }}']}, periodSeconds: 1}
";

const VALUES: &str = "event: pre-install\ncode: 0\ntestCode: 0\nprobe: \"true\"\n";

/// A cluster with a chart to install in it.
struct World {
    cluster: Cluster,
    chart: tempfile::TempDir,
}

impl World {
    fn new() -> Option<World> {
        let cluster = Cluster::with_busybox("helm")?;
        let chart = tempfile::tempdir().unwrap();
        let files = [
            ("Chart.yaml", "apiVersion: v2\nname: pods\nversion: 1.0.0\n"),
            ("values.yaml", VALUES),
            ("templates/job.yaml", JOB),
            ("templates/test.yaml", TEST),
            ("templates/web.yaml", DEPLOYMENT),
        ];
        std::fs::create_dir(chart.path().join("templates")).unwrap();
        for (file, text) in files {
            std::fs::write(chart.path().join(file), text).unwrap();
        }
        Some(World { cluster, chart })
    }

    fn chart(&self) -> &str {
        Path::to_str(self.chart.path()).unwrap()
    }

    fn helm(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let kubeconfig = self.cluster.kubeconfig();
        let global = ["helm", "--kubeconfig", kubeconfig.to_str().unwrap()];
        hakata(&[&global[..], arguments].concat())
    }

    /// What a command writes to standard output and to standard error, and how it ends.
    #[track_caller]
    fn ends(&self, want: i32, arguments: &[&str]) -> (String, String) {
        let (code, out, errors) = self.helm(arguments);
        assert_eq!(code, Some(want), "{arguments:?}: {out}{errors}");
        (out, errors)
    }
}

#[test]
fn hooks_run_their_logs_are_shown_and_releases_wait() {
    let Some(world) = World::new() else { return };
    let chart = world.chart();

    let (out, errors) = world.ends(0, &["install", "good", chart, "--wait", "--timeout", "120s"]);
    assert!(out.contains("STATUS: deployed"), "{out}");
    assert_eq!(errors, "first line\nsecond\n", "the log of the hook goes where errors go");
    let ready = ["get", "deployment", "good-web", "-o", "jsonpath={.status.readyReplicas}"];
    assert_eq!(world.cluster.ours(&ready), "2", "what was waited for is ready");
    assert_eq!(world.cluster.ours(&["get", "jobs", "-o", "name"]), "", "a hook that succeeded goes");

    let (out, _) = world.ends(0, &["test", "good", "--logs", "--timeout", "60s"]);
    assert!(out.contains("TEST SUITE:     good-check\n") && out.contains("Phase:          Succeeded\n"), "{out}");
    assert!(out.ends_with("\nPOD LOGS: good-check\nchecking\n\n"), "{out}");
    let set = ["upgrade", "good", chart, "--set", "testCode=3,event=post-upgrade"];
    let (_, errors) = world.ends(0, &set);
    assert_eq!(errors, "first line\nsecond\n");
    let (out, errors) = world.ends(1, &["test", "good", "--logs", "--timeout", "60s"]);
    assert!(out.contains("Phase:          Failed\n") && out.contains("POD LOGS: good-check\nchecking\n"), "{out}");
    assert!(errors.contains("Error: ") && errors.contains("good-check"), "{errors}");

    let (_, errors) = world.ends(1, &["install", "bad", chart, "--set", "code=1", "--timeout", "60s"]);
    assert!(errors.starts_with("first line\nsecond\nError: INSTALLATION FAILED: failed pre-install: "), "{errors}");
    let (out, _) = world.ends(0, &["status", "bad"]);
    assert!(out.contains("STATUS: failed\n"), "{out}");

    let slow = ["install", "slow", chart, "--wait", "--timeout", "5s", "--set", "probe=false"];
    let (_, errors) = world.ends(1, &slow);
    let want = "resource Deployment/default/slow-web not ready. status: InProgress, message: Available: 0/2\ncontext deadline exceeded";
    assert!(errors.contains(want), "{errors}");
    let gone = ["uninstall", "good", "slow", "bad", "--wait", "--timeout", "60s"];
    world.ends(0, &gone);
    assert_eq!(world.cluster.ours(&["get", "deployments", "-o", "name"]), "");
}
