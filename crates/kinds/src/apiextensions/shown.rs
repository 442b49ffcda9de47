//! Versions and schemas as errors show them: with the names of upstream's internal form, every field written.

use super::definition::Common;
use object::{Value, View, json};

/// What a field of a schema holds, and so how it is written where it is not set.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    Flag,
    /// A value, a number or a text of which nothing is known without it.
    Something,
    Texts,
    Schema,
    Schemas,
    NamedSchemas,
    /// A schema, or a list of them.
    SchemaOrList,
    /// A schema, or whether there may be anything.
    SchemaOrFlag,
    /// By name a schema, or names.
    Dependencies,
    Documentation,
    Rules,
}

/// The fields of a schema in upstream's order: its name there, and ours.
const FIELDS: [(&str, &str, Holds); 43] = [
    ("ID", "id", Holds::Text),
    ("Schema", "$schema", Holds::Text),
    ("Ref", "$ref", Holds::Something),
    ("Description", "description", Holds::Text),
    ("Type", "type", Holds::Text),
    ("Nullable", "nullable", Holds::Flag),
    ("Format", "format", Holds::Text),
    ("Title", "title", Holds::Text),
    ("Default", "default", Holds::Something),
    ("Maximum", "maximum", Holds::Something),
    ("ExclusiveMaximum", "exclusiveMaximum", Holds::Flag),
    ("Minimum", "minimum", Holds::Something),
    ("ExclusiveMinimum", "exclusiveMinimum", Holds::Flag),
    ("MaxLength", "maxLength", Holds::Something),
    ("MinLength", "minLength", Holds::Something),
    ("Pattern", "pattern", Holds::Text),
    ("MaxItems", "maxItems", Holds::Something),
    ("MinItems", "minItems", Holds::Something),
    ("UniqueItems", "uniqueItems", Holds::Flag),
    ("MultipleOf", "multipleOf", Holds::Something),
    ("Enum", "enum", Holds::Something),
    ("MaxProperties", "maxProperties", Holds::Something),
    ("MinProperties", "minProperties", Holds::Something),
    ("Required", "required", Holds::Texts),
    ("Items", "items", Holds::SchemaOrList),
    ("AllOf", "allOf", Holds::Schemas),
    ("OneOf", "oneOf", Holds::Schemas),
    ("AnyOf", "anyOf", Holds::Schemas),
    ("Not", "not", Holds::Schema),
    ("Properties", "properties", Holds::NamedSchemas),
    ("AdditionalProperties", "additionalProperties", Holds::SchemaOrFlag),
    ("PatternProperties", "patternProperties", Holds::NamedSchemas),
    ("Dependencies", "dependencies", Holds::Dependencies),
    ("AdditionalItems", "additionalItems", Holds::SchemaOrFlag),
    ("Definitions", "definitions", Holds::NamedSchemas),
    ("ExternalDocs", "externalDocs", Holds::Documentation),
    ("Example", "example", Holds::Something),
    ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", Holds::Something),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource", Holds::Flag),
    ("XIntOrString", "x-kubernetes-int-or-string", Holds::Flag),
    ("XListMapKeys", "x-kubernetes-list-map-keys", Holds::Texts),
    ("XListType", "x-kubernetes-list-type", Holds::Something),
    ("XMapType", "x-kubernetes-map-type", Holds::Something),
];

/// A schema.
pub(super) fn schema(schema: View<'_>) -> String {
    let mut out = Vec::with_capacity(FIELDS.len() + 1);
    for (shown, name, holds) in FIELDS {
        out.push((shown, field(schema.get(name), holds)));
    }
    out.push(("XValidations", field(schema.get("x-kubernetes-validations"), Holds::Rules)));
    object(out)
}

fn field(value: View<'_>, holds: Holds) -> String {
    match holds {
        Holds::Text => text(value.as_str()),
        Holds::Flag => flag(value).unwrap_or(false).to_string(),
        _ if !value.exists() => "null".to_owned(),
        Holds::Something | Holds::Texts => value.to_value().to_string(),
        Holds::Schema => schema(value),
        Holds::Schemas => list(value, schema),
        Holds::NamedSchemas => named(value, schema),
        Holds::SchemaOrList if value.as_map().is_some() => either("Schema", schema(value), "JSONSchemas"),
        Holds::SchemaOrList => object(vec![("Schema", "null".to_owned()), ("JSONSchemas", list(value, schema))]),
        Holds::SchemaOrFlag => {
            let of = value.as_map().map_or_else(|| "null".to_owned(), |_| schema(value));
            // A schema allows what it describes.
            let allows = flag(value).unwrap_or(true).to_string();
            object(vec![("Allows", allows), ("Schema", of)])
        }
        Holds::Dependencies => named(value, |of| match of.as_map() {
            Some(_) => either("Schema", schema(of), "Property"),
            None => object(vec![("Schema", "null".to_owned()), ("Property", of.to_value().to_string())]),
        }),
        Holds::Documentation => {
            object(vec![("Description", text(value.str("description"))), ("URL", text(value.str("url")))])
        }
        Holds::Rules => list(value, rule),
    }
}

fn rule(rule: View<'_>) -> String {
    object(vec![
        ("Rule", text(rule.str("rule"))),
        ("Message", text(rule.str("message"))),
        ("MessageExpression", text(rule.str("messageExpression"))),
        ("Reason", rule.get("reason").to_value().to_string()),
        ("FieldPath", text(rule.str("fieldPath"))),
        ("OptionalOldSelf", rule.get("optionalOldSelf").to_value().to_string()),
    ])
}

/// A version; what is common to all is not in it.
pub(super) fn version(version: View<'_>, common: &Common) -> String {
    let part = |common: bool, name: &str, show: fn(View<'_>) -> String| match version.get(name) {
        part if !common && part.exists() => show(part),
        _ => "null".to_owned(),
    };
    object(vec![
        ("Name", text(version.str("name"))),
        ("Served", version.bool("served").to_string()),
        ("Storage", version.bool("storage").to_string()),
        ("Deprecated", version.bool("deprecated").to_string()),
        ("DeprecationWarning", version.get("deprecationWarning").to_value().to_string()),
        (
            "Schema",
            part(common.schema, "schema", |of| {
                object(vec![("OpenAPIV3Schema", field(of.get("openAPIV3Schema"), Holds::Schema))])
            }),
        ),
        ("Subresources", part(common.subresources, "subresources", subresources)),
        ("AdditionalPrinterColumns", part(common.columns, "additionalPrinterColumns", |of| list(of, column))),
        ("SelectableFields", part(common.selectable, "selectableFields", |of| list(of, selectable))),
    ])
}

fn subresources(of: View<'_>) -> String {
    let scale = of.get("scale");
    let shown = || {
        object(vec![
            ("SpecReplicasPath", text(scale.str("specReplicasPath"))),
            ("StatusReplicasPath", text(scale.str("statusReplicasPath"))),
            ("LabelSelectorPath", scale.get("labelSelectorPath").to_value().to_string()),
        ])
    };
    let status = of.get("status").to_value().to_string();
    object(vec![("Status", status), ("Scale", if scale.exists() { shown() } else { "null".to_owned() })])
}

fn column(column: View<'_>) -> String {
    object(vec![
        ("Name", text(column.str("name"))),
        ("Type", text(column.str("type"))),
        ("Format", text(column.str("format"))),
        ("Description", text(column.str("description"))),
        ("Priority", column.int("priority").to_string()),
        ("JSONPath", text(column.str("jsonPath"))),
    ])
}

fn selectable(field: View<'_>) -> String {
    object(vec![("JSONPath", text(field.str("jsonPath")))])
}

fn either(name: &'static str, shown: String, other: &'static str) -> String {
    object(vec![(name, shown), (other, "null".to_owned())])
}

fn flag(value: View<'_>) -> Option<bool> {
    value.value().and_then(Value::as_bool)
}

fn text(text: &str) -> String {
    json!(text).to_string()
}

fn list(items: View<'_>, show: fn(View<'_>) -> String) -> String {
    let shown: Vec<String> = items.items().map(show).collect();
    format!("[{}]", shown.join(","))
}

fn named(entries: View<'_>, show: fn(View<'_>) -> String) -> String {
    let shown: Vec<String> =
        entries.entries().map(|(name, of)| format!("{}:{}", Value::from(name), show(of))).collect();
    format!("{{{}}}", shown.join(","))
}

fn object(fields: Vec<(&'static str, String)>) -> String {
    let shown: Vec<String> = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", shown.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_written_under_its_internal_name() {
        let of = json!({"type": "array", "items": {"type": "string"}, "additionalProperties": false, "anyOf": []});
        let text = schema(View::from(&of));
        assert!(
            text.starts_with("{\"ID\":\"\",\"Schema\":\"\",\"Ref\":null,\"Description\":\"\",\"Type\":\"array\""),
            "{text}"
        );
        assert!(text.contains("\"Items\":{\"Schema\":{\"ID\":\"\""), "{text}");
        assert!(
            text.contains(",\"JSONSchemas\":null},\"AllOf\":null,\"OneOf\":null,\"AnyOf\":[],\"Not\":null"),
            "{text}"
        );
        assert!(text.contains("\"AdditionalProperties\":{\"Allows\":false,\"Schema\":null}"), "{text}");
        assert!(text.ends_with("\"XMapType\":null,\"XValidations\":null}"), "{text}");
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read.as_object().unwrap().len(), FIELDS.len() + 1);
    }
}
