//! values.schema.json: what values have to look like.

mod told;

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
    let schema: Value = serde_json::from_slice(schema).map_err(|error| no_json(schema, &error))?;
    let mut options = jsonschema::options().with_retriever(NoRetrieval);
    for format in told::FORMATS {
        options = options.with_format(format, move |text: &str| told::wrong_format(format, text).is_none());
    }
    let validator = options.build(&schema).map_err(|error| told::no_schema(&schema, &error))?;
    let values = with_integers(Value::Object(values.clone()));
    if validator.is_valid(&values) {
        return Ok(());
    }
    let mut findings = told::told(&schema, &values);
    if findings.is_empty() {
        let one = |error: jsonschema::ValidationError<'_>| format!("- at '{}': {error}\n", error.instance_path());
        findings = validator.iter_errors(&values).map(one).collect();
    }
    Err(format!("{findings}\n"))
}

/// What is wrong with a schema that is not even JSON.
fn no_json(schema: &[u8], error: &serde_json::Error) -> String {
    let text = String::from_utf8_lossy(schema);
    let told = gotemplate::from_json_text(&gotemplate::Str::from(&*text)).err();
    match told.as_deref() {
        Some("unexpected end of JSON input") if text.trim().is_empty() => "EOF".to_owned(),
        Some("unexpected end of JSON input") => "unexpected EOF".to_owned(),
        Some(told) if told.ends_with("after top-level value") => "invalid character after top-level value".to_owned(),
        Some(told) => told.to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::validate_one;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(schema: &Value, values: &Value, want: &str) {
        let Value::Object(map) = values else { panic!("values are a map") };
        let found = validate_one(map, schema.to_string().as_bytes()).unwrap_err();
        assert_eq!(found, format!("{want}\n"), "{values}");
    }

    #[test]
    fn keywords_that_look_into_values_tell_what_they_found() {
        let schema = json!({
            "properties": {
                "p": { "propertyNames": { "pattern": "^[a-z]+$", "maxLength": 2 } },
                "r": { "$ref": "#/$defs/q" },
                "a": { "allOf": [{ "type": "string" }, { "minLength": 3 }] },
                "c": { "contains": { "type": "string" } },
                "m": { "contains": { "type": "string" }, "minContains": 2 },
                "u": { "unevaluatedProperties": false },
                "e": { "enum": ["a"] },
                "port": { "maximum": 65535 },
                "f": { "minimum": 1_234_567.125, "multipleOf": 0.01 },
                "d": { "dependentRequired": { "a": ["b", "c"] } },
                "n": { "not": {} },
                "i": { "if": true, "then": { "type": "string", "minLength": 2 } },
                "t": { "type": "string", "enum": ["q"], "minLength": 10 },
                "it's": { "type": "string" },
            },
            "$defs": { "q": { "required": ["z", "y"], "properties": { "k": { "type": "string" } } } },
        });
        let cases = [
            (
                json!({ "p": { "ABC": 1, "ok": 2 } }),
                "- at '': invalid propertyName 'ABC'\n  - at '': maxLength: got 3, want 2\n  - at '': 'ABC' does not match pattern '^[a-z]+$'\n",
            ),
            (
                json!({ "r": { "k": 1 } }),
                "- at '/r': validation failed\n  - at '/r': missing properties 'z', 'y'\n  - at '/r/k': got number, want string\n",
            ),
            (json!({ "a": 1 }), "- at '/a': 'allOf' failed\n  - at '/a': got number, want string\n"),
            (
                json!({ "c": [1] }),
                "- at '/c': no items match contains schema\n  - at '/c/0': got number, want string\n",
            ),
            (
                json!({ "m": [1, "a"] }),
                "- at '/m': min 2 items required to match contains schema, but matched 1 items at 1\n  - at '/m/0': got number, want string\n",
            ),
            (json!({ "u": { "z": 1 } }), "- at '/u/z': false schema\n"),
            (json!({ "e": "b" }), "- at '/e': value must be 'a'\n"),
            (json!({ "port": 70000 }), "- at '/port': maximum: got 70,000, want 65,535\n"),
            (
                json!({ "f": 0.125 }),
                "- at '/f': minimum: got 0.125, want 1.234567125×10⁰⁶\n- at '/f': multipleOf: got 0.125, want 0.01\n",
            ),
            (json!({ "d": { "a": 1 } }), "- at '/d': properties 'b', 'c' required, if 'a' exists\n"),
            (json!({ "n": 1 }), "- at '/n': 'not' failed\n"),
            (json!({ "i": 5 }), "- at '/i': got number, want string\n"),
            (json!({ "t": "zz" }), "- at '/t': value must be 'q'\n"),
            (json!({ "it's": 1 }), "- at '/it\\'s': got number, want string\n"),
        ];
        for (values, want) in cases {
            check(&schema, &values, want);
        }
    }

    #[test]
    fn what_is_no_schema_is_told_of_with_its_place() {
        let schema = json!({ "properties": { "a": { "items": [{ "type": "string" }] } } });
        let found = validate_one(&serde_json::Map::new(), schema.to_string().as_bytes()).unwrap_err();
        let want = "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with 'https://json-schema.org/draft/2020-12/schema#'\n- at '': 'allOf' failed\n  - at '/properties/a': 'allOf' failed\n    - at '/properties/a/items': got array, want boolean or object";
        assert_eq!(found, want);
        let cases = [
            (
                json!({ "$schema": "http://json-schema.org/draft-07/schema#", "not": [], "maxLength": "5", "type": "strin" }),
                "http://json-schema.org/draft-07/schema#",
                "- at '/maxLength': got string, want integer\n- at '/not': got array, want boolean or object\n- at '/type': 'anyOf' failed\n  - at '/type': value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'\n  - at '/type': got string, want array",
            ),
            (
                json!({ "$schema": "https://json-schema.org/draft/2019-09/schema", "required": ["a", "a"], "pattern": "[" }),
                "https://json-schema.org/draft/2019-09/schema#",
                "- at '': 'allOf' failed\n  - at '': validation failed\n    - at '/pattern': '[' is not valid regex: error parsing regexp: missing closing ]: `[`\n    - at '/required': items at 0 and 1 are equal",
            ),
            (
                json!({ "$schema": "http://json-schema.org/draft-04/schema#", "not": { "minLength": -1, "dependencies": 5 } }),
                "http://json-schema.org/draft-04/schema#",
                "- at '/not': validation failed\n  - at '/not/dependencies': got number, want object\n  - at '/not/minLength': 'allOf' failed\n    - at '/not/minLength': minimum: got -1, want 0",
            ),
        ];
        for (schema, language, want) in cases {
            let found = validate_one(&serde_json::Map::new(), schema.to_string().as_bytes()).unwrap_err();
            let head =
                "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with";
            assert_eq!(found, format!("{head} '{language}'\n{want}"), "{schema}");
        }
    }

    #[test]
    fn what_is_no_json_is_told_of_in_gos_words() {
        let cases = [
            ("", "EOF"),
            ("{", "unexpected EOF"),
            ("{\"a\":}", "invalid character '}' looking for beginning of value"),
            ("{}x", "invalid character after top-level value"),
        ];
        for (schema, want) in cases {
            assert_eq!(validate_one(&serde_json::Map::new(), schema.as_bytes()), Err(want.to_owned()), "{schema}");
        }
    }

    #[test]
    fn formats_count_where_the_language_says_so() {
        let schema = |language: &str| json!({ "$schema": language, "properties": { "e": { "format": "email" } } });
        let old = schema("http://json-schema.org/draft-07/schema#");
        check(&old, &json!({ "e": "nope" }), "- at '/e': 'nope' is not valid email: missing @\n");
        let new = schema("https://json-schema.org/draft/2020-12/schema").to_string();
        let Value::Object(values) = json!({ "e": "nope" }) else { unreachable!() };
        assert_eq!(validate_one(&values, new.as_bytes()), Ok(()));
    }

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
            check(&schema, &values, want);
        }
    }
}
