//! What goes through the API server to a node and back: commands, logs, ports, files, and the proxy.
//!
//! Each kubectl speaks the protocols of its time: SPDY before 1.31, WebSocket since. The newest is also made to speak
//! SPDY, as client-go's own executor does.

use super::program::{Answer, Kubectl, Program};
use crate::kubelet;
use crate::world::World;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};

const LOOKER: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: looker}
rules: [{apiGroups: [''], resources: [pods, pods/exec, pods/log], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: looker}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: looker}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: looker}]
";

/// Signs of life of the node: without one for 50 s it counts as lost, and on a busy machine the day takes longer.
async fn beat(client: kube::Client) {
    let name = kubelet::NODE;
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}");
    loop {
        let lease = object::json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": informer::clock::now_micro_text()},
        });
        let request = http::Request::patch(format!("{path}?fieldManager=kubelet&force=true"))
            .header("content-type", "application/apply-patch+yaml")
            .body(lease.to_string().into_bytes())
            .unwrap();
        client.request::<object::Value>(request).await.expect("the lease is taken");
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kubectl_reaches_into_pods() {
    let programs = Program::find();
    if programs.is_empty() {
        println!("SKIPPED: there is no kubectl from 1.29 on; name some with HAKATA_KUBECTL, separated by colons");
        return;
    }
    let world = World::start().await;
    let client = world.client().await;
    kubelet::start(world.folder(), &client).await;
    let beating = tokio::spawn(beat(client.clone()));
    let site = Site::start();
    let newest = programs.len() - 1;
    for (at, program) in programs.into_iter().enumerate() {
        let ways = if at == newest { &["true", "false"][..] } else { &["true"] };
        for websockets in ways {
            println!("kubectl 1.{}, WebSocket where it can: {websockets}", program.minor());
            let mut kubectl = program.at(world.folder(), &world.kubeconfig());
            kubectl.namespace = format!("{}-{websockets}", kubectl.namespace);
            prepare(&client, &kubectl.namespace, site.port).await;
            let kubectl = kubectl.with("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", websockets);
            let kubectl = kubectl.with("KUBECTL_PORT_FORWARD_WEBSOCKETS", websockets);
            let port = site.port;
            let day = tokio::task::spawn_blocking(move || day(&kubectl, port));
            day.await.expect("every step answers as it should");
        }
    }
    beating.abort();
    world.stop().await;
}

async fn prepare(client: &kube::Client, namespace: &str, port: u16) {
    let object = object::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    kubelet::create(client, "Namespace", None, object).await;
    kubelet::run_pod(client, namespace, "web", &["main"], port).await;
    kubelet::run_pod(client, namespace, "two", &["one", "other"], port).await;
    kubelet::run_pod(client, namespace, "silent", &["c"], port).await;
}

fn day(kubectl: &Kubectl, site: u16) {
    commands(kubectl);
    refusals(kubectl);
    logs(kubectl);
    files(kubectl);
    ports(kubectl);
    proxy(kubectl, site);
    top(kubectl);
}

#[track_caller]
fn says(kubectl: &Kubectl, arguments: &str, input: &str, want: &str) {
    let Answer { code, out, err } = kubectl.run(&format!("-n {{ns}} {arguments}"), input);
    assert_eq!((code, out.as_str()), (0, want), "kubectl {arguments}\n{err}");
}

#[track_caller]
fn fails(kubectl: &Kubectl, arguments: &str, want_code: i32, want: &str) {
    let Answer { code, out, err } = kubectl.run(&format!("-n {{ns}} {arguments}"), "");
    assert!(code == want_code && err.contains(want), "kubectl {arguments}\n{code}\n{out}\n{err}");
}

fn commands(kubectl: &Kubectl) {
    says(kubectl, "exec web -- echo hello", "", "hello\n");
    says(kubectl, "exec -i web -- cat", "from here", "from here");
    says(kubectl, "exec two -c other -- sh -c 'echo a; echo b >&2'", "", "a\n");
    fails(kubectl, "exec web -- sh -c 'echo wrong >&2; exit 3'", 3, "wrong\ncommand terminated with exit code 3");
    fails(kubectl, "exec web -- /no/such/program", 1, "error executing command in container");
    let large = "0123456789abcde\n".repeat(200_000);
    says(kubectl, "exec -i web -- wc -c", &large, "3200000\n");
    says(kubectl, "exec -i web -- cat", &large, &large);
    says(kubectl, "attach -i web", "to the container", "to the container");
}

fn refusals(kubectl: &Kubectl) {
    fails(kubectl, "exec web -c nope -- true", 1, "container nope");
    fails(kubectl, "exec nope -- true", 1, "pods \"nope\" not found");
    fails(kubectl, "logs two -c nope", 1, "container nope is not valid for pod two");
    fails(
        kubectl,
        "logs silent",
        1,
        "Error from server (BadRequest): container \"c\" in pod \"silent\" is waiting to start",
    );
    fails(kubectl, "logs web --limit-bytes=-1", 1, "must be greater than 0");
    let raw = "get --raw /api/v1/namespaces/{ns}/pods/two/exec?command=x&stdout=1";
    fails(kubectl, raw, 1, "a container name must be specified for pod two, choose one of: [one other]");
    let raw = "get --raw /api/v1/namespaces/{ns}/pods/web/exec?command=x&stdout=1";
    fails(kubectl, raw, 1, "Upgrade request required");
    // Whoever may only `get` may not run commands, though WebSocket begins with a GET.
    let made = kubectl.run("-n {ns} create -f -", LOOKER);
    assert_eq!(made.code, 0, "{}", made.err);
    says(kubectl, "get pod web -o name --as looker", "", "pod/web\n");
    fails(kubectl, "exec web --as looker -- true", 1, "pods \"web\" is forbidden");
}

fn logs(kubectl: &Kubectl) {
    says(kubectl, "logs web", "", "main: \n");
    says(kubectl, "logs two -c other --tail=5 --previous", "", "other: previous=true&tailLines=5\n");
    says(kubectl, "logs web --since=1m --timestamps", "", "main: sinceSeconds=60&timestamps=true\n");
    // Older ones take the containers in any order.
    let all = kubectl.run("-n {ns} logs two --all-containers --prefix", "");
    let mut lines: Vec<&str> = all.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["[pod/two/one] one: ", "[pod/two/other] other: "], "{}", all.err);
    // A log that is followed comes at once, line by line.
    let mut child = kubectl.start("-n {ns} logs -f web");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let got: Vec<String> = lines.by_ref().take(4).map(Result::unwrap).collect();
    assert_eq!(got, ["main: follow=true", "line 1", "line 2", "line 3"]);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn files(kubectl: &Kubectl) {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("here"), &content).unwrap();
    says(kubectl, &format!("cp {} web:{}", path("here"), path("there")), "", "");
    let back = kubectl.run(&format!("-n {{ns}} cp web:{} {}", path("there"), path("back")), "");
    assert_eq!(back.code, 0, "{}", back.err);
    assert!(std::fs::read(path("back")).unwrap() == content, "the file comes back as it was");
}

fn ports(kubectl: &Kubectl) {
    let mut child = kubectl.start("-n {ns} port-forward pod/web :7 :9 --address 127.0.0.1");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut port = || {
        let line = lines.next().unwrap().unwrap();
        let (_, rest) = line.split_once("127.0.0.1:").unwrap_or_else(|| panic!("{line}"));
        rest.split(' ').next().unwrap().parse::<u16>().unwrap()
    };
    let (echo, nobody) = (port(), port());
    let mut open: Vec<TcpStream> = (0..5).map(|_| TcpStream::connect(("127.0.0.1", echo)).unwrap()).collect();
    for (at, stream) in open.iter_mut().enumerate() {
        stream.write_all(&[u8::try_from(at).unwrap(); 100_000]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    }
    for (at, mut stream) in open.into_iter().enumerate().rev() {
        let mut back = Vec::new();
        stream.read_to_end(&mut back).unwrap();
        assert!(back == vec![u8::try_from(at).unwrap(); 100_000], "connection {at} gives back what it got");
    }
    let mut refused = TcpStream::connect(("127.0.0.1", nobody)).unwrap();
    assert_eq!(refused.read_to_end(&mut Vec::new()).unwrap_or_default(), 0);
    let mut complaint = String::new();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    while !complaint.contains("error forwarding port 9 to pod") {
        assert_ne!(errors.read_line(&mut complaint).unwrap(), 0, "{complaint}");
    }
    // Newer ones end by themselves then.
    let _ = child.kill();
    child.wait().unwrap();
}

fn top(kubectl: &Kubectl) {
    let rows = |arguments: &str| {
        let Answer { code, out, err } = kubectl.run(arguments, "");
        assert_eq!(code, 0, "kubectl {arguments}\n{err}");
        let words = |line: &str| line.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>();
        out.lines().map(words).collect::<Vec<_>>()
    };
    let heads = ["NAME", "CPU(cores)", "MEMORY(bytes)"];
    // How far a quarter is missed depends on when exactly the node is asked.
    let is_quarter =
        |cpu: &str| cpu.trim_end_matches('m').parse::<u32>().is_ok_and(|milli| (248..=252).contains(&milli));
    let pods = rows("-n {ns} top pods");
    assert!(pods.len() == 2 && pods[0] == heads, "{pods:?}");
    assert!(pods[1][0] == "web" && is_quarter(&pods[1][1]) && pods[1][2] == "10Mi", "{pods:?}");
    let containers = rows("-n {ns} top pod web --containers");
    assert_eq!(containers[1][..2], ["web", "main"]);
    let nodes = rows("top nodes");
    assert!(nodes[1][0] == kubelet::NODE && is_quarter(&nodes[1][1]), "{nodes:?}");
    let table = rows("-n {ns} get podmetrics");
    assert_eq!(table[0], ["NAME", "CPU", "MEMORY"]);
    fails(kubectl, "top pod two", 1, "podmetrics.metrics.k8s.io \"{ns}/two\" not found");
}

fn proxy(kubectl: &Kubectl, site: u16) {
    if kubelet::own_address().is_none() {
        println!("SKIPPED: proxy: this machine has no address that is not local");
        return;
    }
    let raw = |path: &str| format!("get --raw /api/v1{path}");
    let pod = "/namespaces/{ns}/pods/web/proxy";
    let own = format!("/api/v1{pod}").replace("{ns}", &kubectl.namespace);
    let page = format!("<a href=\"{own}/next\">/page?x=1 for {own}/page</a>").replace(&kubectl.namespace, "{ns}");
    says(kubectl, &raw(&format!("{pod}/page?x=1")), "", &page);
    says(kubectl, &raw(&format!("/namespaces/{{ns}}/pods/http:web:{site}/proxy/plain")), "", "/plain");
    says(kubectl, &raw(&format!("{pod}/moved")), "", "/plain");
    fails(kubectl, &raw("/namespaces/{ns}/pods/web:1/proxy/"), 1, "error trying to reach service: dial tcp");
    fails(kubectl, &raw("/namespaces/{ns}/pods/ftp:web:1/proxy/"), 1, "invalid pod request");
    fails(kubectl, &raw("/namespaces/{ns}/services/web/proxy/"), 1, "services \"web\" not found");
    let node = format!("/nodes/{}/proxy/metrics/x", kubelet::NODE);
    let want = format!("served /metrics/x to Some(\"/api/v1{node}\")\n");
    says(kubectl, &raw(&node), "", &want);
}

/// A web site on this machine.
struct Site {
    port: u16,
}

impl Site {
    fn start() -> Site {
        let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(Site::answer(stream))));
        Site { port }
    }

    fn answer(mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        let mut reader = BufReader::new(stream.try_clone()?);
        while !head.ends_with(b"\r\n\r\n") {
            reader.read_until(b'\n', &mut head)?;
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let uri = head.lines().find_map(|line| line.strip_prefix("x-forwarded-uri: ")).unwrap_or_default();
        let (line, kind, body) = match path.as_str() {
            "/moved" => ("302 Found\r\nlocation: /plain", "text/plain", String::new()),
            "/plain" => ("200 OK", "text/plain", path),
            _ => ("200 OK", "text/html; charset=utf-8", format!("<a href=\"/next\">{path} for {uri}</a>")),
        };
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {line}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
    }
}

impl Kubectl {
    /// The same, with a variable in its environment.
    fn with(mut self, name: &'static str, value: &str) -> Kubectl {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Starts `kubectl ARGUMENTS` and leaves it running.
    fn start(&self, arguments: &str) -> std::process::Child {
        let mut command: Command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}
