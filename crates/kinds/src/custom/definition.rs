//! From a definition to the entries of the registry.

use super::Custom;
use super::columns;
use super::family::{Converter, Family, Version};
use super::rules::Rules;
use super::scale::Paths;
use super::versions;
use crate::resource::{Resource, Scope, Text};
use object::View;
use std::sync::Arc;

/// Why a definition cannot be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unservable {
    /// Its names are not accepted (yet).
    NotAccepted,
    /// It has no version that is stored.
    NoStorage,
}

/// The entries that a definition makes: one for each served version. `converter` is who converts if the definition asks
/// for a webhook.
///
/// # Errors
/// If it cannot be served.
pub fn resources(definition: View<'_>, converter: Option<Arc<dyn Converter>>) -> Result<Vec<Resource>, Unservable> {
    let (spec, status) = (definition.get("spec"), definition.get("status"));
    let is_true = |kind: &str| {
        let mut conditions = status.list("conditions");
        conditions.any(|condition| condition.str("type") == kind && condition.str("status") == "True")
    };
    let (accepted, established) = (is_true("NamesAccepted"), is_true("Established"));
    let names = status.get("acceptedNames");
    let complete = ["plural", "singular", "kind", "listKind"].iter().all(|name| !names.str(name).is_empty());
    if !(accepted || established) || !complete {
        return Err(Unservable::NotAccepted);
    }
    let family = Arc::new(family(spec, names.str("kind"), converter)?);
    let common = Common {
        spec,
        names,
        established,
        terminating: is_true("Terminating"),
        scope: if spec.str("scope") == "Namespaced" { Scope::Namespaced } else { Scope::Cluster },
    };
    let served = spec.list("versions").enumerate().filter(|(_, version)| version.bool("served"));
    Ok(served.map(|(place, version)| common.resource(&family, place, version)).collect())
}

fn family(spec: View<'_>, kind: &str, converter: Option<Arc<dyn Converter>>) -> Result<Family, Unservable> {
    let group = spec.str("group");
    let storage = spec.list("versions").position(|version| version.bool("storage")).ok_or(Unservable::NoStorage)?;
    let version = |version: View<'_>| {
        let name = version.str("name");
        let schema = version.at(&["schema", "openAPIV3Schema"]);
        let preserves = spec.bool("preserveUnknownFields");
        Version::new(format!("{group}/{name}"), type_name(group, name, kind), schema, preserves)
    };
    Ok(Family {
        group: group.to_owned(),
        kind: kind.to_owned(),
        versions: spec.list("versions").map(version).collect(),
        storage,
        converter,
    })
}

/// `example.com`, `v1`, `Widget` → `com.example.v1.Widget`
fn type_name(group: &str, version: &str, kind: &str) -> String {
    let reversed: Vec<&str> = group.split('.').rev().collect();
    format!("{}.{version}.{kind}", reversed.join("."))
}

/// What all versions share.
struct Common<'a> {
    spec: View<'a>,
    names: View<'a>,
    established: bool,
    terminating: bool,
    scope: Scope,
}

impl Common<'_> {
    fn resource(&self, family: &Arc<Family>, place: usize, version: View<'_>) -> Resource {
        let owned = |text: &str| Text::Owned(text.to_owned());
        let name = |name: &str| owned(self.names.str(name));
        let subresources = version.get("subresources");
        let selectable = version.list("selectableFields").filter_map(|field| {
            let text = field.str("jsonPath");
            Some((text.strip_prefix('.').unwrap_or(text).to_owned(), jsonpath::Path::parse(text).ok()?))
        });
        let custom = Arc::new(Custom {
            family: family.clone(),
            version: place,
            list_kind: name("listKind"),
            established: self.established,
            terminating: self.terminating,
            deprecation: self.deprecation(version),
            columns: columns::parse(version),
            selectable: selectable.collect(),
            scale: Paths::parse(subresources.get("scale")),
            schema: Arc::new(version.at(&["schema", "openAPIV3Schema"]).to_value()),
        });
        let has_status = subresources.has("status");
        let rules = Rules::new(custom.clone(), self.scope == Scope::Namespaced, has_status);
        let mut resource = Resource::custom(self.spec.str("group"), version.str("name"), &custom, Arc::new(rules));
        resource.kind = name("kind");
        resource.plural = name("plural");
        resource.singular = name("singular");
        resource.short_names = self.names.strings("shortNames").map(owned).collect();
        resource.categories = self.names.strings("categories").map(owned).collect();
        resource.scope = self.scope;
        if has_status {
            resource = resource.subresource("status");
        }
        if custom.scale.is_some() {
            resource = resource.subresource_of("scale", ("autoscaling", "v1", "Scale"), &["get", "patch", "update"]);
        }
        resource
    }

    /// What clients of a deprecated version are told.
    fn deprecation(&self, version: View<'_>) -> Option<String> {
        if !version.bool("deprecated") {
            return None;
        }
        if let Some(text) = version.opt_str("deprecationWarning") {
            return Some(text.to_owned());
        }
        let (group, kind, own) =
            (self.spec.str("group"), self.spec.at(&["names", "kind"]).as_str(), version.str("name"));
        let others = self.spec.list("versions").filter(|other| other.bool("served") && !other.bool("deprecated"));
        let newer = others.map(|other| other.str("name")).filter(|name| versions::compare(name, own).is_lt());
        let text = format!("{group}/{own} {kind} is deprecated");
        Some(match newer.min_by(|a, b| versions::compare(a, b)) {
            Some(best) => format!("{text}; use {group}/{best} {kind}"),
            None => text,
        })
    }
}
