//! Which requests a webhook or policy is about: its rules and selectors.

use crate::admission::{Attributes, Operation};
use crate::lookup::{Cluster, Stored};
use kinds::Resource;
use object::selector::labels::Selector;
use object::status::GroupResource;
use object::{Status, Value, View};

/// True if a rule is about the request, were its resource this one.
pub(in crate::admission) fn matches(rule: View<'_>, attributes: &Attributes<'_>, resource: &Resource) -> bool {
    let is_namespace = resource.group.is_empty() && resource.plural == "namespaces";
    let in_scope = match rule.str("scope") {
        "Namespaced" => !is_namespace && !attributes.namespace.is_empty(),
        "Cluster" => is_namespace || attributes.namespace.is_empty(),
        _ => true,
    };
    let names = |list: &str, wanted: &str| rule.strings(list).any(|item| item == "*" || item == wanted);
    in_scope
        && names("operations", operation(attributes.operation))
        && names("apiGroups", &resource.group)
        && names("apiVersions", &resource.version)
        && rule.strings("resources").any(|item| {
            let (plural, subresource) = item.split_once('/').unwrap_or((item, ""));
            (plural == "*" || plural == resource.plural)
                && (subresource == "*" || subresource == attributes.subresource)
        })
        && (rule.get("resourceNames").is_empty() || rule.strings("resourceNames").any(|name| name == attributes.name))
}

/// As requests name an operation.
pub(in crate::admission) fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "CREATE",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
        Operation::Connect => "CONNECT",
    }
}

/// Whether the request's namespace is selected.
///
/// # Errors
/// 404 if there is no such namespace.
pub(in crate::admission) fn namespace_matches(
    hook: View<'_>,
    attributes: &Attributes<'_>,
    object: &Value,
    cluster: &Stored,
) -> Result<bool, Status> {
    let is_namespace = attributes.resource.plural == "namespaces" && attributes.resource.group.is_empty();
    if attributes.namespace.is_empty() && !is_namespace {
        return Ok(true);
    }
    let selector = selector(hook.get("namespaceSelector"))?;
    if selector.is_everything() {
        return Ok(true);
    }
    let is_write = matches!(attributes.operation, Operation::Create | Operation::Update);
    if is_namespace && attributes.subresource.is_empty() && is_write {
        return Ok(selector.matches(&labels(View::from(object))));
    }
    let namespace = cluster.get("", "namespaces", "", attributes.namespace);
    let not_found = || Status::not_found(GroupResource { group: "", resource: "namespaces" }, attributes.namespace);
    let namespace = namespace.ok_or_else(not_found)?;
    Ok(selector.matches(&labels(View::from(&*namespace))))
}

/// Whether the object is selected, as it is or as it was. A scale has no labels, whatever it scales.
pub(in crate::admission) fn object_matches(
    hook: View<'_>,
    attributes: &Attributes<'_>,
    object: &Value,
    old: Option<View<'_>>,
) -> Result<bool, Status> {
    let selector = selector(hook.get("objectSelector"))?;
    if selector.is_everything() {
        return Ok(true);
    }
    let is_scale = attributes.subresource == "scale";
    let is_selected = |object: View<'_>| {
        let labels = if is_scale { Labels(View::ABSENT) } else { labels(object) };
        object.has("metadata") && selector.matches(&labels)
    };
    Ok(is_selected(View::from(object)) || old.is_some_and(is_selected))
}

fn selector(view: View<'_>) -> Result<Selector, Status> {
    if view.is_empty() {
        return Selector::parse("").map_err(Status::internal);
    }
    Selector::from_object(view).map_err(Status::internal)
}

fn labels(object: View<'_>) -> Labels<'_> {
    Labels(object.get("metadata").get("labels"))
}

struct Labels<'a>(View<'a>);

impl object::selector::labels::Labels for Labels<'_> {
    fn lookup(&self, key: &str) -> Option<&str> {
        self.0.opt_str(key)
    }
}
