//! Where an object lies in the key space: `/GROUP/RESOURCE/NAMESPACE/NAME`, or `/GROUP/RESOURCE/NAME`.
//!
//! The core group is written `core`. Versions share keys, since they are one object.

use kinds::Resource;

/// The key of one object.
pub fn key(resource: &Resource, namespace: &str, name: &str) -> String {
    let mut key = prefix(resource, namespace);
    key.push_str(name);
    key
}

/// The key of an object of a resource that is known by name; `namespace` is empty for cluster-scoped ones.
pub(crate) fn key_of(group: &str, plural: &str, namespace: &str, name: &str) -> String {
    let mut key = prefix_of(group, plural, namespace);
    key.push_str(name);
    key
}

/// Like [`prefix`], of a resource that is known by name.
pub(crate) fn prefix_of(group: &str, plural: &str, namespace: &str) -> String {
    let group = if group.is_empty() { "core" } else { group };
    if namespace.is_empty() {
        ["/", group, "/", plural, "/"].concat()
    } else {
        ["/", group, "/", plural, "/", namespace, "/"].concat()
    }
}

/// What all keys of a group begin with.
pub(crate) fn prefix_of_group(group: &str) -> String {
    ["/", if group.is_empty() { "core" } else { group }, "/"].concat()
}

/// What all keys of a resource begin with; only those of one namespace if it is not empty.
pub fn prefix(resource: &Resource, namespace: &str) -> String {
    let (group, plural) = resource.stored_as();
    prefix_of(group, plural, if resource.is_namespaced() { namespace } else { "" })
}
