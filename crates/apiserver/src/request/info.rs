//! Which verb, on which resource, is asked: upstream's RequestInfo, from method, path and query alone.
//!
//! Authorisation, audit and routing all read this one value, so they can never disagree on what was asked.

use super::Query;
use super::query::unescape;
use ::http::Method;
use object::Status;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The decoded path.
    pub path: String,
    /// `get`, `list`, `watch`, `create`, … for resources; the method in lower case for anything else.
    pub verb: &'static str,
    /// The resource, if the path is one of `/api` or `/apis`.
    pub resource: Option<ResourceInfo>,
}

/// The resource part of [`Info`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceInfo {
    /// API group; empty for core.
    pub group: String,
    /// API version.
    pub version: String,
    /// Namespace; empty if the path names none.
    pub namespace: String,
    /// Plural resource name as it stands in the path.
    pub resource: String,
    /// Object name; empty for collections.
    pub name: String,
    /// Subresource; empty if there is none.
    pub subresource: String,
    /// What stands behind the subresource (`proxy/…`).
    pub rest: String,
    /// True for the old `/api/v1/watch/…` paths.
    pub watch_path: bool,
}

impl Info {
    /// Reads a request line.
    ///
    /// # Errors
    /// 400 if a percent escape in the path is malformed.
    pub fn parse(method: &Method, raw_path: &str, query: &Query) -> Result<Info, Status> {
        let path = unescape(raw_path, false)
            .ok_or_else(|| Status::bad_request(format!("the path {raw_path:?} has a malformed percent escape")))?;
        // Segments are those of the decoded path, as upstream has them: an escaped slash ends a segment, and one may be
        // empty. Authorisation and routing read the same segments.
        let segments: Vec<String> = match path.strip_prefix('/') {
            Some(rest) if !rest.starts_with('/') => path.trim_matches('/').split('/').map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let Some((mut resource, parts)) = split_version(&segments) else {
            return Ok(Info { path, verb: method_verb(method), resource: None });
        };
        let mut verb = resource_verb(method);
        let mut parts = parts;
        if parts[0] == "watch" && parts.len() > 1 {
            verb = "watch";
            resource.watch_path = true;
            parts = &parts[1..];
        }
        fill_parts(&mut resource, parts);
        if resource.name.is_empty() {
            verb = match verb {
                "get" if query.flag("watch") => "watch",
                "get" => "list",
                "delete" => "deletecollection",
                other => other,
            };
        }
        Ok(Info { path, verb, resource: Some(resource) })
    }

    /// True if the path ends where a resource should be named: upstream cannot tell what is asked.
    pub fn names_nothing(&self) -> bool {
        self.resource.as_ref().is_some_and(|resource| {
            matches!(resource.resource.as_str(), "proxy" | "watch")
                && !resource.watch_path
                && [&resource.namespace, &resource.name].iter().all(|part| part.is_empty())
        })
    }

    /// True if answering takes as long as the client likes.
    pub fn is_long_running(&self) -> bool {
        let subresource = self.resource.as_ref().map_or("", |resource| resource.subresource.as_str());
        self.verb == "watch" || matches!(subresource, "log" | "exec" | "attach" | "portforward" | "proxy")
    }
}

/// Group and version, and the segments behind them; `None` if the path is not a resource's.
fn split_version(segments: &[String]) -> Option<(ResourceInfo, &[String])> {
    let (group, version, parts) = match segments {
        [api, version, parts @ ..] if api == "api" => (String::new(), version, parts),
        [apis, group, version, parts @ ..] if apis == "apis" => (group.clone(), version, parts),
        _ => return None,
    };
    (!parts.is_empty()).then(|| (ResourceInfo { group, version: version.clone(), ..ResourceInfo::default() }, parts))
}

fn fill_parts(resource: &mut ResourceInfo, mut parts: &[String]) {
    if parts[0] == "namespaces" && parts.len() > 1 {
        resource.namespace.clone_from(&parts[1]);
        if parts.len() > 2 && !matches!(parts[2].as_str(), "status" | "finalize") {
            parts = &parts[2..];
        }
    }
    let mut parts = parts.iter();
    let mut next = || parts.next().cloned().unwrap_or_default();
    resource.resource = next();
    resource.name = next();
    resource.subresource = next();
    resource.rest = parts.map(String::as_str).collect::<Vec<_>>().join("/");
}

fn method_verb(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "get",
        "HEAD" => "head",
        "POST" => "post",
        "PUT" => "put",
        "PATCH" => "patch",
        "DELETE" => "delete",
        "OPTIONS" => "options",
        _ => "",
    }
}

fn resource_verb(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" | "HEAD" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, target: &str, want: &str) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let info = Info::parse(&method, path, &Query::parse(Some(query))).unwrap();
        let got = match &info.resource {
            None => format!("{} {}", info.verb, info.path),
            Some(r) => {
                format!(
                    "{} {}/{} {}|{}|{}|{}|{}",
                    info.verb, r.group, r.version, r.resource, r.namespace, r.name, r.subresource, r.rest
                )
            }
        };
        assert_eq!(got, want);
    }

    #[test]
    fn requests_are_understood_as_upstream_understands_them() {
        check("GET", "/api/v1/namespaces/a/pods", "list /v1 pods|a|||");
        check("GET", "/api/v1/namespaces/a/pods?watch=true", "watch /v1 pods|a|||");
        check("GET", "/api/v1/watch/namespaces/a/pods/p", "watch /v1 pods|a|p||");
        check("GET", "/api/v1/namespaces/a", "get /v1 namespaces|a|a||");
        check("PUT", "/api/v1/namespaces/a/finalize", "update /v1 namespaces|a|a|finalize|");
        check("PUT", "/api/v1/namespaces/a/status", "update /v1 namespaces|a|a|status|");
        check("DELETE", "/apis/apps/v1/namespaces/a/deployments", "deletecollection apps/v1 deployments|a|||");
        check("POST", "/apis/apps/v1/namespaces/a/deployments/d/scale", "create apps/v1 deployments|a|d|scale|");
        check("GET", "/api/v1/nodes/n/proxy/a/b", "get /v1 nodes||n|proxy|a/b");
        check("GET", "/apis/apps/v1", "get /apis/apps/v1");
        check("GET", "/healthz", "get /healthz");
        check("GET", "/api/v1/pods/", "list /v1 pods||||");
        check("GET", "//api/v1/pods", "get //api/v1/pods");
        check("GET", "/api/v1//pods", "get /v1 ||pods||");
        check("DELETE", "/api/v1/namespaces//pods/p", "delete /v1 pods||p||");
        check("GET", "/api/v1/namespaces/a/pods//p", "list /v1 pods|a||p|");
        check("GET", "/api/v1/namespaces/a/pods/x%2Fy", "get /v1 pods|a|x|y|");
        check("GET", "/api/v1/namespaces/a/pods/%2F", "list /v1 pods|a|||");
    }
}
