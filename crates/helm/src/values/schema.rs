//! values.schema.json: what values have to look like.

mod library;
mod told;

use std::fmt::Write as _;

use serde_json::Value;

use super::Values;
use crate::chart::Chart;
use crate::error::of_file;
use crate::json::with_integers;
use crate::repository::getters;
use library::{Fetch, Library, OWN};

/// Checks the values of a chart and its subcharts against their schemas.
///
/// # Errors
/// All findings, chart by chart.
pub fn validate(chart: &Chart, values: &Values, warn: Option<fn(&str)>) -> Result<(), String> {
    let mut findings = String::new();
    if let Some(schema) = &chart.schema
        && let Err(error) = validate_one(values, schema, warn)
    {
        let _ = write!(findings, "{}:\n{error}", chart.name());
    }
    for subchart in &chart.dependencies {
        match values.get(subchart.name()) {
            None | Some(value::Value::Null) => {}
            Some(value::Value::Object(inner)) => {
                if let Err(error) = validate(subchart, inner, warn) {
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

/// What nothing reachable refers to is not fetched, and accepts everything.
struct NoRetrieval;

impl jsonschema::Retrieve for NoRetrieval {
    fn retrieve(&self, _: &jsonschema::Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Value::Bool(true))
    }
}

/// Checks values against one schema. Documents that it refers to are fetched.
///
/// # Errors
/// All findings, one a line.
pub fn validate_one(values: &Values, schema: &[u8], warn: Option<fn(&str)>) -> Result<(), String> {
    validate_with(values, schema, &|address| fetched(address, warn))
}

fn validate_with(values: &Values, schema: &[u8], fetch: Fetch<'_>) -> Result<(), String> {
    let own: Value = serde_json::from_slice(schema).map_err(|error| no_json(schema, &error))?;
    let library = Library::of(&own, fetch)?;
    let leans = library.others().next().is_some();
    let schema = if leans { library.bundled() } else { own };
    let registry = library.absolute().try_fold(referencing::Registry::new(), |registry, (address, document)| {
        registry.add(address, referencing::Draft::default().create_resource(document))
    });
    let registry = registry.and_then(|registry| registry.retriever(NoRetrieval).prepare());
    let registry = registry.map_err(|error| error.to_string())?;
    let mut options = jsonschema::options().with_retriever(NoRetrieval);
    if leans {
        options = options.with_registry(&registry);
    }
    for format in told::FORMATS {
        options = options.with_format(format, move |text: &str| told::wrong_format(format, text).is_none());
    }
    let validator = options.build(&schema).map_err(|error| told::no_schema(OWN, &schema, &error))?;
    let values: Value = with_integers(value::Value::Object(values.clone())).into();
    if validator.is_valid(&values) {
        return Ok(());
    }
    let findings = told::told(&schema, &values);
    if findings.is_empty() {
        let one = |error: jsonschema::ValidationError<'_>| format!("- at '{}': {error}\n", error.instance_path());
        return Err(validator.iter_errors(&values).map(one).collect());
    }
    Err(findings)
}

/// A document that a schema refers to: from the web, or of this machine.
fn fetched(address: &str, warn: Option<fn(&str)>) -> Result<Value, String> {
    let data = match address.split(':').next().unwrap_or_default() {
        "http" | "https" => getters::document(address)?,
        "file" => {
            let path = address.trim_start_matches("file://");
            std::fs::read(path).map_err(|error| of_file(path, &error))?
        }
        "urn" => {
            if let Some(warn) = warn {
                let what = "unresolved URN reference ignored; using permissive schema";
                warn(&format!("level=WARN msg={what:?} urn={address}"));
            }
            return Ok(Value::Bool(true));
        }
        _ => return Err(format!("no URLLoader registered for {address:?}")),
    };
    serde_json::from_slice(&data).map_err(|error| no_json(&data, &error))
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
    use super::{validate_one, validate_with};
    use value::{Map, Value, json};

    #[track_caller]
    fn check(schema: &Value, values: &Value, want: &str) {
        let Value::Object(map) = values else { panic!("values are a map") };
        let found = validate_one(map, schema.to_string().as_bytes(), None).unwrap_err();
        assert_eq!(found, want, "{values}");
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
        let found = validate_one(&Map::new(), schema.to_string().as_bytes(), None).unwrap_err();
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
            let found = validate_one(&Map::new(), schema.to_string().as_bytes(), None).unwrap_err();
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
            assert_eq!(validate_one(&Map::new(), schema.as_bytes(), None), Err(want.to_owned()), "{schema}");
        }
    }

    #[test]
    fn schemas_lean_on_others() {
        let documents = json!({
            "https://h/s/port.json": {
                "type": "integer", "maximum": 10,
                "$defs": { "name": { "$anchor": "n", "type": "string", "minLength": 3 }, "inner": { "$ref": "#/$defs/name" } },
            },
            "https://h/s/outer.json": { "properties": { "port": { "$ref": "port.json" }, "n": { "$ref": "port.json#n" } } },
            "https://h/bad.json": { "type": "nonsense" },
            "file:///other.json": { "const": 5 },
        });
        let check = |schema: &Value, values: &Value, want: Result<(), &str>| {
            let fetch = |address: &str| {
                documents.get(address).cloned().map(Into::into).ok_or_else(|| "nobody is there".to_owned())
            };
            let Value::Object(map) = values else { panic!("values are a map") };
            let found = validate_with(map, schema.to_string().as_bytes(), &fetch);
            assert_eq!(found, want.map_err(str::to_owned), "{schema}");
        };
        let of = |reference: &str| json!({ "properties": { "p": { "$ref": reference } } });
        let port = of("https://h/s/port.json");
        check(&port, &json!({ "p": 5 }), Ok(()));
        check(&port, &json!({ "p": 50 }), Err("- at '/p': maximum: got 50, want 10\n"));
        let old = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "properties": { "p": { "$ref": "https://h/s/port.json" } } });
        check(&old, &json!({ "p": 50 }), Err("- at '/p': maximum: got 50, want 10\n"));
        for place in ["#/$defs/name", "#n", "#/$defs/inner"] {
            let short = of(&format!("https://h/s/port.json{place}"));
            check(&short, &json!({ "p": "ab" }), Err("- at '/p': minLength: got 2, want 3\n"));
        }
        let both = "- at '/p': validation failed\n  - at '/p/n': minLength: got 2, want 3\n  - at '/p/port': maximum: got 11, want 10\n";
        check(&of("https://h/s/outer.json"), &json!({ "p": { "n": "ab", "port": 11 } }), Err(both));
        let based = json!({ "$id": "https://h/s/base.json", "properties": { "p": { "$ref": "port.json" } } });
        check(&based, &json!({ "p": 50 }), Err("- at '/p': maximum: got 50, want 10\n"));
        check(&of("other.json"), &json!({ "p": 6 }), Err("- at '/p': value must be 5\n"));
        let language = of("http://json-schema.org/draft-07/schema#");
        let words = "- at '/p/minLength': 'allOf' failed\n  - at '/p/minLength': got string, want integer\n";
        check(&language, &json!({ "p": { "minLength": "x" } }), Err(words));

        let lost = "failing loading \"https://h/none.json\": nobody is there";
        check(&of("https://h/none.json"), &json!({}), Err(lost));
        check(&json!({ "$defs": { "x": { "$ref": "https://h/none.json" } } }), &json!({}), Ok(()));
        let nowhere = "json-pointer in \"https://h/s/port.json#/nope\" not found";
        check(&of("https://h/s/port.json#/nope"), &json!({}), Err(nowhere));
        let unnamed = "anchor in \"https://h/s/port.json#nope\" not found in schema \"https://h/s/port.json\"";
        check(&of("https://h/s/port.json#nope"), &json!({}), Err(unnamed));
        let bad = "\"https://h/bad.json#\" is not valid against metaschema: jsonschema validation failed with 'https://json-schema.org/draft/2020-12/schema#'\n- at '': 'allOf' failed\n  - at '/type': 'anyOf' failed\n    - at '/type': value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'\n    - at '/type': got string, want array";
        check(&of("https://h/bad.json"), &json!({}), Err(bad));
    }

    #[test]
    fn formats_count_where_the_language_says_so() {
        let schema = |language: &str| json!({ "$schema": language, "properties": { "e": { "format": "email" } } });
        let old = schema("http://json-schema.org/draft-07/schema#");
        check(&old, &json!({ "e": "nope" }), "- at '/e': 'nope' is not valid email: missing @\n");
        let new = schema("https://json-schema.org/draft/2020-12/schema").to_string();
        let Value::Object(values) = json!({ "e": "nope" }) else { unreachable!() };
        assert_eq!(validate_one(&values, new.as_bytes(), None), Ok(()));
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
