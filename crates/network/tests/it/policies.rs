//! NetworkPolicies as pods feel them.

use crate::api::{Api, NAMESPACES};
use crate::world::{HOST, OUTSIDE, World, run_in, tcp, tcp_server, world};
use network::policies::{self, Settings};
use network::{Attached, PodNetwork};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use value::{Value, json};

const PODS: &str = "/api/v1/pods";
const POLICIES: &str = "/apis/networking.k8s.io/v1/networkpolicies";

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
        let settings = Settings::for_network(cluster.network.config());
        tokio::spawn(policies::run(cluster.api.client(), settings, cluster.stop.clone()));
        for namespace in ["ns", "kube-system"] {
            cluster.api.put(
                NAMESPACES,
                json!({"metadata": {"name": namespace, "labels": {"kubernetes.io/metadata.name": namespace}}}),
            );
        }
        Some(cluster)
    }

    async fn pod(&self, name: &str) -> Attached {
        let pod = self.network.attach(name, &[]).await.unwrap();
        tcp_server(&pod.netns, "0.0.0.0:80", name);
        tcp_server(&pod.netns, "0.0.0.0:81", name);
        self.api.put(
            PODS,
            json!({"metadata": {"namespace": "ns", "name": name, "labels": {"app": name}},
            "spec": {"containers": [{"ports": [{"name": "http", "containerPort": 80}]}]},
            "status": {"phase": "Running", "podIPs": [{"ip": pod.addresses[0]}]}}),
        );
        pod
    }

    /// Puts a policy and waits until the kernel has other rules than before.
    fn policy(&self, name: &str, spec: &Value) {
        let before = self.ruleset();
        self.api.put(POLICIES, json!({"metadata": {"namespace": "ns", "name": name}, "spec": spec}));
        self.changed(&before);
    }

    fn changed(&self, before: &str) {
        let begin = Instant::now();
        while self.ruleset() == before {
            assert!(begin.elapsed() < Duration::from_secs(10), "nothing changed: {before}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn ruleset(&self) -> String {
        run_in(&self.world.host(), "nft list ruleset")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_does_not_arrive() {
    let Some(cluster) = Cluster::start().await else { return };
    let (web, db) = (cluster.pod("web").await, cluster.pod("db").await);
    let (host, outside) = (cluster.world.host(), cluster.world.outside());
    tcp_server(&outside, "0.0.0.0:80", "outside");
    tcp_server(&host, "0.0.0.0:90", "host");
    run_in(&outside, &format!("ip route add 10.42.0.0/16 via {HOST}"));
    let untouched = cluster.ruleset();
    assert_eq!(tcp(&web.netns, "10.42.0.3:80"), "db 10.42.0.2");

    cluster
        .policy("deny", &json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress", "Egress"]}));
    assert_eq!(tcp(&web.netns, "10.42.0.3:80"), "timed out");
    assert_eq!(tcp(&outside, "10.42.0.3:80"), "timed out");
    assert_eq!(tcp(&db.netns, "10.42.0.2:80"), "timed out");
    assert_eq!(tcp(&db.netns, &format!("{HOST}:90")), "timed out");
    assert_eq!(tcp(&host, "10.42.0.3:80"), "db 10.42.0.1", "the machine may, or probes would fail");
    assert_eq!(tcp(&web.netns, &format!("{OUTSIDE}:80")), format!("outside {HOST}"), "others are free");

    cluster.policy(
        "allow",
        &json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}, {"ipBlock": {"cidr": "192.0.2.0/24"}}],
            "ports": [{"port": "http"}]}]}),
    );
    assert_eq!(tcp(&web.netns, "10.42.0.3:80"), "db 10.42.0.2");
    assert_eq!(tcp(&outside, "10.42.0.3:80"), format!("db {OUTSIDE}"));
    assert_eq!(tcp(&web.netns, "10.42.0.3:81"), "timed out");

    let before = cluster.ruleset();
    cluster.api.delete(POLICIES, "ns", "deny");
    cluster.changed(&before);
    assert_eq!(tcp(&db.netns, "10.42.0.2:80"), "web 10.42.0.3", "nothing is said about going out any more");
    cluster.api.delete(POLICIES, "ns", "allow");
    cluster.changed(&before);
    let begin = Instant::now();
    while cluster.ruleset() != untouched {
        assert!(begin.elapsed() < Duration::from_secs(10), "the table stays");
    }
    cluster.stop.cancel();
    cluster.network.remove_all().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_usual_rule_lets_cluster_dns_through() {
    let Some(cluster) = Cluster::start().await else { return };
    let web = cluster.pod("web").await;
    tcp_server(&cluster.world.host(), "10.43.0.10:53", "dns");
    tcp_server(&cluster.world.host(), "10.43.0.10:54", "other");
    cluster.policy(
        "dns",
        &json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}]}),
    );
    assert_eq!(tcp(&web.netns, "10.43.0.10:53"), "dns 10.42.0.2");
    assert_eq!(tcp(&web.netns, "10.43.0.10:54"), "timed out");
    cluster.network.remove_all().await.unwrap();
    assert!(!cluster.ruleset().contains("hakata"));
    cluster.stop.cancel();
}
