//! Keeps APIServices: registers those of what is served here, and asks extension servers whether they are there.

use super::proxy::{authority, name_user};
use super::{GROUP, Known, PLURAL, Remote, local, merge, remotes};
use crate::lookup::{Cluster, Stored};
use crate::net;
use crate::openapi::Part;
use crate::server::{ApiServer, Caller, Core};
use crate::storage;
use ::http::{HeaderMap, Method, Request, Response, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use kinds::{UserInfo, set_condition};
use object::quote::quote;
use object::{Value, View, json};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often extension servers are asked.
const PERIOD: Duration = Duration::from_secs(5);
/// How long one of them may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often they are asked for their part of OpenAPI version 2, which is large.
const PERIOD_V2: Duration = Duration::from_secs(60);
/// How long that may take.
const PATIENCE_V2: Duration = Duration::from_secs(10);
/// How long changes are collected.
const LULL: Duration = Duration::from_millis(50);
/// Most bytes of a document of theirs.
const MAX_DOCUMENT: usize = 16 << 20;

/// Keeps APIServices until stopped.
pub async fn run(server: ApiServer, stop: CancellationToken) {
    stop.run_until_cancelled(keep(&server)).await;
}

async fn keep(server: &ApiServer) {
    let core = server.core();
    let mut registry = core.definitions.changes();
    let mut is_first = true;
    loop {
        let (_, mut watcher) = core.store.list_and_watch(&storage::prefix_of(GROUP, PLURAL, ""));
        loop {
            register(server, is_first).await;
            is_first = false;
            let has_remotes = check_all(server).await;
            tokio::select! {
                events = watcher.next() => if events.is_err() { break },
                _ = registry.changed() => {}
                () = tokio::time::sleep(PERIOD), if has_remotes => {}
            }
            tokio::time::sleep(LULL).await;
        }
    }
}

/// Makes, changes and removes APIServices of what is served here. Those of built-in groups are looked after at start.
async fn register(server: &ApiServer, is_first: bool) {
    let core = server.core();
    let wanted = local::wanted(&core.registry.load());
    let current = Stored(core.store.clone()).list(GROUP, PLURAL, None);
    for object in &current {
        let name = View::from(&**object).get("metadata").str("name");
        if !is_first && !local::is_always_managed(object) {
            continue;
        }
        match local::plan(object, wanted.get(name)) {
            local::Plan::Keep => {}
            local::Plan::Remove => ask(server, Method::DELETE, &path_of(name), None).await,
            local::Plan::Replace(object) => ask(server, Method::PUT, &path_of(name), Some(&object)).await,
        }
    }
    let is_there = |name: &str| current.iter().any(|object| View::from(&**object).get("metadata").str("name") == name);
    for (name, object) in &wanted {
        if !is_there(name) && (is_first || local::is_always_managed(object)) {
            ask(server, Method::POST, &path_of(""), Some(object)).await;
        }
    }
}

/// Looks at every APIService; true if any leads elsewhere.
async fn check_all(server: &ApiServer) -> bool {
    let core = server.core();
    let all = Stored(core.store.clone()).list(GROUP, PLURAL, None);
    let mut checks = tokio::task::JoinSet::new();
    for object in all {
        let server = server.clone();
        match Remote::of(View::from(&*object)) {
            None => write_condition(&server, &object, true, "Local", "Local APIServices are always available").await,
            Some(remote) => drop(checks.spawn(async move {
                let (available, reason, message) = match check(server.core(), &remote).await {
                    Ok(()) => (true, "Passed", "all checks passed".to_owned()),
                    Err((reason, message)) => (false, reason, message),
                };
                write_condition(&server, &object, available, reason, &message).await;
            })),
        }
    }
    while checks.join_next().await.is_some() {}
    let remotes = remotes(core);
    let mut known = core.aggregation.known.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|name, _| remotes.iter().any(|remote| remote.name == *name));
    !remotes.is_empty()
}

async fn write_condition(server: &ApiServer, object: &Value, available: bool, reason: &str, message: &str) {
    let view = View::from(object);
    let old = view.at(&["status", "conditions"]).to_value();
    let status = if available { "True" } else { "False" };
    let condition = json!({"type": "Available", "status": status, "reason": reason, "message": message});
    let conditions = set_condition(old.clone(), condition, &server.core().now_text());
    if conditions != old {
        let metadata = json!({"uid": view.get("metadata").str("uid")});
        let patch = json!({"metadata": metadata, "status": {"conditions": conditions}});
        let path = format!("{}/status", path_of(view.get("metadata").str("name")));
        ask(server, Method::PATCH, &path, Some(&patch)).await;
    }
}

/// Asks an extension server whether it is there; what it serves is kept.
async fn check(core: &Core, remote: &Remote) -> Result<(), (&'static str, String)> {
    check_service(&Stored(core.store.clone()), remote)?;
    let failed = |why: String| ("FailedDiscoveryCheck", why);
    let place = remote.resolve(core).map_err(failed)?;
    let path = format!("/apis/{}/{}", remote.group, remote.version);
    let url = format!("https://{}{path}", authority(&place));
    let missing = |why: String| failed(format!("failing or missing response from {url}: {why}"));
    let document = tokio::time::timeout(PATIENCE, get(core, remote, &place, &path)).await;
    let late = |_| missing(format!("Get {}: context deadline exceeded", quote(&url)));
    let list = document.map_err(late)?.map_err(missing)?;
    // That it has no OpenAPI is nobody's harm.
    let index = tokio::time::timeout(PATIENCE, get(core, remote, &place, "/openapi/v3")).await;
    let index = index.ok().and_then(Result::ok).unwrap_or_default();
    let openapi = index["paths"][path.trim_start_matches('/')].clone();
    let (openapi_v2, asked_v2) = openapi_v2(core, remote, &place).await;
    let resources = merge::resources(remote, &list);
    let known = Arc::new(Known { resources, openapi, openapi_v2, asked_v2: Some(asked_v2) });
    core.aggregation.known.lock().unwrap_or_else(PoisonError::into_inner).insert(remote.name.clone(), known);
    Ok(())
}

/// A server's part of OpenAPI version 2, which it is asked for now and then, and when it was.
async fn openapi_v2(core: &Core, remote: &Remote, place: &(String, u16)) -> (Option<Arc<Part>>, Instant) {
    let known = core.aggregation.known(&remote.name);
    let asked = known.as_ref().and_then(|known| known.asked_v2).filter(|asked| asked.elapsed() < PERIOD_V2);
    if let (Some(known), Some(asked)) = (&known, asked) {
        return (known.openapi_v2.clone(), asked);
    }
    let document = tokio::time::timeout(PATIENCE_V2, get(core, remote, place, "/openapi/v2")).await;
    let prefix = format!("/apis/{}/{}/", remote.group, remote.version);
    let part = match document {
        Ok(Ok(document)) => Part::new(&document, &prefix).map(Arc::new),
        // What it said last is better than nothing.
        _ => known.and_then(|known| known.openapi_v2.clone()),
    };
    (part, Instant::now())
}

/// Looks whether there is a Service with endpoints.
fn check_service(cluster: &Stored, remote: &Remote) -> Result<(), (&'static str, String)> {
    let (name, namespace, port) = (&remote.service, quote(&remote.namespace), remote.port);
    let service = cluster.get("", "services", &remote.namespace, name);
    let Some(service) = service else {
        return Err(("ServiceNotFound", format!("service/{name} in {namespace} is not present")));
    };
    let spec = View::from(&*service).get("spec");
    if spec.str("type") != "ClusterIP" {
        return Ok(());
    }
    let Some(of_port) = spec.list("ports").find(|known| known.int("port") == port) else {
        return Err(("ServicePortError", format!("service/{name} in {namespace} is not listening on port {port}")));
    };
    let slices = cluster.list("discovery.k8s.io", "endpointslices", Some(&remote.namespace));
    let of_service = |slice: &&Arc<Value>| {
        View::from(&***slice).at(&["metadata", "labels"]).str("kubernetes.io/service-name") == name
    };
    let slices: Vec<&Arc<Value>> = slices.iter().filter(of_service).collect();
    if slices.is_empty() {
        return Err(("EndpointsNotFound", format!("cannot find endpointslices for service/{name} in {namespace}")));
    }
    let port_name = of_port.str("name");
    let serves = |slice: &&Arc<Value>| {
        let slice = View::from(&***slice);
        let mut ends = slice.list("endpoints");
        ends.any(|end| end.get("conditions").opt_bool("ready") != Some(false))
            && slice.list("ports").any(|port| port.str("name") == port_name && port.get("port").exists())
    };
    if !slices.iter().any(serves) {
        let what = format!("endpointslices for service/{name} in {namespace}");
        return Err(("MissingEndpoints", format!("{what} have no addresses with port name {}", quote(port_name))));
    }
    Ok(())
}

/// A document of an extension server.
async fn get(core: &Core, remote: &Remote, place: &(String, u16), path: &str) -> Result<Value, String> {
    let url = format!("https://{}{path}", authority(place));
    let words = |why: String| format!("Get {}: {why}", quote(&url));
    let user = UserInfo {
        name: "system:kube-aggregator".to_owned(),
        groups: vec!["system:masters".to_owned()],
        ..UserInfo::default()
    };
    let mut headers = HeaderMap::new();
    name_user(&mut headers, &user);
    let mut request = Request::builder().uri(path).header(header::HOST, authority(place));
    request = request.header(header::ACCEPT, "application/json").header(header::USER_AGENT, "hakata");
    let mut request = request.body(Full::<Bytes>::default()).map_err(|error| error.to_string())?;
    request.headers_mut().extend(headers);
    let stream = remote.dial(core, place).await.map_err(words)?;
    let answer = net::send(stream, request, &core.tunnels).await.map_err(|error| words(error.to_string()))?;
    let code = answer.status().as_u16();
    if !(200..300).contains(&code) {
        return Err(format!("bad status from {url}: {code}"));
    }
    read(answer).await.map_err(words)
}

async fn read(answer: Response<Incoming>) -> Result<Value, String> {
    let body = Limited::new(answer.into_body(), MAX_DOCUMENT).collect().await;
    let bytes = body.map_err(|error| error.to_string())?.to_bytes();
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

fn path_of(name: &str) -> String {
    let slash = if name.is_empty() { "" } else { "/" };
    format!("/apis/{GROUP}/v1/{PLURAL}{slash}{name}")
}

/// Writes by way of the server, as every controller does. A failure is mended when one looks again.
async fn ask(server: &ApiServer, method: Method, path: &str, object: Option<&Value>) {
    let user = UserInfo {
        name: "system:apiserver".to_owned(),
        groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
        ..UserInfo::default()
    };
    let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let body = object.map(ToString::to_string).unwrap_or_default();
    let request = Request::builder().method(method.clone()).uri(path).header(header::CONTENT_TYPE, kind);
    let request = request.header(header::USER_AGENT, "hakata").extension(Caller(Arc::new(user)));
    let Ok(request) = request.body(Full::new(Bytes::from(body))) else { return };
    let answer = server.answer(request, None).await;
    if !answer.status().is_success() {
        tracing::debug!(%method, path, code = answer.status().as_u16(), "an APIService could not be kept");
    }
}
