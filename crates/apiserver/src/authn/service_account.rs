//! How service accounts are called as users.

use object::names;

const PREFIX: &str = "system:serviceaccount:";
/// All service accounts.
const ALL: &str = "system:serviceaccounts";

/// The user name of a service account.
pub fn username(namespace: &str, name: &str) -> String {
    format!("{PREFIX}{namespace}:{name}")
}

/// The groups of a service account.
pub fn groups(namespace: &str) -> Vec<String> {
    vec![ALL.to_owned(), format!("{ALL}:{namespace}")]
}

/// Namespace and name, if a user is a service account.
pub fn split(username: &str) -> Option<(&str, &str)> {
    let (namespace, name) = username.strip_prefix(PREFIX)?.split_once(':')?;
    let valid =
        names::name_is_dns_label(namespace, false).is_empty() && names::name_is_dns_subdomain(name, false).is_empty();
    valid.then_some((namespace, name))
}
