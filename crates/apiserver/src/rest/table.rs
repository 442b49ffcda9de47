//! `Table`: rows and columns for people, as the kind's strategy gives them.

use super::answer;
use super::call::Call;
use super::shown::Shown;
use object::field::{Error, Path};
use object::{Status, Value, View, json};

/// What stands in a row beside its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    /// Nothing.
    Nothing,
    /// The object's metadata.
    Metadata,
    /// The whole object.
    Object,
}

impl Include {
    /// Reads the `includeObject` parameter.
    pub(crate) fn parse(call: &Call) -> Result<Include, Status> {
        match call.query.text("includeObject") {
            "" | "Metadata" => Ok(Include::Metadata),
            "Object" => Ok(Include::Object),
            "None" => Ok(Include::Nothing),
            other => {
                let why = "must be 'Metadata', 'Object', 'None', or empty";
                let error = Error::invalid(&Path::new("includeObject"), other, why);
                Err(Status::bad_request(format!("Unable to convert to Table as requested: {error}")))
            }
        }
    }
}

/// The type of scales.
const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";
/// Columns of a scale: name, type, and the field that is shown.
const SCALE_COLUMNS: [(&str, &str, &str); 4] = [
    ("Name", "string", "metadata.name"),
    ("Desired", "integer", "spec.replicas"),
    ("Available", "integer", "status.replicas"),
    ("Age", "string", "metadata.creationTimestamp"),
];

/// True if what is shown is not the object but its scale.
fn is_scale(call: &Call) -> bool {
    call.info.subresource == "scale"
}

/// The cells of a scale. Custom resources find them as they find their own, so a field that is left out is null.
fn scale_row(call: &Call, scale: View<'_>) -> Vec<Value> {
    let replicas = |part: &str| scale.get(part).int("replicas");
    let desired = match replicas("spec") {
        0 if call.resource.is_custom() => Value::Null,
        count => count.into(),
    };
    let age = kinds::columns::object_age(scale, call.core.now_seconds());
    vec![scale.get("metadata").str("name").into(), desired, replicas("status").into(), age]
}

/// The columns of a scale.
fn scale_columns(call: &Call) -> Value {
    let is_custom = call.resource.is_custom();
    let described = call.core.docs.of_fields(SCALE, &SCALE_COLUMNS.map(|(.., path)| path));
    let column = |((name, kind, _), described): (&(&str, &str, &str), String)| {
        let (kind, format, description) = match *name {
            "Name" if is_custom => ("string", "name", described),
            "Desired" if is_custom => ("integer", "", "Number of desired replicas".to_owned()),
            "Available" if is_custom => ("integer", "", "Number of actual replicas".to_owned()),
            "Age" if is_custom => ("date", "", described),
            _ => (*kind, "", described),
        };
        json!({"name": name, "type": kind, "format": format, "description": description, "priority": 0})
    };
    SCALE_COLUMNS.iter().zip(described).map(column).collect()
}

/// The JSON of a table of one object, of which this much is included.
pub(crate) fn with_row(call: &Call, version: &str, include: Include, object: &Shown<'_>) -> Vec<u8> {
    of_row(call, version, include, object, &columns(call))
}

/// The same without columns, for who knows them already.
pub(crate) fn with_row_alone(call: &Call, version: &str, include: Include, object: &Shown<'_>) -> Vec<u8> {
    of_row(call, version, include, object, &Value::Null)
}

fn of_row(call: &Call, version: &str, include: Include, object: &Shown<'_>, columns: &Value) -> Vec<u8> {
    let metadata = match object.view().get("metadata").opt_str("resourceVersion") {
        Some(version) => json!({"resourceVersion": version}),
        None => json!({}),
    };
    let mut table = head(version, &metadata, columns);
    write_row(&mut table, call, version, include, object);
    table.extend_from_slice(b"]}");
    table
}

/// The JSON of a table up to its rows, which `]}` ends.
pub(crate) fn open(call: &Call, version: &str, metadata: &Value) -> Vec<u8> {
    head(version, metadata, &columns(call))
}

fn head(version: &str, metadata: &Value, columns: &Value) -> Vec<u8> {
    format!(
        r#"{{"kind":"Table","apiVersion":"meta.k8s.io/{version}","metadata":{metadata},"columnDefinitions":{columns},"rows":["#
    )
    .into_bytes()
}

/// The column definitions of the call's resource.
fn columns(call: &Call) -> Value {
    if is_scale(call) {
        return scale_columns(call);
    }
    let descriptions = call.core.docs.of(&call.resource);
    let columns = call.resource.columns().into_iter().zip(descriptions).map(|(column, description)| {
        json!({
            "name": column.name, "type": column.kind, "format": column.format,
            "description": description, "priority": column.priority,
        })
    });
    columns.collect()
}

/// Writes the JSON of one row.
pub(crate) fn write_row(out: &mut Vec<u8>, call: &Call, version: &str, include: Include, object: &Shown<'_>) {
    let strategy = &call.resource.strategy;
    out.extend_from_slice(b"{\"cells\":");
    let (row, conditions) = match is_scale(call) {
        true => (scale_row(call, object.view()), Vec::new()),
        false => (strategy.row(object.view(), call.core.now_seconds()), strategy.row_conditions(object.view())),
    };
    write(out, &row);
    if !conditions.is_empty() {
        out.extend_from_slice(b",\"conditions\":");
        write(out, &conditions);
    }
    out.extend_from_slice(b",\"object\":");
    match include {
        Include::Nothing => out.extend_from_slice(b"null"),
        Include::Metadata => answer::write_partial(out, call, version, object),
        Include::Object => object.write(out),
    }
    out.push(b'}');
}

fn write(out: &mut Vec<u8>, values: &[Value]) {
    out.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write(out, value);
    }
    out.push(b']');
}
