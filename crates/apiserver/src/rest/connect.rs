//! Subresources that are answered by somebody else: `exec`, `attach`, `portforward` and `log` by the pod's node,
//! `proxy` by the pod, service or node itself.
//!
//! The request is checked, the backend is found and asked, and its answer is handed on as it comes: bytes wait for
//! whoever reads slower, and when one side goes, so does the other.

mod html;
mod links;
mod log;
mod options;
mod proxy;
mod streams;
mod target;
pub(crate) mod tunnel;

pub(crate) use proxy::remove_hop_by_hop;

use super::call::{Call, method_not_allowed};
use crate::admission::{Attributes, Operation};
use crate::http::Body;
use crate::lookup::{Cluster, Stored};
use crate::request::Info;
use ::http::header::HeaderName;
use ::http::{HeaderMap, HeaderValue, Method, Response, Uri, request};
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::upgrade::OnUpgrade;
use object::{Status, Value};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A failure of a body on its way.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request on its way to a backend.
pub(crate) type Passing = UnsyncBoxBody<Bytes, BoxError>;

/// Where a request comes from, set by the listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remote(pub(crate) SocketAddr);

/// What is needed of a request's head, beyond what every call has.
pub(crate) struct Head {
    method: Method,
    uri: Uri,
    /// How to get at the connection, if the client wants another protocol on it.
    upgrade: Option<OnUpgrade>,
    remote: Option<IpAddr>,
}

impl Head {
    /// The head of a request that is to be handed on; `None` if the request is answered here.
    pub(crate) fn take(head: &mut request::Parts, info: &Info) -> Option<Head> {
        is_answered_elsewhere(info).then(|| Head {
            method: head.method.clone(),
            uri: head.uri.clone(),
            upgrade: head.extensions.remove(),
            remote: head.extensions.get().map(|Remote(address)| address.ip()),
        })
    }
}

/// True if somebody else answers.
pub(crate) fn is_answered_elsewhere(info: &Info) -> bool {
    let Some(resource) = &info.resource else { return false };
    let names = (resource.group.as_str(), resource.resource.as_str(), resource.subresource.as_str());
    matches!(
        names,
        ("", "pods", "attach" | "exec" | "log" | "portforward" | "proxy") | ("", "services" | "nodes", "proxy")
    )
}

/// Hands a request on.
pub(crate) async fn answer<B>(call: &Arc<Call>, head: Head, body: B) -> Result<Response<Body>, Status>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    let subresource = call.resource.subresources.iter().find(|sub| sub.name == call.info.subresource);
    let subresource = subresource.ok_or_else(Status::no_such_path)?;
    let is_asking = head.method == Method::OPTIONS && subresource.name == "proxy";
    if !subresource.verbs.contains(&call.verb) && !is_asking {
        return Err(method_not_allowed());
    }
    match &*subresource.name {
        "log" => log::answer(call).await,
        "proxy" => {
            let body = body.map_err(|error| BoxError::from(error.to_string()));
            proxy::answer(call, head, UnsyncBoxBody::new(body)).await
        }
        _ => streams::answer(call, head).await,
    }
}

/// Asks admission about a connection.
async fn admit(call: &Call, options: &mut Value) -> Result<(), Status> {
    let attributes = Attributes::new(call, Operation::Connect, &call.info.name, false);
    call.core.admission.admit(&attributes, options, None).await?;
    call.core.admission.validate(&attributes, options, None).await
}

/// The pod that the path names.
fn pod(call: &Call, name: &str) -> Result<Arc<Value>, Status> {
    find(call, "pods", &call.info.namespace, name)
}

/// The node of a pod. Upstream reports one that is not there as though it were the pod.
fn node_of_pod(call: &Call, name: &str) -> Result<Arc<Value>, Status> {
    let pods = object::status::GroupResource { group: "", resource: "pods" };
    find(call, "nodes", "", name).map_err(|_| Status::not_found(pods, name))
}

/// An object of the core group.
fn find(call: &Call, resource: &'static str, namespace: &str, name: &str) -> Result<Arc<Value>, Status> {
    let found = Stored(call.core.store.clone()).get("", resource, namespace, name);
    found.ok_or_else(|| Status::not_found(object::status::GroupResource { group: "", resource }, name))
}

/// Adds the client's address to those that the request has passed.
pub(crate) fn add_forwarded_for(headers: &mut HeaderMap, remote: Option<IpAddr>) {
    const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    let Some(remote) = remote else { return };
    let earlier: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let all = if earlier.is_empty() { remote.to_string() } else { format!("{}, {remote}", earlier.join(", ")) };
    if let Ok(value) = HeaderValue::from_str(&all) {
        headers.insert(FORWARDED_FOR, value);
    }
}
