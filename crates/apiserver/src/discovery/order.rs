//! In which order groups, versions and resources are told; clients prefer what comes first.

use kinds::Resource;
use kinds::custom::compare_versions;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A group with its versions, each with its resources by name.
pub(super) struct Group<'a> {
    pub(super) name: &'a str,
    /// The preferred version first.
    pub(super) versions: Vec<(&'a str, Vec<&'a Resource>)>,
}

/// All groups, the core group first.
pub(super) fn groups(resources: &[Arc<Resource>]) -> Vec<Group<'_>> {
    let mut tree: BTreeMap<&str, BTreeMap<&str, Vec<&Resource>>> = BTreeMap::new();
    for resource in resources.iter().filter(|resource| is_told(resource)) {
        tree.entry(&resource.group).or_default().entry(&resource.version).or_default().push(resource);
    }
    let sorted = |(version, mut list): (_, Vec<_>)| {
        list.sort_by(|a: &&Resource, b| a.plural.cmp(&b.plural));
        (version, list)
    };
    let mut groups: Vec<Group<'_>> = tree
        .into_iter()
        .map(|(name, versions)| {
            let mut versions: Vec<_> = versions.into_iter().map(sorted).collect();
            versions.sort_by(|(a, _), (b, _)| compare_versions(a, b));
            Group { name, versions }
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(priority(group.name)));
    groups
}

/// Group and version of each document that there is, in the order of discovery; the core group's name is empty.
pub fn group_versions(resources: &[Arc<Resource>]) -> Vec<(String, String)> {
    let of = |group: Group<'_>| -> Vec<_> {
        group.versions.iter().map(|(version, _)| (group.name.to_owned(), (*version).to_owned())).collect()
    };
    groups(resources).into_iter().flat_map(of).collect()
}

/// Upstream's priority of each built-in group; groups of the same priority come by name.
pub fn priority(group: &str) -> u32 {
    match group {
        "" => 18000,
        "apiregistration.k8s.io" => 17900,
        "apps" => 17800,
        "events.k8s.io" => 17750,
        "authentication.k8s.io" => 17700,
        "authorization.k8s.io" => 17600,
        "autoscaling" => 17500,
        "batch" => 17400,
        "certificates.k8s.io" => 17300,
        "networking.k8s.io" => 17200,
        "policy" => 17100,
        "rbac.authorization.k8s.io" => 17000,
        "storage.k8s.io" => 16800,
        "admissionregistration.k8s.io" | "apiextensions.k8s.io" => 16700,
        "scheduling.k8s.io" => 16600,
        "coordination.k8s.io" => 16500,
        "node.k8s.io" => 16300,
        "discovery.k8s.io" => 16200,
        "flowcontrol.apiserver.k8s.io" => 16100,
        // Upstream's number is lower, but its answers have it before flow control.
        "resource.k8s.io" => 16150,
        _ => 1000,
    }
}

/// Custom resources are told when they are established, not while they are merely served.
fn is_told(resource: &Resource) -> bool {
    resource.custom.as_ref().is_none_or(|custom| custom.established)
}
