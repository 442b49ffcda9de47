//! The `policy` group.

mod poddisruptionbudget;

use crate::resource::{Resource, Scope};

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    let strategy = poddisruptionbudget::PodDisruptionBudget;
    vec![
        Resource::new("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", Scope::Namespaced, strategy)
            .short(&["pdb"])
            .subresource("status"),
    ]
}
