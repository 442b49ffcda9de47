//! The `admissionregistration.k8s.io` group.

mod binding;
mod conditions;
mod expressions;
mod policy;
mod rules;
mod webhook;

use crate::resource::{Resource, Scope};
use crate::strategy::Strategy;

const GROUP: &str = "admissionregistration.k8s.io";

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    vec![
        new("MutatingAdmissionPolicy", "mutatingadmissionpolicies", policy::MUTATING),
        new("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", binding::MUTATING),
        new("MutatingWebhookConfiguration", "mutatingwebhookconfigurations", webhook::MUTATING),
        new("ValidatingAdmissionPolicy", "validatingadmissionpolicies", policy::VALIDATING).subresource("status"),
        new("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", binding::VALIDATING),
        new("ValidatingWebhookConfiguration", "validatingwebhookconfigurations", webhook::VALIDATING),
    ]
}

fn new(kind: &'static str, plural: &'static str, strategy: impl Strategy) -> Resource {
    Resource::new(GROUP, "v1", kind, plural, Scope::Cluster, strategy).categories(&["api-extensions"])
}
