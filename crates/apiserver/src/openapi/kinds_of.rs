//! Which group, version and kind a type stands for, and which type a kind has.

use super::operations::Gvk;
use kinds::Resource;
use object::schema::builtin;
use object::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// Kinds by type and types by kind.
pub(super) struct Kinds {
    /// `io.k8s.api.apps.v1` → (`apps`, `v1`).
    packages: HashMap<String, (String, String)>,
    /// The types of the resources themselves.
    types: Vec<(Gvk, String)>,
}

impl Gvk {
    pub(super) fn to_value(&self) -> Value {
        json!({"group": self.group, "version": self.version, "kind": self.kind})
    }
}

impl Kinds {
    pub(super) fn new(resources: &[Arc<Resource>]) -> Kinds {
        let package = |resource: &Arc<Resource>| {
            let (package, _) = resource.type_name.rsplit_once('.')?;
            Some((package.to_owned(), (resource.group.to_string(), resource.version.to_string())))
        };
        let mut packages: HashMap<_, _> = resources.iter().filter_map(package).collect();
        packages.insert(META.trim_end_matches('.').to_owned(), (String::new(), "v1".to_owned()));
        let own = |resource: &Arc<Resource>| {
            let [group, version, kind] =
                [&resource.group, &resource.version, &resource.kind].map(|text| text.to_string());
            (Gvk { group, version, kind }, resource.type_name.to_string())
        };
        Kinds { packages, types: resources.iter().map(own).collect() }
    }

    /// The kinds of a type, as documents list them. Options are declared in each of `option_groups`, too.
    pub(super) fn of_type(&self, name: &str, option_groups: &[(String, String)]) -> Vec<Value> {
        let Some((package, kind)) = name.rsplit_once('.') else { return Vec::new() };
        let Some((group, version)) = self.packages.get(package) else { return Vec::new() };
        if !is_kind(name) {
            return Vec::new();
        }
        let value = |group: &str, version: &str| json!({"group": group, "version": version, "kind": kind});
        let mut kinds = vec![value(group, version)];
        if [format!("{META}DeleteOptions"), format!("{META}WatchEvent")].iter().any(|option| option == name) {
            let others = option_groups.iter().filter(|(group, _)| !group.is_empty());
            kinds.extend(others.map(|(group, version)| value(group, version)));
        }
        kinds
    }

    /// The type of a kind.
    pub(super) fn type_of(&self, gvk: &Gvk) -> String {
        if let Some((_, ty)) = self.types.iter().find(|(other, _)| other == gvk) {
            return ty.clone();
        }
        let packages = self.packages.iter().filter(|(_, (group, version))| {
            (group.as_str(), version.as_str()) == (gvk.group.as_str(), gvk.version.as_str())
        });
        let found =
            packages.map(|(package, _)| format!("{package}.{}", gvk.kind)).find(|name| builtin().find(name).is_some());
        found.unwrap_or_else(|| {
            let package = gvk.group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
            format!("io.k8s.api.{package}.{}.{}", gvk.version, gvk.kind)
        })
    }
}

/// Whether a type is a kind: it has `kind` and `apiVersion`, or is an event of a watch. Custom types always are.
fn is_kind(name: &str) -> bool {
    match builtin().find(name) {
        Some(id) => {
            let first = builtin().get(id).fields.first();
            first.is_some_and(|field| field.inlined == "TypeMeta") || name == format!("{META}WatchEvent")
        }
        None => !name.starts_with("io.k8s."),
    }
}
