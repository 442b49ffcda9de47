//! A cluster of a test's own: server, runtime, network and node, in a folder that goes away with it.

use cluster::pki::{Names, Pki};
use cluster::server::Server;
use container::{ExecConfig, ImageConfig, ImportOptions, Runtime};
use k8s_openapi::api::core::v1::{Event, Pod, ServiceAccount};
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use network::PodNetwork;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use value::{Value, json};

/// Where Debian's busybox-static puts it.
const BUSYBOX: &str = "/bin/busybox";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The name of the node.
pub(crate) const NODE: &str = "n1";

/// Worlds of one process get different networks.
static NEXT: AtomicU8 = AtomicU8::new(0);

/// A cluster with one node.
pub(crate) struct World {
    pub(crate) client: kube::Client,
    pub(crate) folder: tempfile::TempDir,
    cluster: String,
    network: u8,
    server: Stoppable,
    node: Option<Node>,
    static_pods: Option<PathBuf>,
}

/// A part that was started.
struct Stoppable {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

struct Node {
    running: Stoppable,
    runtime: Runtime,
    network: PodNetwork,
}

/// Says why a test cannot run here, if it cannot.
pub(crate) fn cannot_run() -> bool {
    let why = if !rustix::process::geteuid().is_root() {
        "it needs root"
    } else if !is_static(Path::new(BUSYBOX)) {
        "it needs a static busybox (Debian's busybox-static)"
    } else {
        return false;
    };
    println!("SKIPPED: {why}");
    true
}

fn is_static(program: &Path) -> bool {
    let bytes = std::fs::read(program).unwrap_or_default();
    !bytes.is_empty() && !bytes.windows(9).any(|part| part == b"/lib64/ld")
}

impl World {
    pub(crate) async fn start(name: &str) -> World {
        World::start_with(name, false).await
    }

    /// With a folder of static pods, if they are wanted.
    pub(crate) async fn start_with(name: &str, static_pods: bool) -> World {
        let folder = tempfile::Builder::new().prefix("hakata-node-").tempdir().unwrap();
        let (client, server) = serve(folder.path()).await;
        let mut world = World {
            client,
            cluster: format!("t{name}{}", std::process::id()),
            network: NEXT.fetch_add(1, Ordering::Relaxed),
            server,
            node: None,
            static_pods: static_pods.then(|| folder.path().join("manifests")),
            folder,
        };
        if let Some(folder) = &world.static_pods {
            std::fs::create_dir(folder).unwrap();
        }
        world.start_node().await;
        world.wait_for_account().await;
        world.wait_for_node().await;
        world
    }

    /// The folder of static pods.
    pub(crate) fn manifests(&self) -> &Path {
        self.static_pods.as_deref().unwrap()
    }

    async fn start_node(&mut self) {
        let runtime = Runtime::open(container::Config {
            cluster: self.cluster.clone(),
            data: self.data(),
            run: self.folder.path().join("run"),
            executable: std::env::current_exe().unwrap(),
            ..container::Config::default()
        });
        let runtime = runtime.await.unwrap();
        if runtime.images().get("busybox:1").is_err() {
            busybox(&runtime, self.folder.path()).await;
        }
        let third = (std::process::id() % 200) as u8 + 20;
        let range = |second: u8| format!("10.{second}.{third}.0/24").parse::<ipnet::IpNet>().unwrap();
        let network = PodNetwork::open(network::Config {
            cluster: self.cluster.clone(),
            pod_cidr: range(100 + self.network),
            service_cidr: range(200 + self.network),
            run: self.folder.path().join("run/network"),
            host: None,
        });
        let network = network.await.unwrap();
        let pki = pki(self);
        let config = node::Config {
            name: NODE.to_owned(),
            cluster: self.cluster.clone(),
            data: self.data(),
            cluster_dns: vec![network.dns()],
            static_pods: self.static_pods.clone(),
            server: Some(node::Serving {
                listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
                certificate: pki.server_certificate(),
                client_authorities: pki.ca_bundle(),
            }),
            ..node::Config::default()
        };
        let stop = CancellationToken::new();
        let running = node::run(self.client.clone(), runtime.clone(), network.clone(), config, stop.clone());
        let task = tokio::spawn(async move { running.await.unwrap() });
        self.node = Some(Node { running: Stoppable { stop, task }, runtime, network });
    }

    /// Ends the node as an upgrade would, without a word to the containers, and starts another.
    pub(crate) async fn restart_node(&mut self) {
        self.stop_node().await;
        self.start_node().await;
    }

    async fn stop_node(&mut self) {
        let node = self.node.take().unwrap();
        node.running.stop.cancel();
        tokio::time::timeout(PATIENCE, node.running.task).await.expect("the node stops in time").unwrap();
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.node.as_ref().unwrap().runtime
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("node")
    }

    async fn wait_for_account(&self) {
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), "default");
        until("the default service account", || async { api.get_opt("default").await.unwrap() }).await;
    }

    async fn wait_for_node(&self) {
        let api: Api<k8s_openapi::api::core::v1::Node> = Api::all(self.client.clone());
        until("the node", || async { api.get_opt(NODE).await.unwrap() }).await;
    }

    pub(crate) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), "default")
    }

    /// An API of objects in the namespace of tests.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), "default")
    }

    /// Makes an object from JSON.
    pub(crate) async fn make<K>(&self, object: Value) -> K
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned
            + serde::Serialize,
    {
        let object: K = value::from_value(object).unwrap();
        self.api::<K>().create(&PostParams::default(), &object).await.unwrap()
    }

    /// Makes a pod of this node.
    pub(crate) async fn pod(&self, name: &str, spec: Value) -> Pod {
        self.pod_with(json!({"name": name}), spec).await
    }

    /// Makes a pod of this node with metadata.
    pub(crate) async fn pod_with(&self, metadata: Value, mut spec: Value) -> Pod {
        spec["nodeName"] = json!(NODE);
        if spec["terminationGracePeriodSeconds"].is_null() {
            spec["terminationGracePeriodSeconds"] = json!(1);
        }
        let pod = json!({"metadata": metadata, "spec": spec});
        self.pods().create(&PostParams::default(), &value::from_value(pod).unwrap()).await.unwrap()
    }

    /// Waits until a pod is as wanted.
    pub(crate) async fn until(&self, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let last = std::sync::Mutex::new(Value::Null);
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let pod = self.pods().get_opt(name).await.unwrap();
                let pod = value::to_value(pod).unwrap();
                *last.lock().unwrap() = pod.clone();
                if wanted(&pod) {
                    return pod;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        match found.await {
            Ok(pod) => pod,
            Err(_) => {
                let events = self.events(name).await;
                panic!("{name}: waited in vain for {what}: {:#}\n{events:#?}", last.lock().unwrap()["status"])
            }
        }
    }

    /// Waits for a phase.
    pub(crate) async fn phase(&self, name: &str, phase: &str) -> Value {
        self.until(name, phase, |pod| pod["status"]["phase"] == phase).await
    }

    /// Waits until a pod is ready.
    pub(crate) async fn ready(&self, name: &str) -> Value {
        self.until(name, "readiness", |pod| condition(pod, "Ready") == "True").await
    }

    /// Runs a pod of one container with a script to its end; the script's output.
    pub(crate) async fn script(&self, name: &str, script: &str, extra: Value) -> String {
        let mut spec = json!({"restartPolicy": "Never", "containers": [shell("main", script)]});
        merge(&mut spec, extra);
        self.pod(name, spec).await;
        let pod =
            self.until(name, "its end", |pod| matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")));
        let pod = pod.await;
        let log = self.log(&pod, "main", 0);
        assert_eq!(pod["status"]["phase"], "Succeeded", "{name}: {log}\n{:#}", pod["status"]);
        log
    }

    /// A container's log without what the format adds.
    pub(crate) fn log(&self, pod: &Value, container: &str, attempt: u32) -> String {
        let text = |field: &str| pod["metadata"][field].as_str().unwrap().to_owned();
        let folder = format!("{}_{}_{}", text("namespace"), text("name"), text("uid"));
        let path = self.data().join("logs/pods").join(folder).join(container).join(format!("{attempt}.log"));
        let raw = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        raw.lines().map(|line| format!("{}\n", line.splitn(4, ' ').nth(3).unwrap())).collect()
    }

    /// What a container that goes on has said, once it has said something.
    pub(crate) async fn said(&self, pod: &Value, container: &str) -> String {
        let said = || async { Some(self.log(pod, container, 0)).filter(|log| !log.is_empty()) };
        until("the first line of a container", said).await
    }

    /// What a command in a running container says.
    pub(crate) async fn exec(&self, pod: &Value, container: &str, script: &str) -> String {
        let lists = ["containerStatuses", "initContainerStatuses"].map(|list| pod["status"][list].clone());
        let statuses = lists.iter().filter_map(Value::as_array).flatten();
        let of = statuses.into_iter().find(|status| status["name"] == container).unwrap();
        let id = of["containerID"].as_str().unwrap().strip_prefix("hakata://").unwrap().to_owned();
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let mut session = self.runtime().exec(&id, ExecConfig { argv, ..ExecConfig::default() }).await.unwrap();
        let (mut out, mut err) = (String::new(), String::new());
        let (mut stdout, mut stderr) = (session.stdout.take().unwrap(), session.stderr.take().unwrap());
        let (first, second) = tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err));
        first.and(second).unwrap();
        session.wait().await.unwrap();
        out + &err
    }

    /// Waits until a command in a container says something.
    pub(crate) async fn says(&self, pod: &Value, container: &str, script: &str, wanted: &str) {
        let say = || async {
            let said = self.exec(pod, container, script).await;
            (said.trim() == wanted).then_some(())
        };
        until(&format!("{script:?} to say {wanted:?}"), say).await;
    }

    /// Events about a pod: reason and message.
    pub(crate) async fn events(&self, name: &str) -> Vec<(String, String)> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), "default");
        let fields = format!("involvedObject.name={name}");
        let events = api.list(&ListParams::default().fields(&fields)).await.unwrap();
        let text = |text: Option<String>| text.unwrap_or_default();
        events.items.into_iter().map(|event| (text(event.reason), text(event.message))).collect()
    }

    /// Waits for an event.
    pub(crate) async fn event(&self, name: &str, reason: &str, message: &str) {
        let find = || async {
            let events = self.events(name).await;
            events.into_iter().find(|(of, text)| of == reason && text.contains(message))
        };
        until(&format!("the event {reason}: {message} of {name}"), find).await;
    }

    /// Deletes a pod and waits until it is gone.
    pub(crate) async fn delete(&self, name: &str) {
        self.pods().delete(name, &DeleteParams::default()).await.unwrap();
        self.gone(name).await;
    }

    /// Waits until the API does not have a pod.
    pub(crate) async fn gone(&self, name: &str) {
        self.until(name, "its absence", Value::is_null).await;
    }

    /// Deletes all, stops all, and holds the machine against how it was.
    pub(crate) async fn finish(mut self) {
        let pods = self.pods().list(&ListParams::default()).await.unwrap();
        for pod in pods {
            let name = pod.metadata.name.unwrap();
            let _gone = self.pods().delete(&name, &DeleteParams::default().grace_period(1)).await;
        }
        let none = || async {
            let left = self.pods().list(&ListParams::default()).await.unwrap();
            left.items.is_empty().then_some(())
        };
        until("all pods to be gone", none).await;
        let sandboxes = || async { self.runtime().pods().is_empty().then_some(()) };
        until("all sandboxes to be gone", sandboxes).await;
        let left = || async {
            let left = [entries(&self.data().join("pods")), entries(&self.data().join("logs/pods"))];
            left.iter().all(BTreeSet::is_empty).then_some(())
        };
        until("the files of pods to be gone", left).await;
        let node = self.node.take().unwrap();
        node.running.stop.cancel();
        tokio::time::timeout(PATIENCE, node.running.task).await.expect("the node stops in time").unwrap();
        assert_eq!(node.network.pods().await.unwrap(), Vec::<String>::new(), "networks are left");
        node.runtime.remove_all().await.unwrap();
        node.network.remove_all().await.unwrap();
        remove_groups(&self.cluster);
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let folder = self.folder.path().to_str().unwrap();
        assert!(!mounts.contains(folder), "mounts are left:\n{mounts}");
        self.server.stop.cancel();
        (&mut self.server.task).await.unwrap();
    }
}

/// A test that fails leaves pods; what of them concerns the whole machine goes all the same.
impl Drop for World {
    fn drop(&mut self) {
        let Some(node) = self.node.take() else { return };
        node.running.stop.cancel();
        let cluster = self.cluster.clone();
        let ending = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let _ = tokio::time::timeout(PATIENCE, node.runtime.remove_all()).await;
                let _ = tokio::time::timeout(PATIENCE, node.network.remove_all()).await;
            });
            remove_groups(&cluster);
        });
        let _ = ending.join();
        let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let folder = self.folder.path().to_str().unwrap();
        for point in table.lines().filter_map(|line| line.split(' ').nth(4)).filter(|point| point.starts_with(folder)) {
            let _ = rustix::mount::unmount(point, rustix::mount::UnmountFlags::DETACH);
        }
    }
}

/// Certificates of the node's server and of its clients.
pub(crate) fn pki(world: &World) -> Pki {
    let names = Names {
        addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        hosts: Vec::new(),
        service_address: IpAddr::V4(Ipv4Addr::new(10, 43, 0, 1)),
        cluster_domain: "cluster.local".to_owned(),
    };
    Pki::open(&world.folder.path().join("node-pki"), names).unwrap()
}

async fn serve(folder: &Path) -> (kube::Client, Stoppable) {
    let config = cluster::config::Config {
        listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        grace: Duration::from_secs(5),
        ..cluster::config::Config::new(folder.join("data"))
    };
    let server = Server::build(config).await.expect("the server starts");
    let client = server.client("system:admin");
    let stop = CancellationToken::new();
    (client, Stoppable { stop: stop.clone(), task: tokio::spawn(server.run(stop)) })
}

/// Waits until there is something.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// A condition of a pod.
pub(crate) fn condition(pod: &Value, name: &str) -> String {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let mut found = conditions.filter(|condition| condition["type"] == name);
    found.next().and_then(|condition| condition["status"].as_str()).unwrap_or_default().to_owned()
}

/// A container that runs a script.
pub(crate) fn shell(name: &str, script: &str) -> Value {
    json!({"name": name, "image": "busybox:1", "command": ["sh", "-c", script]})
}

/// A script that goes on until it is told to end.
pub(crate) const FOREVER: &str = "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done";

/// Merges JSON: objects by key, lists by index, all else replaces.
pub(crate) fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => {
            for (index, value) in from.into_iter().enumerate() {
                match into.get_mut(index) {
                    Some(known) => merge(known, value),
                    None => into.push(value),
                }
            }
        }
        (into, from) => *into = from,
    }
}

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn remove_groups(cluster: &str) {
    let Ok(hierarchy) = cgroup::Hierarchy::detect() else { return };
    let group = hierarchy.group(&format!("/hakata-{cluster}"));
    if group.exists() {
        let _ = group.kill();
        let _ = group.remove();
    }
}

/// An image of busybox with all its applets, a user, and a folder to write in.
async fn busybox(runtime: &Runtime, folder: &Path) {
    let root = folder.join("busybox");
    for below in ["bin", "etc", "tmp", "root"] {
        std::fs::create_dir_all(root.join(below)).unwrap();
    }
    std::fs::copy(BUSYBOX, root.join("bin/busybox")).unwrap();
    let list = std::process::Command::new(BUSYBOX).arg("--list").output().unwrap();
    for applet in String::from_utf8(list.stdout).unwrap().lines().filter(|applet| *applet != "busybox") {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    std::fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/tmp:/bin/sh\n").unwrap();
    std::fs::write(root.join("etc/group"), "root:x:0:\nweb:x:34:\nlogs:x:40:web\n").unwrap();
    for (name, user) in [("busybox:1", ""), ("busybox:web", "web")] {
        let config = ImageConfig { cmd: vec!["sh".to_owned()], user: user.to_owned(), ..ImageConfig::default() };
        let options = ImportOptions { name: Some(name.to_owned()), config };
        runtime.images().import(&root, options).await.unwrap();
    }
}
