//! The issuer of service account tokens, for those who verify them elsewhere: OpenID discovery and the key set.

use super::core::Core;
use crate::authn::tokens::Keys;
use crate::http::{Body, media, respond};
use crate::rest::method_not_allowed;
use ::http::{HeaderValue, Response, header};

const CONFIGURATION: &str = "/.well-known/openid-configuration";
const KEY_SET: &str = "/openid/v1/jwks";

/// Answers the two paths; `None` for any other.
pub(crate) fn answer(core: &Core, verb: &str, path: &str, accept: &str) -> Option<Response<Body>> {
    let (content_type, document) = match path.trim_end_matches('/') {
        CONFIGURATION => {
            let issuer = core.tokens.settings().issuers.first().map_or("", String::as_str);
            ("application/json", Keys::configuration(issuer, &format!("{}{KEY_SET}", core.external_url)))
        }
        KEY_SET => ("application/jwk-set+json", core.tokens.keys().key_set()),
        _ => return None,
    };
    if !super::documents::reads(verb) {
        return Some(respond::status(&method_not_allowed()));
    }
    if !media::accepts(accept, content_type) {
        return Some(respond::status(&media::not_acceptable(content_type)));
    }
    let mut answer = respond::with_type(200, content_type, Body::full(document.to_string()));
    let hour = HeaderValue::from_static("public, max-age=3600");
    answer.headers_mut().insert(header::CACHE_CONTROL, hour);
    Some(answer)
}
