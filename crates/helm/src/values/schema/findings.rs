//! What is wrong with values, in the words and the order of the library that Helm uses: findings of one property stand
//! together, and alternatives list why each does not fit.

use std::collections::BTreeMap;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

/// A line, and the lines below it.
struct Finding {
    text: String,
    below: Vec<Finding>,
}

/// The findings of a value and of what is in it.
#[derive(Default)]
struct Place {
    path: String,
    missing: Vec<String>,
    own: Vec<Finding>,
    /// Of properties that may not be there, which are told last.
    additional: Vec<Finding>,
    inner: BTreeMap<String, Place>,
}

/// All findings, one a line.
pub(super) fn told<'a>(errors: impl Iterator<Item = ValidationError<'a>>) -> String {
    let mut root = Place::default();
    errors.for_each(|error| root.add(&error, 0));
    let mut lines = root.finish();
    if let [one] = lines.as_mut_slice()
        && one.text.ends_with(": validation failed")
    {
        lines = std::mem::take(&mut one.below);
    }
    let mut out = String::new();
    write(&lines, 0, &mut out);
    out
}

fn write(findings: &[Finding], depth: usize, out: &mut String) {
    for finding in findings {
        out.push_str(&format!("{}- {}\n", "  ".repeat(depth), finding.text));
        write(&finding.below, depth + 1, out);
    }
}

impl Place {
    /// Adds what is wrong within this place, whose path has so many parts.
    fn add(&mut self, error: &ValidationError<'_>, depth: usize) {
        let path = error.instance_path().to_string();
        let mut place = self;
        for (at, part) in path.split('/').enumerate().skip(depth + 1) {
            place = place.inner.entry(part.to_owned()).or_default();
            place.path = path.split('/').take(at + 1).collect::<Vec<_>>().join("/");
        }
        match error.kind() {
            Kind::Required { property } => place.missing.push(property.as_str().unwrap_or_default().to_owned()),
            Kind::AdditionalProperties { .. } => place.additional.push(finding(error)),
            _ => place.own.push(finding(error)),
        }
    }

    fn finish(self) -> Vec<Finding> {
        let mut all = self.own;
        if !self.missing.is_empty() {
            let names: Vec<String> = self.missing.iter().map(|name| format!("'{name}'")).collect();
            let what = if names.len() == 1 { "property" } else { "properties" };
            all.push(Finding {
                text: format!("at '{}': missing {what} {}", self.path, names.join(", ")),
                below: Vec::new(),
            });
        }
        for place in self.inner.into_values() {
            let path = place.path.clone();
            let mut below = place.finish();
            if below.len() == 1 {
                all.append(&mut below);
            } else {
                all.push(Finding { text: format!("at '{path}': validation failed"), below });
            }
        }
        all.extend(self.additional);
        all
    }
}

fn finding(error: &ValidationError<'_>) -> Finding {
    let below = match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => context
            .iter()
            .flat_map(|errors| {
                let mut place = Place { path: error.instance_path().to_string(), ..Place::default() };
                let depth = place.path.matches('/').count();
                errors.iter().for_each(|error| place.add(error, depth));
                let mut findings = place.finish();
                match findings.len() {
                    0 | 1 => findings,
                    _ => {
                        let text = format!("at '{}': validation failed", error.instance_path());
                        vec![Finding { text, below: std::mem::take(&mut findings) }]
                    }
                }
            })
            .collect(),
        _ => Vec::new(),
    };
    Finding { text: format!("at '{}': {}", error.instance_path(), words(error)), below }
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn words(error: &ValidationError<'_>) -> String {
    let value = error.instance();
    match error.kind() {
        Kind::Type { kind } => {
            let wanted: Vec<String> = match kind {
                TypeKind::Single(one) => vec![one.to_string()],
                TypeKind::Multiple(many) => many.iter().map(|one| one.to_string()).collect(),
            };
            format!("got {}, want {}", go_kind(value), wanted.join(" or "))
        }
        Kind::AdditionalProperties { unexpected } => {
            let names: Vec<String> = unexpected.iter().map(|name| format!("'{name}'")).collect();
            format!("additional properties {} not allowed", names.join(", "))
        }
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            if options.iter().any(|option| option.is_object() || option.is_array()) {
                return "'enum' failed".to_owned();
            }
            let options: Vec<String> = options.iter().map(quoted).collect();
            format!("value must be one of {}", options.join(", "))
        }
        Kind::Constant { expected_value } if expected_value.is_object() || expected_value.is_array() => {
            "'const' failed".to_owned()
        }
        Kind::Constant { expected_value } => format!("value must be {}", quoted(expected_value)),
        Kind::Minimum { limit } => format!("minimum: got {value}, want {limit}"),
        Kind::Maximum { limit } => format!("maximum: got {value}, want {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("exclusiveMinimum: got {value}, want {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("exclusiveMaximum: got {value}, want {limit}"),
        Kind::MultipleOf { multiple_of } => format!("multipleOf: got {value}, want {multiple_of}"),
        Kind::MinLength { limit } => format!("minLength: got {}, want {limit}", length(value)),
        Kind::MaxLength { limit } => format!("maxLength: got {}, want {limit}", length(value)),
        Kind::MinItems { limit } => format!("minItems: got {}, want {limit}", length(value)),
        Kind::MaxItems { limit } => format!("maxItems: got {}, want {limit}", length(value)),
        Kind::MinProperties { limit } => format!("minProperties: got {}, want {limit}", length(value)),
        Kind::MaxProperties { limit } => format!("maxProperties: got {}, want {limit}", length(value)),
        Kind::UniqueItems => equal_items(value),
        Kind::Pattern { pattern } => {
            format!("'{}' does not match pattern '{pattern}'", value.as_str().unwrap_or_default())
        }
        Kind::Format { format } => format!("{} is not valid {format}", quoted(value)),
        Kind::AnyOf { .. } => "'anyOf' failed".to_owned(),
        Kind::OneOfNotValid { .. } => "'oneOf' failed, none matched".to_owned(),
        Kind::OneOfMultipleValid { context } => {
            let fitting = context.iter().enumerate().filter(|(_, errors)| errors.is_empty());
            let fitting: Vec<String> = fitting.map(|(at, _)| at.to_string()).take(2).collect();
            format!("'oneOf' failed, subschemas {} matched", fitting.join(", "))
        }
        Kind::Not { .. } => "'not' failed".to_owned(),
        Kind::Contains => "no items match contains schema".to_owned(),
        Kind::FalseSchema => "false schema".to_owned(),
        _ => error.to_string(),
    }
}

fn equal_items(value: &Value) -> String {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        if let Some(first) = seen.insert(item.to_string(), at) {
            return format!("items at {first} and {at} are equal");
        }
    }
    "two items are equal".to_owned()
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{text}'"),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    }
}
