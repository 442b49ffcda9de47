//! Paths and who answers them.

use super::access::{Denied, User};
use super::{Body, Node, logs, stats, streams, summary, text};
use crate::pods::Known;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use k8s_openapi::api::core::v1::Pod;
use value::{Value, json};

/// Answers a request.
pub(super) async fn answer(node: &Node, request: Request<Incoming>, peer: Option<&User>) -> Response<Body> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    match node.access.check(peer, request.headers(), &method, &path).await {
        Ok(()) => {}
        Err(Denied::Unauthorized) => return plain(StatusCode::UNAUTHORIZED, "Unauthorized"),
        Err(Denied::Forbidden(why)) => return plain(StatusCode::FORBIDDEN, why),
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let streaming = matches!(method, Method::GET | Method::POST);
    match (parts.as_slice(), streaming) {
        (["exec", rest @ ..], true) => return streams::exec(node, request, rest),
        (["attach", rest @ ..], true) => return streams::attach(node, request, rest),
        (["portForward", rest @ ..], true) => return streams::forward(node, request, rest).await,
        _ => {}
    }
    if method != Method::GET && method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    }
    match parts.as_slice() {
        ["healthz", ..] => plain(StatusCode::OK, "ok"),
        ["pods"] => json_answer(&pod_list(node.pods.all())),
        ["runningpods"] => json_answer(&running(node)),
        ["configz"] => json_answer(&config(node)),
        ["containerLogs", namespace, pod, container] => {
            let query = request.uri().query().unwrap_or_default();
            logs::answer(node, namespace, pod, container, query).await
        }
        ["stats", "summary"] => json_answer(&summary::of(&stats::gather(node).await)),
        ["pressure"] => pressure(node, request.uri().query().unwrap_or_default()).await,
        ["metrics"] => {
            let waiting = node.context.pressure.clone().metrics(&node.context, &node.pods).await;
            metrics(node.context.metrics.render() + &text::pods(node) + &waiting)
        }
        ["metrics", "resource"] => metrics(text::resource(&stats::gather(node).await)),
        ["metrics", "cadvisor"] => metrics(text::cadvisor(&stats::gather(node).await)),
        ["metrics", "probes"] => metrics(node.context.metrics.render_probes()),
        _ => plain(StatusCode::NOT_FOUND, "404 page not found"),
    }
}

/// Who waits for what, and why.
async fn pressure(node: &Node, query: &str) -> Response<Body> {
    let wanted = match pressure::afar::parse_query(query) {
        Ok(wanted) => wanted,
        Err(why) => return plain(StatusCode::BAD_REQUEST, why),
    };
    match node.context.pressure.clone().report(&node.context, &node.pods, wanted).await {
        Ok(report) => json_answer(&value::to_value(report).unwrap_or_default()),
        Err(why) => plain(StatusCode::NOT_FOUND, why),
    }
}

/// An answer in plain text.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut text: String = text.into();
    if status != StatusCode::OK {
        text.push('\n');
    }
    with_type(status, "text/plain; charset=utf-8", text)
}

fn json_answer(value: &Value) -> Response<Body> {
    with_type(StatusCode::OK, "application/json", value.to_string())
}

fn metrics(text: String) -> Response<Body> {
    with_type(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
}

fn with_type(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The pods with the statuses that the node has for them.
fn pod_list(all: Vec<Known>) -> Value {
    let items = all.into_iter().map(|known| {
        let pod = Pod { status: Some((*known.status).clone()), ..(*known.pod).clone() };
        value::to_value(pod).unwrap_or_default()
    });
    json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items.collect::<Vec<_>>()})
}

/// The pods that the runtime has, with as much as it knows of them.
fn running(node: &Node) -> Value {
    let containers = node.context.runtime.list();
    let items = node.context.runtime.pods().into_iter().map(|pod| {
        let config = &pod.config;
        let own = containers.iter().filter(|container| container.config.pod == config.uid && container.pid.is_some());
        let own: Vec<Value> = own
            .map(|container| json!({"name": container.config.name, "image": container.image_id, "resources": {}}))
            .collect();
        json!({
            "metadata": {"name": config.name, "namespace": config.namespace, "uid": config.uid},
            "spec": {"containers": own},
            "status": {},
        })
    });
    json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items.collect::<Vec<_>>()})
}

/// The settings, in the names of a kubelet's configuration.
fn config(node: &Node) -> Value {
    let config = &node.context.config;
    json!({"kubeletconfig": {
        "kind": "KubeletConfiguration",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "staticPodPath": config.static_pods,
        "clusterDomain": config.cluster_domain,
        "clusterDNS": config.cluster_dns,
        "maxPods": config.max_pods,
        "podCIDR": config.pod_cidr,
        "resolvConf": config.resolv_conf,
        "seccompDefault": config.seccomp_default,
        "systemReserved": config.reserved,
        "containerLogMaxSize": "10Mi",
        "containerLogMaxFiles": 5,
        "imageGCHighThresholdPercent": 85,
        "imageGCLowThresholdPercent": 80,
        "nodeStatusUpdateFrequency": "10s",
        "nodeStatusReportFrequency": "5m0s",
        "nodeLeaseDurationSeconds": 40,
        "cgroupDriver": "cgroupfs",
        "enableServer": true,
        "readOnlyPort": 0,
        "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true}},
        "authorization": {"mode": "Webhook"},
    }})
}
