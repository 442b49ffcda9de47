//! The `scale` subresource of the workloads: what a parent looks like as an `autoscaling/v1` Scale, and back.

use crate::checks;
use crate::custom::scale::Paths;
use crate::resource::Resource;
use object::field::{Errors, Path};
use object::meta::validate_nonnegative;
use object::names::name_is_dns_subdomain;
use object::selector::labels::Selector;
use object::{Map, Status, Value, View, json};

/// Where the replicas of a workload stand, for [`object::apply::scale_to_parent`].
pub const REPLICAS: &str = "spec.replicas";

/// The Scale of a parent; `None` if its resource has no such subresource.
///
/// The selector is in the form of query parameters; one that cannot be read is told as an error in upstream's words.
pub fn of(resource: &Resource, parent: View<'_>) -> Option<Result<Value, String>> {
    if !resource.subresources.iter().any(|subresource| subresource.name == "scale") {
        return None;
    }
    if let Some(paths) = resource.custom.as_ref().and_then(|custom| custom.scale.as_ref()) {
        return Some(of_custom(paths, parent));
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
    Some(Ok(scale(meta, spec.int("replicas"), status.int("replicas"), &selector.to_string())))
}

fn of_custom(paths: &Paths, parent: View<'_>) -> Result<Value, String> {
    let Some(object) = parent.value() else { return Err("there is no object".to_owned()) };
    let (wanted, actual, selector) = paths.read(object)?;
    Ok(scale(parent.get("metadata"), wanted.unwrap_or_default(), actual, &selector))
}

fn scale(meta: View<'_>, wanted: i64, actual: i64, selector: &str) -> Value {
    let mut metadata = Map::new();
    for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = meta.get(name).value() {
            metadata.insert(name.to_owned(), value.clone());
        }
    }
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": {}, "status": {"replicas": actual},
    });
    if wanted != 0 {
        scale["spec"]["replicas"] = wanted.into();
    }
    if !selector.is_empty() {
        scale["status"]["selector"] = selector.into();
    }
    scale
}

/// Whether the replicas of a custom resource's scale stand in the object at all; always for others.
pub fn has_replicas(resource: &Resource, parent: View<'_>) -> bool {
    let paths = resource.custom.as_ref().and_then(|custom| custom.scale.as_ref()).zip(parent.value());
    paths.is_none_or(|(paths, object)| !matches!(paths.read(object), Ok((None, ..))))
}

/// Validates a Scale.
pub fn validate(resource: &Resource, scale: View<'_>) -> Errors {
    let namespaced = resource.is_namespaced();
    let mut errors = checks::meta(scale, namespaced, name_is_dns_subdomain);
    let replicas = scale.get("spec").int("replicas");
    errors.extend(validate_nonnegative(replicas, &Path::new("spec").child("replicas")));
    errors
}

/// Gives a parent the replicas of a Scale.
///
/// # Errors
/// If something else stands where a custom resource's replicas go.
pub fn write(resource: &Resource, parent: &mut Value, scale: View<'_>) -> Result<(), Status> {
    let replicas = scale.get("spec").int("replicas");
    if let Some(paths) = resource.custom.as_ref().and_then(|custom| custom.scale.as_ref()) {
        return paths.write(parent, replicas);
    }
    let spec = crate::change::map_at(parent, "spec");
    spec.insert("replicas".to_owned(), replicas.into());
    Ok(())
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
        write(resource, &mut parent, View::from(&json!({"spec": {}}))).unwrap();
        assert_eq!(parent["spec"]["replicas"], 0);
        let errors = validate(
            resource,
            View::from(&json!({"metadata": {"name": "d", "namespace": "n"}, "spec": {"replicas": -3}})),
        );
        assert_eq!(errors[0].to_string(), "spec.replicas: Invalid value: -3: must be greater than or equal to 0");
    }

    #[test]
    fn what_has_no_replicas_has_no_scale() {
        let resource = crate::builtin().iter().find(|resource| resource.kind == "DaemonSet").unwrap();
        assert!(of(resource, View::from(&json!({}))).is_none());
    }
}
