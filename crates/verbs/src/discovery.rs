//! What kinds a cluster knows, and what people mean by `po`, `deploy.apps` or `all`.

use crate::api::Api;
use crate::error::{Error, Result};
use value::Value;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// A kind of objects and where they are found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of an APIResource")]
pub struct Resource {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub short: Vec<String>,
    pub categories: Vec<String>,
    pub namespaced: bool,
    pub verbs: Vec<String>,
    pub subresources: Vec<String>,
}

impl Resource {
    /// `deployments.apps`, or `pods`.
    #[must_use]
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `deployment.apps`, or `pod`: what stands before a name in messages.
    #[must_use]
    pub fn shown(&self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    /// `apps/v1`, or `v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The path of its objects: in one namespace, or in all for an empty one.
    #[must_use]
    pub fn path(&self, namespace: &str) -> String {
        let root = match self.group.as_str() {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{namespace}/{}", self.plural)
        } else {
            format!("{root}/{}", self.plural)
        }
    }

    fn is_called(&self, word: &str) -> bool {
        word == self.plural || word == self.singular || self.short.iter().any(|short| short == word)
    }
}

/// All kinds of a cluster, preferred versions first within each group.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    resources: Vec<Resource>,
}

impl Discovery {
    pub(crate) async fn fetch(api: &Api) -> Result<Self> {
        let mut resources = Vec::new();
        for root in ["/api", "/apis"] {
            let answer = api.json(http::Method::GET, root, AGGREGATED, None).await?;
            if answer["kind"] == "APIGroupDiscoveryList" {
                answer["items"].as_array().into_iter().flatten().for_each(|group| read_group(group, &mut resources));
            } else {
                fetch_classic(api, &answer, &mut resources).await?;
            }
        }
        Ok(Self { resources })
    }

    /// All of them.
    pub fn all(&self) -> &[Resource] {
        &self.resources
    }

    /// The kind of an object.
    ///
    /// # Errors
    /// Where the cluster has none of this name.
    pub fn of_kind(&self, api_version: &str, kind: &str) -> Result<&Resource> {
        let found = self.resources.iter().find(|one| one.kind == kind && one.api_version() == api_version);
        found.ok_or_else(|| {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
            Error::usage(format!(
                "resource mapping not found for name: \"\" namespace: \"\": no matches for kind {kind:?} in version \
                 {version:?}\nensure CRDs are installed first"
            ))
        })
    }

    /// What a word means: `pods`, `po`, `deployment.apps`, `deployments.v1.apps`.
    ///
    /// # Errors
    /// Where it means nothing here.
    pub fn find(&self, word: &str) -> Result<&Resource> {
        let lower = word.to_lowercase();
        let exact = self.resources.iter().find(|one| one.is_called(&lower));
        exact
            .or_else(|| self.find_qualified(&lower))
            .ok_or_else(|| Error::usage(format!("the server doesn't have a resource type {word:?}")))
    }

    fn find_qualified(&self, word: &str) -> Option<&Resource> {
        let (name, rest) = word.split_once('.')?;
        let in_group = |group: &str, version: Option<&str>| {
            self.resources.iter().find(|one| {
                one.is_called(name) && one.group == group && version.is_none_or(|version| one.version == version)
            })
        };
        let versioned = rest.split_once('.').and_then(|(version, group)| in_group(group, Some(version)));
        let prefix = || {
            let starts = |one: &&Resource| one.is_called(name) && one.group.starts_with(rest);
            self.resources.iter().find(starts)
        };
        versioned.or_else(|| in_group("", Some(rest))).or_else(|| in_group(rest, None)).or_else(prefix)
    }

    /// The kinds of a category, such as `all`; each in one version only.
    pub fn of_category(&self, word: &str) -> Vec<&Resource> {
        let mut found: Vec<&Resource> = Vec::new();
        for one in self.resources.iter().filter(|one| one.categories.iter().any(|category| category == word)) {
            if !found.iter().any(|known| known.plural == one.plural && known.group == one.group) {
                found.push(one);
            }
        }
        found
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

fn read_group(group: &Value, resources: &mut Vec<Resource>) {
    let name = group["metadata"]["name"].as_str().unwrap_or_default();
    for version in group["versions"].as_array().into_iter().flatten() {
        for one in version["resources"].as_array().into_iter().flatten() {
            let sub = one["subresources"].as_array().into_iter().flatten();
            resources.push(Resource {
                group: name.to_owned(),
                version: text(version, "version"),
                kind: text(&one["responseKind"], "kind"),
                plural: text(one, "resource"),
                singular: text(one, "singularResource"),
                short: texts(&one["shortNames"]),
                categories: texts(&one["categories"]),
                namespaced: one["scope"] == "Namespaced",
                verbs: texts(&one["verbs"]),
                subresources: sub.map(|sub| text(sub, "subresource")).collect(),
            });
        }
    }
}

/// Servers without aggregated discovery are asked version by version.
async fn fetch_classic(api: &Api, answer: &Value, resources: &mut Vec<Resource>) -> Result<()> {
    let mut versions: Vec<String> = texts(&answer["versions"]);
    for group in answer["groups"].as_array().into_iter().flatten() {
        versions.extend(group["versions"].as_array().into_iter().flatten().map(|one| text(one, "groupVersion")));
    }
    for version in versions {
        let (group, short) = version.split_once('/').unwrap_or(("", &version));
        let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{version}") };
        // A group that does not answer hides itself, not the others.
        let Some(list) = api.find(&path).await? else { continue };
        let own = list["resources"].as_array().into_iter().flatten();
        let (subs, own): (Vec<&Value>, Vec<&Value>) = own.partition(|one| text(one, "name").contains('/'));
        for one in own {
            let plural = text(one, "name");
            let prefix = format!("{plural}/");
            let sub = subs.iter().filter_map(|sub| text(sub, "name").strip_prefix(&prefix).map(str::to_owned));
            resources.push(Resource {
                group: group.to_owned(),
                version: short.to_owned(),
                kind: text(one, "kind"),
                singular: text(one, "singularName"),
                short: texts(&one["shortNames"]),
                categories: texts(&one["categories"]),
                namespaced: one["namespaced"] == true,
                verbs: texts(&one["verbs"]),
                subresources: sub.collect(),
                plural,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    fn discovery() -> Discovery {
        let one = |name: &str, kind: &str, short: &str| {
            json!({ "resource": name, "responseKind": { "kind": kind }, "singularResource": kind.to_lowercase(),
                "shortNames": [short], "categories": ["all"], "scope": "Namespaced", "verbs": ["get"] })
        };
        let groups = [
            json!({ "metadata": {}, "versions": [{ "version": "v1", "resources": [one("pods", "Pod", "po"), one("events", "Event", "ev")] }] }),
            json!({ "metadata": { "name": "apps" }, "versions": [{ "version": "v1", "resources": [one("deployments", "Deployment", "deploy")] }] }),
            json!({ "metadata": { "name": "events.k8s.io" }, "versions": [{ "version": "v1", "resources": [one("events", "Event", "ev")] }] }),
        ];
        let mut resources = Vec::new();
        groups.iter().for_each(|group| read_group(group, &mut resources));
        Discovery { resources }
    }

    #[test]
    fn words_mean_kinds() {
        let discovery = discovery();
        for (word, want) in [
            ("po", "pods"),
            ("Pod", "pods"),
            ("pods.v1", "pods"),
            ("deploy", "deployments.apps"),
            ("deployment.apps", "deployments.apps"),
            ("deployments.v1.apps", "deployments.apps"),
            ("events", "events"),
            ("events.events.k8s.io", "events.events.k8s.io"),
            ("ev.events", "events.events.k8s.io"),
        ] {
            assert_eq!(discovery.find(word).map(Resource::full_name).ok().as_deref(), Some(want), "{word}");
        }
        let error = discovery.find("nothing").unwrap_err().to_string();
        assert_eq!(error, "error: the server doesn't have a resource type \"nothing\"");
        assert_eq!(discovery.of_category("all").len(), 4);
    }

    #[test]
    fn kinds_have_paths() {
        let discovery = discovery();
        let deployment = discovery.of_kind("apps/v1", "Deployment").unwrap();
        assert_eq!(deployment.path("shop"), "/apis/apps/v1/namespaces/shop/deployments");
        assert_eq!(deployment.path(""), "/apis/apps/v1/deployments");
        assert_eq!((deployment.shown().as_str(), deployment.api_version().as_str()), ("deployment.apps", "apps/v1"));
    }
}
