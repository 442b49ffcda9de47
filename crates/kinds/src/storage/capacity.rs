//! CSIStorageCapacity.

use crate::checks::{each, meta, meta_update, nonnegative_quantity};
use crate::columns::name_and_created;
use crate::core::pod::warnings::deprecated_node_label;
use crate::strategy::{Column, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{FIELD_IMMUTABLE, SelectorOptions, validate_label_selector};
use object::names::name_is_dns_subdomain;
use object::quantity::Quantity;
use object::{Value, View};

/// The rules of storage capacities.
pub(super) struct Capacity;

impl Strategy for Capacity {
    fn validate(&self, object: View<'_>) -> Errors {
        validate(object, SelectorOptions::default())
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let before = validate_label_selector(old.get("nodeTopology"), SelectorOptions::default(), &Path::root());
        let options = SelectorOptions { allow_invalid_values: !before.is_empty(), ..SelectorOptions::default() };
        let mut errors = validate(object, options);
        errors.extend(meta_update(object, old));
        let path = Path::new("nodeTopology");
        let (new, old_topology) = (object.get("nodeTopology"), old.get("nodeTopology"));
        if !new.same(old_topology) {
            errors.push(Error::invalid_shown(&path, show_selector(new), FIELD_IMMUTABLE));
        }
        let class = object.str("storageClassName");
        if class != old.str("storageClassName") {
            errors.push(Error::invalid(&Path::new("storageClassName"), class, FIELD_IMMUTABLE));
        }
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warnings(object.get("nodeTopology"))
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        warnings(object.get("nodeTopology"))
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> &'static [Column] {
        Column::NAME_AND_CREATED
    }

    fn row(&self, object: View<'_>, _now: i64) -> Vec<Value> {
        name_and_created(object)
    }
}

fn validate(object: View<'_>, options: SelectorOptions) -> Errors {
    let mut errors = meta(object, true, name_is_dns_subdomain);
    errors.extend(validate_label_selector(object.get("nodeTopology"), options, &Path::new("nodeTopology")));
    let class = object.str("storageClassName");
    errors.extend(each(name_is_dns_subdomain(class, false), class, &Path::new("storageClassName")));
    if object.has("capacity") {
        let capacity = Quantity::from_view(object.get("capacity"));
        errors.extend(nonnegative_quantity(&capacity, &Path::new("capacity")));
    }
    errors
}

/// A selector as Go writes it: its fields in their order.
fn show_selector(selector: View<'_>) -> String {
    if !selector.exists() {
        return "null".to_owned();
    }
    let mut parts = Vec::new();
    if !selector.get("matchLabels").is_empty() {
        parts.push(format!("\"matchLabels\":{}", selector.get("matchLabels").to_value()));
    }
    if !selector.get("matchExpressions").is_empty() {
        let shown: Vec<String> = selector.list("matchExpressions").map(show_requirement).collect();
        parts.push(format!("\"matchExpressions\":[{}]", shown.join(",")));
    }
    format!("{{{}}}", parts.join(","))
}

fn show_requirement(requirement: View<'_>) -> String {
    let (key, operator) = (Value::from(requirement.str("key")), Value::from(requirement.str("operator")));
    let values = match requirement.get("values").is_empty() {
        true => String::new(),
        false => format!(",\"values\":{}", requirement.get("values").to_value()),
    };
    format!("{{\"key\":{key},\"operator\":{operator}{values}}}")
}

fn warnings(selector: View<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    for (index, expression) in selector.list("matchExpressions").enumerate() {
        let key = expression.str("key");
        if let Some(message) = deprecated_node_label(key) {
            warnings.push(format!("nodeTopology.matchExpressions[{index}].key: {key} is {message}"));
        }
    }
    for (label, _) in selector.get("matchLabels").entries() {
        if let Some(message) = deprecated_node_label(label) {
            warnings.push(format!("nodeTopology.matchLabels.{label}: {message}"));
        }
    }
    warnings
}
