//! When containers are restarted: their restart policies and rules, and what a resize does to them.

use super::checks::{one_of, required_one_of};
use object::View;
use object::field::{Error, Errors, Path};
use std::collections::HashSet;

const POLICIES: &[&str] = &["Always", "Never", "OnFailure"];
const ACTIONS: &[&str] = &["Restart", "RestartAllContainers"];

/// Validates the restart policy and rules of a container; for an init container, see [`validate_init`].
pub(super) fn validate(container: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let rules = container.get("restartPolicyRules");
    match container.opt_str("restartPolicy") {
        None if rules.is_empty() => return,
        None => {
            let detail = "must specify restartPolicy when restart rules are used";
            errors.push(Error::required(&path.child("restartPolicy"), detail));
        }
        Some(policy) => one_of(policy, POLICIES, &path.child("restartPolicy"), errors),
    }
    let list = path.child("restartPolicyRules");
    if rules.len() > 20 {
        errors.push(Error::too_many(&list, count(rules), 20));
    }
    for (index, rule) in rules.items().enumerate() {
        let path = list.index(index);
        one_of(rule.str("action"), ACTIONS, &path.child("action"), errors);
        let codes = rule.get("exitCodes");
        let at_codes = path.child("exitCodes");
        if !codes.exists() {
            errors.push(Error::required(&at_codes, "must be specified"));
            continue;
        }
        one_of(codes.str("operator"), &["In", "NotIn"], &at_codes.child("operator"), errors);
        if codes.get("values").len() > 255 {
            errors.push(Error::too_many(&at_codes.child("values"), count(codes.get("values")), 255));
        }
    }
}

/// Validates the restart policy and rules of an init container.
pub(super) fn validate_init(container: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if container.has("restartPolicy") {
        validate(container, path, errors);
    } else if !container.get("restartPolicyRules").is_empty() {
        let detail = "must specify restartPolicy when restart rules are used";
        errors.push(Error::required(&path.child("restartPolicy"), detail));
    }
}

/// Validates what a resize does to a container.
pub(super) fn validate_resize_policy(policies: View<'_>, pod_policy: &str, path: &Path<'_>, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for (index, policy) in policies.items().enumerate() {
        let (name, restart) = (policy.str("resourceName"), policy.str("restartPolicy"));
        if !seen.insert(name) {
            errors.push(Error::duplicate(&path.index(index), name));
        }
        required_one_of(name, &["cpu", "memory"], path, errors);
        required_one_of(restart, &["NotRequired", "RestartContainer"], path, errors);
        if pod_policy == "Never" && restart != "NotRequired" {
            let detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.push(Error::invalid(path, restart, detail));
        }
    }
}

fn count(list: View<'_>) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}
