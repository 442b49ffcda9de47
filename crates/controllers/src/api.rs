//! Resources as discovery tells them, and untyped requests: paths in, JSON out.

use http::Request;
use kube::Client;
use object::Value;

pub(crate) use informer::request::{code, ensure, find, send, send_as};

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

/// What discovery is asked for in one document.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Every resource, in the first version of its group that has it. What a server of others does not tell is left out.
pub(crate) async fn discover(client: &Client) -> Result<Vec<Collection>, kube::Error> {
    let mut collections = Vec::new();
    for path in ["/api", "/apis"] {
        let request = Request::builder().uri(path).header(http::header::ACCEPT, AGGREGATED).body(Vec::new());
        let document: Value = client.request(request.map_err(kube::Error::HttpError)?).await?;
        for group in document["items"].as_array().into_iter().flatten() {
            add_group(&mut collections, group);
        }
    }
    Ok(collections)
}

fn add_group(collections: &mut Vec<Collection>, group: &Value) {
    let first = collections.len();
    let name = group["metadata"]["name"].as_str().unwrap_or_default();
    for version in group["versions"].as_array().into_iter().flatten() {
        for resource in version["resources"].as_array().into_iter().flatten() {
            let plural = resource["resource"].as_str().unwrap_or_default();
            if collections[first..].iter().any(|known| known.resource == plural) {
                continue;
            }
            let verbs = resource["verbs"].as_array().into_iter().flatten();
            collections.push(Collection {
                group: name.to_owned(),
                version: version["version"].as_str().unwrap_or_default().to_owned(),
                kind: resource["responseKind"]["kind"].as_str().unwrap_or_default().to_owned(),
                resource: plural.to_owned(),
                namespaced: resource["scope"] == "Namespaced",
                verbs: verbs.filter_map(Value::as_str).map(str::to_owned).collect(),
            });
        }
    }
}
