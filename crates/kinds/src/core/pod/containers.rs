//! Containers of a pod: the regular ones, those that prepare the ground, and those added for debugging.

use super::checks::{dns_label, required, required_one_of};
use super::options::PodOptions;
use super::resources::{ClaimNames, validate_container_requirements};
use super::volumes::Volumes;
use super::{env, mounts, ports, probes, restart, security};
use object::View;
use object::field::{Error, Errors, Path};
use std::collections::HashSet;

/// What an ephemeral container may have; all other fields are named in errors in this order.
const NOT_EPHEMERAL: &[&str] = &[
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

/// What containers are judged against: the rest of their pod.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) spec: View<'a>,
    pub(super) volumes: &'a Volumes<'a>,
    pub(super) claims: &'a ClaimNames<'a>,
    pub(super) options: &'a PodOptions,
}

impl<'a> Surroundings<'a> {
    fn grace(self) -> Option<i64> {
        self.spec.opt_int("terminationGracePeriodSeconds")
    }

    fn os(self) -> View<'a> {
        self.spec.get("os")
    }
}

/// Every container of a pod spec with the list and the place it stands in, in the order in which upstream visits them.
pub(crate) fn every(spec: View<'_>) -> impl Iterator<Item = (&'static str, usize, View<'_>)> {
    super::defaults::CONTAINER_LISTS
        .into_iter()
        .flat_map(move |list| spec.list(list).enumerate().map(move |(index, container)| (list, index, container)))
}

/// Validates all containers of a pod spec.
pub(super) fn validate(around: Surroundings<'_>, spec_path: &Path<'_>, errors: &mut Errors) {
    validate_regular(around, &spec_path.child("containers"), errors);
    validate_init(around, &spec_path.child("initContainers"), errors);
    validate_ephemeral(around, &spec_path.child("ephemeralContainers"), errors);
}

fn validate_regular(around: Surroundings<'_>, list: &Path<'_>, errors: &mut Errors) {
    let containers = around.spec.list("containers");
    if containers.len() == 0 {
        return errors.push(Error::required(list, ""));
    }
    let mut seen = HashSet::new();
    for (index, container) in containers.clone().enumerate() {
        let path = list.index(index);
        validate_common(container, around, &path, errors);
        if !seen.insert(container.str("name")) {
            errors.push(Error::duplicate(&path.child("name"), container.str("name")));
        }
        probes::validate(container, around.os(), around.grace(), &path, errors);
        restart::validate(container, &path, errors);
    }
    ports::host_port_conflicts(containers, list, errors);
}

fn validate_init(around: Surroundings<'_>, list: &Path<'_>, errors: &mut Errors) {
    let mut seen: HashSet<&str> = around.spec.list("containers").map(|container| container.str("name")).collect();
    for (index, container) in around.spec.list("initContainers").enumerate() {
        let path = list.index(index);
        let name = container.str("name");
        validate_common(container, around, &path, errors);
        restart::validate_init(container, &path, errors);
        if seen.contains(name) {
            errors.push(Error::duplicate(&path.child("name"), name));
        } else if !name.is_empty() {
            seen.insert(name);
        }
        ports::host_port_conflicts(std::iter::once(container), list, errors);
        if container.str("restartPolicy") == "Always" {
            probes::validate(container, around.os(), around.grace(), &path, errors);
        } else {
            validate_ending(container, around.options, &path, errors);
        }
    }
}

/// Rules for an init container that ends before the next one starts.
fn validate_ending(container: View<'_>, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if container.has(name) {
            let detail = "may not be set for init containers without restartPolicy=Always";
            errors.push(Error::forbidden(&path.child(name), detail));
        }
    }
    if options.init_restart_on_resize {
        return;
    }
    for (index, policy) in container.list("resizePolicy").enumerate() {
        let restart = policy.str("restartPolicy");
        if restart == "RestartContainer" {
            let detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
            let path = path.child("resizePolicy");
            errors.push(Error::invalid(&path.index(index).child("restartPolicy"), restart, detail));
        }
    }
}

fn validate_ephemeral(around: Surroundings<'_>, list: &Path<'_>, errors: &mut Errors) {
    let spec = around.spec;
    let others: HashSet<&str> =
        spec.list("containers").chain(spec.list("initContainers")).map(|other| other.str("name")).collect();
    let mut seen = others.clone();
    for (index, container) in spec.list("ephemeralContainers").enumerate() {
        let path = list.index(index);
        validate_common(container, around, &path, errors);
        validate_image_spaces(container, &path, errors);
        if !seen.insert(container.str("name")) {
            errors.push(Error::duplicate(&path.child("name"), container.str("name")));
        }
        let target = container.str("targetContainerName");
        if !target.is_empty() && !others.contains(target) {
            errors.push(Error::not_found(&path.child("targetContainerName"), target));
        }
        validate_ephemeral_fields(container, &path, errors);
    }
}

fn validate_ephemeral_fields(container: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let detail = "cannot be set for an Ephemeral Container";
    for name in NOT_EPHEMERAL {
        let field = container.get(name);
        // Alone among these, resources are neither a pointer nor a list: an empty list is set, too.
        let is_set = if *name == "resources" { !field.is_empty() } else { field.exists() };
        if is_set {
            errors.push(Error::forbidden(&path.child(name), detail));
        }
    }
    for (index, mount) in container.list("volumeMounts").enumerate() {
        for name in ["subPath", "subPathExpr"] {
            if !mount.str(name).is_empty() {
                let path = path.child("volumeMounts");
                errors.push(Error::forbidden(&path.index(index).child(name), detail));
            }
        }
    }
}

fn validate_common(container: View<'_>, around: Surroundings<'_>, path: &Path<'_>, errors: &mut Errors) {
    let spec = around.spec;
    let name = container.str("name");
    required(container, "name", path, errors);
    if !name.is_empty() {
        dns_label(name, &path.child("name"), errors);
    }
    required(container, "image", path, errors);
    let policy = container.str("terminationMessagePolicy");
    let policies = &["File", "FallbackToLogsOnError"];
    required_one_of(policy, policies, &path.child("terminationMessagePolicy"), errors);
    ports::validate(container.get("ports"), &path.child("ports"), errors);
    env::validate(container.get("env"), &path.child("env"), errors);
    env::validate_from(container.get("envFrom"), &path.child("envFrom"), errors);
    mounts::validate(container, around.volumes, path, errors);
    validate_pull_policy(container.str("imagePullPolicy"), &path.child("imagePullPolicy"), errors);
    let (resources, at_resources) = (container.get("resources"), path.child("resources"));
    validate_container_requirements(resources, around.claims, &at_resources, around.options, errors);
    let pod_policy = spec.str("restartPolicy");
    restart::validate_resize_policy(container.get("resizePolicy"), pod_policy, &path.child("resizePolicy"), errors);
    let host_users = spec.opt_bool("hostUsers").unwrap_or(true);
    security::validate_container(container.get("securityContext"), host_users, &path.child("securityContext"), errors);
}

/// When an image is pulled.
pub(super) fn validate_pull_policy(policy: &str, path: &Path<'_>, errors: &mut Errors) {
    required_one_of(policy, &["Always", "IfNotPresent", "Never"], path, errors);
}

/// Rules for the image that hold for pods alone; templates always could have spaces around it.
pub(super) fn validate_images_of_pod(spec: View<'_>, spec_path: &Path<'_>, errors: &mut Errors) {
    for list in ["containers", "initContainers"] {
        let path = spec_path.child(list);
        for (index, container) in spec.list(list).enumerate() {
            validate_image_spaces(container, &path.index(index), errors);
        }
    }
}

fn validate_image_spaces(container: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let image = container.str("image");
    if image.trim() != image {
        errors.push(Error::invalid(&path.child("image"), image, "must not have leading or trailing whitespace"));
    }
}
