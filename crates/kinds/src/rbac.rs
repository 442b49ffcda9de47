//! The group `rbac.authorization.k8s.io`: roles and who has them. Whether someone may grant a right is decided where
//! requests are authorised.

use crate::change;
use crate::checks::{each, meta, meta_update};
use crate::columns::{name, name_and_created, object_age};
use crate::resource::{Resource, Scope};
use crate::strategy::{Column, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, has_invalid_label_value, validate_label_selector};
use object::names::{Messages, is_path_segment_name, name_is_dns_subdomain};
use object::selector::labels::Selector;
use object::{Value, View};

const GROUP: &str = "rbac.authorization.k8s.io";

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    use Scope::{Cluster, Namespaced};
    vec![
        Resource::new(GROUP, "v1", "ClusterRoleBinding", "clusterrolebindings", Cluster, Binding(Reach::Cluster)),
        Resource::new(GROUP, "v1", "ClusterRole", "clusterroles", Cluster, Rules(Reach::Cluster)),
        Resource::new(GROUP, "v1", "RoleBinding", "rolebindings", Namespaced, Binding(Reach::Namespace)),
        Resource::new(GROUP, "v1", "Role", "roles", Namespaced, Rules(Reach::Namespace)),
    ]
}

/// Where a role or binding counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Cluster,
    Namespace,
}

/// The rules of roles and cluster roles.
struct Rules(Reach);
/// The rules of role bindings and cluster role bindings.
struct Binding(Reach);

impl Strategy for Rules {
    fn validate(&self, object: View<'_>) -> Errors {
        self.check(object, false)
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let selectors = old.get("aggregationRule").list("clusterRoleSelectors");
        let mut errors = self.check(object, selectors.clone().any(has_invalid_label_value));
        errors.extend(meta_update(object, old));
        errors
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn columns(&self) -> &'static [Column] {
        Column::NAME_AND_CREATED
    }

    fn row(&self, object: View<'_>, _now: i64) -> Vec<Value> {
        name_and_created(object)
    }
}

impl Rules {
    fn check(&self, role: View<'_>, any_values: bool) -> Errors {
        let namespaced = self.0 == Reach::Namespace;
        let mut errors = meta(role, namespaced, rbac_name);
        let path = Path::new("rules");
        for (index, rule) in role.list("rules").enumerate() {
            errors.extend(validate_rule(rule, namespaced, &path.index(index)));
        }
        if !namespaced && role.has("aggregationRule") {
            errors.extend(validate_aggregation(role.get("aggregationRule"), any_values));
        }
        errors
    }
}

impl Strategy for Binding {
    fn defaults(&self, object: &mut Value) {
        change::set_default_text(change::map_at(object, "roleRef"), "apiGroup", GROUP);
        let subjects = object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten();
        for subject in subjects.filter_map(Value::as_object_mut) {
            if matches!(subject.get("kind").and_then(Value::as_str), Some("User" | "Group")) {
                change::set_default_text(subject, "apiGroup", GROUP);
            }
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let namespaced = self.0 == Reach::Namespace;
        let mut errors = meta(object, namespaced, rbac_name);
        errors.extend(validate_role_ref(object.get("roleRef"), namespaced));
        let path = Path::new("subjects");
        for (index, subject) in object.list("subjects").enumerate() {
            errors.extend(validate_subject(subject, namespaced, &path.index(index)));
        }
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = self.validate(object);
        errors.extend(meta_update(object, old));
        let (new, old) = (object.get("roleRef"), old.get("roleRef"));
        if ["apiGroup", "kind", "name"].iter().any(|field| new.str(field) != old.str(field)) {
            let text = |field: &str| Value::from(new.str(field));
            let shown =
                format!("{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}", text("apiGroup"), text("kind"), text("name"));
            errors.push(Error::invalid_shown(&Path::new("roleRef"), shown, "cannot change roleRef"));
        }
        errors
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn columns(&self) -> &'static [Column] {
        const CLUSTER: &[Column] = &[
            Column::NAME,
            Column::text("Role", "@roleRef!"),
            Column::AGE,
            Column::text("Users", "Users in the clusterRoleBinding").wide(),
            Column::text("Groups", "Groups in the clusterRoleBinding").wide(),
            Column::text("ServiceAccounts", "ServiceAccounts in the clusterRoleBinding").wide(),
        ];
        const NAMESPACE: &[Column] = &[
            Column::NAME,
            Column::text("Role", "@roleRef!"),
            Column::AGE,
            Column::text("Users", "Users in the roleBinding").wide(),
            Column::text("Groups", "Groups in the roleBinding").wide(),
            Column::text("ServiceAccounts", "ServiceAccounts in the roleBinding").wide(),
        ];
        match self.0 {
            Reach::Cluster => CLUSTER,
            Reach::Namespace => NAMESPACE,
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let role = object.get("roleRef");
        let of = |kind: &str, show: fn(View<'_>) -> String| {
            let subjects = object.list("subjects").filter(|subject| subject.str("kind") == kind);
            Value::from(subjects.map(show).collect::<Vec<_>>().join(", "))
        };
        vec![
            name(object),
            format!("{}/{}", role.str("kind"), role.str("name")).into(),
            object_age(object, now),
            of("User", |subject| subject.str("name").to_owned()),
            of("Group", |subject| subject.str("name").to_owned()),
            of("ServiceAccount", |subject| format!("{}/{}", subject.str("namespace"), subject.str("name"))),
        ]
    }
}

fn rbac_name(name: &str, _prefix: bool) -> Messages {
    is_path_segment_name(name)
}

/// Validates what a role permits.
fn validate_rule(rule: View<'_>, namespaced: bool, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let empty = |field: &str| rule.get(field).is_empty();
    if empty("verbs") {
        errors.push(Error::required(&path.child("verbs"), "verbs must contain at least one value"));
    }
    if !empty("nonResourceURLs") {
        let mut refuse = |why: &str| {
            errors.push(Error::invalid(&path.child("nonResourceURLs"), rule.get("nonResourceURLs").to_value(), why));
        };
        if namespaced {
            refuse("namespaced rules cannot apply to non-resource URLs");
        }
        if !empty("apiGroups") || !empty("resources") || !empty("resourceNames") {
            refuse("rules cannot apply to both regular resources and non-resource URLs");
        }
        return errors;
    }
    if empty("apiGroups") {
        errors.push(Error::required(&path.child("apiGroups"), "resource rules must supply at least one api group"));
    }
    if empty("resources") {
        errors.push(Error::required(&path.child("resources"), "resource rules must supply at least one resource"));
    }
    errors
}

fn validate_aggregation(rule: View<'_>, any_values: bool) -> Errors {
    let mut errors = Errors::new();
    let root = Path::new("aggregationRule");
    let path = root.child("clusterRoleSelectors");
    if rule.get("clusterRoleSelectors").is_empty() {
        let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.push(Error::required(&path, why));
    }
    let options = SelectorOptions { allow_invalid_values: any_values, ..SelectorOptions::default() };
    for (index, selector) in rule.list("clusterRoleSelectors").enumerate() {
        let path = path.index(index);
        errors.extend(validate_label_selector(selector, options, &path));
        if Selector::from_object(selector).is_err() {
            errors.push(Error::invalid(&path, Value::Null, "invalid label selector."));
        }
    }
    errors
}

fn validate_role_ref(role: View<'_>, namespaced: bool) -> Errors {
    let path = Path::new("roleRef");
    let mut errors = Errors::new();
    if role.str("apiGroup") != GROUP {
        errors.push(Error::not_supported(&path.child("apiGroup"), role.str("apiGroup"), &[GROUP]));
    }
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&role.str("kind")) {
        errors.push(Error::not_supported(&path.child("kind"), role.str("kind"), kinds));
    }
    match role.str("name") {
        "" => errors.push(Error::required(&path.child("name"), "")),
        name => errors.extend(each(is_path_segment_name(name), name, &path.child("name"))),
    }
    errors
}

fn validate_subject(subject: View<'_>, namespaced: bool, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let (name, group) = (subject.str("name"), subject.str("apiGroup"));
    if name.is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    }
    match subject.str("kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                errors.extend(each(name_is_dns_subdomain(name, false), name, &path.child("name")));
            }
            if !group.is_empty() {
                errors.push(Error::not_supported(&path.child("apiGroup"), group, &[""]));
            }
            if !namespaced && subject.str("namespace").is_empty() {
                errors.push(Error::required(&path.child("namespace"), ""));
            }
        }
        "User" | "Group" if group != GROUP => {
            errors.push(Error::not_supported(&path.child("apiGroup"), group, &[GROUP]));
        }
        "User" | "Group" => {}
        kind => errors.push(Error::not_supported(&path.child("kind"), kind, &["ServiceAccount", "User", "Group"])),
    }
    errors
}
