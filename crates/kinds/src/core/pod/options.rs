//! How strict the validation of a pod spec is.
//!
//! Rules that came later than the objects they judge do not apply to an object that already breaks them, so that it
//! stays updatable; what the old object breaks is found here. Rules that upstream ties to a feature gate follow the
//! gate's default in 1.36.

use super::{affinity, checks, profiles, resources, spread};
use crate::core::pod::containers::every;
use object::View;
use object::field::{Errors, Path};

/// How strict the validation of a pod spec is; the default is for a new template.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PodOptions {
    /// The spec is a pod's, not a template's.
    pub(crate) is_pod: bool,
    /// `controller.kubernetes.io/pod-deletion-cost` need not be a number.
    pub(crate) any_deletion_cost: bool,
    /// Selectors of pod affinity may hold invalid label values.
    pub(crate) invalid_affinity_selectors: bool,
    /// Required node affinity may hold invalid label values.
    pub(crate) invalid_node_affinity_values: bool,
    /// Amounts of huge pages need not be multiples of the page size.
    pub(crate) indivisible_huge_pages: bool,
    /// Topology spread constraints may have invalid selectors.
    pub(crate) invalid_spread_selectors: bool,
    /// Label keys of topology spread constraints are judged by the older rule.
    pub(crate) old_spread_label_keys: bool,
    /// The path of a projected token may leave its volume.
    pub(crate) non_local_token_paths: bool,
    /// Namespaced sysctls may stand beside the host's namespaces.
    pub(crate) host_sysctls: bool,
    /// Any known `seLinuxChangePolicy` is allowed, not `Recursive` alone.
    pub(crate) any_selinux_change_policy: bool,
    /// Init containers that end may have the resize policy `RestartContainer`.
    pub(crate) init_restart_on_resize: bool,
    /// Block devices may stand beside user namespaces.
    pub(crate) user_namespace_devices: bool,
    /// The host's network may stand beside user namespaces.
    pub(crate) user_namespace_host_network: bool,
    /// Tolerations may compare (`Lt`, `Gt`).
    pub(crate) comparing_tolerations: bool,
}

impl PodOptions {
    /// For a pod; `old` is absent on create.
    pub(crate) fn for_pod(old: View<'_>) -> PodOptions {
        PodOptions { is_pod: true, ..PodOptions::for_template(old) }
    }

    /// For a pod template, or whatever else has `metadata` and `spec` of a pod; `old` is absent on create.
    pub(crate) fn for_template(old: View<'_>) -> PodOptions {
        if !old.exists() {
            return PodOptions::default();
        }
        let spec = old.get("spec");
        let affinity = spec.get("affinity");
        let host_users_off = spec.opt_bool("hostUsers") == Some(false);
        PodOptions {
            is_pod: false,
            any_deletion_cost: !profiles::is_valid_deletion_cost(old.at(&["metadata", "annotations"])),
            invalid_affinity_selectors: affinity::has_invalid_selector(affinity),
            invalid_node_affinity_values: affinity::has_invalid_required_value(affinity),
            indivisible_huge_pages: resources::uses_indivisible_huge_pages(spec),
            invalid_spread_selectors: spread::has_invalid_selector(spec),
            old_spread_label_keys: spread::has_invalid_label_keys(spec),
            non_local_token_paths: has_non_local_token_path(spec),
            host_sysctls: super::security::has_host_sysctl(spec),
            any_selinux_change_policy: spec.get("securityContext").has("seLinuxChangePolicy"),
            init_restart_on_resize: restarts_init_on_resize(spec),
            user_namespace_devices: host_users_off && every(spec).any(|(_, _, c)| !c.get("volumeDevices").is_empty()),
            user_namespace_host_network: host_users_off && spec.bool("hostNetwork"),
            comparing_tolerations: spec
                .list("tolerations")
                .any(|toleration| matches!(toleration.str("operator"), "Lt" | "Gt")),
        }
    }
}

fn has_non_local_token_path(spec: View<'_>) -> bool {
    let mut errors = Errors::new();
    for volume in spec.list("volumes") {
        for source in volume.get("projected").list("sources").filter(|source| source.has("serviceAccountToken")) {
            let path = source.get("serviceAccountToken").str("path");
            checks::local_non_reserved_path(path, &Path::root(), &mut errors);
        }
    }
    !errors.is_empty()
}

fn restarts_init_on_resize(spec: View<'_>) -> bool {
    spec.list("initContainers")
        .filter(|container| container.str("restartPolicy") != "Always")
        .any(|container| container.list("resizePolicy").any(|policy| policy.str("restartPolicy") == "RestartContainer"))
}
