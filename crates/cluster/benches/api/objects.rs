//! What is asked: pods of about the size that a Deployment makes, in one namespace.

use bytes::Bytes;
use http::Method;
use object::{Value, json};

/// What `kubectl get` accepts.
pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
/// The collection that watchers follow.
pub(crate) const WATCHED: &str = "/api/v1/namespaces/bench/configmaps";

const PODS: &str = "/api/v1/namespaces/bench/pods";
const SERVICE_ACCOUNTS: &str = "/api/v1/namespaces/bench/serviceaccounts";
/// A stride that visits numbers in no order (a prime that divides no count in use).
const STRIDE: u64 = 7919;

/// How many values a label of pods has.
const TIERS: u64 = 10;
/// Stands for the name in the text of a pod.
const NAME: &str = "THE-NAME";

/// A request.
#[derive(Default)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

pub(crate) fn get(path: String, accept: &'static str) -> Ask {
    Ask { path, accept, ..Ask::default() }
}

pub(crate) fn post(path: &str, object: &Value) -> Ask {
    let body = object.to_string().into();
    Ask { method: Method::POST, path: path.to_owned(), content_type: "application/json", body, ..Ask::default() }
}

pub(crate) fn create_namespace() -> Ask {
    post("/api/v1/namespaces", &json!({"metadata": {"name": "bench"}}))
}

pub(crate) fn get_service_account() -> Ask {
    get(format!("{SERVICE_ACCOUNTS}/default"), "")
}

pub(crate) fn create_service_account() -> Ask {
    post(SERVICE_ACCOUNTS, &json!({"metadata": {"name": "default"}}))
}

/// A page of one pod, which tells how many follow.
pub(crate) fn count_pods() -> Ask {
    get(format!("{PODS}?limit=1"), "")
}

/// New pods, from this number on.
pub(crate) fn create_pod(first: u64) -> impl Fn(u64) -> Ask + Clone + Send + Sync + 'static {
    // The text of a pod but for its name, by the last digit of its number.
    let texts: Vec<String> = (0..TIERS).map(|number| pod(number).to_string().replace(&name(number), NAME)).collect();
    move |number| {
        let number = first + number;
        let body = texts[(number % TIERS) as usize].replace(NAME, &name(number)).into();
        Ask { method: Method::POST, path: PODS.to_owned(), content_type: "application/json", body, ..Ask::default() }
    }
}

/// One pod after the other, in no order.
pub(crate) fn get_pod(count: u64) -> impl Fn(u64) -> Ask + Clone + Send + Sync + 'static {
    move |number| get(format!("{PODS}/{}", name(number * STRIDE % count)), "application/json")
}

/// A merge patch that changes an annotation, on one pod after the other.
pub(crate) fn patch_pod(count: u64) -> impl Fn(u64) -> Ask + Clone + Send + Sync + 'static {
    move |number| Ask {
        method: Method::PATCH,
        path: format!("{PODS}/{}", name(number * STRIDE % count)),
        content_type: "application/merge-patch+json",
        body: json!({"metadata": {"annotations": {"bench/turn": number.to_string()}}}).to_string().into(),
        ..Ask::default()
    }
}

/// All pods.
pub(crate) fn list_pods(accept: &'static str) -> impl Fn(u64) -> Ask + Clone + Send + Sync + 'static {
    move |_| get(PODS.to_owned(), accept)
}

/// The first page, as kubectl asks for it.
pub(crate) fn list_page() -> impl Fn(u64) -> Ask + Clone + Send + Sync + 'static {
    move |_| get(format!("{PODS}?limit=500"), "application/json")
}

/// A new ConfigMap for the watchers.
pub(crate) fn create_watched(number: u64) -> Ask {
    let data = json!({"key": "a value of some length, which a client keeps"});
    // The process id keeps rounds on one server apart.
    post(WATCHED, &json!({"metadata": {"generateName": format!("watched-{number}-")}, "data": data}))
}

fn name(number: u64) -> String {
    format!("web-7d4b9c6f5d-{number:07}")
}

fn pod(number: u64) -> Value {
    let probe = |path: &str| json!({"httpGet": {"path": path, "port": 8080}, "periodSeconds": 10});
    json!({
        "metadata": {
            "name": name(number),
            "labels": {"app": "web", "pod-template-hash": "7d4b9c6f5d", "tier": format!("t{}", number % TIERS)},
            "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
        },
        "spec": {
            // What the scheduler has to say of pods is measured by the bench `placing`.
            "schedulingGates": [{"name": "bench.example/closed"}],
            "containers": [{
                "name": "web",
                "image": "registry.example.com/shop/web:1.42.0",
                "args": ["--listen=:8080", "--log-level=info"],
                "ports": [{"name": "http", "containerPort": 8080}],
                "env": [
                    {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "DATABASE_URL", "value": "postgres://db.shop.svc:5432/shop"},
                    {"name": "CACHE_URL", "value": "redis://cache.shop.svc:6379"},
                ],
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                "livenessProbe": probe("/healthz"),
                "readinessProbe": probe("/ready"),
                "volumeMounts": [{"name": "config", "mountPath": "/etc/web"}],
            }],
            "volumes": [{"name": "config", "configMap": {"name": "web"}}],
        },
    })
}
