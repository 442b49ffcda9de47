//! `/openapi/v2` and `/openapi/v3`: which document is asked for, whether the client has it already, and in which form.

use super::core::Core;
use crate::aggregation::{self, Remote};
use crate::http::media::{self, Clause};
use crate::http::{Body, compress, respond};
use crate::openapi::{Document, Documents, Part, V2_PROTOBUF, V2_PROTOBUF_ANSWER};
use crate::request::Query;
use ::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use object::Status;
use std::sync::Arc;

/// Answers a path of OpenAPI; `None` if it is none. Documents are built outside the runtime's threads.
pub(crate) async fn answer(core: &Core, path: &str, query: &Query, headers: &HeaderMap) -> Option<Response<Body>> {
    let rest = path.strip_prefix("/openapi/")?.to_owned();
    let documents = core.registry().documents();
    if rest == "v3" {
        let mut index = documents.index();
        aggregation::add_openapi(core, &mut index["paths"]);
        // Upstream leaves it to its library to guess what this is.
        return Some(respond::with_type(200, "text/plain; charset=utf-8", Body::full(index.to_string())));
    }
    let Some(wanted) = Wanted::new(&rest, headers)? else { return Some(not_acceptable()) };
    let others = if rest == "v2" { aggregation::openapi_v2(core) } else { Vec::new() };
    let built = tokio::task::spawn_blocking(move || wanted.build(&documents, &others)).await;
    Some(match built {
        Ok(Some(document)) => {
            redirect(&rest, query, &document).unwrap_or_else(|| respond_with(&document, query, headers))
        }
        Ok(None) => not_found(),
        Err(_) => respond::status(&Status::internal("the document could not be built")),
    })
}

/// Whose document a path names, if it is another server's.
pub(crate) fn whose(core: &Core, path: &str) -> Option<Remote> {
    aggregation::whose(core, path.strip_prefix("/openapi/v3")?)
}

/// Which document.
enum Wanted {
    V2,
    V2Protobuf,
    V3(String),
}

impl Wanted {
    /// `None` if the path is none of these; `Some(None)` if the client takes none of the document's forms.
    fn new(rest: &str, headers: &HeaderMap) -> Option<Option<Wanted>> {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let accept = if accept.is_empty() { "*/*" } else { accept };
        let json =
            |clause: &Clause<'_>| matches!(clause.kind, "*" | "application") && matches!(clause.subtype, "*" | "json");
        let clauses = media::clauses(accept);
        if rest == "v2" {
            return Some(clauses.iter().find_map(|clause| match format!("{}/{}", clause.kind, clause.subtype) {
                _ if json(clause) => Some(Wanted::V2),
                name if name == V2_PROTOBUF || name == V2_PROTOBUF_ANSWER => Some(Wanted::V2Protobuf),
                _ => None,
            }));
        }
        let name = rest.strip_prefix("v3/")?;
        Some(clauses.iter().any(json).then(|| Wanted::V3(name.to_owned())))
    }

    fn build(&self, documents: &Arc<Documents>, others: &[Arc<Part>]) -> Option<Document> {
        match self {
            Wanted::V2 | Wanted::V2Protobuf if !others.is_empty() => {
                documents.v2_with(others, matches!(self, Wanted::V2Protobuf))
            }
            Wanted::V2 => documents.v2(),
            Wanted::V2Protobuf => documents.v2_protobuf(),
            Wanted::V3(name) => documents.v3(name),
        }
    }
}

/// A client that asks for another state of a document is sent to the one that there is.
fn redirect(rest: &str, query: &Query, document: &Document) -> Option<Response<Body>> {
    query.get("hash").filter(|hash| !hash.is_empty() && *hash != document.etag)?;
    let mut answer = respond::with_type(301, document.content_type, Body::Empty);
    let location = format!("/openapi/{rest}?hash={}", document.etag);
    answer.headers_mut().insert(header::LOCATION, HeaderValue::from_str(&location).ok()?);
    Some(answer)
}

fn respond_with(document: &Document, query: &Query, headers: &HeaderMap) -> Response<Body> {
    let tag = format!("\"{}\"", document.etag);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut answer = if known.flat_map(|tags| tags.split(',')).any(|known| known.trim() == tag) {
        let mut answer = respond::with_type(200, document.content_type, Body::Empty);
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer
    } else if compress::accepts_gzip(headers) {
        let mut answer = respond::with_type(200, document.content_type, Body::Full(document.gzip()));
        answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        answer
    } else {
        respond::with_type(200, document.content_type, Body::full(document.plain()))
    };
    let out = answer.headers_mut();
    out.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
    out.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if query.get("hash").is_some() {
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
    }
    answer
}

fn not_acceptable() -> Response<Body> {
    let mut answer = not_found();
    *answer.status_mut() = StatusCode::NOT_ACCEPTABLE;
    answer
}

fn not_found() -> Response<Body> {
    let mut answer = Response::new(Body::Empty);
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    answer
}
