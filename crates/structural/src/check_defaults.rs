//! Holding default values against the schemas that they stand in, when a definition is written.

use crate::rules::Rules;
use crate::{Node, embedded, values};
use object::field::{Error, Errors, Path};
use object::{Value, json};

/// Validates all defaults of a schema, whose root is a whole object. Those below `additionalProperties` are refused
/// elsewhere.
pub fn validate_defaults(mut root: Node, path: &Path<'_>) -> Errors {
    root.embedded = true;
    let mut errors = Errors::new();
    Walk { resource: &root, steps: None }.node(&root, false, path, &mut errors);
    errors
}

/// How one comes from the object to the field.
#[derive(Clone, Copy)]
struct Steps<'a> {
    before: Option<&'a Steps<'a>>,
    /// `None` for an item of a list.
    name: Option<&'a str>,
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    /// The whole object, or embedded one, in which we are.
    resource: &'a Node,
    steps: Option<&'a Steps<'a>>,
}

impl Walk<'_> {
    fn node(self, node: &Node, in_meta: bool, path: &Path<'_>, errors: &mut Errors) {
        let (walk, in_meta) =
            if node.embedded { (Walk { resource: node, steps: None }, false) } else { (self, in_meta) };
        if let Some(default) = &node.default {
            let place = path.child("default");
            if in_meta {
                walk.in_meta(node, default, &place, errors);
            } else {
                of_value(node, default, &place, errors);
            }
        }
        if let Some(items) = &node.items {
            let steps = Steps { before: walk.steps, name: None };
            Walk { steps: Some(&steps), ..walk }.node(items, in_meta, &path.child("items"), errors);
        }
        let properties = path.child("properties");
        for (name, property) in &node.properties {
            let is_meta = node.embedded && matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
            let steps = Steps { before: walk.steps, name: Some(name) };
            let walk = Walk { steps: Some(&steps), ..walk };
            walk.node(property, in_meta || is_meta, &properties.key(name), errors);
        }
    }

    /// A default inside of metadata must make valid metadata.
    fn in_meta(self, node: &Node, default: &Value, place: &Path<'_>, errors: &mut Errors) {
        let mut object = self.surrounding(default.clone());
        let told = match embedded::coerce(self.resource, &mut object) {
            Err(error) => Some(error.to_string()),
            Ok(_) => joined(&embedded::validate(self.resource, &object)),
        };
        match told {
            Some(why) => {
                let why = format!("must result in valid metadata: {why}");
                errors.push(Error::invalid(place, default.clone(), why));
            }
            None => of_valid(node, default, place, errors),
        }
    }

    /// An object with the default at its place.
    fn surrounding(self, default: Value) -> Value {
        let mut value = default;
        let mut steps = self.steps;
        while let Some(step) = steps {
            value = match step.name {
                Some(name) => json!({name: value}),
                None => json!([value]),
            };
            steps = step.before;
        }
        if let Some(map) = value.as_object_mut() {
            for (name, text) in [("apiVersion", "validation/v1"), ("kind", "Validation")] {
                map.entry(name).or_insert_with(|| text.into());
            }
        }
        value
    }
}

fn of_value(node: &Node, default: &Value, place: &Path<'_>, errors: &mut Errors) {
    let mut pruned = default.clone();
    node.prune_value(&mut pruned, node.embedded);
    if pruned != *default {
        errors.push(Error::invalid(place, default.clone(), "must not have unknown fields"));
    }
    let mut coerced = default.clone();
    if let Err(error) = embedded::coerce_at(node, &mut coerced, place) {
        errors.push(*error);
        return;
    }
    let of_embedded = embedded::validate_at(node, &coerced, place);
    if !of_embedded.is_empty() {
        errors.extend(of_embedded);
        return;
    }
    of_valid(node, &coerced, place, errors);
}

/// Its schema, and the rules in CEL if that has nothing against it.
fn of_valid(node: &Node, default: &Value, place: &Path<'_>, errors: &mut Errors) {
    let faults = values::validate(node, default, place);
    if !faults.is_empty() {
        errors.extend(faults);
        return;
    }
    if let Some(rules) = Rules::compile_part(node, node.embedded) {
        errors.extend(rules.evaluate_default(default, place));
    }
}

/// Several failures as one text.
fn joined(errors: &Errors) -> Option<String> {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    match texts.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        _ => Some(format!("[{}]", texts.join(", "))),
    }
}
