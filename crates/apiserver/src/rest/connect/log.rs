//! `log`: the node's answer, as it comes.

use super::{node_of_pod, options, pod};
use crate::http::media::Shape;
use crate::http::{Body, respond};
use crate::kubelet_client::Trust;
use crate::net;
use crate::rest::Call;
use ::http::{Request, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use object::status::GroupResource;
use object::{Status, View};

/// Most bytes that are read of a node's complaint.
const MAX_COMPLAINT: usize = 50_000;
const LOG: GroupResource<'static> = GroupResource { group: "", resource: "pods/log" };

/// Answers a request.
pub(super) async fn answer(call: &Call) -> Result<Response<Body>, Status> {
    let name = &call.info.name;
    let wanted = options::of_log(&call.query)?;
    let wanted = View::from(&wanted);
    let errors = kinds::validate_log_options(wanted);
    if !errors.is_empty() {
        return Err(Status::invalid("", "PodLogOptions", name, &errors));
    }
    let pod = pod(call, name)?;
    if let Shape::PartialObject(_) | Shape::PartialList(_) = call.accepted.shape {
        return Err(Status::plain(500, "", "object does not implement the Object interfaces"));
    }
    let container = kinds::container_of(View::from(&*pod), wanted.str("container")).map_err(Status::bad_request)?;
    let Ok(node) = kinds::node_of(View::from(&*pod)) else {
        let mut nothing = respond::with_type(204, "text/plain", Body::Empty);
        nothing.headers_mut().remove(::http::header::CONTENT_TYPE);
        return Ok(nothing);
    };
    let node = node_of_pod(call, node)?;
    let place = call.core.kubelets.place(View::from(&*node))?;
    let mut path = format!("/containerLogs/{}/{name}/{container}", call.info.namespace);
    let query = options::log_to_node(wanted);
    if !query.is_empty() {
        path = format!("{path}?{query}");
    }
    let trust = if wanted.bool("insecureSkipTLSVerifyBackend") { Trust::Blind } else { Trust::Checked };
    let failed =
        |why: String| Status::plain(500, "", format!("Get \"https://{}:{}{path}\": {why}", place.host, place.port));
    let stream = call.core.kubelets.connect(&place, trust).await.map_err(|error| failed(error.to_string()))?;
    let host = format!("{}:{}", place.host, place.port);
    let request = Request::get(&path).header("host", host).body(Empty::<Bytes>::new()).map_err(Status::internal)?;
    let sent = net::send(stream, request, &call.core.tunnels).await;
    let answer = sent.map_err(|error| failed(error.to_string()))?;
    match answer.status().as_u16() {
        200..=206 => Ok(respond::with_type(200, "text/plain", Body::passing(answer.into_body()))),
        300..400 => Err(failed("redirects forbidden".to_owned())),
        code => Err(complaint(code, name, answer.into_body()).await),
    }
}

/// What a client hears of a node's complaint.
async fn complaint(code: u16, name: &str, body: Incoming) -> Status {
    let text = match Limited::new(body, MAX_COMPLAINT).collect().await {
        Ok(whole) => String::from_utf8_lossy(&whole.to_bytes()).into_owned(),
        Err(error) => return Status::internal(error),
    };
    let unspecific =
        |reason, message: &str| Status::about(code, reason, format!("{message} ( pods/log {name})"), LOG, name);
    match code {
        400 => Status::bad_request(text),
        401 => unspecific("Unauthorized", "the server has asked for the client to provide credentials"),
        403 => unspecific("Forbidden", &text),
        404 => unspecific("NotFound", "the server could not find the requested resource"),
        500 => Status::internal(text),
        503 => unspecific("ServiceUnavailable", "the server is currently unable to handle the request"),
        501.. => unspecific(
            "InternalError",
            &format!(
                "an error on the server ({}) has prevented the request from succeeding",
                object::quote::quote(&text)
            ),
        ),
        _ => unspecific(
            "",
            &format!("the server responded with the status code {code} but did not return more information"),
        ),
    }
}
