//! `Table`: rows and columns for people, as the kind's strategy gives them.

use super::answer;
use super::call::Call;
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

/// A table of one object.
pub(crate) fn of_one(call: &Call, version: &str, object: Value) -> Result<Value, Status> {
    let include = Include::parse(call)?;
    Ok(with_row(call, version, include, object))
}

/// A table of one object, of which this much is included.
pub(crate) fn with_row(call: &Call, version: &str, include: Include, object: Value) -> Value {
    let metadata = match object["metadata"]["resourceVersion"].as_str() {
        Some(version) => json!({"resourceVersion": version}),
        None => json!({}),
    };
    json!({
        "kind": "Table", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": metadata,
        "columnDefinitions": columns(call), "rows": [row(call, version, include, object)],
    })
}

/// The column definitions of the call's resource.
pub(crate) fn columns(call: &Call) -> Value {
    let descriptions = call.core.docs.of(&call.resource);
    let columns = call.resource.columns().into_iter().zip(descriptions).map(|(column, description)| {
        json!({
            "name": column.name, "type": column.kind, "format": column.format,
            "description": description, "priority": column.priority,
        })
    });
    columns.collect()
}

/// One row.
pub(crate) fn row(call: &Call, version: &str, include: Include, object: Value) -> Value {
    let strategy = &call.resource.strategy;
    let cells = strategy.row(View::from(&object), call.core.now_seconds());
    let conditions = strategy.row_conditions(View::from(&object));
    let object = match include {
        Include::Nothing => Value::Null,
        Include::Metadata => answer::partial(version, object),
        Include::Object => object,
    };
    let mut row = json!({"cells": cells, "object": object});
    if !conditions.is_empty() {
        row["conditions"] = conditions.into();
    }
    row
}
