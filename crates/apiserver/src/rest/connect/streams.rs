//! `exec`, `attach` and `portforward`: checked here, then handed to the pod's node with the whole connection.

use super::{Head, add_forwarded_for, admit, node_of_pod, options, pod, tunnel};
use crate::authz::Attributes;
use crate::http::Body;
use crate::kubelet_client::Trust;
use crate::rest::Call;
use ::http::{Request, Response};
use object::status::GroupResource;
use object::{Status, View};

/// Answers a request.
pub(super) async fn answer(call: &Call, head: Head) -> Result<Response<Body>, Status> {
    let info = &call.info;
    let mut wanted = options::of_stream(&info.subresource, &call.query)?;
    admit(call, &mut wanted).await?;
    require_create(call)?;
    let pod = pod(call, &info.name)?;
    let path = path(call, View::from(&*pod), View::from(&wanted))?;
    let node = kinds::node_of(View::from(&*pod)).map_err(Status::bad_request)?;
    let node = node_of_pod(call, node)?;
    let place = call.core.kubelets.place(View::from(&*node))?;
    if !streaming::request::is_upgrade(&call.headers) || head.upgrade.is_none() {
        return Err(Status::bad_request("Upgrade request required"));
    }
    let mut request = Request::new(http_body_util::Empty::<bytes::Bytes>::new());
    *request.method_mut() = head.method;
    *request.uri_mut() = path;
    *request.headers_mut() = call.headers.clone();
    add_forwarded_for(request.headers_mut(), head.remote);
    let stream = call.core.kubelets.connect(&place, Trust::Checked).await.map_err(tunnel::cannot_dial)?;
    tunnel::open(&call.core, stream, request, head.upgrade, call.record.clone()).await
}

/// WebSocket begins with a GET, which is `get` to authorisation; what it does is `create` all the same.
fn require_create(call: &Call) -> Result<(), Status> {
    if call.verb == "create" {
        return Ok(());
    }
    let info = &call.info;
    let asked = Attributes {
        version: &info.version,
        subresource: &info.subresource,
        namespace: &info.namespace,
        name: &info.name,
        path: &call.path,
        ..Attributes::resource(&call.user, "create", &info.group, &info.resource)
    };
    let verdict = call.core.authorizer.authorize(&asked);
    if verdict.is_allowed() {
        return Ok(());
    }
    let resource = GroupResource { group: &info.group, resource: &info.resource };
    Err(Status::forbidden(resource, &info.name, verdict.reason))
}

/// Path and query at the node.
fn path(call: &Call, pod: View<'_>, wanted: View<'_>) -> Result<::http::Uri, Status> {
    let (namespace, name) = (&call.info.namespace, &call.info.name);
    let path = match &*call.info.subresource {
        "portforward" => format!("/portForward/{namespace}/{name}"),
        verb => {
            let container = kinds::container_of(pod, wanted.str("container")).map_err(Status::bad_request)?;
            format!("/{verb}/{namespace}/{name}/{container}")
        }
    };
    let query = options::to_node(wanted);
    let whole = if query.is_empty() { path } else { format!("{path}?{query}") };
    whole.parse().map_err(Status::internal)
}
