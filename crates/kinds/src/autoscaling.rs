//! The `autoscaling` group.

mod hpa;

use crate::resource::{Resource, Scope};

/// The resources of the group: one kind in two versions, kept in the second.
pub(crate) fn resources() -> Vec<Resource> {
    const KIND: &str = "HorizontalPodAutoscaler";
    const PLURAL: &str = "horizontalpodautoscalers";
    let finish = |resource: Resource| resource.short(&["hpa"]).categories(&["all"]).subresource("status");
    vec![
        finish(Resource::new("autoscaling", "v2", KIND, PLURAL, Scope::Namespaced, hpa::V2)),
        finish(Resource::new("autoscaling", "v1", KIND, PLURAL, Scope::Namespaced, hpa::V1))
            .stored_in(("autoscaling", "v2", KIND, PLURAL), hpa::FirstVersion),
    ]
}
