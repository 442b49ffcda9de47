//! Which objects a command is about: `pods`, `pod web`, `deploy/web svc/web`, files, selectors.

use crate::api::Api;
use crate::discovery::Resource;
use crate::error::{Error, Result};
use crate::files::{Manifest, Sources};
use crate::text::{field, name, query};
use value::Value;

/// What a command line says of the objects it is about.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Types and names.
    pub args: Vec<String>,
    /// Files.
    pub sources: Sources,
    /// By labels (`-l`).
    pub selector: String,
    /// By fields (`--field-selector`).
    pub field_selector: String,
    /// In all namespaces (`-A`).
    pub all_namespaces: bool,
    /// All of a type, where a command does not take that for granted (`--all`).
    pub all: bool,
}

/// A place: one object, or all of a kind.
#[derive(Clone, Debug)]
pub struct Target {
    /// The kind.
    pub resource: Resource,
    /// The namespace; empty for all, and for kinds without.
    pub namespace: String,
    /// The object; all where there is none.
    pub name: Option<String>,
    /// What a file says it should be.
    pub manifest: Option<Manifest>,
}

impl Target {
    /// The path of the object, or of the collection.
    #[must_use]
    pub fn path(&self) -> String {
        match &self.name {
            Some(name) => format!("{}/{name}", self.collection()),
            None => self.collection(),
        }
    }

    /// The path of the collection.
    #[must_use]
    pub fn collection(&self) -> String {
        self.resource.path(&self.namespace)
    }

    /// `deployment.apps/web`
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}/{}", self.resource.shown(), self.name.as_deref().unwrap_or_default())
    }
}

impl Selection {
    /// The query of lists.
    #[must_use]
    pub fn query(&self) -> String {
        let parts = [("labelSelector", &self.selector), ("fieldSelector", &self.field_selector)];
        let set = parts.into_iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| format!("{name}={}", query(value))).collect::<Vec<_>>().join("&")
    }

    /// The places it names.
    ///
    /// # Errors
    /// Where arguments contradict each other, or name kinds that are not there.
    pub async fn targets(&self, api: &Api) -> Result<Vec<Target>> {
        if !self.sources.is_empty() {
            if !self.args.is_empty() {
                return Err(Error::usage(
                    "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
                ));
            }
            let mut targets = Vec::new();
            for manifest in self.sources.load()? {
                targets.push(of_manifest(api, manifest).await?);
            }
            return Ok(targets);
        }
        self.named_by_args(api).await
    }

    async fn named_by_args(&self, api: &Api) -> Result<Vec<Target>> {
        let Some((types, names)) = self.args.split_first() else {
            return Err(Error::usage("you must specify the type of resource, e.g. `pods`, or TYPE/NAME"));
        };
        let discovery = api.discovery().await?;
        let place = |resource: &Resource, name: Option<String>| Target {
            namespace: if resource.namespaced && !self.all_namespaces { api.namespace.clone() } else { String::new() },
            resource: resource.clone(),
            name,
            manifest: None,
        };
        if self.args.iter().any(|arg| arg.contains('/')) {
            let mut targets = Vec::new();
            for arg in &self.args {
                let (ty, name) = slashed(arg)?;
                targets.push(place(discovery.find(ty)?, Some(name.to_owned())));
            }
            return self.check_names(targets);
        }
        let mut targets = Vec::new();
        for word in types.split(',').filter(|word| !word.is_empty()) {
            let category = discovery.of_category(&word.to_lowercase());
            if !category.is_empty() && discovery.find(word).is_err() {
                if !names.is_empty() {
                    return Err(Error::usage("you may only specify a single resource type"));
                }
                targets.extend(category.into_iter().map(|resource| place(resource, None)));
                continue;
            }
            let resource = discovery.find(word)?;
            if names.is_empty() {
                targets.push(place(resource, None));
            }
            targets.extend(names.iter().map(|name| place(resource, Some(name.clone()))));
        }
        self.check_names(targets)
    }

    fn check_names(&self, targets: Vec<Target>) -> Result<Vec<Target>> {
        let named = targets.iter().any(|target| target.name.is_some());
        if named && self.all_namespaces && targets.iter().any(|target| target.resource.namespaced) {
            return Err(Error::usage("a resource cannot be retrieved by name across all namespaces"));
        }
        if named && !(self.selector.is_empty() && self.field_selector.is_empty()) {
            return Err(Error::usage("name cannot be provided when a selector is specified"));
        }
        Ok(targets)
    }

    /// The objects themselves. One that is not there is an error, unless `missing` takes it.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn objects(&self, api: &Api) -> Result<Vec<(Target, Value)>> {
        let mut found = Vec::new();
        for target in self.targets(api).await? {
            found.extend(self.objects_of(api, target).await?);
        }
        Ok(found)
    }

    pub(crate) async fn objects_of(&self, api: &Api, target: Target) -> Result<Vec<(Target, Value)>> {
        if target.name.is_some() {
            let object = api.get(&target.path()).await?;
            return Ok(vec![(target, object)]);
        }
        let list = api.get(&with_query(&target.path(), &self.query())).await?;
        let item_kind = field(&list, "/kind").trim_end_matches("List").to_owned();
        let version = field(&list, "/apiVersion").to_owned();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        Ok(items.into_iter().map(|item| one_of(&target, item, &item_kind, &version)).collect())
    }
}

/// An item of a list, with the kind and version that lists leave out, and its place.
fn one_of(target: &Target, mut item: Value, kind: &str, version: &str) -> (Target, Value) {
    if let Some(map) = item.as_object_mut() {
        map.entry("kind").or_insert_with(|| kind.into());
        map.entry("apiVersion").or_insert_with(|| version.into());
    }
    let place = Target {
        namespace: field(&item, "/metadata/namespace").to_owned(),
        name: Some(name(&item).to_owned()),
        ..target.clone()
    };
    (place, item)
}

/// A path with a query, if there is one.
pub(crate) fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// `TYPE/NAME`
pub(crate) fn slashed(arg: &str) -> Result<(&str, &str)> {
    match arg.split_once('/') {
        Some((ty, name)) if !ty.is_empty() && !name.is_empty() && !name.contains('/') => Ok((ty, name)),
        Some((_, name)) if name.contains('/') => {
            Err(Error::usage("arguments in resource/name form may not have more than one slash"))
        }
        Some(_) => Err(Error::usage(format!(
            "arguments in resource/name form must have a single resource and name, but got {arg:?}"
        ))),
        None => Err(Error::usage(
            "there is no need to specify a resource type as a separate argument when passing arguments in \
             resource/name form (e.g. 'get resource/<resource_name>' instead of 'get resource resource/<resource_name>')",
        )),
    }
}

/// Where an object of a file goes.
///
/// # Errors
/// Where the cluster has no such kind.
pub(crate) async fn of_manifest(api: &Api, manifest: Manifest) -> Result<Target> {
    let object = &manifest.object;
    let found = api.discovery().await?.of_kind(field(object, "/apiVersion"), field(object, "/kind"));
    let resource = found.map_err(|error| {
        let named = format!(
            "name: {:?} namespace: {:?} from {:?}",
            name(object),
            field(object, "/metadata/namespace"),
            manifest.source
        );
        Error::usage(error.to_string().trim_start_matches("error: ").replace("name: \"\" namespace: \"\"", &named))
    })?;
    let own = field(object, "/metadata/namespace");
    let namespace = match (resource.namespaced, own) {
        (false, _) => String::new(),
        (true, "") => api.namespace.clone(),
        (true, own) => own.to_owned(),
    };
    let name = Some(name(object).to_owned()).filter(|name| !name.is_empty());
    Ok(Target { resource: resource.clone(), namespace, name, manifest: Some(manifest) })
}
