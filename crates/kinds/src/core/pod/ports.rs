//! Ports of containers.

use super::checks::{invalid_for_each, port_number, required_one_of};
use object::field::{Error, Errors, Path};
use object::{View, names};
use std::collections::HashSet;

/// Validates the ports of one container.
pub(super) fn validate(ports: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for (index, port) in ports.items().enumerate() {
        let path = path.index(index);
        let name = port.str("name");
        if !name.is_empty() {
            let messages = names::is_valid_port_name(name);
            if !messages.is_empty() {
                invalid_for_each(messages, name, &path.child("name"), errors);
            } else if !seen.insert(name) {
                errors.push(Error::duplicate(&path.child("name"), name));
            }
        }
        match port.int("containerPort") {
            0 => errors.push(Error::required(&path.child("containerPort"), "")),
            number => port_number(number, &path.child("containerPort"), errors),
        }
        if port.int("hostPort") != 0 {
            port_number(port.int("hostPort"), &path.child("hostPort"), errors);
        }
        required_one_of(port.str("protocol"), &["SCTP", "TCP", "UDP"], &path.child("protocol"), errors);
    }
}

/// No two ports of the containers take the same port of the host.
pub(super) fn host_port_conflicts<'a>(
    containers: impl Iterator<Item = View<'a>>,
    path: &Path<'_>,
    errors: &mut Errors,
) {
    let mut taken = HashSet::new();
    for (index, container) in containers.enumerate() {
        for (place, port) in container.list("ports").enumerate().filter(|(_, port)| port.int("hostPort") != 0) {
            let what = format!("{}/{}/{}", port.str("protocol"), port.str("hostIP"), port.int("hostPort"));
            if taken.contains(&what) {
                let path = path.index(index);
                errors.push(Error::duplicate(&path.child("ports").index(place).child("hostPort"), what));
            } else {
                taken.insert(what);
            }
        }
    }
}

/// With the host's network, a port of a container is the same port of the host.
pub(super) fn host_network(spec: View<'_>, is_pod: bool, path: &Path<'_>, errors: &mut Errors) {
    if !spec.bool("hostNetwork") {
        return;
    }
    let list = path.child("containers");
    for (index, container) in spec.list("containers").enumerate() {
        for (place, port) in container.list("ports").enumerate() {
            let (host, inner) = (port.int("hostPort"), port.int("containerPort"));
            if (is_pod || host != 0) && host != inner {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                let path = list.index(index);
                errors.push(Error::invalid(&path.child("ports").index(place).child("hostPort"), host, detail));
            }
        }
    }
}
