//! The rules of a flow schema: whose requests, and which.

use super::flow_schema::nullable;
use crate::checks;
use object::field::{Error, Errors, Path};
use object::names::{name_is_dns_label, name_is_dns_subdomain};
use object::{View, json};

const SUBJECTS: [&str; 3] = ["Group", "ServiceAccount", "User"];
const VERBS: [&str; 9] = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

/// Validates one rule.
pub(super) fn validate(rule: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let list = path.child("subjects");
    if rule.get("subjects").is_empty() {
        errors.push(Error::required(&list, "subjects must contain at least one value"));
    }
    for (index, subject) in rule.list("subjects").enumerate() {
        validate_subject(subject, &list.index(index), errors);
    }
    if rule.get("resourceRules").is_empty() && rule.get("nonResourceRules").is_empty() {
        let detail = "at least one of resourceRules and nonResourceRules has to be non-empty";
        errors.push(Error::required(path, detail));
    }
    let list = path.child("resourceRules");
    for (index, rule) in rule.list("resourceRules").enumerate() {
        validate_resources(rule, &list.index(index), errors);
    }
    let list = path.child("nonResourceRules");
    for (index, rule) in rule.list("nonResourceRules").enumerate() {
        let path = list.index(index);
        validate_verbs(rule, &path, errors);
        validate_urls(rule.get("nonResourceURLs"), &path.child("nonResourceURLs"), errors);
    }
}

fn validate_subject(subject: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let kind = subject.str("kind");
    let own = match kind {
        "ServiceAccount" => "serviceAccount",
        "User" => "user",
        "Group" => "group",
        _ => {
            errors.push(Error::not_supported(&path.child("kind"), kind, &SUBJECTS));
            return;
        }
    };
    let (value, place) = (subject.get(own), path.child(own));
    if !value.exists() {
        errors.push(Error::required(&place, format!("{own} is required when subject kind is '{kind}'")));
    } else if kind == "ServiceAccount" {
        validate_account(value, &place, errors);
    } else if value.str("name").is_empty() {
        errors.push(Error::required(&place.child("name"), ""));
    }
    let order = match kind {
        "ServiceAccount" => [("user", "User"), ("group", "Group")],
        "User" => [("serviceAccount", "ServiceAccount"), ("group", "Group")],
        _ => [("serviceAccount", "ServiceAccount"), ("user", "User")],
    };
    for (other, its_kind) in order {
        if subject.has(other) {
            let detail = format!("{other} is forbidden when subject kind is not '{its_kind}'");
            errors.push(Error::forbidden(&path.child(other), detail));
        }
    }
}

fn validate_account(account: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    match account.str("name") {
        "" => errors.push(Error::required(&path.child("name"), "")),
        "*" => {}
        name => errors.extend(checks::each(name_is_dns_subdomain(name, false), name, &path.child("name"))),
    }
    match account.str("namespace") {
        "" => errors.push(Error::required(&path.child("namespace"), "must specify namespace for service account")),
        name => errors.extend(checks::each(name_is_dns_label(name, false), name, &path.child("namespace"))),
    }
}

fn validate_resources(rule: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    validate_verbs(rule, path, errors);
    let lists = [
        ("apiGroups", "resource rules must supply at least one api group", "api groups"),
        ("resources", "resource rules must supply at least one resource", "resources"),
    ];
    for (name, missing, others) in lists {
        let list = rule.get(name);
        if list.is_empty() {
            errors.push(Error::required(&path.child(name), missing));
        } else {
            validate_alone(list, others, &path.child(name), errors);
        }
    }
    let (namespaces, place) = (rule.get("namespaces"), path.child("namespaces"));
    if namespaces.is_empty() && !rule.bool("clusterScope") {
        let detail = "resource rules that are not cluster scoped must supply at least one namespace";
        errors.push(Error::required(&place, detail));
    } else if has_wildcard(namespaces) {
        validate_alone(namespaces, "namespaces", &place, errors);
    } else {
        for (index, name) in rule.strings("namespaces").enumerate() {
            for message in name_is_dns_label(name, false) {
                let detail = format!("each member of this list must be '*' or a DNS-1123 label; {message}");
                errors.push(Error::invalid(&place.index(index), name, detail));
            }
        }
    }
}

fn validate_verbs(rule: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (verbs, path) = (rule.get("verbs"), path.child("verbs"));
    if verbs.is_empty() {
        errors.push(Error::required(&path, "verbs must contain at least one value"));
    } else if has_wildcard(verbs) {
        validate_alone(verbs, "verbs", &path, errors);
    } else if verbs.items().any(|verb| !VERBS.contains(&verb.as_str())) {
        errors.push(Error::not_supported(&path, verbs.to_value(), &VERBS));
    }
}

fn validate_urls(urls: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if urls.is_empty() {
        errors.push(Error::required(path, "nonResourceURLs must contain at least one value"));
    } else if has_wildcard(urls) {
        validate_alone(urls, "non-resource URLs", path, errors);
    } else {
        for (index, url) in urls.items().map(View::as_str).enumerate() {
            if let Some(detail) = fault_of_url(url) {
                errors.push(Error::invalid(&path.index(index), url, detail));
            }
        }
    }
}

fn fault_of_url(url: &str) -> Option<&'static str> {
    let stars = url.matches('*').count();
    match url {
        "" => Some("must not be empty"),
        "/" => None,
        _ if !url.starts_with('/') => Some("must start with slash"),
        _ if url.contains(' ') => Some("must not contain white-space"),
        _ if url.contains("//") => Some("must not contain double slash"),
        _ if stars > 1 || (stars == 1 && !url.ends_with("/*")) => Some("wildcard can only do suffix matching"),
        _ => None,
    }
}

fn has_wildcard(list: View<'_>) -> bool {
    list.items().any(|item| item.as_str() == "*")
}

/// A wildcard stands alone.
fn validate_alone(list: View<'_>, others: &str, path: &Path<'_>, errors: &mut Errors) {
    if list.len() > 1 && has_wildcard(list) {
        let detail = format!("if '*' is present, must not specify other {others}");
        errors.push(Error::invalid(path, list.to_value(), detail));
    }
}

/// A rule with the names of upstream's internal form.
pub(super) fn show(rule: View<'_>) -> String {
    format!(
        "{{\"Subjects\":{},\"ResourceRules\":{},\"NonResourceRules\":{}}}",
        nullable(rule.get("subjects"), show_subject),
        nullable(rule.get("resourceRules"), show_resources),
        nullable(rule.get("nonResourceRules"), |rule| format!(
            "{{\"Verbs\":{},\"NonResourceURLs\":{}}}",
            rule.get("verbs").to_value(),
            rule.get("nonResourceURLs").to_value(),
        )),
    )
}

fn show_subject(subject: View<'_>) -> String {
    let named = |name: &str| match subject.has(name) {
        true => json!({"Name": subject.get(name).str("name")}).to_string(),
        false => "null".to_owned(),
    };
    let account = subject.get("serviceAccount");
    let account = match account.exists() {
        true => {
            format!("{{\"Namespace\":{},\"Name\":{}}}", json!(account.str("namespace")), json!(account.str("name")))
        }
        false => "null".to_owned(),
    };
    format!(
        "{{\"Kind\":{},\"User\":{},\"Group\":{},\"ServiceAccount\":{account}}}",
        json!(subject.str("kind")),
        named("user"),
        named("group"),
    )
}

fn show_resources(rule: View<'_>) -> String {
    let list = |name: &str| rule.get(name).to_value();
    format!(
        "{{\"Verbs\":{},\"APIGroups\":{},\"Resources\":{},\"ClusterScope\":{},\"Namespaces\":{}}}",
        list("verbs"),
        list("apiGroups"),
        list("resources"),
        rule.bool("clusterScope"),
        list("namespaces"),
    )
}
