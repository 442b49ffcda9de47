//! Services, cluster DNS and NetworkPolicies against the real API server, in a network namespace of the test's own.

use crate::world::World;
use kube::Client;
use network::{Config, PodNetwork, dns, policies, services};
use object::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A network namespace that counts as the machine.
struct Host(String);

impl Host {
    fn make() -> Option<Host> {
        let name = format!("hkc-{}", std::process::id());
        let made = Command::new("ip").args(["netns", "add", &name]).output();
        if !made.is_ok_and(|output| output.status.success()) {
            println!("SKIPPED: network namespaces cannot be made here, or ip is not installed");
            return None;
        }
        Some(Host(name))
    }

    fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.0)
    }

    fn run(&self, command: &str) -> String {
        let output = Command::new("ip").args(["netns", "exec", &self.0]).args(command.split(' ')).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_have_names_addresses_and_a_status() {
    let Some(host) = Host::make() else { return };
    let world = World::start().await;
    let client = world.client().await;
    let config = Config {
        cluster: "it".to_owned(),
        pod_cidr: "10.42.0.0/16".parse().unwrap(),
        service_cidr: "10.43.0.0/16".parse().unwrap(),
        run: world.folder().join("run/it"),
        host: Some(host.path()),
    };
    let network = PodNetwork::open(config.clone()).await.unwrap();
    let stop = CancellationToken::new();
    let settings = services::Settings::for_network(&config, "us", Some("192.0.2.2".parse().unwrap()));
    tokio::spawn(services::run(client.clone(), settings, stop.clone()));
    tokio::spawn(dns::run(client.clone(), dns::Settings::for_network(&config), stop.clone()));
    tokio::spawn(policies::run(client.clone(), policies::Settings::for_network(&config), stop.clone()));

    create(&client, "/api/v1/namespaces/default/services", json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web"}, "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}})).await;
    let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [{"addresses": ["10.42.0.7"], "nodeName": "us"}], "ports": [{"port": 8080}]});
    create(&client, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", slice).await;
    create(
        &client,
        "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
        json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
    )
    .await;

    let dns_service =
        until(&client, "/api/v1/namespaces/kube-system/services/kube-dns", |found| found["spec"].is_object()).await;
    assert_eq!(dns_service["spec"]["clusterIP"], "10.43.0.10");
    let web = until(&client, "/api/v1/namespaces/default/services/web", |found| {
        found["status"]["loadBalancer"]["ingress"].is_array()
    })
    .await;
    assert_eq!(web["status"]["loadBalancer"], json!({"ingress": [{"ip": "192.0.2.2", "ipMode": "VIP"}]}));
    let address = web["spec"]["clusterIP"].as_str().unwrap().to_owned();
    let endpoint = format!("tcp . {address} . 80 . 0x00000000 : 10.42.0.7 . 8080");
    if Command::new("nft").arg("-v").output().is_ok() {
        eventually("the endpoint is in the table", || host.run("nft list ruleset").contains(&endpoint)).await;
    } else {
        println!("SKIPPED: nft is not installed");
    }
    if Command::new("dig").arg("-v").output().is_ok() {
        let ask = "dig @10.43.0.10 +short +time=1 +tries=1";
        eventually("the Service has a name", || {
            host.run(&format!("{ask} web.default.svc.cluster.local")).trim() == address
        })
        .await;
        eventually("the API server has a name", || {
            host.run(&format!("{ask} kubernetes.default.svc.cluster.local")).trim() == "10.43.0.1"
        })
        .await;
    } else {
        println!("SKIPPED: dig is not installed");
    }
    stop.cancel();
    network.remove_all().await.unwrap();
    assert_eq!(host.run("nft list ruleset"), "");
    world.stop().await;
}

async fn create(client: &Client, path: &str, object: Value) {
    let request =
        http::Request::post(path).header("content-type", "application/json").body(object.to_string().into_bytes());
    client.request::<Value>(request.unwrap()).await.unwrap();
}

/// Waits until an object is there and as it should be.
async fn until(client: &Client, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        let found = client.request::<Value>(http::Request::get(path).body(Vec::new()).unwrap()).await;
        match found {
            Ok(found) if is(&found) => return found,
            other => assert!(begin.elapsed() < Duration::from_secs(20), "{path}: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn eventually(what: &str, is: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
