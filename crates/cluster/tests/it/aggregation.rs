//! Aggregation end to end: a real extension server behind a Service, which lets in who shows the right certificate.

use crate::custom::{define, definition, until, version};
use crate::hooks::certificates;
use crate::webhooks::{own_address, send};
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use kube::Client;
use object::{Value, json};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const SERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Serves `toys.example/v1`; its port, and its authority.
async fn serve(address: IpAddr, clients: &str) -> (u16, String, tokio::task::JoinHandle<()>) {
    let (tls, authority) = certificates(&["toys.default.svc"], Some(clients));
    let listener = TcpListener::bind(SocketAddr::new(address, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = TlsAcceptor::from(Arc::new(tls));
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                let Ok(stream) = tls.accept(stream).await else { return };
                let service =
                    hyper::service::service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (port, authority, task)
}

async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let sent = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let (code, document) = match head.uri.path() {
        "/apis/toys.example/v1" => (
            200,
            json!({
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "toys.example/v1",
                "resources": [{"name": "toys", "singularName": "toy", "namespaced": true, "kind": "Toy", "verbs": ["get", "list"]}],
            }),
        ),
        "/openapi/v3" => (
            200,
            json!({"paths": {
                "apis/toys.example/v1": {"serverRelativeURL": "/openapi/v3/apis/toys.example/v1?hash=abc"},
                "apis/other.example/v1": {"serverRelativeURL": "/openapi/v3/apis/other.example/v1?hash=def"},
            }}),
        ),
        "/openapi/v2" => (
            200,
            json!({"swagger": "2.0", "info": {"title": "Toys"},
                "paths": {
                    "/apis/toys.example/v1/namespaces/{namespace}/toys": {"get": {"responses": {"200": {"schema":
                        {"$ref": "#/definitions/io.k8s.api.core.v1.Pod"}}}}},
                    "/apis/other.example/v1/others": {"get": {}},
                },
                "definitions": {"io.k8s.api.core.v1.Pod": {"type": "object", "description": "a toy"}},
            }),
        ),
        "/openapi/v3/apis/toys.example/v1" => (200, json!({"openapi": "3.0.0"})),
        path if path.starts_with("/apis/toys.example/v1/") => (
            201,
            json!({
                "method": head.method.as_str(), "path": head.uri.to_string(), "sent": String::from_utf8_lossy(&sent),
                "user": texts(&head.headers, "x-remote-user"), "groups": texts(&head.headers, "x-remote-group"),
                "extra": texts(&head.headers, "x-remote-extra-scopes"),
                "authorization": texts(&head.headers, "authorization"),
            }),
        ),
        _ => (404, json!({})),
    };
    let answer = Response::builder().status(code).header("content-type", "application/json");
    answer.header("x-from", "toys").body(Full::new(document.to_string().into())).unwrap()
}

fn texts(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

async fn available(client: &Client, name: &str, reason: &str) -> Value {
    let object =
        until(client, &format!("{SERVICES}/{name}"), |_, object| object["status"]["conditions"][0]["reason"] == reason)
            .await;
    object["status"]["conditions"][0].clone()
}

async fn get_as(client: &Client, path: &str, accept: &str) -> Value {
    let request = Request::builder().uri(path).header("accept", accept).body(Vec::new()).unwrap();
    client.request(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_answers_for_its_group() {
    let Some(address) = own_address() else {
        println!("SKIPPED: this machine has no address but loopback, which endpoints may not have");
        return;
    };
    let world = World::start().await;
    let client = world.client().await;
    // Where extension servers look for whom to believe.
    let believed = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
    let (_, believed) = send(&client, Method::GET, believed, &Value::Null).await;
    let clients = believed["data"]["requestheader-client-ca-file"].as_str().unwrap();
    let (port, authority, server) = serve(address, clients).await;
    let api_service = json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1.toys.example"},
        "spec": {"group": "toys.example", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10,
                 "caBundle": STANDARD.encode(&authority), "service": {"namespace": "default", "name": "toys"}},
    });
    let (code, made) = send(&client, Method::POST, SERVICES, &api_service).await;
    assert_eq!(code, 201, "{made}");
    let condition = available(&client, "v1.toys.example", "ServiceNotFound").await;
    assert_eq!(condition["message"], "service/toys in \"default\" is not present");
    let toys = "/apis/toys.example/v1/namespaces/default/toys?limit=5";
    let impatient = world.client_without_retries().await;
    let (code, answer) = send(&impatient, Method::GET, toys, &Value::Null).await;
    assert_eq!((code, answer.as_str()), (503, Some("service unavailable\n")));

    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "toys"},
                         "spec": {"ports": [{"name": "https", "port": 443}]}});
    assert_eq!(send(&client, Method::POST, "/api/v1/namespaces/default/services", &service).await.0, 201);
    let condition = available(&client, "v1.toys.example", "EndpointsNotFound").await;
    assert_eq!(condition["message"], "cannot find endpointslices for service/toys in \"default\"");
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "toys-1", "labels": {"kubernetes.io/service-name": "toys"}},
        "endpoints": [{"addresses": [address.to_string()]}], "ports": [{"name": "https", "port": port}],
    });
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    assert_eq!(send(&client, Method::POST, slices, &slice).await.0, 201);
    let condition = available(&client, "v1.toys.example", "Passed").await;
    assert_eq!((&condition["status"], &condition["message"]), (&json!("True"), &json!("all checks passed")));

    requests_are_handed_on(&client, toys).await;
    discovery_has_both(&client).await;

    // A server that is gone.
    server.abort();
    drop(server.await);
    let condition = available(&client, "v1.toys.example", "FailedDiscoveryCheck").await;
    assert!(condition["message"].as_str().unwrap().contains("connection refused"), "{condition}");
    assert_eq!(send(&impatient, Method::GET, toys, &Value::Null).await.0, 503);
    let whole = get_as(&client, "/apis", AGGREGATED).await;
    let group = whole["items"].as_array().unwrap().iter().find(|group| group["metadata"]["name"] == "toys.example");
    assert_eq!(group.unwrap()["versions"][0]["freshness"], "Stale");
    world.stop().await;
}

async fn requests_are_handed_on(client: &Client, toys: &str) {
    let request = Request::builder()
        .method(Method::POST)
        .uri(toys)
        .header("x-remote-user", "mallory")
        .header("impersonate-user", "alice")
        .header("impersonate-group", "system:masters")
        .header("impersonate-extra-scopes", "some")
        .body(b"what is sent".to_vec())
        .unwrap();
    let heard: Value = client.request(request).await.unwrap();
    assert_eq!(
        (&heard["method"], &heard["path"], &heard["sent"]),
        (&json!("POST"), &json!(toys), &json!("what is sent"))
    );
    assert_eq!((&heard["user"], &heard["extra"]), (&json!(["alice"]), &json!(["some"])));
    assert!(heard["groups"].as_array().unwrap().contains(&json!("system:masters")), "{heard}");
    assert_eq!(heard["authorization"], json!([]));
    // Who may not ask is not handed on.
    let request = Request::builder().uri(toys).header("impersonate-user", "nobody").body(Vec::new()).unwrap();
    let refused = client.request::<Value>(request).await;
    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 403));
}

async fn discovery_has_both(client: &Client) {
    let groups = get_as(client, "/apis", "application/json").await["groups"].clone();
    let names: Vec<&str> = groups.as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap()).collect();
    assert_eq!((names[0], names.last()), ("apiregistration.k8s.io", Some(&"toys.example")));
    let group = get_as(client, "/apis/toys.example", "application/json").await;
    assert_eq!(group["preferredVersion"], json!({"groupVersion": "toys.example/v1", "version": "v1"}));
    let whole = get_as(client, "/apis", AGGREGATED).await;
    let group = whole["items"].as_array().unwrap().last().unwrap();
    assert_eq!(
        group["versions"],
        json!([{"version": "v1", "freshness": "Current", "resources": [{
            "resource": "toys", "singularResource": "toy", "scope": "Namespaced", "verbs": ["get", "list"],
            "responseKind": {"group": "toys.example", "version": "v1", "kind": "Toy"},
        }]}])
    );
    let index = get_as(client, "/openapi/v3", "application/json").await;
    assert_eq!(
        index["paths"]["apis/toys.example/v1"]["serverRelativeURL"],
        "/openapi/v3/apis/toys.example/v1?hash=abc"
    );
    assert_eq!(index["paths"]["apis/other.example/v1"], Value::Null);
    let document = get_as(client, "/openapi/v3/apis/toys.example/v1?hash=abc", "application/json").await;
    assert_eq!(document["openapi"], "3.0.0");
    let document = get_as(client, "/openapi/v2", "application/json").await;
    assert_eq!(document["info"]["title"], "Kubernetes");
    let toys = &document["paths"]["/apis/toys.example/v1/namespaces/{namespace}/toys"]["get"];
    // What is called like a type of ours has another name.
    let toy = json!({"$ref": "#/definitions/io.k8s.api.core.v1.Pod_v2"});
    assert_eq!(toys["responses"]["200"]["schema"], toy);
    assert_eq!(document["definitions"]["io.k8s.api.core.v1.Pod_v2"]["description"], "a toy");
    assert!(document["definitions"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"].is_object());
    assert_eq!(document["paths"]["/apis/other.example/v1/others"], Value::Null);
    assert!(document["paths"]["/api/v1/namespaces/{namespace}/pods"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_here_has_services_too() {
    let world = World::start().await;
    let client = world.client().await;
    let condition = available(&client, "v1.apps", "Local").await;
    assert_eq!((&condition["type"], &condition["status"]), (&json!("Available"), &json!("True")));
    let name = "v1.example.com";
    define(&client, &definition(vec![version("v1", true, json!({}))])).await;
    available(&client, name, "Local").await;
    let (_, object) = send(&client, Method::GET, &format!("{SERVICES}/{name}"), &Value::Null).await;
    let spec = json!({"group": "example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 100});
    assert_eq!(object["spec"], spec);
    assert_eq!(object["metadata"]["labels"], json!({"kube-aggregator.kubernetes.io/automanaged": "true"}));
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";
    assert_eq!(send(&client, Method::DELETE, path, &Value::Null).await.0, 200);
    until(&client, &format!("{SERVICES}/{name}"), |code, _| code == 404).await;
    // Somebody's own is left alone.
    let own = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": name}, "spec": spec});
    assert_eq!(send(&client, Method::POST, SERVICES, &own).await.0, 201);
    available(&client, name, "Local").await;
    world.stop().await;
}
