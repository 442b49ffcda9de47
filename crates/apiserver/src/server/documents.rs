//! The documents about the API itself: discovery in both forms.

use super::core::Core;
use super::health;
use crate::aggregation;
use crate::discovery;
use crate::http::media::{self, Encoding, Offer};
use crate::http::{Body, respond};
use crate::rest::method_not_allowed;
use ::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use kinds::Resource;
use object::{Status, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Answers a path of a document; `None` if it is none. Only `/apis` and `/apis/GROUP` answer every method.
pub(crate) fn answer(core: &Core, verb: &str, path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let accept = super::service::accept(headers);
    let registry = core.registry.load();
    let resources = registry.entries();
    if matches!(path, "/" | "/index.html") {
        return Some(respond::value(200, Encoding::Json, &index(resources)));
    }
    if path.starts_with("//") {
        return None;
    }
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let document = match segments.as_slice() {
        ["api"] | ["api", "v1"] if !reads(verb) => return Some(respond::status(&method_not_allowed())),
        ["api"] | ["apis"] if let Some(encoding) = aggregated_encoding(accept) => {
            let document = match segments.as_slice() {
                ["api"] => discovery::core(resources),
                _ => aggregation::aggregated(core, discovery::aggregated_groups(resources)),
            };
            return Some(in_aggregated_form(&document, encoding, headers));
        }
        ["api"] => Some(discovery::api_versions(resources, core.external_url.trim_start_matches("https://"))),
        ["apis"] => Some(aggregation::groups(core, discovery::groups(resources))),
        ["apis", group] => Some(aggregation::group(core, group, discovery::group(resources, group))?),
        ["api", version] => discovery::resources(resources, "", version),
        ["apis", group, version] => {
            if !registry.has_group(group) {
                return None;
            }
            let document = discovery::resources(resources, group, version);
            let is_own = |resource: &Arc<Resource>| resource.is_custom() && resource.group == *group;
            if resources.iter().any(is_own) {
                // Who serves custom resources looks at no method, and knows no version but theirs.
                return Some(own_document(&document?, accept));
            }
            if document.is_some() && !reads(verb) {
                return Some(respond::status(&method_not_allowed()));
            }
            document
        }
        _ => return None,
    };
    let is_indexed = matches!(segments.as_slice(), ["apis"] | ["apis", _]);
    Some(match (document, media::negotiate(accept, Offer { wildcard: is_indexed, ..Offer::PLAIN })) {
        (_, Err(status)) if is_indexed && status.details.is_some() => respond::status(&media::no_such_transform()),
        (_, Err(status)) => respond::status(&status),
        (None, _) => respond::status(&Status::no_such_path()),
        (Some(document), Ok(accepted)) => respond::value(200, accepted.encoding, &document),
    })
}

/// True for the one verb that most documents know.
pub(crate) fn reads(verb: &str) -> bool {
    verb == "get"
}

/// All paths that lead somewhere.
fn index(resources: &[Arc<Resource>]) -> Value {
    const OTHERS: [&str; 13] = [
        "/.well-known/openid-configuration",
        "/api",
        "/apis",
        "/apis/",
        "/flagz",
        "/metrics",
        "/metrics/slis",
        "/openapi/v2",
        "/openapi/v3",
        "/openapi/v3/",
        "/openid/v1/jwks",
        "/statusz",
        "/version",
    ];
    let mut paths: BTreeSet<String> = OTHERS.iter().map(|path| (*path).to_owned()).collect();
    paths.extend(health::paths());
    for resource in resources {
        if resource.group.is_empty() {
            paths.insert(format!("/api/{}", resource.version));
        } else {
            paths.insert(format!("/apis/{}", resource.group));
            paths.insert(format!("/apis/{}/{}", resource.group, resource.version));
        }
    }
    json!({ "paths": paths })
}

/// What there is of custom resources of a version.
fn own_document(document: &Value, accept: &str) -> Response<Body> {
    match media::negotiate(accept, Offer { wildcard: true, ..Offer::PLAIN }) {
        Ok(accepted) => respond::value(200, accepted.encoding, document),
        Err(_) => respond::status(&media::no_such_transform()),
    }
}

/// How the aggregated form is to be written, if the best clause that can be served asks for it.
fn aggregated_encoding(accept: &str) -> Option<Encoding> {
    let clauses = media::clauses(accept);
    let mut served = clauses.iter().filter_map(|clause| {
        let encoding = media::encoding(clause)?;
        let is_plain = ["as", "g", "v"].iter().all(|name| clause.param(name).is_empty());
        (is_plain || is_aggregated(clause)).then_some((encoding, !is_plain))
    });
    let (encoding, aggregated) = served.next()?;
    aggregated.then_some(encoding)
}

fn is_aggregated(clause: &media::Clause<'_>) -> bool {
    clause.param("as") == "APIGroupDiscoveryList"
        && clause.param("g") == "apidiscovery.k8s.io"
        && clause.param("v") == "v2"
}

/// The document with its tag; nothing but the tag for a client that has it already.
fn in_aggregated_form(document: &Value, encoding: Encoding, headers: &HeaderMap) -> Response<Body> {
    let tag = format!("\"{}\"", discovery::etag(document.to_string().as_bytes()));
    let mut answer = match headers.get(header::IF_NONE_MATCH) {
        Some(known) if known.as_bytes() == tag.as_bytes() => {
            let mut answer = Response::new(Body::Empty);
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            answer
        }
        _ => {
            let mut answer = respond::value(200, encoding, document);
            let content_type = HeaderValue::from_static(discovery::aggregated_content_type(encoding));
            answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
            answer
        }
    };
    let out = answer.headers_mut();
    out.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
    out.insert(header::VARY, HeaderValue::from_static("Accept"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aggregated_form_comes_in_every_encoding() {
        const FORM: &str = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        let aggregated = |media: &str| format!("application/{media};{FORM}");
        for (accept, want) in [
            (aggregated("json"), Some(Encoding::Json)),
            (aggregated("yaml"), Some(Encoding::Yaml)),
            (aggregated("vnd.kubernetes.protobuf"), Some(Encoding::Protobuf)),
            (format!("{},application/json", aggregated("vnd.kubernetes.protobuf")), Some(Encoding::Protobuf)),
            (format!("application/vnd.kubernetes.protobuf,{}", aggregated("json")), None),
            (format!("application/json;q=0.5,{}", aggregated("yaml")), Some(Encoding::Yaml)),
            (aggregated("json").replace("v=v2", "v=v2beta1"), None),
            ("application/json".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(aggregated_encoding(&accept), want, "{accept}");
        }
    }

    #[test]
    fn who_has_a_document_already_gets_its_tag_alone() {
        let document = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": []});
        let first = in_aggregated_form(&document, Encoding::Json, &HeaderMap::new());
        assert_eq!(
            (first.status(), &first.headers()[header::CACHE_CONTROL]),
            (StatusCode::OK, &"public".parse().unwrap())
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(in_aggregated_form(&document, Encoding::Json, &headers).status(), StatusCode::NOT_MODIFIED);
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"0\""));
        assert_eq!(in_aggregated_form(&document, Encoding::Json, &headers).status(), StatusCode::OK);
    }
}
