//! The rules for a whole pod spec, and what else a pod or a template has around it.

use super::checks::{dns_label, invalid_for_each, object_name, qualified_name, required_one_of};
use super::containers::Surroundings;
use super::options::PodOptions;
use super::{affinity, claims, containers, dns, env, ports, profiles, resources, security, spread, tolerations};
use super::{volumes, windows};
use crate::checks;
use object::field::{Error, Errors, Path};
use object::meta::validate_labels;
use object::{View, names};
use std::collections::HashSet;

/// Validates the metadata and the spec of a pod, new or changed.
pub(super) fn validate_pod(pod: View<'_>, options: &PodOptions) -> Errors {
    let (meta, spec) = (pod.get("metadata"), pod.get("spec"));
    let (meta_path, spec_path) = (Path::new("metadata"), Path::new("spec"));
    let mut errors = checks::meta(pod, true, names::name_is_dns_subdomain);
    let annotations = meta.get("annotations");
    profiles::validate_annotations(annotations, spec, options, &meta_path.child("annotations"), &mut errors);
    validate_pod_spec(spec, meta, &spec_path, options, &mut errors);
    if spec.str("serviceAccountName").is_empty() {
        forbid_tokens(spec, &spec_path, &mut errors);
    }
    containers::validate_images_of_pod(spec, &spec_path, &mut errors);
    errors
}

/// Validates a new pod.
pub(super) fn validate_new_pod(pod: View<'_>) -> Errors {
    let mut errors = validate_pod(pod, &PodOptions::for_pod(View::ABSENT));
    let (spec, path) = (pod.get("spec"), Path::new("spec"));
    if !spec.get("ephemeralContainers").is_empty() {
        errors.push(Error::forbidden(&path.child("ephemeralContainers"), "cannot be set on create"));
    }
    if !spec.str("nodeName").is_empty() && !spec.get("schedulingGates").is_empty() {
        let detail = "cannot be set until all schedulingGates have been cleared";
        errors.push(Error::forbidden(&path.child("nodeName"), detail));
    }
    profiles::validate_matches(pod.at(&["metadata", "annotations"]), spec, &path, &mut errors);
    errors
}

/// Validates a pod spec; `meta` is the pod's metadata, absent in a template.
pub(crate) fn validate_pod_spec(
    spec: View<'_>,
    meta: View<'_>,
    path: &Path<'_>,
    options: &PodOptions,
    errors: &mut Errors,
) {
    if !spec.has("terminationGracePeriodSeconds") {
        errors.push(Error::required(&path.child("terminationGracePeriodSeconds"), ""));
    }
    let volumes = volumes::validate(spec, meta, options, &path.child("volumes"), errors);
    let claims = claims::names_of(spec);
    claims::validate(spec.get("resourceClaims"), meta, &path.child("resourceClaims"), errors);
    let around = Surroundings { spec, volumes: &volumes, claims: &claims, options };
    containers::validate(around, path, errors);
    resources::validate_pod_requirements(spec, &claims, path, options, errors);
    ports::host_network(spec, options.is_pod, path, errors);
    let policies = &["Always", "OnFailure", "Never"];
    required_one_of(spec.str("restartPolicy"), policies, &path.child("restartPolicy"), errors);
    dns::validate_policy(spec.str("dnsPolicy"), &path.child("dnsPolicy"), errors);
    errors.extend(validate_labels(spec.get("nodeSelector"), &path.child("nodeSelector")));
    security::validate_pod(spec, options, &path.child("securityContext"), errors);
    affinity::validate(spec.get("affinity"), options, &path.child("affinity"), errors);
    dns::validate_config(spec, &path.child("dnsConfig"), errors);
    validate_gates(spec, path, errors);
    spread::validate(spec, options, &path.child("topologySpreadConstraints"), errors);
    windows::validate_host_process(spec, path, errors);
    security::validate_host_users(spec, options, path, errors);
    dns::validate_hostname_override(spec, path, errors);
    validate_names(spec, path, errors);
    tolerations::validate(spec.get("tolerations"), options, &path.child("tolerations"), errors);
    dns::validate_host_aliases(spec.get("hostAliases"), &path.child("hostAliases"), errors);
    validate_classes(spec, path, errors);
    if spec.has("overhead") {
        resources::validate_overhead(spec.get("overhead"), &path.child("overhead"), options, errors);
    }
    windows::validate_os(spec, path, errors);
    validate_scheduling_group(spec.get("schedulingGroup"), &path.child("schedulingGroup"), errors);
    env::validate_file_volumes(spec, path, errors);
}

/// Without a service account there is nobody for whom a token could be made.
fn forbid_tokens(spec: View<'_>, spec_path: &Path<'_>, errors: &mut Errors) {
    let list = spec_path.child("volumes");
    for (index, volume) in spec.list("volumes").enumerate() {
        for (place, _) in
            volume.get("projected").list("sources").enumerate().filter(|(_, source)| source.has("serviceAccountToken"))
        {
            let path = list.index(index);
            let path = path.child("projected");
            let path = path.child("sources");
            let detail = "must not be specified when serviceAccountName is not set";
            errors.push(Error::forbidden(&path.index(place).child("serviceAccountToken"), detail));
        }
    }
}

fn validate_gates(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let list = path.child("readinessGates");
    for (index, gate) in spec.list("readinessGates").enumerate() {
        qualified_name(gate.str("conditionType"), &list.index(index).child("conditionType"), errors);
    }
    let list = path.child("schedulingGates");
    let mut seen = HashSet::new();
    for (index, name) in spec.list("schedulingGates").map(|gate| gate.str("name")).enumerate() {
        qualified_name(name, &list.index(index), errors);
        if !seen.insert(name) {
            errors.push(Error::duplicate(&list.index(index), name));
        }
    }
}

fn validate_names(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    for field in ["serviceAccountName", "nodeName"] {
        if !spec.str(field).is_empty() {
            object_name(spec.str(field), &path.child(field), errors);
        }
    }
    if let Some(seconds) = spec.opt_int("activeDeadlineSeconds") {
        let most = i64::from(i32::MAX);
        if !(1..=most).contains(&seconds) {
            let detail = names::inclusive_range_error(1, most);
            errors.push(Error::invalid(&path.child("activeDeadlineSeconds"), seconds, detail));
        }
    }
    for field in ["hostname", "subdomain"] {
        if !spec.str(field).is_empty() {
            dns_label(spec.str(field), &path.child(field), errors);
        }
    }
}

fn validate_classes(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if !spec.str("priorityClassName").is_empty() {
        object_name(spec.str("priorityClassName"), &path.child("priorityClassName"), errors);
    }
    if let Some(class) = spec.opt_str("runtimeClassName") {
        object_name(class, &path.child("runtimeClassName"), errors);
    }
    if let Some(policy) = spec.opt_str("preemptionPolicy") {
        let known = &["PreemptLowerPriority", "Never"];
        required_one_of(policy, known, &path.child("preemptionPolicy"), errors);
    }
}

fn validate_scheduling_group(group: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if !group.exists() {
        return;
    }
    let path = path.child("podGroupName");
    match group.opt_str("podGroupName") {
        None => errors.push(Error::invalid_shown(&path, "null", "must specify one of: `podGroupName`")),
        Some(name) => invalid_for_each(names::name_is_dns_subdomain(name, false), name, &path, errors),
    }
}
