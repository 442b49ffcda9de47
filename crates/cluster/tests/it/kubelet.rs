//! A node of a test's own: it serves as a kubelet does, over TLS, on a free port, and takes the API server's
//! certificate alone. Its containers are processes of this machine, its pods' ports are all one that gives back what it
//! gets.

use cluster::pki::{Names, Pki, Usage};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::{Api, Client};
use object::{Value, json};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::convert::Infallible;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use streaming::command::{self, Outcome, Streams, Verb};
use streaming::forward::{self, Pod};
use streaming::{Answer, Timeouts};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The name of the node.
pub(crate) const NODE: &str = "test-node";

/// Starts a node and registers it; gives its port.
pub(crate) async fn start(world: &Path, client: &Client) -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(tls(&world.join("data/pki")));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, acceptor.clone()));
        }
    });
    register(client, port).await;
    port
}

/// A certificate of the cluster's authority, and clients with one of it.
fn tls(folder: &Path) -> Arc<rustls::ServerConfig> {
    let names = Names {
        addresses: vec!["127.0.0.1".parse().unwrap()],
        hosts: Vec::new(),
        service_address: "10.43.0.1".parse().unwrap(),
        cluster_domain: "cluster.local".to_owned(),
    };
    let pki = Pki::open(folder, names).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut names = vec!["127.0.0.1".to_owned()];
    names.extend(own_address().map(|address| address.to_string()));
    let request = rcgen::CertificateParams::new(names).unwrap().serialize_request(&key).unwrap();
    let usages = [Usage::DigitalSignature, Usage::ServerAuth];
    let certificate = pki.sign_request(&request.pem().unwrap(), &usages, Duration::from_secs(3600)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(
        CertificateDer::pem_slice_iter(pki.ca_bundle().as_bytes()).map(|certificate| certificate.unwrap()),
    );
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    Arc::new(config.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap())
}

/// An address of this machine that others could reach; `None` if it has none.
pub(crate) fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
}

async fn register(client: &Client, port: u16) {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}});
    create(client, "Node", None, node).await;
    let status = json!({"status": {
        "addresses": [{"type": "InternalIP", "address": own_address().map_or("127.0.0.1".to_owned(), |a| a.to_string())}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "conditions": [{"type": "Ready", "status": "True"}],
    }});
    patch_status(client, "Node", None, NODE, status).await;
}

/// A pod on the node, with these containers and, if the machine has one, the machine's address.
pub(crate) async fn run_pod(client: &Client, namespace: &str, name: &str, containers: &[&str], port: u16) {
    let containers: Vec<Value> = containers
        .iter()
        .map(
            |container| json!({"name": container, "image": "none", "ports": [{"containerPort": port, "name": "main"}]}),
        )
        .collect();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"nodeName": NODE, "containers": containers},
    });
    create(client, "Pod", Some(namespace), pod).await;
    let statuses: Vec<Value> = containers
        .iter()
        .map(|container| {
            let running = json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}});
            json!({"name": container["name"], "image": "none", "imageID": "none", "ready": true, "restartCount": 0,
                   "started": true, "state": running})
        })
        .collect();
    let mut status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": statuses});
    if let Some(address) = own_address() {
        status["podIP"] = address.to_string().into();
        status["podIPs"] = json!([{"ip": address}]);
    }
    patch_status(client, "Pod", Some(namespace), name, json!({"status": status})).await;
}

fn api(client: &Client, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk("", "v1", kind));
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// Creates an object of the core group.
pub(crate) async fn create(client: &Client, kind: &str, namespace: Option<&str>, object: Value) {
    let object = object::from_value(object).unwrap();
    api(client, kind, namespace).create(&PostParams::default(), &object).await.unwrap();
}

async fn patch_status(client: &Client, kind: &str, namespace: Option<&str>, name: &str, status: Value) {
    let api = api(client, kind, namespace);
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let certificate = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    let user = b"kube-apiserver-kubelet-client";
    assert!(certificate.windows(user.len()).any(|part| part == user), "only the API server calls");
    let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(request)) });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Clients may go as they like.
    let _ = connection.with_upgrades().await;
}

fn answer(request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["exec", ..] => {
            let words = command::words(request.uri().query());
            upgraded(command::serve(request, Verb::Exec, Timeouts::default(), |streams| run(words, streams)))
        }
        ["attach", ..] => {
            let words = vec!["cat".to_owned()];
            upgraded(command::serve(request, Verb::Attach, Timeouts::default(), |streams| run(words, streams)))
        }
        ["portForward", namespace, pod] => {
            let pod = Pod { name: format!("{pod}_{namespace}"), uid: "uid".to_owned() };
            upgraded(forward::serve(request, pod, Timeouts::default(), dial))
        }
        ["containerLogs", _, "silent", _] => text(400, "container \"c\" in pod \"silent\" is waiting to start".into()),
        ["containerLogs", _, _, container] => log(container, request.uri().query().unwrap_or_default()),
        ["metrics", "resource"] => text(200, usage()),
        ["metrics", ..] => text(200, format!("served {path} to {:?}\n", request.headers().get("x-forwarded-uri"))),
        _ => text(404, "404 page not found\n".to_owned()),
    }
}

/// Everything uses a quarter of a processor and ten megabytes, and has done so since 2023.
fn usage() -> String {
    const STARTED: f64 = 1.7e9;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let (at, used) = (now.as_millis(), (now.as_secs_f64() - STARTED) / 4.0);
    let mut page = format!("node_cpu_usage_seconds_total {used} {at}\nnode_memory_working_set_bytes 10485760 {at}\n");
    for namespace in 29..40 {
        for way in ["true", "false"] {
            let labels = format!("container=\"main\",namespace=\"kubectl-1-{namespace}-{way}\",pod=\"web\"");
            page += &format!("container_cpu_usage_seconds_total{{{labels}}} {used} {at}\n");
            page += &format!("container_memory_working_set_bytes{{{labels}}} 10485760 {at}\n");
            page += &format!("container_start_time_seconds{{{labels}}} {STARTED}\n");
        }
    }
    page
}

fn upgraded(answer: Answer) -> Response<Body> {
    answer.session.map(tokio::spawn);
    answer.response.map(Body::new)
}

fn text(code: u16, text: String) -> Response<Body> {
    let mut answer = Response::new(Body::new(Full::new(text.into())));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap();
    answer
}

/// Runs a command on this machine.
async fn run(words: Vec<String>, streams: Streams) -> Outcome {
    let mut command = tokio::process::Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feeding = tokio::spawn(copy(streams.stdin, stdin));
    let moved = async { tokio::join!(copy(stdout, streams.stdout), copy(stderr, streams.stderr)) };
    tokio::select! {
        _ = moved => {}
        () = streams.closed.cancelled() => return Outcome::Failed("nobody is there any more".to_owned()),
    }
    feeding.abort();
    Outcome::Exited(child.wait().await.unwrap().code().unwrap_or(-1))
}

async fn copy(from: Option<impl AsyncRead + Unpin>, to: Option<impl AsyncWrite + Unpin>) {
    if let (Some(mut from), Some(mut to)) = (from, to) {
        let _ = tokio::io::copy(&mut from, &mut to).await;
        let _ = to.shutdown().await;
    }
}

/// Port 7 gives back what it gets; nobody listens on others.
async fn dial(port: u16) -> Result<DuplexStream, &'static str> {
    if port != 7 {
        return Err("connection refused");
    }
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(theirs);
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
        let _ = writer.shutdown().await;
    });
    Ok(ours)
}

/// What was asked for; a log that is followed goes on for ever.
fn log(container: &str, query: &str) -> Response<Body> {
    let first = format!("{container}: {query}\n");
    if !query.contains("follow=true") {
        return text(200, first);
    }
    let lines = futures_util::stream::unfold(0, move |count| {
        let line = if count == 0 { first.clone() } else { format!("line {count}\n") };
        async move {
            if count > 3 {
                std::future::pending::<()>().await;
            }
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from(line))), count + 1))
        }
    });
    Response::new(StreamBody::new(lines).boxed_unsync())
}
