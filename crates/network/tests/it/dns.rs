//! Cluster DNS as `dig` sees it.

use crate::api::{Api, NAMESPACES, SERVICES, SLICES};
use network::dns::{Dns, Settings};
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_util::sync::CancellationToken;
use value::json;

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Server {
    /// A server on a free port; `None` without `dig`.
    fn start(api: &Api, upstreams: Vec<SocketAddr>, stubs: &[(&str, SocketAddr)]) -> Option<Self> {
        if Command::new("dig").arg("-v").output().is_err() {
            eprintln!("SKIPPED: dig is not installed (bind9-dnsutils)");
            return None;
        }
        let settings = Settings {
            domain: "cluster.local".into(),
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            address: "10.43.0.10".parse().unwrap(),
            publish: Some("10.42.0.1".parse().unwrap()),
            networks: vec!["10.42.0.0/15".parse().unwrap()],
            ttl: 5,
            resolv_conf: PathBuf::from("/nonexistent"),
            upstreams: Some(upstreams),
            stub_domains: stubs
                .iter()
                .map(|(domain, server)| ((*domain).to_owned(), vec![*server]))
                .collect::<BTreeMap<_, _>>(),
            host: None,
        };
        let dns = Dns::bind(settings).unwrap();
        let (address, stop) = (dns.addresses()[0], CancellationToken::new());
        tokio::spawn(dns.run(api.client(), stop.clone()));
        Some(Self { address, stop })
    }

    fn dig(&self, arguments: &str) -> String {
        let port = self.address.port().to_string();
        let output = Command::new("dig")
            .args(["@127.0.0.1", "-p", &port, "+time=3", "+tries=1"])
            .args(arguments.split(' '))
            .output();
        String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
    }

    /// Status, flags, and the answer section with single spaces.
    fn ask(&self, arguments: &str) -> (String, Vec<String>) {
        let text = self.dig(&format!("{arguments} +noall +comments +answer"));
        let status = text.split("status: ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or("none");
        let lines = text.lines().filter(|line| !line.starts_with(';') && !line.is_empty());
        let mut lines: Vec<String> = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        lines.sort();
        (status.to_owned(), lines)
    }

    #[track_caller]
    fn check(&self, arguments: &str, status: &str, answers: &[&str]) {
        let (found, lines) = self.ask(arguments);
        assert_eq!(
            (found.as_str(), lines.iter().map(String::as_str).collect::<Vec<_>>()),
            (status, answers.to_vec()),
            "{arguments}"
        );
    }

    fn wait(&self) {
        let begin = std::time::Instant::now();
        while self.ask("testns.svc.cluster.local A").0 != "NOERROR" {
            assert!(begin.elapsed().as_secs() < 20, "never synced");
        }
    }
}

fn cluster() -> Api {
    let api = Api::new();
    api.put(NAMESPACES, json!({"metadata": {"name": "testns"}}));
    let service =
        |name: &str, spec| api.put(SERVICES, json!({"metadata": {"namespace": "testns", "name": name}, "spec": spec}));
    service("web", json!({"clusterIP": "10.43.0.20", "ports": [{"name": "http", "port": 80}]}));
    service("big", json!({"clusterIP": "None", "ports": [{"name": "http", "port": 80}]}));
    service("out", json!({"type": "ExternalName", "externalName": "host.example.test"}));
    service("in", json!({"type": "ExternalName", "externalName": "web.testns.svc.cluster.local"}));
    service("loop", json!({"type": "ExternalName", "externalName": "loop.testns.svc.cluster.local"}));
    let endpoints: Vec<_> =
        (1..=200).map(|last| json!({"addresses": [format!("10.42.1.{last}")], "conditions": {}})).collect();
    api.put(
        SLICES,
        json!({"metadata": {"namespace": "testns", "name": "big-1", "labels": {"kubernetes.io/service-name": "big"}},
        "addressType": "IPv4", "ports": [{"name": "http", "port": 80}], "endpoints": endpoints}),
    );
    api
}

/// A resolver that knows `host.example.test` and nothing else, and counts questions.
fn upstream(answer: &'static str) -> (SocketAddr, Arc<AtomicU32>) {
    use hickory_server::proto::op::{Message, MessageType, ResponseCode};
    use hickory_server::proto::rr::rdata::A;
    use hickory_server::proto::rr::{RData, Record, RecordType};
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (address, count) = (socket.local_addr().unwrap(), Arc::new(AtomicU32::new(0)));
    let counter = count.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut message = Message::from_vec(&buffer[..length]).unwrap();
            message.metadata.message_type = MessageType::Response;
            let query = message.queries[0].clone();
            if !query.name().to_ascii().eq_ignore_ascii_case("host.example.test.") {
                message.metadata.response_code = ResponseCode::NXDomain;
            } else if query.query_type() == RecordType::A {
                let data = RData::A(A(answer.parse().unwrap()));
                message.add_answer(Record::from_rdata(query.name().clone(), 300, data));
            }
            let _ = socket.send_to(&message.to_vec().unwrap(), peer);
        }
    });
    (address, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_the_cluster() {
    let Some(server) = Server::start(&cluster(), Vec::new(), &[]) else { return };
    server.wait();
    server.check("web.testns.svc.cluster.local A", "NOERROR", &["web.testns.svc.cluster.local. 5 IN A 10.43.0.20"]);
    server.check(
        "_http._tcp.web.testns.svc.cluster.local SRV",
        "NOERROR",
        &["_http._tcp.web.testns.svc.cluster.local. 5 IN SRV 0 100 80 web.testns.svc.cluster.local."],
    );
    server.check("-x 10.43.0.20", "NOERROR", &["20.0.43.10.in-addr.arpa. 5 IN PTR web.testns.svc.cluster.local."]);
    server.check("dns-version.cluster.local TXT", "NOERROR", &["dns-version.cluster.local. 28800 IN TXT \"1.1.0\""]);
    server.check(
        "10-42-0-7.testns.pod.cluster.local A",
        "NOERROR",
        &["10-42-0-7.testns.pod.cluster.local. 5 IN A 10.42.0.7"],
    );
    server.check("nothing.testns.svc.cluster.local A", "NXDOMAIN", &[]);
    server.check("web.testns.svc.cluster.local AAAA", "NOERROR", &[]);
    server.check(
        "in.testns.svc.cluster.local A",
        "NOERROR",
        &[
            "in.testns.svc.cluster.local. 5 IN CNAME web.testns.svc.cluster.local.",
            "web.testns.svc.cluster.local. 5 IN A 10.43.0.20",
        ],
    );
    server.check(
        "+tcp web.testns.svc.cluster.local A",
        "NOERROR",
        &["web.testns.svc.cluster.local. 5 IN A 10.43.0.20"],
    );
    server.check("cluster.local AXFR", "REFUSED", &[]);
    server.check("-c CH version.bind TXT", "REFUSED", &[]);
    let (status, lines) = server.ask("loop.testns.svc.cluster.local A");
    assert!(status == "NOERROR" && lines.len() < 20, "an alias of itself ends: {lines:?}");
    let denial = server.dig("nothing.testns.svc.cluster.local A +noall +authority +comments");
    assert!(
        denial.contains("ns.dns.cluster.local. hostmaster.cluster.local.") && denial.contains("flags: qr aa rd ra"),
        "{denial}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn long_answers_are_cut_over_udp_and_whole_over_tcp() {
    let Some(server) = Server::start(&cluster(), Vec::new(), &[]) else { return };
    server.wait();
    let cut = server.dig("+ignore +noedns big.testns.svc.cluster.local A");
    assert!(cut.contains("flags: qr aa tc rd ra") && cut.contains("UDP"), "{cut}");
    let (status, lines) = server.ask("big.testns.svc.cluster.local A");
    assert_eq!((status.as_str(), lines.len()), ("NOERROR", 200), "dig asks again over TCP");
    let small = server.dig("+ignore +bufsize=4096 big.testns.svc.cluster.local A");
    assert!(small.contains("udp: 1232") && small.contains(" tc "), "{small}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_names_are_asked_elsewhere_and_remembered() {
    let dead = UdpSocket::bind("127.0.0.1:0").unwrap();
    let ((good, count), (stub, _)) = (upstream("192.0.2.7"), upstream("192.0.2.8"));
    let upstreams = vec![dead.local_addr().unwrap(), good];
    let Some(server) = Server::start(&cluster(), upstreams, &[("stub.test", stub)]) else { return };
    server.wait();
    server.check("host.example.test A", "NOERROR", &["host.example.test. 300 IN A 192.0.2.7"]);
    let asked = count.load(Ordering::SeqCst);
    assert_eq!(server.ask("HOST.example.test A").1.len(), 1);
    assert_eq!(count.load(Ordering::SeqCst), asked, "the second answer comes from memory");
    server.check(
        "out.testns.svc.cluster.local A",
        "NOERROR",
        &["host.example.test. 30 IN A 192.0.2.7", "out.testns.svc.cluster.local. 5 IN CNAME host.example.test."],
    );
    server.check("nothing.example.test A", "NXDOMAIN", &[]);
    assert_eq!(server.ask("x.stub.test A").0, "NXDOMAIN");
    assert_eq!(count.load(Ordering::SeqCst), asked + 1, "the stub's names are asked of the stub alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_failures() {
    let dead = UdpSocket::bind("127.0.0.1:0").unwrap();
    let Some(server) = Server::start(&cluster(), vec![dead.local_addr().unwrap()], &[]) else { return };
    server.wait();
    server.check("host.example.test A", "SERVFAIL", &[]);
    let Some(alone) = Server::start(&cluster(), Vec::new(), &[]) else { return };
    alone.check("host.example.test A", "SERVFAIL", &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_there_and_comes_back() {
    let api = cluster();
    let Some(server) = Server::start(&api, Vec::new(), &[]) else { return };
    server.wait();
    let begin = std::time::Instant::now();
    while server.ask("kube-dns.kube-system.svc.cluster.local A").0 != "NXDOMAIN"
        || api.get(SLICES, "kube-system", "kube-dns").is_none()
    {
        assert!(begin.elapsed().as_secs() < 20, "never made");
    }
    let service = api.get(SERVICES, "kube-system", "kube-dns").unwrap();
    assert_eq!(service["spec"]["clusterIP"], "10.43.0.10");
    assert_eq!(service["metadata"]["labels"]["k8s-app"], "kube-dns");
    api.put(NAMESPACES, json!({"metadata": {"name": "kube-system"}}));
    while server.ask("kube-dns.kube-system.svc.cluster.local A").0 != "NOERROR" {
        assert!(begin.elapsed().as_secs() < 20, "never found");
    }
    server.check(
        "kube-dns.kube-system.svc.cluster.local A",
        "NOERROR",
        &["kube-dns.kube-system.svc.cluster.local. 5 IN A 10.43.0.10"],
    );
}
