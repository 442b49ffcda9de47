//! Warnings about containers: their variables, resources and ports.

use super::fraction;
use crate::core::pod::containers::every;
use object::View;
use object::field::Path;
use object::quote::quote;
use std::collections::{HashMap, HashSet};

/// Warnings about one container, its ports left out.
pub(super) fn of_one(container: View<'_>, path: &Path<'_>, warnings: &mut Vec<String>) {
    let resources = path.child("resources");
    for name in ["memory", "ephemeral-storage"] {
        for kind in ["limits", "requests"] {
            fraction(container.at(&["resources", kind]), name, &resources.child(kind), warnings);
        }
    }
    let env = path.child("env");
    let mut seen = HashSet::new();
    for (index, variable) in container.list("env").enumerate() {
        let (name, value) = (variable.str("name"), variable.str("value"));
        if seen.insert(name) {
            continue;
        }
        // A variable may be given again to add to its earlier value.
        let reference = format!("$({name})");
        if variable.has("valueFrom") || value == reference || !value.contains(&reference) {
            warnings.push(format!(
                "{}: hides previous definition of {}, which may be dropped when using apply",
                env.index(index),
                quote(name)
            ));
        }
    }
}

/// A port of some container.
struct Port<'a> {
    path: String,
    port: View<'a>,
}

/// Warnings about the ports of all containers together.
pub(super) fn of_ports(spec: View<'_>, spec_path: &Path<'_>, warnings: &mut Vec<String>) {
    let ports: Vec<Port<'_>> = every(spec)
        .flat_map(|(list, index, container)| {
            let list = spec_path.child(list);
            container
                .list("ports")
                .enumerate()
                .map(|(place, port)| {
                    let at = list.index(index);
                    Port { path: at.child("ports").index(place).to_string(), port }
                })
                .collect::<Vec<_>>()
        })
        .collect();
    let mut same_number: HashMap<(i64, &str), Vec<&Port<'_>>> = HashMap::new();
    for one in &ports {
        let (path, port) = (&one.path, one.port);
        if !port.str("hostIP").is_empty() && port.int("hostPort") == 0 {
            warnings.push(format!("{path}: hostIP set without hostPort: {}", as_go_prints(port)));
        }
        let others = same_number.entry((port.int("containerPort"), port.str("protocol"))).or_default();
        warnings.extend(others.iter().filter_map(|other| clash(one, other)));
        others.push(one);
    }
    let mut names: HashMap<&str, &str> = HashMap::new();
    for Port { path, port } in ports.iter().filter(|one| !one.port.str("name").is_empty()) {
        let name = port.str("name");
        match names.get(name) {
            Some(other) => warnings.push(format!(
                "{path}: duplicate port name {} with {other}, services and probes that select ports by name will use \
                 {other}",
                quote(name)
            )),
            None => drop(names.insert(name, path)),
        }
    }
}

fn clash(one: &Port<'_>, other: &Port<'_>) -> Option<String> {
    let address = |one: &Port<'_>| (one.port.str("hostIP").to_owned(), one.port.int("hostPort"));
    let ((ip, port), (other_ip, other_port)) = (address(one), address(other));
    let what = if ip == other_ip && port == other_port {
        "duplicate"
    } else if port == 0 || other_port == 0 {
        "overlapping"
    } else if port == other_port && (ip.is_empty() != other_ip.is_empty()) {
        "dangerously ambiguous"
    } else {
        return None;
    };
    Some(format!("{}: {what} port definition with {}", one.path, other.path))
}

fn as_go_prints(port: View<'_>) -> String {
    format!(
        "{{Name:{} HostPort:{} ContainerPort:{} Protocol:{} HostIP:{}}}",
        port.str("name"),
        port.int("hostPort"),
        port.int("containerPort"),
        port.str("protocol"),
        port.str("hostIP")
    )
}
