//! Which resource claims a pod got.

use crate::core::pod::checks::{dns_label, object_name};
use object::View;
use object::field::{Error, Errors, Path};
use std::collections::{HashMap, HashSet};

/// Validates the claims that a status tells.
pub(super) fn validate(status: View<'_>, spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    validate_statuses(status.get("resourceClaimStatuses"), spec, &path.child("resourceClaimStatuses"), errors);
    let extended = status.get("extendedResourceClaimStatus");
    if extended.exists() {
        validate_extended(extended, spec, &path.child("extendedResourceClaimStatus"), errors);
    }
}

fn validate_statuses(statuses: View<'_>, spec: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    let known: HashSet<&str> = spec.list("resourceClaims").map(|claim| claim.str("name")).collect();
    let mut seen = HashSet::new();
    for (index, status) in statuses.items().enumerate() {
        let path = list.index(index);
        let name = status.str("name");
        if !known.contains(name) {
            let detail = "must match the name of an entry in `spec.resourceClaims`";
            errors.push(Error::invalid(&path.child("name"), name, detail));
        }
        if !seen.insert(name) {
            errors.push(Error::duplicate(&path.child("name"), name));
        }
        if let Some(claim) = status.opt_str("resourceClaimName") {
            object_name(claim, &path.child("resourceClaimName"), errors);
        }
    }
}

fn validate_extended(status: View<'_>, spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let containers: HashMap<&str, View<'_>> =
        spec.list("initContainers").chain(spec.list("containers")).map(|c| (c.str("name"), c)).collect();
    let list = path.child("requestMappings");
    if status.get("requestMappings").is_empty() {
        errors.push(Error::required(&list, "at least one request mapping is required"));
    }
    let mut seen = HashSet::new();
    for (index, mapping) in status.list("requestMappings").enumerate() {
        let at = list.index(index);
        let fields = ["containerName", "resourceName", "requestName"];
        let values @ [container, resource, request] = fields.map(|field| mapping.str(field));
        match containers.get(container) {
            None => {
                let detail = "must match the name of an entry in spec.initContainers.name or spec.containers.name";
                errors.push(Error::invalid(&at.child("containerName"), container, detail));
            }
            Some(found) if !found.at(&["resources", "requests"]).has(resource) => {
                let detail = "must match the extended resource name of an entry in \
                              spec.initContainers.resources.requests or spec.containers.resources.requests";
                errors.push(Error::invalid(&at.child("resourceName"), resource, detail));
            }
            Some(_) => {}
        }
        dns_label(request, &path.child("requestName"), errors);
        if !seen.insert(values) {
            let pairs = fields.iter().zip(values);
            errors.extend(pairs.map(|(field, value)| Error::duplicate(&at.child(field), value)));
        }
    }
    let (name, at) = (status.str("resourceClaimName"), path.child("resourceClaimName"));
    match name {
        "" => errors.push(Error::required(&at, "")),
        _ => object_name(name, &at, errors),
    }
}
