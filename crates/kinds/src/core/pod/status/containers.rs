//! States of containers: which may follow which, and what they tell about users and devices.

use super::STATUS_LISTS;
use crate::core::pod::checks::one_of;
use crate::core::pod::security::validate_groups;
use object::field::{Error, Errors, Path};
use object::{View, names};
use std::collections::{HashMap, HashSet};

const MAX_MESSAGE: usize = 1024;

/// A container that ended for good stays so.
pub(super) fn validate_transitions(status: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (spec, old) = (old.get("spec"), old.get("status"));
    let any_restarts = restarts_all(spec);
    for (list, containers) in STATUS_LISTS {
        let ephemeral = containers == "ephemeralContainers";
        if any_restarts && !ephemeral {
            continue;
        }
        let at = path.child(list);
        let states = by_name(status.get(list));
        let containers = by_name(spec.get(containers));
        for (index, before) in old.list(list).enumerate() {
            let ended = before.get("state").get("terminated");
            let name = before.str("name");
            let runs_again = states.get(name).is_some_and(|now| !now.get("state").has("terminated"));
            if !ended.exists() || !runs_again {
                continue;
            }
            let restarts = |container: &View<'_>| should_restart(*container, spec, ended.int("exitCode"));
            if ephemeral || !containers.get(name).is_some_and(restarts) {
                let detail = "may not be transitioned to non-terminated state";
                errors.push(Error::forbidden(&at.index(index).child("state"), detail));
            }
        }
    }
}

/// Names may be given twice; the first counts, as upstream stops there.
fn by_name(list: View<'_>) -> HashMap<&str, View<'_>> {
    let mut map = HashMap::new();
    for item in list.items() {
        map.entry(item.str("name")).or_insert(item);
    }
    map
}

fn restarts_all(spec: View<'_>) -> bool {
    spec.list("initContainers")
        .chain(spec.list("containers"))
        .flat_map(|container| container.list("restartPolicyRules"))
        .any(|rule| rule.str("action") == "RestartAllContainers")
}

/// Whether a container that ended with this code is started again.
fn should_restart(container: View<'_>, spec: View<'_>, code: i64) -> bool {
    let own = container.str("restartPolicy");
    if !own.is_empty() {
        let rule = container.list("restartPolicyRules").find(|rule| {
            let codes = rule.get("exitCodes");
            let listed = codes.list("values").any(|value| value.as_int() == code);
            matches!((codes.str("operator"), listed), ("In", true) | ("NotIn", false))
        });
        if rule.is_some_and(|rule| matches!(rule.str("action"), "Restart" | "RestartAllContainers")) {
            return true;
        }
    }
    let policy = if matches!(own, "Always" | "OnFailure" | "Never") { own } else { spec.str("restartPolicy") };
    match policy {
        "OnFailure" => code != 0,
        "Never" => false,
        _ => true,
    }
}

/// Validates the users that containers run as.
pub(super) fn validate_users(status: View<'_>, spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let os = spec.get("os");
    let os = if os.exists() { os.str("name") } else { "linux" };
    for (list, _) in STATUS_LISTS {
        let list_path = path.child(list);
        for (index, container) in status.list(list).enumerate() {
            let linux = container.get("user").get("linux");
            if !linux.exists() {
                continue;
            }
            let at = list_path.index(index);
            let at = at.child("user");
            let at = at.child("linux");
            match os {
                "windows" => errors.push(Error::forbidden(&at, "cannot be set for a windows pod")),
                "linux" => validate_linux_user(linux, &at, errors),
                _ => {}
            }
        }
    }
}

fn validate_linux_user(user: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (uid, gid) = (user.int("uid"), user.int("gid"));
    let at = (path.child("uid"), path.child("gid"));
    errors.extend(names::is_valid_user_id(uid).into_iter().map(|message| Error::invalid(&at.0, uid, message)));
    errors.extend(names::is_valid_group_id(gid).into_iter().map(|message| Error::invalid(&at.1, gid, message)));
    validate_groups(user.get("supplementalGroups"), &path.child("supplementalGroups"), errors);
}

/// Validates the health of devices that containers got.
pub(super) fn validate_allocated(status: View<'_>, spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    for (list, containers) in STATUS_LISTS {
        let list_path = path.child(list);
        let containers_by_name = by_name(spec.get(containers));
        for (index, container) in status.list(list).enumerate() {
            let allocated = container.get("allocatedResourcesStatus");
            let at = list_path.index(index);
            let at = at.child("allocatedResourcesStatus");
            if containers == "ephemeralContainers" {
                if !allocated.is_empty() {
                    errors.push(Error::forbidden(&at, "must not be specified in container status"));
                }
                continue;
            }
            let spec = containers_by_name.get(container.str("name")).copied();
            for (place, resource) in allocated.items().enumerate() {
                validate_resource(resource, spec, &at.index(place), errors);
            }
        }
    }
}

fn validate_resource(resource: View<'_>, container: Option<View<'_>>, path: &Path<'_>, errors: &mut Errors) {
    let name = resource.str("name");
    if let Some(wanted) = container.map(|container| container.get("resources")) {
        let (found, detail) = match name.strip_prefix("claim:") {
            Some(claim) => (
                wanted.list("claims").any(|own| claim_name(own) == claim),
                "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or \
                 'claim:<claimName>' if request is empty",
            ),
            None => (wanted.get("requests").has(name), "must match one of the container's resource requests"),
        };
        if !found {
            errors.push(Error::invalid(&path.child("name"), name, detail));
        }
    }
    let list = path.child("resources");
    let mut seen = HashSet::new();
    for (index, device) in resource.list("resources").enumerate() {
        let path = list.index(index);
        one_of(device.str("health"), &["Healthy", "Unhealthy", "Unknown"], &path.child("health"), errors);
        match device.opt_str("message") {
            Some("") => errors.push(Error::required(&path.child("message"), "must be non-empty if specified")),
            Some(text) if text.len() > MAX_MESSAGE => {
                errors.push(Error::too_long(&path.child("message"), MAX_MESSAGE as i64));
            }
            _ => {}
        }
        if !seen.insert(device.str("resourceID")) {
            errors.push(Error::duplicate(&path.child("resourceID"), device.str("resourceID")));
        }
    }
}

fn claim_name(claim: View<'_>) -> String {
    match claim.str("request") {
        "" => claim.str("name").to_owned(),
        request => format!("{}/{request}", claim.str("name")),
    }
}
