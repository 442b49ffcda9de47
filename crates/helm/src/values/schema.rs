//! values.schema.json: what values have to look like.

mod findings;

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
    let findings = findings::told(validator.iter_errors(&values));
    if findings.is_empty() { Ok(()) } else { Err(format!("{findings}\n")) }
}

#[cfg(test)]
mod tests {
    use super::validate_one;
    use serde_json::{Value, json};

    #[test]
    fn findings_are_told_in_helms_words() {
        let schema = json!({
            "type": "object", "required": ["a", "b"], "additionalProperties": false,
            "properties": {
                "a": { "type": "string", "maxLength": 2, "pattern": "^[a-z]+$" },
                "b": { "oneOf": [{ "type": "string" }, { "type": "integer" }] },
                "c": { "type": "array", "uniqueItems": true, "maxItems": 1 },
                "d": { "enum": ["x", 1, null] },
            },
        });
        let cases = [
            (json!({}), "- at '': missing properties 'a', 'b'\n"),
            (json!({ "a": "x" }), "- at '': missing property 'b'\n"),
            (
                json!({ "a": "ABC", "b": true, "z": 1 }),
                "- at '/a': validation failed\n  - at '/a': maxLength: got 3, want 2\n  - at '/a': 'ABC' does not match pattern '^[a-z]+$'\n- at '/b': 'oneOf' failed, none matched\n  - at '/b': got boolean, want string\n  - at '/b': got boolean, want integer\n- at '': additional properties 'z' not allowed\n",
            ),
            (
                json!({ "a": "x", "b": 1, "c": [1, 1] }),
                "- at '/c': maxItems: got 2, want 1\n- at '/c': items at 0 and 1 are equal\n",
            ),
            (json!({ "a": "x", "b": 1, "d": 2 }), "- at '/d': value must be one of 'x', 1, <nil>\n"),
        ];
        for (values, want) in cases {
            let Value::Object(map) = values.clone() else { panic!("values are a map") };
            let found = validate_one(&map, schema.to_string().as_bytes()).unwrap_err();
            assert_eq!(found, format!("{want}\n"), "{values}");
        }
    }
}
