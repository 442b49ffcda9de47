//! Example objects: read from YAML, applied, listed.

use super::DemoError;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use kinds::{Resource, Scope};
use kube::Client;
use object::{Value, View};

/// The manager that owns the fields of the examples.
const MANAGER: &str = "hakata-demo";

/// An object and where it belongs.
pub(super) struct Example {
    object: Value,
    path: String,
    /// `deployments bakery/shop`
    title: String,
}

impl Example {
    fn new(object: Value) -> Example {
        let view = View::from(&object);
        let metadata = view.get("metadata");
        let (name, namespace) = (metadata.str("name"), metadata.str("namespace"));
        let resource = find(view.str("apiVersion"), view.str("kind"));
        let collection = collection(resource, namespace);
        let shown = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
        let (path, title) = (format!("{collection}/{name}"), format!("{} {shown}", resource.plural));
        Example { object, path, title }
    }
}

/// Every object of some YAML files.
pub(super) fn parse(files: &[&str]) -> Result<Vec<Example>, yaml::Error> {
    let mut examples = Vec::new();
    for file in files {
        let documents = yaml::documents(file)?;
        examples.extend(documents.into_iter().filter(|document| !document.is_null()).map(Example::new));
    }
    Ok(examples)
}

/// Applies an object.
pub(super) async fn apply(client: &Client, example: &Example) -> Result<(), DemoError> {
    let uri = format!("{}?fieldManager={MANAGER}&force=true", example.path);
    let request =
        Request::builder().method(Method::PATCH).uri(uri).header(CONTENT_TYPE, "application/apply-patch+yaml");
    let request = request.body(example.object.to_string().into_bytes()).expect("paths of the examples are valid");
    client.request::<Value>(request).await.map(drop).map_err(|source| refused(&example.title, source))
}

/// A list as the server prints it.
pub(super) async fn list(client: &Client, path: &str) -> Result<Value, DemoError> {
    let request = Request::builder().uri(path).header(ACCEPT, "application/json;as=Table;v=v1;g=meta.k8s.io");
    let request = request.body(Vec::new()).expect("paths of lists are valid");
    client.request::<Value>(request).await.map_err(|source| refused(path, source))
}

fn refused(what: &str, source: kube::Error) -> DemoError {
    DemoError::Refused { what: what.to_owned(), source: Box::new(source) }
}

fn find(api_version: &str, kind: &str) -> &'static Resource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let wanted = |resource: &&std::sync::Arc<Resource>| {
        resource.group == group && resource.version == version && resource.kind == kind
    };
    kinds::builtin().iter().find(wanted).expect("the examples are of built-in kinds")
}

fn collection(resource: &Resource, namespace: &str) -> String {
    let root = match &*resource.group {
        "" => format!("/api/{}", resource.version),
        group => format!("/apis/{group}/{}", resource.version),
    };
    match resource.scope {
        Scope::Namespaced => format!("{root}/namespaces/{namespace}/{}", resource.plural),
        Scope::Cluster => format!("{root}/{}", resource.plural),
    }
}

#[cfg(test)]
mod tests {
    //! Examples and where they belong.

    use super::*;

    #[test]
    fn every_example_has_its_place() {
        let examples = parse(&super::super::EXAMPLES).unwrap();
        let paths: Vec<&str> = examples.iter().map(|example| example.path.as_str()).collect();
        assert_eq!(paths[0], "/api/v1/namespaces/bakery");
        assert!(paths.contains(&"/apis/apps/v1/namespaces/bakery/deployments/shop"), "{paths:?}");
        assert_eq!(examples[0].title, "namespaces bakery");
    }
}
