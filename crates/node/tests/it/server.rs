//! The node's HTTPS server, as the API server and those who watch the node ask it.

use crate::world::{FOREVER, World, cannot_run, pki, shell};
use cluster::pki::Pki;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use value::{Value, json};

/// Somebody who asks.
struct Client {
    tls: Arc<rustls::ClientConfig>,
    port: u16,
}

impl Client {
    async fn new(world: &World, user: &str, groups: &[&str]) -> Client {
        let pki = pki(world);
        let identity = pki.issue_client(user, groups, Duration::from_secs(600)).unwrap();
        let chain = CertificateDer::pem_slice_iter(identity.certificate().as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(identity.key().as_bytes()).unwrap();
        let builder = Client::builder(&pki);
        Client { tls: Arc::new(builder.with_client_auth_cert(chain, key).unwrap()), port: port(world).await }
    }

    async fn nobody(world: &World) -> Client {
        Client { tls: Arc::new(Client::builder(&pki(world)).with_no_client_auth()), port: port(world).await }
    }

    fn builder(pki: &Pki) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pki.ca_bundle().as_bytes()).flatten());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        builder.unwrap().with_root_certificates(roots)
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let name = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let stream = tokio_rustls::TlsConnector::from(self.tls.clone()).connect(name, stream).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = http::Request::get(path).header("host", "node").body(Empty::<bytes::Bytes>::new()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = tokio::time::timeout(Duration::from_secs(60), response.into_body().collect()).await.unwrap();
        connection.abort();
        (status, String::from_utf8(body.unwrap().to_bytes().to_vec()).unwrap())
    }
}

async fn port(world: &World) -> u16 {
    let api: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(world.client.clone());
    crate::world::until("the node's port", || async {
        let node = value::to_value(api.get_opt("n1").await.unwrap()).unwrap();
        node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"].as_u64().map(|port| port as u16)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_read() {
    if cannot_run() {
        return;
    }
    let world = World::start("logs").await;
    let script = format!("echo one; echo two >&2; sleep 1; echo three; {FOREVER}");
    world.pod("web", json!({"containers": [shell("main", &script)]})).await;
    let short = json!({"restartPolicy": "Never", "containers": [shell("main", "echo a; sleep 3; echo b")]});
    world.pod("short", short).await;
    world.ready("web").await;
    world.phase("short", "Running").await;
    let admin = Client::new(&world, "kube-apiserver", &["system:masters"]).await;
    let followed = admin.get("/containerLogs/default/short/main?follow=true");
    let (followed, ()) = tokio::join!(followed, async {
        world.phase("short", "Succeeded").await;
    });
    assert_eq!(followed, (200, "a\nb\n".to_owned()), "who follows a container sees it to its end");
    let web = world.ready("web").await;
    world.says(&web, "main", "echo", "").await;
    crate::world::until("all lines", || async {
        (admin.get("/containerLogs/default/web/main").await.1.lines().count() == 3).then_some(())
    })
    .await;
    let check = async |query: &str, want: (u16, &str)| {
        let (status, text) = admin.get(&format!("/containerLogs/default/{query}")).await;
        assert_eq!((status, text.as_str()), want, "{query}");
    };
    check("web/main?stream=Stderr", (200, "two\n")).await;
    check("web/main?tailLines=1&stream=All", (200, "three\n")).await;
    check("web/main?limitBytes=2&stream=Stdout", (200, "on")).await;
    check("short/main", (200, "a\nb\n")).await;
    let none = "previous terminated container \"main\" in pod \"web\" not found\n";
    check("web/main?previous=true", (400, none)).await;
    check("none/main", (404, "pod \"none\" does not exist\n")).await;
    check("web/none", (404, "container \"none\" not found in pod \"web\"\n")).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_told_to_those_who_may_see_them() {
    if cannot_run() {
        return;
    }
    let world = World::start("stats").await;
    let busy = "trap 'exit 0' TERM; while :; do :; done";
    let mut main = shell("main", busy);
    main["resources"] = json!({"limits": {"cpu": "200m", "memory": "64Mi"}});
    world.pod("busy", json!({"containers": [main]})).await;
    world.ready("busy").await;
    let admin = Client::new(&world, "kube-apiserver", &["system:masters"]).await;
    let (status, text) = admin.get("/stats/summary").await;
    assert_eq!(status, 200);
    let summary: Value = serde_json::from_str(&text).unwrap();
    let pod = &summary["pods"][0];
    assert_eq!(pod["podRef"]["name"], "busy");
    let container = &pod["containers"][0];
    assert_eq!(container["name"], "main");
    assert!(container["cpu"]["usageNanoCores"].as_u64().unwrap() > 10_000_000, "{container:#}");
    assert!(container["memory"]["workingSetBytes"].as_u64().unwrap() > 0, "{container:#}");
    assert!(summary["node"]["memory"]["workingSetBytes"].as_u64().unwrap() > 0);
    assert!(pod["network"]["interfaces"][0]["name"] == "eth0", "{pod:#}");
    for (path, part) in [
        (
            "/metrics/resource",
            "container_cpu_usage_seconds_total{container=\"main\",namespace=\"default\",pod=\"busy\"} ",
        ),
        ("/metrics/cadvisor", "container_memory_working_set_bytes{container=\"main\","),
        ("/metrics", "kubelet_running_pods 1\n"),
        ("/metrics/probes", "# TYPE prober_probe_total counter"),
        ("/healthz", "ok"),
        ("/configz", "\"maxPods\":110"),
        ("/pods", "\"name\":\"busy\""),
        ("/runningpods", "\"name\":\"busy\""),
    ] {
        let (status, text) = admin.get(path).await;
        assert!(status == 200 && text.contains(part), "{path}: {text}");
    }
    assert_eq!(Client::nobody(&world).await.get("/pods").await.0, 401);
    let (status, text) = Client::new(&world, "eve", &[]).await.get("/metrics").await;
    let why = "Forbidden (user=eve, verb=get, resource=nodes, subresource(s)=[metrics])\n";
    assert_eq!((status, text.as_str()), (403, why));
    let (status, _) =
        Client::new(&world, "system:node:n1", &["system:nodes"]).await.get("/exec/default/busy/main").await;
    assert_eq!(status, 403);
    world.finish().await;
}
