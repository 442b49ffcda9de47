//! Formats of values that are known.

use object::View;

/// Formats in a definition's schemas that mean nothing. What all versions have in common counts once.
pub(super) fn unknown(definition: View<'_>) -> Vec<&str> {
    let versions = definition.at(&["spec", "versions"]);
    let mut schemas: Vec<View<'_>> =
        versions.items().map(|version| version.at(&["schema", "openAPIV3Schema"])).collect();
    if schemas.iter().all(|schema| schema.same(schemas[0])) {
        schemas.truncate(1);
    }
    let mut found = Vec::new();
    schemas.into_iter().for_each(|schema| collect(schema, &mut found));
    found
}

fn collect<'a>(schema: View<'a>, found: &mut Vec<&'a str>) {
    let format = schema.str("format");
    if !format.is_empty() && !structural::is_known_format(schema.str("type"), format) {
        found.push(format);
    }
    for name in ["items", "not", "additionalProperties"] {
        if schema.get(name).as_map().is_some() {
            collect(schema.get(name), found);
        }
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        schema.list(name).for_each(|part| collect(part, found));
    }
    schema.get("properties").entries().for_each(|(_, property)| collect(property, found));
}
