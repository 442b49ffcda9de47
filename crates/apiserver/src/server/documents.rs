//! The documents about the API itself: discovery in both forms.

use super::core::Core;
use crate::aggregation;
use crate::discovery;
use crate::http::media::{self, Encoding, Offer};
use crate::http::{Body, respond};
use crate::rest::method_not_allowed;
use ::http::{HeaderValue, Response, header};
use object::Status;

/// Answers a path of a document; `None` if it is none. Only `/apis` and `/apis/GROUP` answer every method.
pub(crate) fn answer(core: &Core, verb: &str, path: &str, accept: &str) -> Option<Response<Body>> {
    let registry = core.registry.load();
    let resources = registry.entries();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let document = match segments.as_slice() {
        ["api"] | ["api", "v1"] if !reads(verb) => return Some(respond::status(&method_not_allowed())),
        ["api"] if wants_aggregated(accept) => return Some(in_aggregated_form(&discovery::core(resources))),
        ["apis"] if wants_aggregated(accept) => {
            return Some(in_aggregated_form(&aggregation::aggregated(core, discovery::aggregated_groups(resources))));
        }
        ["api"] => Some(discovery::api_versions(resources, "")),
        ["apis"] => Some(aggregation::groups(core, discovery::groups(resources))),
        ["apis", group] => Some(aggregation::group(core, group, discovery::group(resources, group))?),
        ["api", version] => discovery::resources(resources, "", version),
        ["apis", group, version] => {
            if !registry.has_group(group) {
                return None;
            }
            let document = discovery::resources(resources, group, version);
            if document.is_some() && !reads(verb) {
                return Some(respond::status(&method_not_allowed()));
            }
            document
        }
        _ => return None,
    };
    Some(match (document, media::negotiate(accept, Offer::PLAIN)) {
        (_, Err(status)) => respond::status(&status),
        (None, _) => respond::status(&Status::no_such_path()),
        (Some(document), Ok(accepted)) => respond::value(200, accepted.encoding, &document),
    })
}

/// True for the verbs of requests that change nothing.
pub(crate) fn reads(verb: &str) -> bool {
    matches!(verb, "get" | "head")
}

/// True if the best clause that can be served asks for the aggregated form.
fn wants_aggregated(accept: &str) -> bool {
    let clauses = media::clauses(accept);
    let served = clauses.iter().find(|clause| match (clause.kind, clause.subtype) {
        ("application", "json") => clause.param("as").is_empty() || is_aggregated(clause),
        ("application", "yaml") | ("*", "*") => true,
        _ => false,
    });
    served.is_some_and(is_aggregated)
}

fn is_aggregated(clause: &media::Clause<'_>) -> bool {
    clause.param("as") == "APIGroupDiscoveryList"
        && clause.param("g") == "apidiscovery.k8s.io"
        && clause.param("v") == "v2"
}

fn in_aggregated_form(document: &object::Value) -> Response<Body> {
    let mut answer = respond::value(200, Encoding::Json, document);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(discovery::AGGREGATED_CONTENT_TYPE));
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    answer
}
