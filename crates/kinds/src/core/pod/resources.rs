//! Resource requests, limits and claims of containers and pods.

use super::amounts::{aggregate, is_pod_level, read};
use super::checks::dns_label;
use super::containers::every;
use super::options::PodOptions;
use crate::core::resource_names::{
    is_huge_pages, is_overcommit_allowed, validate_container_resource_name, validate_resource_amount,
    validate_resource_name,
};
use object::View;
use object::field::{Error, Errors, Path};
use object::quantity::Quantity;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The names of the resource claims of a pod.
pub(crate) type ClaimNames<'a> = BTreeSet<&'a str>;

/// How the name of a resource is judged.
type NameRule = fn(&str, &Path<'_>) -> Errors;

/// Validates the requirements of a container.
pub(crate) fn validate_container_requirements(
    requirements: View<'_>,
    claims: &ClaimNames<'_>,
    path: &Path<'_>,
    options: &PodOptions,
    errors: &mut Errors,
) {
    let (limits, requests) = (requirements.get("limits"), requirements.get("requests"));
    validate_requirements(limits, requests, validate_container_resource_name, path, options, errors);
    validate_claims(requirements.get("claims"), claims, &path.child("claims"), errors);
}

/// Validates what running the pod costs beside its containers.
pub(crate) fn validate_overhead(overhead: View<'_>, path: &Path<'_>, options: &PodOptions, errors: &mut Errors) {
    validate_requirements(overhead, View::ABSENT, validate_container_resource_name, path, options, errors);
}

/// Validates the requirements of a whole pod, and that they hold those of its containers.
pub(super) fn validate_pod_requirements(
    spec: View<'_>,
    claims: &ClaimNames<'_>,
    spec_path: &Path<'_>,
    options: &PodOptions,
    errors: &mut Errors,
) {
    let resources = spec.get("resources");
    if !resources.exists() {
        return;
    }
    let path = spec_path.child("resources");
    if spec.get("os").str("name") == "windows" {
        errors.push(Error::forbidden(&path, "may not be set for a windows pod"));
        return;
    }
    if resources.has("claims") {
        errors.push(Error::forbidden(&path.child("claims"), "claims may not be set for Resources at pod-level"));
    }
    let (limits, requests) = (resources.get("limits"), resources.get("requests"));
    validate_requirements(limits, requests, validate_pod_resource_name, &path, options, errors);
    validate_claims(resources.get("claims"), claims, &path.child("claims"), errors);
    validate_pod_sums(spec, &path, errors);
}

fn validate_pod_sums(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let resources = spec.get("resources");
    let (limits, requests) = (read(resources.get("limits")), read(resources.get("requests")));
    for (name, sum) in aggregate(spec, "requests") {
        if let Some(own) = requests.get(name).filter(|own| sum > **own) {
            let detail = format!("must be greater than or equal to aggregate container requests of {sum}");
            errors.push(Error::invalid(&path.child("requests").key(name), own.to_string(), detail));
        }
    }
    for (name, sum) in aggregate(spec, "limits").into_iter().filter(|(name, _)| is_huge_pages(name)) {
        if let Some(own) = limits.get(name).filter(|own| sum > **own) {
            let detail = format!("must be greater than or equal to aggregate container limits of {sum}");
            errors.push(Error::invalid(&path.child("limits").key(name), own.to_string(), detail));
        }
    }
    for (index, container) in spec.list("containers").enumerate() {
        for (name, limit) in read(container.at(&["resources", "limits"])) {
            if let Some(own) = limits.get(name).filter(|own| limit > **own) {
                let detail = format!("must be less than or equal to pod limits of {own}");
                let list = path.child("containers");
                let path = list.index(index);
                errors.push(Error::invalid(&path.key(name).child("limits"), limit.to_string(), detail));
            }
        }
    }
}

fn validate_requirements(
    limits: View<'_>,
    requests: View<'_>,
    name_rule: NameRule,
    path: &Path<'_>,
    options: &PodOptions,
    errors: &mut Errors,
) {
    let (limits, requests) = (read(limits), read(requests));
    let (limit_path, request_path) = (path.child("limits"), path.child("requests"));
    for (name, amount) in &limits {
        validate_amount(name, amount, name_rule, &limit_path.key(name), errors);
        validate_huge_pages(name, amount, &limit_path.key(name), options, errors);
    }
    for (name, amount) in &requests {
        validate_amount(name, amount, name_rule, &request_path.key(name), errors);
        match limits.get(name) {
            Some(limit) if amount != limit && !is_overcommit_allowed(name) => {
                let detail = format!("must be equal to {name} limit of {limit}");
                errors.push(Error::invalid(&request_path, amount.to_string(), detail));
            }
            Some(limit) if amount > limit => {
                let detail = format!("must be less than or equal to {name} limit of {limit}");
                errors.push(Error::invalid(&request_path, amount.to_string(), detail));
            }
            None if !is_overcommit_allowed(name) => {
                errors.push(Error::required(&limit_path, "Limit must be set for non overcommitable resources"));
            }
            _ => {}
        }
        validate_huge_pages(name, amount, &request_path.key(name), options, errors);
    }
    let has = |rule: fn(&str) -> bool| limits.keys().chain(requests.keys()).any(|name| rule(name));
    if has(is_huge_pages) && !has(|name| matches!(name, "cpu" | "memory")) {
        errors.push(Error::forbidden(path, "HugePages require cpu or memory"));
    }
}

fn validate_amount(name: &str, amount: &Quantity, name_rule: NameRule, path: &Path<'_>, errors: &mut Errors) {
    errors.extend(name_rule(name, path));
    errors.extend(validate_resource_amount(name, amount, path));
}

fn validate_huge_pages(name: &str, amount: &Quantity, path: &Path<'_>, options: &PodOptions, errors: &mut Errors) {
    if is_huge_pages(name) && !options.indivisible_huge_pages && !is_divisible(name, amount) {
        let detail = format!("{amount} is not positive integer multiple of {name}");
        errors.push(Error::invalid(path, amount.to_string(), detail));
    }
}

fn validate_pod_resource_name(name: &str, path: &Path<'_>) -> Errors {
    let errors = validate_resource_name(name, path);
    if errors.is_empty() && !is_pod_level(name) {
        return vec![Error::not_supported(path, name, &["cpu", "hugepages-", "memory"])];
    }
    errors
}

fn validate_claims(claims: View<'_>, pod_claims: &ClaimNames<'_>, list: &Path<'_>, errors: &mut Errors) {
    let mut seen: HashSet<String> = HashSet::new();
    let mut with_request: HashMap<&str, usize> = HashMap::new();
    for (index, claim) in claims.items().enumerate() {
        let path = list.index(index);
        let (name, request) = (claim.str("name"), claim.str("request"));
        if name.is_empty() {
            errors.push(Error::required(&path, ""));
            continue;
        }
        if seen.contains(name) {
            errors.push(Error::duplicate(&path, name));
        } else {
            let mut key = name.to_owned();
            if !request.is_empty() {
                dns_label(request, &path.child("request"), errors);
                key = format!("{name}/{request}");
            }
            if seen.contains(&key) {
                errors.push(Error::duplicate(&path, key.clone()));
            } else if request.is_empty() {
                let overlaps = with_request.get(name).copied().unwrap_or_default();
                errors.extend(std::iter::repeat_n(Error::duplicate(&path, name), overlaps));
            } else {
                *with_request.entry(name).or_default() += 1;
            }
            seen.insert(key);
        }
        if !pod_claims.contains(name) {
            errors.push(unknown_claim(name, pod_claims, &path));
        }
    }
}

fn unknown_claim(name: &str, pod_claims: &ClaimNames<'_>, path: &Path<'_>) -> Error {
    let mut error = Error::not_found(path, name);
    let known = pod_claims.iter().copied().collect::<Vec<_>>().join(", ");
    error.detail = match known.as_str() {
        "" => "must be one of the names in pod.spec.resourceClaims which is empty".to_owned(),
        known => format!("must be one of the names in pod.spec.resourceClaims: {known}"),
    };
    error
}

/// True if some amount of huge pages is no multiple of the page size.
pub(super) fn uses_indivisible_huge_pages(spec: View<'_>) -> bool {
    let indivisible = |list: View<'_>| read(list).iter().any(|(name, q)| is_huge_pages(name) && !is_divisible(name, q));
    every(spec).any(|(_, _, container)| {
        let resources = container.get("resources");
        indivisible(resources.get("limits")) || indivisible(resources.get("requests"))
    }) || indivisible(spec.get("overhead"))
}

fn is_divisible(name: &str, amount: &Quantity) -> bool {
    let Some(Ok(size)) = name.strip_prefix("hugepages-").map(Quantity::parse) else { return false };
    if size.sign() <= 0 || size.milli_value() % 1000 != 0 {
        return false;
    }
    size.value() != 0 && amount.value() % size.value() == 0
}
