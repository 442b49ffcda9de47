//! Services work from pods, from the machine and from outside, as they change.

use crate::api::{Api, NAMESPACES, SERVICES, SLICES};
use crate::world::{HOST, OUTSIDE, World, inside, run_in, run_maybe, tcp, tcp_server, udp_server, world};
use network::services::{self, Settings};
use network::{Attached, PodNetwork};
use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use value::{Value, json};

struct Cluster {
    world: World,
    network: PodNetwork,
    api: Api,
    stop: CancellationToken,
}

impl Cluster {
    async fn start() -> Option<Self> {
        let world = world()?;
        let network = world.network().await;
        let cluster = Self { world, network, api: Api::new(), stop: CancellationToken::new() };
        cluster.run();
        Some(cluster)
    }

    fn run(&self) {
        let settings = Settings::for_network(self.network.config(), "us", Some(HOST.parse().unwrap()));
        tokio::spawn(services::run(self.api.client(), settings, self.stop.clone()));
    }

    /// A pod that answers with its name on TCP and UDP port 8080.
    async fn pod(&self, name: &str) -> Attached {
        let pod = self.network.attach(name, &[]).await.unwrap();
        tcp_server(&pod.netns, "0.0.0.0:8080", name);
        udp_server(&pod.netns, "0.0.0.0:8080", name);
        pod
    }

    fn service(&self, name: &str, spec: Value) {
        self.api.put(SERVICES, json!({"metadata": {"namespace": "ns", "name": name}, "spec": spec}));
    }

    /// Endpoints on this node, and ones on another node.
    fn endpoints(&self, service: &str, here: &[&Attached], elsewhere: &[&Attached]) {
        let endpoint = |pod: &&Attached, node: &str| json!({"addresses": [pod.addresses[0]], "conditions": {"ready": true}, "nodeName": node});
        let endpoints = here.iter().map(|pod| endpoint(pod, "us"));
        let endpoints: Vec<_> = endpoints.chain(elsewhere.iter().map(|pod| endpoint(pod, "them"))).collect();
        let ports =
            json!([{"name": "", "port": 8080, "protocol": "TCP"}, {"name": "u", "port": 8080, "protocol": "UDP"}]);
        self.api.put(SLICES, json!({"metadata": {"namespace": "ns", "name": format!("{service}-1"),
            "labels": {"kubernetes.io/service-name": service}}, "addressType": "IPv4", "ports": ports, "endpoints": endpoints}));
    }

    fn ruleset(&self) -> String {
        run_in(&self.world.host(), "nft list ruleset")
    }

    async fn end(self) {
        self.stop.cancel();
        self.network.remove_all().await.unwrap();
    }
}

/// Waits until something is so; changes take their way through a watch.
#[track_caller]
fn eventually<T: PartialEq + std::fmt::Debug>(mut look: impl FnMut() -> T, expected: T) {
    let begin = std::time::Instant::now();
    let mut found = look();
    while found != expected && begin.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(30));
        found = look();
    }
    assert_eq!(found, expected);
}

/// All answers to a number of connections.
fn answers(from: &std::path::Path, to: &str, count: u32) -> BTreeSet<String> {
    (0..count).map(|_| tcp(from, to)).collect()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_ip_leads_to_its_endpoints() {
    let Some(cluster) = Cluster::start().await else { return };
    let host = cluster.world.host();
    let (a, b) = (cluster.pod("a").await, cluster.pod("b").await);
    cluster.service("web", json!({"clusterIP": "10.43.0.20", "ports": [{"port": 80}]}));
    eventually(|| tcp(&host, "10.43.0.20:80"), "connection refused".into());
    cluster.endpoints("web", &[&a, &b], &[]);
    eventually(|| answers(&host, "10.43.0.20:80", 20), set(&["a 10.42.0.1", "b 10.42.0.1"]));
    assert_eq!(answers(&a.netns, "10.43.0.20:80", 20), set(&["a 10.42.0.1", "b 10.42.0.2"]), "also itself");
    assert_eq!(tcp(&host, "10.43.0.20:81"), "connection refused", "no such port");
    assert_eq!(tcp(&a.netns, "10.43.0.20:81"), "connection refused");
    cluster.endpoints("web", &[&b], &[]);
    eventually(|| answers(&host, "10.43.0.20:80", 20), set(&["b 10.42.0.1"]));
    cluster.api.delete(SERVICES, "ns", "web");
    eventually(|| cluster.ruleset().contains("10.43.0.20"), false);
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_ports_and_external_addresses_lead_in_from_outside() {
    let Some(cluster) = Cluster::start().await else { return };
    let (host, outside) = (cluster.world.host(), cluster.world.outside());
    let (a, b) = (cluster.pod("a").await, cluster.pod("b").await);
    cluster.service(
        "web",
        json!({"type": "NodePort", "clusterIP": "10.43.0.20", "externalIPs": ["192.0.2.77"],
        "ports": [{"port": 80, "nodePort": 30080}]}),
    );
    cluster.endpoints("web", &[&a, &b], &[]);
    let port = format!("{HOST}:30080");
    eventually(|| answers(&outside, &port, 20), set(&["a 10.42.0.1", "b 10.42.0.1"]));
    assert_eq!(answers(&host, &port, 20), set(&["a 10.42.0.1", "b 10.42.0.1"]));
    assert_eq!(answers(&host, "127.0.0.1:30080", 20), set(&["a 10.42.0.1", "b 10.42.0.1"]), "localhost too");
    assert_eq!(answers(&a.netns, &port, 20), set(&["a 10.42.0.1", "b 10.42.0.1"]));
    run_in(&outside, &format!("ip route add 192.0.2.77/32 via {HOST}"));
    assert_eq!(answers(&outside, "192.0.2.77:80", 20), set(&["a 10.42.0.1", "b 10.42.0.1"]));
    cluster.endpoints("web", &[], &[]);
    eventually(|| tcp(&outside, &port), "connection refused".into());
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local_policy_keeps_the_caller_and_the_node() {
    let Some(cluster) = Cluster::start().await else { return };
    let (host, outside) = (cluster.world.host(), cluster.world.outside());
    let (here, there) = (cluster.pod("here").await, cluster.pod("there").await);
    let local = json!({"type": "LoadBalancer", "clusterIP": "10.43.0.20", "externalTrafficPolicy": "Local",
        "healthCheckNodePort": 32000, "ports": [{"port": 80, "nodePort": 30080}]});
    cluster.service("web", local);
    cluster.endpoints("web", &[&here], &[&there]);
    let port = format!("{HOST}:30080");
    let from_outside = format!("here {OUTSIDE}");
    eventually(|| answers(&outside, &port, 20), set(&[&from_outside]));
    let vip = format!("{HOST}:80");
    eventually(|| answers(&outside, &vip, 20), set(&[&from_outside]));
    let status = cluster.api.get(SERVICES, "ns", "web").unwrap()["status"].clone();
    assert_eq!(status, json!({"loadBalancer": {"ingress": [{"ip": HOST, "ipMode": "VIP"}]}}));
    assert_eq!(answers(&here.netns, &port, 20), set(&["here 10.42.0.1", "there 10.42.0.2"]), "pods may go anywhere");
    assert_eq!(answers(&host, &port, 20), set(&["here 10.42.0.1", "there 10.42.0.1"]));
    assert!(health(&cluster, "200 OK").contains("\"localEndpoints\": 1"));
    cluster.endpoints("web", &[], &[&there]);
    eventually(|| health(&cluster, "").contains("503 Service Unavailable"), true);
    assert_eq!(answers(&host, &port, 3), set(&["there 10.42.0.1"]));
    assert!(cluster.ruleset().contains("port-local-1-0"));
    cluster.end().await;
}

/// The answer of the port for health checks.
#[track_caller]
fn health(cluster: &Cluster, status: &str) -> String {
    use std::io::{Read, Write};
    let ask = inside(&cluster.world.outside(), || {
        let mut stream = std::net::TcpStream::connect((HOST, 32000)).unwrap();
        write!(stream, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = ask.join().unwrap();
    assert!(answer.contains(status), "{answer}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn source_ranges_and_internal_policy_keep_callers_out() {
    let Some(cluster) = Cluster::start().await else { return };
    let (host, outside) = (cluster.world.host(), cluster.world.outside());
    let (here, there) = (cluster.pod("here").await, cluster.pod("there").await);
    let spec = |range: &str| json!({"type": "LoadBalancer", "clusterIP": "10.43.0.20", "loadBalancerSourceRanges": [range], "ports": [{"port": 80}]});
    cluster.service("web", spec("192.0.2.0/24"));
    cluster.endpoints("web", &[&here], &[]);
    let vip = format!("{HOST}:80");
    eventually(|| tcp(&outside, &vip), "here 10.42.0.1".into());
    cluster.service("web", spec("203.0.113.0/24"));
    eventually(|| cluster.ruleset().contains("203.0.113.0/24"), true);
    eventually(|| cluster.api.get(SERVICES, "ns", "web").unwrap()["status"].is_object(), true);
    eventually(|| cluster.ruleset().contains(&format!("tcp . {HOST} . 80 : jump from-")), true);
    assert_eq!(tcp(&outside, &vip), "timed out");
    cluster.service(
        "local",
        json!({"clusterIP": "10.43.0.21", "internalTrafficPolicy": "Local", "ports": [{"port": 80}]}),
    );
    cluster.endpoints("local", &[&here], &[&there]);
    eventually(|| answers(&host, "10.43.0.21:80", 10), set(&["here 10.42.0.1"]));
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_stay_with_their_endpoint_and_across_a_restart() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let host = cluster.world.host();
    let pods = [cluster.pod("a").await, cluster.pod("b").await, cluster.pod("c").await];
    let all: Vec<&Attached> = pods.iter().collect();
    cluster.service(
        "web",
        json!({"type": "NodePort", "clusterIP": "10.43.0.20", "sessionAffinity": "ClientIP",
        "ports": [{"port": 80, "nodePort": 30080}]}),
    );
    cluster.endpoints("web", &all, &[]);
    eventually(|| tcp(&host, "10.43.0.20:80").contains("10.42.0.1"), true);
    let chosen = answers(&host, "10.43.0.20:80", 20);
    assert_eq!(chosen.len(), 1, "{chosen:?}");
    let port = format!("{HOST}:30080");
    assert_eq!(answers(&cluster.world.outside(), &port, 20).len(), 1);

    cluster.stop.cancel();
    cluster.stop = CancellationToken::new();
    assert_eq!(answers(&host, "10.43.0.20:80", 10), chosen, "works while nobody is there");
    // A sign that tells the new table from the old one.
    run_in(&host, "nft add chain ip hakata-test-services sign");
    cluster.run();
    eventually(|| cluster.ruleset().contains("chain sign"), false);
    assert_eq!(answers(&host, "10.43.0.20:80", 20), chosen, "the new table remembers");

    let gone = chosen.first().unwrap()[..1].to_owned();
    let rest: Vec<&Attached> = all.into_iter().filter(|pod| !pod.netns.ends_with(&gone)).collect();
    cluster.endpoints("web", &rest, &[]);
    eventually(
        || answers(&host, "10.43.0.20:80", 20).len() == 1 && !tcp(&host, "10.43.0.20:80").starts_with(&gone),
        true,
    );
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn udp_goes_on_to_another_endpoint_when_one_is_gone() {
    let Some(cluster) = Cluster::start().await else { return };
    let (a, b) = (cluster.pod("a").await, cluster.pod("b").await);
    cluster.service("dns", json!({"clusterIP": "10.43.0.20", "ports": [{"name": "u", "port": 53, "protocol": "UDP"}]}));
    cluster.endpoints("dns", &[&a], &[]);
    let (ask_tx, ask_rx) = std::sync::mpsc::channel::<()>();
    let (answer_tx, answer_rx) = std::sync::mpsc::channel();
    let caller = inside(&b.netns, move || {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut buffer = [0; 64];
        while ask_rx.recv().is_ok() {
            let sent = socket.send_to(b"?", "10.43.0.20:53");
            let length = sent.and_then(|_| socket.recv(&mut buffer)).unwrap_or(0);
            answer_tx.send(String::from_utf8_lossy(&buffer[..length]).into_owned()).unwrap();
        }
    });
    let ask = || {
        ask_tx.send(()).unwrap();
        answer_rx.recv().unwrap()
    };
    eventually(ask, "a 10.42.0.3".into());
    cluster.endpoints("dns", &[], &[]);
    eventually(ask, String::new());
    cluster.endpoints("dns", &[&b], &[]);
    eventually(ask, "b 10.42.0.1".into());
    drop(ask_tx);
    caller.join().unwrap();
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nft_program_reads_the_same() {
    let Some(cluster) = Cluster::start().await else { return };
    let pod = cluster.pod("a").await;
    cluster.service(
        "web",
        json!({"type": "NodePort", "clusterIP": "10.43.0.20", "sessionAffinity": "ClientIP",
        "ports": [{"port": 80, "nodePort": 30080}, {"name": "s", "protocol": "SCTP", "port": 90}]}),
    );
    cluster.endpoints("web", &[&pod], &[]);
    eventually(|| cluster.ruleset().contains("tcp . 10.43.0.20 . 80 : goto vip-1-stay"), true);
    let ruleset = cluster.ruleset();
    for line in [
        "tcp . 10.43.0.20 . 80 . 0x00000000 : 10.42.0.2 . 8080",
        "tcp . 30080 : goto port-masked-1-stay",
        "sctp . 10.43.0.20 . 90 : goto nobody",
        "elements = { 10.43.0.20 }",
        "reject with tcp reset",
        "update @affinity { meta l4proto . ct original ip daddr . ct original proto-dst . ip saddr timeout 3h : ip daddr . th dport }",
    ] {
        assert!(ruleset.contains(line), "{line} is missing in {ruleset}");
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_find_services_by_name() {
    let Some(cluster) = Cluster::start().await else { return };
    let pod = cluster.pod("a").await;
    let settings = network::dns::Settings::for_network(cluster.network.config());
    let dns = network::dns::Dns::bind(settings).unwrap();
    tokio::spawn(dns.run(cluster.api.client(), cluster.stop.clone()));
    for namespace in ["ns", "kube-system"] {
        cluster.api.put(NAMESPACES, json!({"metadata": {"name": namespace}}));
    }
    cluster.service("web", json!({"clusterIP": "10.43.0.20", "ports": [{"port": 80}]}));
    cluster.endpoints("web", &[&pod], &[]);
    let ask = |from: &std::path::Path, how: &str| {
        let ask = format!("dig @10.43.0.10 +short +time=1 +tries=1 {how} web.ns.svc.cluster.local");
        run_maybe(from, &ask).trim().to_owned()
    };
    eventually(|| ask(&pod.netns, ""), "10.43.0.20".into());
    // By then cluster DNS has published itself, and is reached like any other Service.
    eventually(|| cluster.ruleset().contains("udp . 10.43.0.10 . 53 . 0x00000000 : 10.42.0.1 . 53"), true);
    for from in [&pod.netns, &cluster.world.host()] {
        assert_eq!(ask(from, "+notcp"), "10.43.0.20");
        assert_eq!(ask(from, "+tcp"), "10.43.0.20");
    }
    cluster.end().await;
}
