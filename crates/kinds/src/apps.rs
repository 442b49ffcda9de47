//! The `apps` group.

mod claims;
mod controllerrevision;
mod daemonset;
mod deployment;
mod replicaset;
mod statefulset;

pub(crate) use replicaset::validate_replica_status;

use crate::resource::{Resource, Scope};

/// Group, version and kind of the `scale` subresource.
pub(crate) const SCALE: (&str, &str, &str) = ("autoscaling", "v1", "Scale");
/// Its verbs.
pub(crate) const SCALE_VERBS: &[&str] = &["get", "patch", "update"];

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    let new = |kind, plural, strategy| Resource::new("apps", "v1", kind, plural, Scope::Namespaced, strategy);
    let scaled = |resource: Resource| resource.subresource("status").subresource_of("scale", SCALE, SCALE_VERBS);
    vec![
        Resource::new(
            "apps",
            "v1",
            "ControllerRevision",
            "controllerrevisions",
            Scope::Namespaced,
            controllerrevision::ControllerRevision,
        ),
        Resource::new("apps", "v1", "DaemonSet", "daemonsets", Scope::Namespaced, daemonset::DaemonSet)
            .short(&["ds"])
            .categories(&["all"])
            .subresource("status"),
        scaled(new("Deployment", "deployments", deployment::Deployment)).short(&["deploy"]).categories(&["all"]),
        scaled(Resource::new("apps", "v1", "ReplicaSet", "replicasets", Scope::Namespaced, replicaset::ReplicaSet))
            .short(&["rs"])
            .categories(&["all"]),
        scaled(Resource::new("apps", "v1", "StatefulSet", "statefulsets", Scope::Namespaced, statefulset::StatefulSet))
            .short(&["sts"])
            .categories(&["all"]),
    ]
}
