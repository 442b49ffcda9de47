//! Resources as discovery tells them, and untyped requests: paths in, JSON out.

use http::Method;
use kube::Client;
use serde_json::Value;

pub(crate) use informer::request::{code, ensure, find, send};

/// A resource as discovery tells it.
#[derive(Clone, Debug)]
pub(crate) struct Collection {
    /// API group; empty for core.
    pub(crate) group: String,
    /// API version.
    pub(crate) version: String,
    /// Kind.
    pub(crate) kind: String,
    /// Plural name.
    pub(crate) resource: String,
    /// Whether its objects live in namespaces.
    pub(crate) namespaced: bool,
    verbs: Vec<String>,
}

impl Collection {
    /// The path of all objects of a resource.
    pub(crate) fn path_of(group: &str, version: &str, resource: &str) -> String {
        if group.is_empty() {
            format!("/api/{version}/{resource}")
        } else {
            format!("/apis/{group}/{version}/{resource}")
        }
    }

    /// The path of all its objects.
    pub(crate) fn path(&self) -> String {
        Collection::path_of(&self.group, &self.version, &self.resource)
    }

    /// The path of its objects in a namespace; of all, if it is cluster-scoped.
    pub(crate) fn in_namespace(&self, namespace: &str) -> String {
        let path = self.path();
        match path.strip_suffix(&self.resource) {
            Some(prefix) if self.namespaced && !namespace.is_empty() => {
                format!("{prefix}namespaces/{namespace}/{}", self.resource)
            }
            _ => path,
        }
    }

    /// Whether it has a verb.
    pub(crate) fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }
}

/// Every resource in the preferred version of its group.
pub(crate) async fn discover(client: &Client) -> Result<Vec<Collection>, kube::Error> {
    let groups = send(client, Method::GET, "/apis", &Value::Null).await?;
    let named = groups["groups"].as_array().into_iter().flatten();
    let versions = named.filter_map(|group| group["preferredVersion"]["groupVersion"].as_str());
    let paths = std::iter::once("/api/v1".to_owned()).chain(versions.map(|version| format!("/apis/{version}")));
    let mut collections = Vec::new();
    for path in paths {
        let list = send(client, Method::GET, &path, &Value::Null).await?;
        let group_version = list["groupVersion"].as_str().unwrap_or_default();
        let (group, version) = group_version.rsplit_once('/').unwrap_or(("", group_version));
        for resource in list["resources"].as_array().into_iter().flatten() {
            let text = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
            if text("name").contains('/') {
                continue;
            }
            collections.push(Collection {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: text("kind"),
                resource: text("name"),
                namespaced: resource["namespaced"] == true,
                verbs: resource["verbs"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            });
        }
    }
    Ok(collections)
}
