//! Columns of a table, as a definition names them.

use crate::columns;
use jsonpath::Path;
use object::{Value, View, json};

/// A column that a definition names.
#[derive(Clone, Debug)]
pub struct OwnColumn {
    /// Heading.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub kind: String,
    /// See the definition.
    pub format: String,
    /// For people.
    pub description: String,
    /// 0 is always shown.
    pub priority: i64,
    path: Path,
}

/// Reads the columns of a version. If one cannot be read, there are none, as upstream has it; without any, there is the
/// age.
pub(super) fn parse(version: View<'_>) -> Vec<OwnColumn> {
    let listed = version.get("additionalPrinterColumns");
    if listed.is_empty() {
        let age = json!({
            "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp",
            "description": "@metadata.creationTimestamp",
        });
        return column(View::from(&age)).into_iter().collect();
    }
    let mut found = Vec::with_capacity(listed.len());
    for item in listed.items() {
        match column(item) {
            Some(column) => found.push(column),
            None => break,
        }
    }
    found
}

fn column(item: View<'_>) -> Option<OwnColumn> {
    let path = item.str("jsonPath");
    let description = match item.str("description") {
        "" => format!("Custom resource definition column (in JSONPath format): {path}"),
        text => text.to_owned(),
    };
    Some(OwnColumn {
        name: item.str("name").to_owned(),
        kind: item.str("type").to_owned(),
        format: item.str("format").to_owned(),
        description,
        priority: item.int("priority"),
        path: Path::parse(path).ok()?,
    })
}

/// The cells of a row behind the name.
pub(super) fn cells(columns: &[OwnColumn], object: &Value, now: i64) -> Vec<Value> {
    columns
        .iter()
        .map(|column| column.path.find(object).first().map_or(Value::Null, |value| cell(column, value, now)))
        .collect()
}

fn cell(column: &OwnColumn, value: &Value, now: i64) -> Value {
    match (column.kind.as_str(), value) {
        ("string", value) => jsonpath::show(value).into(),
        ("integer", Value::Number(number)) => match number.as_i64() {
            Some(whole) => whole.into(),
            #[expect(clippy::cast_possible_truncation, reason = "cut off as upstream does")]
            None => number.as_f64().map_or(Value::Null, |float| (float as i64).into()),
        },
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("date", Value::String(text)) => match text.as_str() {
            "" | "null" => "<unknown>".into(),
            text if object::time::parse_seconds(text).is_some() => columns::age(text, now).into(),
            _ => "<invalid>".into(),
        },
        _ => Value::Null,
    }
}
