//! The `scale` subresource of the workloads: what a parent looks like as an `autoscaling/v1` Scale, and back.

use crate::resource::Resource;
use object::field::{Errors, Path};
use object::meta::{validate_nonnegative, validate_object_meta};
use object::names::name_is_dns_subdomain;
use object::selector::labels::Selector;
use object::{Map, Value, View, json};

/// Where the replicas of a workload stand, for [`object::apply::scale_to_parent`].
pub const REPLICAS: &str = "spec.replicas";

/// The Scale of a parent; `None` if its resource has no such subresource.
///
/// The selector is in the form of query parameters; one that cannot be read is told as an error in upstream's words.
pub fn of(resource: &Resource, parent: View<'_>) -> Option<Result<Value, String>> {
    if !resource.subresources.iter().any(|subresource| subresource.name == "scale") {
        return None;
    }
    let (meta, spec, status) = (parent.get("metadata"), parent.get("spec"), parent.get("status"));
    let selector = if resource.kind == "ReplicationController" {
        Selector::from_map(spec.get("selector"))
    } else {
        match Selector::from_object(spec.get("selector")) {
            Ok(selector) => selector,
            Err(error) => return Some(Err(error.to_string())),
        }
    };
    let mut metadata = Map::new();
    for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = meta.get(name).value() {
            metadata.insert(name.to_owned(), value.clone());
        }
    }
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": {}, "status": {"replicas": status.int("replicas")},
    });
    if spec.int("replicas") != 0 {
        scale["spec"]["replicas"] = spec.int("replicas").into();
    }
    let selector = selector.to_string();
    if !selector.is_empty() {
        scale["status"]["selector"] = selector.into();
    }
    Some(Ok(scale))
}

/// Validates a Scale.
pub fn validate(scale: View<'_>) -> Errors {
    let mut errors = validate_object_meta(scale.get("metadata"), true, name_is_dns_subdomain, &Path::new("metadata"));
    let replicas = scale.get("spec").int("replicas");
    errors.extend(validate_nonnegative(replicas, &Path::new("spec").child("replicas")));
    errors
}

/// Gives a parent the replicas of a Scale.
pub fn write(parent: &mut Value, scale: View<'_>) {
    if let Some(spec) = crate::change::map_at(parent, "spec") {
        spec.insert("replicas".to_owned(), scale.get("spec").int("replicas").into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_scaled() {
        let resource = crate::builtin().iter().find(|resource| resource.kind == "Deployment").unwrap();
        let mut parent = json!({"metadata": {"name": "d", "uid": "u", "labels": {"l": "m"}},
                                "spec": {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}},
                                "status": {"replicas": 1}});
        let scale = of(resource, View::from(&parent)).unwrap().unwrap();
        assert_eq!(
            scale,
            json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "d", "uid": "u"},
                   "spec": {"replicas": 2}, "status": {"replicas": 1, "selector": "a=b"}})
        );
        write(&mut parent, View::from(&json!({"spec": {}})));
        assert_eq!(parent["spec"]["replicas"], 0);
        let errors =
            validate(View::from(&json!({"metadata": {"name": "d", "namespace": "n"}, "spec": {"replicas": -3}})));
        assert_eq!(errors[0].to_string(), "spec.replicas: Invalid value: -3: must be greater than or equal to 0");
    }

    #[test]
    fn what_has_no_replicas_has_no_scale() {
        let resource = crate::builtin().iter().find(|resource| resource.kind == "DaemonSet").unwrap();
        assert!(of(resource, View::from(&json!({}))).is_none());
    }
}
