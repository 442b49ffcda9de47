//! Kinds that are only created and never stored: bindings, and questions about users and rights.
//!
//! They have no rules here: what they mean needs the state of the server, which answers them.

use crate::resource::{Resource, Scope, Verbs};
use crate::strategy::Plain;

/// The older way to bind pods.
pub(crate) fn bindings() -> Vec<Resource> {
    vec![Resource::new("", "v1", "Binding", "bindings", Scope::Namespaced, Plain).verbs(Verbs::CreateOnly)]
}

/// Questions about users.
pub(crate) fn authentication() -> Vec<Resource> {
    let question = |kind, plural| {
        Resource::new("authentication.k8s.io", "v1", kind, plural, Scope::Cluster, Plain).verbs(Verbs::CreateOnly)
    };
    vec![question("SelfSubjectReview", "selfsubjectreviews"), question("TokenReview", "tokenreviews")]
}

/// Questions about rights.
pub(crate) fn authorization() -> Vec<Resource> {
    let question = |kind, plural, scope| {
        Resource::new("authorization.k8s.io", "v1", kind, plural, scope, Plain).verbs(Verbs::CreateOnly)
    };
    vec![
        question("LocalSubjectAccessReview", "localsubjectaccessreviews", Scope::Namespaced),
        question("SelfSubjectAccessReview", "selfsubjectaccessreviews", Scope::Cluster),
        question("SelfSubjectRulesReview", "selfsubjectrulesreviews", Scope::Cluster),
        question("SubjectAccessReview", "subjectaccessreviews", Scope::Cluster),
    ]
}
