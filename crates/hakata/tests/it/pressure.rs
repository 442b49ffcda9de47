//! `hakata pressure` from outside, on this machine's kernel and on a cluster: a table, causes, alerts, and an autoscaler
//! that follows pressure.

use crate::program::{Serving, hakata};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use value::Value;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// Where Debian's busybox-static puts it.
const BUSYBOX: &str = "/bin/busybox";

/// A cluster of the test's own, gone at its end whatever happened.
struct Cluster {
    name: String,
    folder: tempfile::TempDir,
}

impl Cluster {
    fn up(name: &str) -> Option<Cluster> {
        let missing = cluster::preflight::check();
        missing.iter().for_each(|missing| println!("SKIPPED: {}", missing.what));
        let has_shell = std::fs::read(BUSYBOX).is_ok_and(|bytes| !bytes.windows(9).any(|part| part == b"/lib64/ld"));
        if !has_shell {
            println!("SKIPPED: it needs a static busybox (Debian's busybox-static)");
        }
        if !missing.is_empty() || !has_shell || !has_pressure() {
            return None;
        }
        let cluster =
            Cluster { name: format!("test-{name}-{}", std::process::id()), folder: tempfile::tempdir().unwrap() };
        let (code, out, errors) = hakata(&["up", &cluster.name, "--no-kubeconfig", "--timeout", "120"]);
        assert_eq!(code, Some(0), "{out}{errors}");
        let root = cluster.folder.path().join("root");
        std::fs::create_dir_all(root.join("bin")).unwrap();
        std::fs::copy(BUSYBOX, root.join("bin/busybox")).unwrap();
        std::os::unix::fs::symlink("busybox", root.join("bin/sh")).unwrap();
        let image = ["image", "import", root.to_str().unwrap(), "shell:1", "--cluster", &cluster.name];
        let (code, out, errors) = hakata(&image);
        assert_eq!(code, Some(0), "{out}{errors}");
        Some(cluster)
    }

    fn kubeconfig(&self) -> String {
        cluster::place::Place::named(&self.name).unwrap().kubeconfig().display().to_string()
    }

    /// Runs a command against the cluster.
    fn run(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let kubeconfig = self.kubeconfig();
        hakata(&[words, &["--kubeconfig", &kubeconfig]].concat())
    }

    fn apply(&self, manifest: &str) {
        let path = self.folder.path().join("manifest.yaml");
        std::fs::write(&path, manifest).unwrap();
        // A kind that was defined a moment ago may not be there yet.
        self.until("success", || match self.run(&["apply", "-f", path.to_str().unwrap()]) {
            (Some(0), ..) => Ok(()),
            (_, out, errors) => Err(out + &errors),
        });
    }

    fn get(&self, words: &[&str]) -> Value {
        let (code, out, errors) = self.run(&[&["get"], words, &["-o", "json"]].concat());
        if code == Some(0) { serde_json::from_str(&out).unwrap() } else { Value::String(errors) }
    }

    /// Looks again and again until it is as wanted.
    #[track_caller]
    fn until<T>(&self, what: &str, look: impl Fn() -> Result<T, String>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match look() {
                Ok(found) => return found,
                Err(seen) => assert!(Instant::now() < deadline, "no {what}, but {seen}"),
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        hakata(&["down", &self.name, "--no-kubeconfig", "--delete"]);
    }
}

fn has_pressure() -> bool {
    let found = Path::new("/proc/pressure/cpu").exists();
    if !found {
        println!("SKIPPED: this kernel has no pressure information");
    }
    found
}

#[test]
fn this_machine_is_shown_without_a_cluster() {
    if !has_pressure() {
        return;
    }
    let (code, out, errors) = hakata(&["pressure", "--host", "--since", "1s"]);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(out.starts_with("NODE ") && out.contains("(machine)"), "{out}");
    let (code, out, errors) = hakata(&["pressure", "--host", "--since", "1s", "-o", "json", "--all"]);
    assert_eq!(code, Some(0), "{errors}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let entries = report["entries"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["sort"] == "machine" && entry["cpu"]["some"].is_number()), "{out}");
    assert!(report["seconds"].as_f64().unwrap() >= 1.0, "{out}");
    let (code, _, errors) = hakata(&["pressure", "--host", "-l", "app=web"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("labels are known to a cluster alone"), "{errors}");
}

#[test]
fn a_cluster_without_nodes_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &["--no-node"]);
    let kubeconfig = folder.path().join("kubeconfig");
    let (code, _, errors) = hakata(&["pressure", "--kubeconfig", kubeconfig.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("the cluster has no nodes; --host shows this machine alone"), "{errors}");
    let (_, definitions, _) = hakata(&["pressure", "--definitions"]);
    let path = folder.path().join("definitions.yaml");
    std::fs::write(&path, definitions).unwrap();
    let words = ["apply", "-f", path.to_str().unwrap(), "--kubeconfig", kubeconfig.to_str().unwrap()];
    let (code, out, errors) = hakata(&words);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(out.contains("pressurealerts.pressure.hakata.io created"), "{out}");
    assert_eq!(serving.terminate(), Some(0));
}

/// Pods that use as much as they may for a while, and nothing after that.
const BUSY: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: busy}
spec:
  selector: {matchLabels: {app: busy}}
  template:
    metadata:
      labels: {app: busy}
      annotations: {pressure.hakata.io/alerts: cpu some 5%/2s every 5s}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: spin
        image: shell:1
        imagePullPolicy: Never
        command: [sh, -c, 'trap \"exit 0\" TERM; while ! [ -e /calm/calm ]; do i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; done; exec /bin/busybox sleep 100000']
        resources: {limits: {cpu: 100m}}
        volumeMounts: [{name: calm, mountPath: /calm}]
      volumes:
      - name: calm
        configMap: {name: calm, optional: true}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: busy}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: busy}
  minReplicas: 1
  maxReplicas: 2
  metrics:
  - type: Pods
    pods:
      metric: {name: pressure_cpu_some_avg10}
      target: {type: AverageValue, averageValue: '10'}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 0}
---
apiVersion: pressure.hakata.io/v1
kind: PressureAlert
metadata: {name: slow}
spec:
  selector: {matchLabels: {app: busy}}
  container: spin
  resource: cpu
  threshold: 50ms
  webhook: {url: 'WEBHOOK'}
";

/// Whom alerts are told: a server that is busy at first, and what it was sent.
struct Pager {
    url: String,
    heard: mpsc::Receiver<Value>,
}

impl Pager {
    fn start() -> Pager {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        // what came: server -> test
        let (heard_tx, heard) = mpsc::channel();
        std::thread::spawn(move || {
            for (place, stream) in listener.incoming().enumerate() {
                let body = stream.map(|mut stream| Pager::answer(&mut stream, place == 0));
                // The test may have ended.
                let _ = heard_tx.send(body.unwrap_or_default());
            }
        });
        Pager { url, heard }
    }

    fn answer(stream: &mut TcpStream, is_busy: bool) -> Value {
        let (mut head, mut reader) = (String::new(), BufReader::new(&mut *stream));
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        let read = reader.read_exact(&mut body);
        let code = if is_busy { "503 Busy" } else { "200 OK" };
        let answer = format!("HTTP/1.1 {code}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let written = stream.write_all(answer.as_bytes());
        read.and(written).map(|()| serde_json::from_slice(&body).unwrap_or_default()).unwrap_or_default()
    }
}

/// A pod that wants more than there is and promises nothing, and a policy that does not stand it.
const CROWD: &str = "
apiVersion: pressure.hakata.io/v1
kind: NodePressurePolicy
metadata: {name: cpu}
spec: {resource: cpu, threshold: 1%, evict: true, gracePeriod: 5s}
---
apiVersion: v1
kind: Pod
metadata: {name: crowd}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: spin
    image: shell:1
    imagePullPolicy: Never
    command: [sh, -c, 'spin() { while :; do :; done; }; for i in 1 2 3 4 5 6 7; do spin & done; spin']
";

#[test]
fn pressure_is_explained_told_and_scaled_by() {
    let Some(cluster) = Cluster::up("pressure") else { return };
    let (_, definitions, _) = hakata(&["pressure", "--definitions"]);
    cluster.apply(&definitions);
    let pager = Pager::start();
    cluster.apply(&BUSY.replace("WEBHOOK", &pager.url));

    // Explained.
    let report = cluster.until("finding of a quota", || {
        let (code, out, errors) = cluster.run(&["pressure", "-n", "default", "-l", "app=busy", "-o", "json"]);
        let report: Value = serde_json::from_str(&out).unwrap_or_default();
        let entry = report["entries"][0].clone();
        let is_found = entry["findings"][0]["cause"] == "quota";
        if is_found { Ok(entry) } else { Err(format!("{code:?} {out} {errors}")) }
    });
    let sentence = report["findings"][0]["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("container spin of default/busy-"), "{sentence}");
    assert!(sentence.contains("held back by limits.cpu of 100m: throttled in "), "{sentence}");
    assert_eq!(report["workload"]["name"], "busy", "{report}");
    let (_, table, _) = cluster.run(&["pressure", "--since", "1h", "--sort", "cpu"]);
    assert!(table.contains("spin") && table.contains("quota"), "{table}");

    // Told.
    cluster.until("condition of the pod", || {
        let pods = cluster.get(&["pods", "-l", "app=busy"]);
        let conditions = pods["items"][0]["status"]["conditions"].clone();
        let of = |kind: &str| {
            conditions.as_array().into_iter().flatten().find(|one| one["type"] == kind).cloned().unwrap_or_default()
        };
        let is_told = of("pressure.hakata.io/cpu")["status"] == "True" && of("Ready")["status"] == "True";
        if is_told { Ok(()) } else { Err(pods.to_string()) }
    });
    cluster.until("event of the alert", || {
        let events = cluster.get(&["events"]);
        let is_told = |event: &Value| {
            event["reason"] == "PressureAlert"
                && event["message"].as_str().is_some_and(|text| text.contains("(PressureAlert slow)"))
        };
        if events["items"].as_array().is_some_and(|all| all.iter().any(is_told)) {
            Ok(())
        } else {
            Err(events.to_string())
        }
    });
    cluster.until("word in the alert", || {
        let alert = cluster.get(&["pressurealerts.pressure.hakata.io", "slow"]);
        if alert["status"]["lastFired"].is_string() { Ok(()) } else { Err(alert.to_string()) }
    });

    let (first, again) = (pager.heard.recv_timeout(PATIENCE).unwrap(), pager.heard.recv_timeout(PATIENCE).unwrap());
    assert_eq!(first, again, "what was not taken is sent again");
    for (field, want) in [
        ("kind", "PressureAlert"),
        ("namespace", "default"),
        ("container", "spin"),
        ("alert", "slow"),
        ("resource", "cpu"),
        ("line", "some"),
    ] {
        assert_eq!(first[field], want, "{first}");
    }
    assert!(first["pod"].as_str().unwrap().starts_with("busy-"), "{first}");
    assert_eq!((first["thresholdSeconds"].as_f64(), first["windowSeconds"].as_f64()), (Some(0.05), Some(2.0)));
    assert!(first["message"].as_str().unwrap().starts_with("Container spin of it waited for cpu"), "{first}");

    // Scaled by, out and back.
    let replicas = |wanted: u64| {
        cluster.until(&format!("{wanted} replicas"), || {
            let deployment = cluster.get(&["deployment", "busy"]);
            let is_so = deployment["spec"]["replicas"] == wanted;
            if is_so { Ok(()) } else { Err(cluster.get(&["hpa", "busy"])["status"].to_string()) }
        });
    };
    replicas(2);
    let status = cluster.get(&["hpa", "busy"])["status"].clone();
    assert_eq!(status["currentMetrics"][0]["pods"]["metric"]["name"], "pressure_cpu_some_avg10", "{status}");
    cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: calm}, data: {calm: now}}");
    replicas(1);
    cluster.until("condition that goes back", || {
        let pods = cluster.get(&["pods", "-l", "app=busy"]);
        let mut conditions = pods["items"][0]["status"]["conditions"].as_array().into_iter().flatten();
        let is_over = conditions.any(|one| one["type"] == "pressure.hakata.io/cpu" && one["status"] == "False");
        if is_over { Ok(()) } else { Err(pods.to_string()) }
    });

    // Acted on, since a policy asks for it: the pod that promises nothing goes.
    cluster.apply(CROWD);
    cluster.until("condition of the node", || {
        let nodes = cluster.get(&["nodes"]);
        let mut conditions = nodes["items"][0]["status"]["conditions"].as_array().into_iter().flatten();
        let holds = conditions.any(|one| one["type"] == "KubepodsCPUContentionPressure" && one["status"] == "True");
        if holds { Ok(()) } else { Err(nodes["items"][0]["status"]["conditions"].to_string()) }
    });
    cluster.until("eviction", || {
        let pod = cluster.get(&["pod", "crowd"]);
        let is_evicted = pod["status"]["phase"] == "Failed" && pod["status"]["reason"] == "Evicted";
        if is_evicted { Ok(()) } else { Err(pod["status"].to_string()) }
    });
    let left = cluster.get(&["pods", "-l", "app=busy"]);
    assert_eq!(left["items"][0]["status"]["phase"], "Running", "{left}");

    // Of each pod not more was told than once in the time for which nothing more is told.
    let mut last: HashMap<String, jiff::Timestamp> = HashMap::new();
    for told in std::iter::once(first).chain(pager.heard.try_iter()) {
        let at: jiff::Timestamp = told["at"].as_str().unwrap().parse().unwrap();
        if let Some(before) = last.insert(told["pod"].to_string(), at) {
            assert!(at.duration_since(before).as_secs() >= 59, "{told} came soon after {before}");
        }
    }
}

#[test]
fn the_live_view_works_in_tmux() {
    let has_tmux = Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success());
    if !has_tmux || !has_pressure() {
        println!("SKIPPED: it needs tmux");
        return;
    }
    let socket = format!("hakata-test-{}", std::process::id());
    let tmux = |words: &[&str]| {
        let output = Command::new("tmux").args(["-L", &socket]).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let program = format!("{} pressure --host --watch", env!("CARGO_BIN_EXE_hakata"));
    tmux(&["new-session", "-d", "-x", "120", "-y", "30", &program]);
    let shows = |wanted: &str| {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let screen = tmux(&["capture-pane", "-p"]);
            if screen.contains(wanted) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("no {wanted:?} on\n{screen}"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    let seen = shows("machine").and_then(|()| {
        tmux(&["send-keys", "s"]);
        shows("sorted by cpu")?;
        tmux(&["send-keys", "/machine", "Enter"]);
        shows("filter \"machine\"")?;
        tmux(&["send-keys", "Enter"]);
        shows("esc back")
    });
    tmux(&["send-keys", "q"]);
    tmux(&["kill-server"]);
    seen.unwrap();
}
