//! The objects that every cluster begins with: made if they are missing, brought up to date if they are ours.

mod flow;
pub(crate) mod metrics;

use crate::config::Config;
use crate::pki::Pki;
use apiserver::authz::rbac::{Kind, bootstrap};
use apiserver::plugins::system_classes;
use http::{Method, Request};
use kube::Client;
use object::{Value, View, json};
use tokio::task::JoinSet;

/// Namespaces that are always there.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Why the first objects cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot {method} {path}")]
pub struct BootstrapError {
    method: Method,
    path: String,
    #[source]
    source: Box<kube::Error>,
}

/// Makes what is missing.
pub async fn run(client: &Client, config: &Config, pki: &Pki) -> Result<(), BootstrapError> {
    let mut namespaces = JoinSet::new();
    for name in NAMESPACES {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        namespaces.spawn(ensure(client.clone(), "/api/v1/namespaces", object));
    }
    all(namespaces).await?;
    let mut objects = JoinSet::new();
    for (kind, object) in bootstrap::objects() {
        objects.spawn(grant(client.clone(), kind, object));
    }
    if config.metrics && config.node.is_some() {
        objects.spawn(metrics::grant_reader(client.clone()));
    }
    for class in system_classes() {
        objects.spawn(ensure(client.clone(), "/apis/scheduling.k8s.io/v1/priorityclasses", class));
    }
    for level in flow::levels() {
        objects.spawn(ensure(
            client.clone(),
            "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
            level,
        ));
    }
    for schema in flow::schemas() {
        objects.spawn(ensure(client.clone(), "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", schema));
    }
    objects.spawn(ensure(client.clone(), "/apis/networking.k8s.io/v1/servicecidrs", service_cidr(config)));
    if config.node.is_some() {
        objects.spawn(ensure(client.clone(), "/apis/storage.k8s.io/v1/storageclasses", node::local_path::class()));
    }
    objects.spawn(extension_servers(client.clone(), pki.ca_bundle(), pki.front_proxy_bundle()));
    all(objects).await
}

/// What extension servers read to know whom to believe.
async fn extension_servers(client: Client, clients: String, proxies: String) -> Result<(), BootstrapError> {
    const COLLECTION: &str = "/api/v1/namespaces/kube-system/configmaps";
    const NAME: &str = "extension-apiserver-authentication";
    let wanted = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "namespace": "kube-system"},
        "data": {
            "client-ca-file": clients,
            "requestheader-allowed-names": r#"["front-proxy-client"]"#,
            "requestheader-client-ca-file": proxies,
            "requestheader-extra-headers-prefix": r#"["X-Remote-Extra-"]"#,
            "requestheader-group-headers": r#"["X-Remote-Group"]"#,
            "requestheader-uid-headers": r#"["X-Remote-Uid"]"#,
            "requestheader-username-headers": r#"["X-Remote-User"]"#,
        },
    });
    let path = format!("{COLLECTION}/{NAME}");
    match find(&client, &path).await? {
        None => send(&client, Method::POST, COLLECTION, &wanted).await,
        Some(known) if known["data"] == wanted["data"] => Ok(()),
        Some(mut known) => {
            known["data"] = wanted["data"].clone();
            send(&client, Method::PUT, &path, &known).await
        }
    }
}

async fn all(mut tasks: JoinSet<Result<(), BootstrapError>>) -> Result<(), BootstrapError> {
    while let Some(done) = tasks.join_next().await {
        done.expect("making an object does not panic")?;
    }
    Ok(())
}

fn service_cidr(config: &Config) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "kubernetes", "finalizers": ["networking.k8s.io/service-cidr-finalizer"]},
        "spec": {"cidrs": [config.service_cidr.to_string()]},
    })
}

/// Makes an object if there is none of its name.
async fn ensure(client: Client, collection: &'static str, object: Value) -> Result<(), BootstrapError> {
    let name = View::from(&object).get("metadata").str("name").to_owned();
    if find(&client, &format!("{collection}/{name}")).await?.is_none() {
        send(&client, Method::POST, collection, &object).await?;
    }
    Ok(())
}

/// Brings a role or binding up to date.
async fn grant(client: Client, kind: Kind, object: Value) -> Result<(), BootstrapError> {
    let metadata = View::from(&object).get("metadata");
    let namespace = match metadata.str("namespace") {
        "" => String::new(),
        namespace => format!("namespaces/{namespace}/"),
    };
    let collection = format!("/apis/rbac.authorization.k8s.io/v1/{namespace}{}", kind.resource());
    let path = format!("{collection}/{}", metadata.str("name"));
    let existing = find(&client, &path).await?;
    match bootstrap::plan(kind, &object, existing.as_ref()) {
        bootstrap::Plan::Keep => Ok(()),
        bootstrap::Plan::Create(object) => send(&client, Method::POST, &collection, &object).await,
        bootstrap::Plan::Update(object) => send(&client, Method::PUT, &path, &object).await,
        bootstrap::Plan::Recreate(object) => {
            send(&client, Method::DELETE, &path, &Value::Null).await?;
            send(&client, Method::POST, &collection, &object).await
        }
    }
}

async fn find(client: &Client, path: &str) -> Result<Option<Value>, BootstrapError> {
    match client.request::<Value>(request(Method::GET, path, &Value::Null)).await {
        Ok(object) => Ok(Some(object)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(source) => Err(failed(Method::GET, path, source)),
    }
}

/// Sends a write. That somebody else was quicker is no failure.
async fn send(client: &Client, method: Method, path: &str, object: &Value) -> Result<(), BootstrapError> {
    match client.request::<Value>(request(method.clone(), path, object)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(source) => Err(failed(method, path, source)),
    }
}

fn request(method: Method, path: &str, object: &Value) -> Request<Vec<u8>> {
    let body = if object.is_null() { Vec::new() } else { object.to_string().into_bytes() };
    let builder = Request::builder().method(method).uri(path).header(http::header::CONTENT_TYPE, "application/json");
    builder.body(body).expect("paths of built-in resources are valid")
}

fn failed(method: Method, path: &str, source: kube::Error) -> BootstrapError {
    BootstrapError { method, path: path.to_owned(), source: Box::new(source) }
}
