//! A cluster, as far as charts need one: objects by kind, over any `kube::Client`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use gotemplate::url::Url;
use http::{Method, Request, StatusCode};
use value::Value;

use crate::Error;
use crate::capabilities::Capabilities;
use crate::repository::broken;

/// How the error of a cluster that does not answer begins.
pub const UNREACHABLE: &str = "kubernetes cluster unreachable";

/// Who changes what Helm changes.
pub const FIELD_MANAGER: &str = "helm";

/// What becomes of objects whose owner is deleted. The names are the API's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cascade {
    /// They go afterwards.
    #[default]
    Background,
    /// They go first.
    Foreground,
    /// They stay.
    Orphan,
}

/// A cluster.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    /// Where it is, as far as that is known.
    server: String,
    kinds: Arc<Mutex<HashMap<(String, String), Kind>>>,
}

/// Where objects of a kind are found.
#[derive(Clone, Debug)]
struct Kind {
    plural: String,
    namespaced: bool,
}

/// What a request came to.
struct Answer {
    status: StatusCode,
    body: Value,
}

impl Cluster {
    /// The cluster that a client reaches.
    #[must_use]
    pub fn new(client: kube::Client) -> Self {
        Self { client, server: String::new(), kinds: Arc::default() }
    }

    /// Says where the cluster is, for errors to tell.
    #[must_use]
    pub fn at(self, server: &str) -> Self {
        Self { server: server.trim_end_matches('/').to_owned(), ..self }
    }

    /// That there was no answer: what Helm finds out by asking for the version before all else.
    fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> Error {
        let address = format!("{}/version", self.server);
        let url = Url::parse(&address).unwrap_or_default();
        let connecting = error.to_string().contains("(Connect)");
        let why = broken(&url, error, connecting, false);
        Error::Release(format!("{UNREACHABLE}: Get {address:?}: {why}"))
    }

    async fn send(&self, method: Method, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Answer, Error> {
        self.send_for("application/json", method, path, body).await
    }

    async fn send_for(
        &self,
        accept: &str,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Answer, Error> {
        let mut request = Request::builder().method(method).uri(path).header("accept", accept);
        let mut data = Vec::new();
        if let Some((ty, content)) = body {
            request = request.header("content-type", ty);
            data = content;
        }
        let request = request.body(kube::client::Body::from(data)).map_err(|error| self.unreachable(&error))?;
        let response = self.client.send(request).await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let bytes = response.into_body().collect_bytes().await.map_err(|error| self.unreachable(&error))?;
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
        Ok(Answer { status, body })
    }

    async fn done(&self, method: Method, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Value, Error> {
        let answer = self.send(method, path, body).await?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(refused(&answer)) }
    }

    /// What is at a path; none where nothing is.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn get(&self, path: &str) -> Result<Option<Value>, Error> {
        let answer = self.send(Method::GET, path, None).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(answer.body)),
            _ => Err(refused(&answer)),
        }
    }

    /// What is at a path, as the server puts it into a table.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn table(&self, path: &str) -> Result<Value, Error> {
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        let answer = self.send_for(accept, Method::GET, path, None).await?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(refused(&answer)) }
    }

    /// The text at a path, such as a log.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn text(&self, path: &str) -> Result<String, Error> {
        let body = self.done(Method::GET, path, None).await?;
        Ok(body.as_str().map_or_else(|| body.to_string(), str::to_owned))
    }

    /// Creates an object.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn post(&self, path: &str, object: &Value) -> Result<Value, Error> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.done(Method::POST, &path, Some(("application/json", object.to_string().into_bytes()))).await
    }

    /// Replaces an object.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn put(&self, path: &str, object: &Value) -> Result<Value, Error> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.done(Method::PUT, &path, Some(("application/json", object.to_string().into_bytes()))).await
    }

    /// Merges an object on the server.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn apply(&self, object: &Value, namespace: &str, force: bool, dry_run: bool) -> Result<Value, Error> {
        let dry = if dry_run { "&dryRun=All" } else { "" };
        let path = self.path_of(object, namespace).await?;
        let mut object = object.clone();
        if path.contains("/namespaces/") && path.rsplit('/').nth(1) != Some("namespaces") {
            let own = &mut object["metadata"]["namespace"];
            if own.as_str().unwrap_or_default().is_empty() {
                *own = namespace.into();
            }
        }
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict&force={force}{dry}");
        self.done(Method::PATCH, &path, Some(("application/apply-patch+yaml", object.to_string().into_bytes()))).await
    }

    /// Patches what is at a path with a patch of this type.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn patch(&self, path: &str, ty: &str, patch: &Value) -> Result<Value, Error> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.done(Method::PATCH, &path, Some((ty, patch.to_string().into_bytes()))).await
    }

    /// What `lookup` finds: an object, all of a kind where no name is given, or nothing.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn lookup(&self, version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, Error> {
        let found = self.kind(version, kind).await?;
        let root = root(version);
        let collection = match found.namespaced && !namespace.is_empty() {
            true => format!("{root}/namespaces/{namespace}/{}", found.plural),
            false => format!("{root}/{}", found.plural),
        };
        let path = if name.is_empty() { collection } else { format!("{collection}/{name}") };
        Ok(self.get(&path).await?.unwrap_or_else(|| Value::Object(value::Map::new())))
    }

    /// Deletes what is at a path; false where nothing is.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn delete(&self, path: &str) -> Result<bool, Error> {
        self.delete_with(path, Cascade::Background).await
    }

    /// Deletes what is at a path, and says what becomes of what depends on it; false where nothing is.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn delete_with(&self, path: &str, cascade: Cascade) -> Result<bool, Error> {
        let policy = format!("{cascade:?}");
        let options = value::json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy });
        let options = options.to_string().into_bytes();
        let answer = self.send(Method::DELETE, path, Some(("application/json", options))).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            _ => Err(refused(&answer)),
        }
    }

    /// The path of an object; one without a namespace goes into this one.
    ///
    /// # Errors
    /// Where its kind is not known, or it has no name.
    pub async fn path_of(&self, object: &Value, namespace: &str) -> Result<String, Error> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            return Err(Error::Release("resource name may not be empty".to_owned()));
        }
        Ok(format!("{}/{name}", self.collection_of(object, namespace).await?))
    }

    /// The path of the collection that an object belongs to.
    ///
    /// # Errors
    /// Where its kind is not known.
    pub async fn collection_of(&self, object: &Value, namespace: &str) -> Result<String, Error> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        let own = text(&object["metadata"]["namespace"]);
        let found = self.kind(&version, &kind).await.map_err(|error| {
            let quote = |text: &str| gotemplate::format::quote(&text.into());
            let (name, own) = (quote(&text(&object["metadata"]["name"])), quote(&own));
            Error::Release(format!(
                "resource mapping not found for name: {name} namespace: {own} from \"\": {error}\nensure CRDs are installed first"
            ))
        })?;
        let namespace = if own.is_empty() { namespace } else { &own };
        let root = root(&version);
        Ok(match found.namespaced {
            true => format!("{root}/namespaces/{namespace}/{}", found.plural),
            false => format!("{root}/{}", found.plural),
        })
    }

    async fn kind(&self, version: &str, kind: &str) -> Result<Kind, Error> {
        let key = (version.to_owned(), kind.to_owned());
        if let Some(found) = self.kinds.lock().ok().and_then(|kinds| kinds.get(&key).cloned()) {
            return Ok(found);
        }
        let list = self.get(&root(version)).await?.unwrap_or_default();
        let resources = list["resources"].as_array().cloned().unwrap_or_default();
        if let Ok(mut kinds) = self.kinds.lock() {
            for resource in resources.iter().filter(|resource| !resource["name"].as_str().unwrap_or("/").contains('/'))
            {
                let text = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
                let found = Kind { plural: text("name"), namespaced: resource["namespaced"] == true };
                kinds.insert((version.to_owned(), text("kind")), found);
            }
        }
        let found = self.kinds.lock().ok().and_then(|kinds| kinds.get(&key).cloned());
        found.ok_or_else(|| {
            let (version, kind) = (gotemplate::format::quote(&version.into()), gotemplate::format::quote(&kind.into()));
            Error::Release(format!("no matches for kind {kind} in version {version}"))
        })
    }

    /// Version and APIs of the cluster.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn capabilities(&self) -> Result<Capabilities, Error> {
        let mut capabilities = Capabilities { api_versions: vec!["v1".to_owned()], ..Capabilities::default() };
        let version = self.get("/version").await?.unwrap_or_default();
        // A version in a form of its own is shown as it is.
        let _ = capabilities.set_version(version["gitVersion"].as_str().unwrap_or_default());
        let groups = self.get("/apis").await?.unwrap_or_default();
        let mut versions = vec!["v1".to_owned()];
        for group in groups["groups"].as_array().into_iter().flatten() {
            let names = group["versions"].as_array().into_iter().flatten();
            versions.extend(names.filter_map(|version| version["groupVersion"].as_str().map(str::to_owned)));
        }
        for version in &versions {
            let list = self.get(&root(version)).await?.unwrap_or_default();
            let kinds = list["resources"].as_array().into_iter().flatten();
            let kinds = kinds.filter(|kind| !kind["name"].as_str().unwrap_or("/").contains('/'));
            let names = kinds.filter_map(|kind| kind["kind"].as_str().map(|kind| format!("{version}/{kind}")));
            capabilities.api_versions.extend(names);
        }
        capabilities.api_versions.extend(versions.into_iter().skip(1));
        Ok(capabilities)
    }
}

fn root(version: &str) -> String {
    if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") }
}

fn refused(answer: &Answer) -> Error {
    let message = answer.body["message"].as_str().map(str::to_owned);
    Error::Release(message.unwrap_or_else(|| format!("the server answered {}", answer.status)))
}
