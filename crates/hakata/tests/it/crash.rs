//! The server is killed while it works: nothing that it acknowledged is lost, and no container notices.

use crate::machine::Cluster;
use crate::program::{Program, programs};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const WORKLOAD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: steady}
spec:
  replicas: 5
  selector: {matchLabels: {app: steady}}
  template:
    metadata: {labels: {app: steady}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: busybox:1
        command: [sh, -c, 'n=0; while true; do n=$((n+1)); echo line $n; sleep 0.1; done']
";

/// What tells one run of a container from another.
const RUNS: &str = "get pods -l app=steady -o jsonpath='{range .items[*]}{.metadata.name} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{\"\\n\"}{end}'";

#[test]
fn a_killed_server_loses_nothing() {
    let Some(cluster) = Cluster::with_busybox("crash") else { return };
    cluster.apply(WORKLOAD);
    cluster.ours(&["rollout", "status", "deployment/steady", "--timeout=120s"]);
    let program = programs(&cluster.kubeconfig()).remove(0);
    let before = until(&program, RUNS, |out| out.lines().count() == 5);
    let pod = before.split(' ').next().unwrap().to_owned();

    for round in 0..3 {
        let written = write_while(&program, round, || {
            std::thread::sleep(Duration::from_millis(700));
            let pid = cluster.server().to_string();
            assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        });
        let (code, out, errors) = cluster.up();
        assert_eq!(code, Some(0), "{out}{errors}");
        for name in written {
            program.says(&format!("get configmap {name} -o name"), "", &format!("configmap/{name}\n"));
        }
        let after = until(&program, RUNS, |out| out.lines().count() == 5);
        assert_eq!(after, before, "the same containers run, none was restarted");
    }
    // Lines that were written while no server ran are there too, without a gap.
    let log = program.run(&format!("logs {pod}"), "").out;
    let numbers: Vec<u64> = log.lines().map(|line| line.strip_prefix("line ").unwrap().parse().unwrap()).collect();
    assert!(numbers.len() > 20 && numbers.iter().zip(1..).all(|(got, want)| *got == want), "{numbers:?}");
}

/// Makes objects until the server is gone; the names of those that it acknowledged.
fn write_while(program: &Program, round: u32, kill: impl FnOnce()) -> Vec<String> {
    let (written, is_over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (written, is_over) = (&written, &is_over);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let name = format!("written-{round}-{writer}-{number}");
                    let object = format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}");
                    if program.run("apply -f -", &object).code == Some(0) {
                        written.lock().unwrap().push(name);
                    }
                }
            });
        }
        kill();
        is_over.store(true, Ordering::Relaxed);
    });
    written.into_inner().unwrap()
}

/// Asks until the answer is as it should be.
fn until(program: &Program, arguments: &str, is_right: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = program.run(arguments, "");
        if answer.code == Some(0) && is_right(&answer.out) {
            return answer.out;
        }
        assert!(Instant::now() < deadline, "{arguments}: {}{}", answer.out, answer.errors);
        std::thread::sleep(Duration::from_millis(200));
    }
}
