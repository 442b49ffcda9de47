//! Pods.
//!
//! What a pod spec needs, wherever it stands, is told by the modules below, one for each concept; the kinds that hold
//! pod templates use [`defaults::default_pod_template`], [`template`] and [`warnings`]. Deliberately absent: admission
//! (service account, tolerations, priority, limit ranges) and everything that needs other objects.

pub(crate) mod affinity;
pub(crate) mod amounts;
mod binding;
mod checks;
mod claims;
mod containers;
pub(crate) mod defaults;
mod dns;
pub(crate) mod dump;
mod env;
mod ephemeral;
mod image;
mod mounts;
pub(crate) mod options;
mod ports;
mod prepare;
mod probes;
mod profiles;
mod qos;
mod resize;
pub(crate) mod resources;
mod restart;
mod same;
mod security;
mod spec;
mod spread;
mod status;
mod streams;
mod table;
pub(crate) mod template;
#[cfg(test)]
mod tests;
pub(crate) mod tolerations;
pub(crate) mod update;
pub(crate) mod volumes;
pub(crate) mod warnings;
mod windows;

pub use binding::{bind, validate_binding};
pub use streams::{container_of, node_of, validate_log_options};

pub(crate) use dump::compact as dump_compact;
pub(crate) use prepare::drop_disabled_fields;

use crate::resource::{Resource, Scope};
use crate::strategy::{Column, Request, Strategy};
use object::field::Errors;
use object::{Value, View};

/// The entry of pods.
pub(crate) fn resource() -> Resource {
    let stream = &["create", "get"];
    Resource::new("", "v1", "Pod", "pods", Scope::Namespaced, Pods)
        .short(&["po"])
        .categories(&["all"])
        .subresource_of("attach", ("", "", "PodAttachOptions"), stream)
        .subresource_of("binding", ("", "", "Binding"), &["create"])
        .subresource("ephemeralcontainers")
        .subresource_of("eviction", ("policy", "v1", "Eviction"), &["create"])
        .subresource_of("exec", ("", "", "PodExecOptions"), stream)
        .subresource_of("log", ("", "", ""), &["get"])
        .subresource_of("portforward", ("", "", "PodPortForwardOptions"), stream)
        .subresource_of("proxy", ("", "", "PodProxyOptions"), &["create", "delete", "get", "patch", "update"])
        .subresource("resize")
        .subresource("status")
}

/// The rules of pods.
struct Pods;

impl Strategy for Pods {
    fn defaults(&self, pod: &mut Value) {
        defaults::default_pod(pod);
    }

    fn prepare_for_create(&self, pod: &mut Value, request: &Request<'_>) {
        prepare::for_create(pod, request);
    }

    fn validate(&self, pod: View<'_>) -> Errors {
        spec::validate_new_pod(pod)
    }

    fn warnings_of_prepare(&self, pod: View<'_>) -> Vec<String> {
        warnings::of_app_armor(pod)
    }

    fn warnings_on_create(&self, pod: View<'_>) -> Vec<String> {
        warnings::of_new_pod(pod)
    }

    fn canonicalize(&self, pod: &mut Value) {
        prepare::pair_fields(pod);
        // Upstream defaults what it reads from its store, too: admission may have given amounts to containers.
        if let Some(spec) = pod.get_mut("spec").filter(|spec| spec.get("resources").is_some()) {
            defaults::pod_level(spec);
        }
    }

    fn prepare_for_update(&self, pod: &mut Value, old: View<'_>, _request: &Request<'_>) {
        prepare::for_update(pod, old);
    }

    fn validate_update(&self, pod: View<'_>, old: View<'_>) -> Errors {
        update::validate(pod, old)
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        match name {
            "status" => Some(&status::PodStatus),
            "resize" => Some(&resize::PodResize),
            "ephemeralcontainers" => Some(&ephemeral::PodEphemeralContainers),
            _ => None,
        }
    }

    fn grace_period(&self, pod: View<'_>, wanted: Option<i64>) -> Option<i64> {
        let spec = pod.get("spec");
        let seconds = wanted.unwrap_or_else(|| spec.int("terminationGracePeriodSeconds"));
        let ended = matches!(pod.get("status").str("phase"), "Failed" | "Succeeded");
        match seconds {
            _ if ended || spec.str("nodeName").is_empty() => Some(0),
            ..0 => Some(1),
            _ => Some(seconds),
        }
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        table::SELECTABLE
    }

    fn selectable_field(&self, pod: View<'_>, name: &str) -> String {
        table::selectable(pod, name)
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label not supported: {name}")
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        table::COLUMNS
    }

    fn row_conditions(&self, pod: View<'_>) -> Vec<Value> {
        table::conditions(pod)
    }

    fn row(&self, pod: View<'_>, now: i64) -> Vec<Value> {
        table::row(pod, now)
    }
}
