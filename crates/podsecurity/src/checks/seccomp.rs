//! Seccomp: what `baseline` forbids and `restricted` demands.

use super::words::{containers, plural, quoted, setters};
use super::{Pod, context};
use crate::Finding;
use object::View;
use object::quote::quote;
use std::collections::BTreeSet;

const REASON: &str = "seccompProfile";
const OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const OF_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// Before there was a field, annotations said it.
pub(super) fn annotations(pod: Pod<'_>) -> Option<Finding> {
    let is_allowed =
        |value: &str| matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/");
    let of_containers = pod.containers().map(|container| format!("{OF_CONTAINER}{}", container.str("name")));
    let keys = std::iter::once(OF_POD.to_owned()).chain(of_containers);
    let annotations = pod.metadata.get("annotations");
    let set = keys.filter_map(|key| annotations.opt_str(&key).map(|value| (key, value)));
    let bad = set.filter(|(_, value)| !is_allowed(value)).map(|(key, value)| format!("{key}={}", quote(value)));
    let bad: BTreeSet<String> = bad.collect();
    (!bad.is_empty()).then(|| Finding {
        reason: REASON,
        detail: format!(
            "forbidden {} {}",
            plural(bad.len(), "annotation", "annotations"),
            bad.into_iter().collect::<Vec<_>>().join(", ")
        ),
    })
}

/// Nobody goes without.
pub(super) fn baseline(pod: Pod<'_>) -> Option<Finding> {
    let names = pod.named(|container| bad(context(container)).is_some());
    let who = setters(bad(pod.context()).is_some(), &names)?;
    let contexts = std::iter::once(pod.context()).chain(pod.containers().map(context));
    let kinds: BTreeSet<&str> = contexts.filter_map(bad).collect();
    let detail = format!("{who} must not set securityContext.seccompProfile.type to {}", quoted(kinds));
    Some(Finding { reason: REASON, detail })
}

/// Everybody says which.
pub(super) fn restricted(pod: Pod<'_>) -> Option<Finding> {
    if let Some(finding) = baseline(pod) {
        return Some(finding);
    }
    let is_set = |context: View<'_>| context.has("seccompProfile");
    let silent = pod.named(|container| !is_set(context(container)));
    (!is_set(pod.context()) && !silent.is_empty()).then(|| Finding {
        reason: REASON,
        detail: format!(
            "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
            containers(&silent)
        ),
    })
}

/// The kind of profile, if it is set and is none of those that protect.
fn bad(context: View<'_>) -> Option<&str> {
    let profile = context.get("seccompProfile");
    let kind = profile.str("type");
    (profile.exists() && !matches!(kind, "Localhost" | "RuntimeDefault")).then_some(kind)
}
