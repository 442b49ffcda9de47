//! values.schema.json: what values have to look like.

use std::fmt::Write as _;

use serde_json::Value;

use super::Values;
use crate::chart::Chart;
use crate::json::with_integers;

/// Checks the values of a chart and its subcharts against their schemas.
///
/// # Errors
/// All findings, chart by chart.
pub fn validate(chart: &Chart, values: &Values) -> Result<(), String> {
    let mut findings = String::new();
    if let Some(schema) = &chart.schema
        && let Err(error) = validate_one(values, schema)
    {
        let _ = write!(findings, "{}:\n{error}", chart.name());
    }
    for subchart in &chart.dependencies {
        match values.get(subchart.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Object(inner)) => {
                if let Err(error) = validate(subchart, inner) {
                    findings.push_str(&error);
                }
            }
            Some(other) => {
                let ty = gotemplate::Value::from_json(other).type_name();
                let name = subchart.name();
                let _ = writeln!(findings, "{name}:\ninvalid type for values: expected object (map), got {ty}");
            }
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}

/// Nothing is fetched for a schema; what it refers to elsewhere accepts everything.
struct NoRetrieval;

impl jsonschema::Retrieve for NoRetrieval {
    fn retrieve(&self, _: &jsonschema::Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Value::Bool(true))
    }
}

/// Checks values against one schema.
///
/// # Errors
/// All findings, one a line.
pub fn validate_one(values: &Values, schema: &[u8]) -> Result<(), String> {
    let schema: Value = serde_json::from_slice(schema).map_err(|error| format!("{error}\n"))?;
    let validator =
        jsonschema::options().with_retriever(NoRetrieval).build(&schema).map_err(|error| format!("{error}\n"))?;
    let values = with_integers(Value::Object(values.clone()));
    let mut findings = String::new();
    for error in validator.iter_errors(&values) {
        let at = error.instance_path().to_string();
        let _ = writeln!(findings, "- at '{at}': {}", words(&error));
    }
    if findings.is_empty() { Ok(()) } else { Err(format!("{findings}\n")) }
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

/// The words of the library that Helm uses, for the usual findings.
fn words(error: &jsonschema::ValidationError<'_>) -> String {
    use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
    match error.kind() {
        Kind::Type { kind } => {
            let wanted: Vec<String> = match kind {
                TypeKind::Single(one) => vec![one.to_string()],
                TypeKind::Multiple(many) => many.iter().map(|one| one.to_string()).collect(),
            };
            format!("got {}, want {}", go_kind(error.instance()), wanted.join(" or "))
        }
        Kind::Required { property } => {
            format!("missing property '{}'", property.as_str().unwrap_or_default())
        }
        Kind::AdditionalProperties { unexpected } => {
            let names: Vec<String> = unexpected.iter().map(|name| format!("'{name}'")).collect();
            format!("additional properties {} not allowed", names.join(", "))
        }
        Kind::Enum { options } => {
            let options: Vec<String> = options.as_array().into_iter().flatten().map(quoted).collect();
            format!("value must be one of {}", options.join(", "))
        }
        Kind::Constant { expected_value } => format!("value must be {}", quoted(expected_value)),
        Kind::Minimum { limit } => format!("minimum: got {}, want {limit}", error.instance()),
        Kind::Maximum { limit } => format!("maximum: got {}, want {limit}", error.instance()),
        Kind::MinLength { limit } => format!("minLength: got {}, want {limit}", length(error.instance())),
        Kind::MaxLength { limit } => format!("maxLength: got {}, want {limit}", length(error.instance())),
        Kind::MinItems { limit } => format!("minItems: got {}, want {limit}", length(error.instance())),
        Kind::MaxItems { limit } => format!("maxItems: got {}, want {limit}", length(error.instance())),
        Kind::Pattern { pattern } => {
            let text = error.instance().as_str().unwrap_or_default();
            format!("'{text}' does not match pattern '{pattern}'")
        }
        _ => error.to_string(),
    }
}

fn quoted(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| format!("'{text}'"))
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    }
}
