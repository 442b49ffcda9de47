//! A connection handed on whole: the client's upgrade becomes the backend's.

use crate::audit::Record;
use crate::http::{Body, respond};
use crate::net::{self, DialError, Stream};
use crate::server::Core;
use ::http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body as HttpBody;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use object::Status;
use std::sync::Arc;
use tracing::debug;

/// What a client is told if the backend is not to be reached.
pub(super) fn cannot_dial(error: DialError) -> Status {
    Status::plain(500, "", format!("error dialing backend: {error}"))
}

/// Asks the backend for the upgrade that the client wants, and joins both connections if it grants it.
pub(crate) async fn open<B>(
    core: &Core,
    stream: Stream,
    request: Request<B>,
    client: Option<OnUpgrade>,
    record: Option<Arc<Record>>,
) -> Result<Response<Body>, Status>
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<super::BoxError>,
{
    let sent = net::send(stream, request, &core.tunnels).await;
    let mut answer = sent.map_err(|error| Status::plain(500, "", format!("error sending request: {error}")))?;
    let code = answer.status();
    if code != StatusCode::SWITCHING_PROTOCOLS && code.as_u16() < 400 {
        return Err(Status::plain(500, "", format!("invalid upgrade response: status code {}", code.as_u16())));
    }
    if code != StatusCode::SWITCHING_PROTOCOLS {
        let (mut head, body) = answer.into_parts();
        super::proxy::remove_hop_by_hop(&mut head.headers);
        head.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        return Ok(Response::from_parts(head, Body::passing(body)));
    }
    let backend = hyper::upgrade::on(&mut answer);
    let Some(client) = client else { return Err(Status::bad_request("Upgrade request required")) };
    let draining = core.draining.clone();
    core.tunnels.spawn(async move {
        // For the audit log the request lasts as long as the connection.
        let _record = record;
        match tokio::try_join!(client, backend) {
            Ok((client, backend)) => {
                let pipe = net::pipe(TokioIo::new(client), TokioIo::new(backend));
                // When the server ends, so do these; the node ends what hangs on them.
                draining.run_until_cancelled(pipe).await;
            }
            Err(error) => debug!(%error, "a connection was not upgraded"),
        }
    });
    let mut joined = respond::with_type(101, "", Body::Empty);
    *joined.headers_mut() = answer.headers().clone();
    Ok(joined)
}
