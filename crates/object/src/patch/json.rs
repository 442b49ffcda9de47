//! JSON patch (RFC 6902), with the liberties that upstream's implementation takes: what stands before the first slash
//! of a path does not matter, indices may be negative, `replace` on a map adds, and `test` compares how values are written.

mod form;
mod pointer;

use super::{DEPTH_MAX, Rejected, is_deeper_than, json_kind};
use pointer::Place;
use value::{Map, Value};

/// More operations than this are refused (413).
pub const MAX_OPERATIONS: usize = 10_000;
/// Most bytes that `copy` may add.
const COPY_MAX: usize = 3 * 1024 * 1024;

/// A list of operations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    operations: Vec<Operation>,
    /// Fields that no operation has, as `[0].extra`.
    pub unknown_fields: Vec<String>,
}

/// One operation.
#[derive(Clone, Debug, Default, PartialEq)]
struct Operation {
    fields: Map,
    /// Its value is not written as Go would write it: a test does not hold then, since texts are compared.
    is_value_foreign: bool,
}

impl Patch {
    /// Reads a patch that was parsed as JSON. The message is worded as the one of Go's decoder.
    pub fn decode(patch: Value) -> Result<Patch, String> {
        let mut decoded = Patch::of(patch, "[]handlers.jsonPatchOp", "handlers.jsonPatchOp")?;
        for (index, operation) in decoded.operations.iter().enumerate() {
            for (name, value) in &operation.fields {
                match name.as_str() {
                    "op" | "path" | "from" if !value.is_string() && !value.is_null() => {
                        let place = format!("Go struct field jsonPatchOp.{name} of type string");
                        return Err(cannot(json_kind(value), &place));
                    }
                    "op" | "path" | "from" | "value" => {}
                    _ => decoded.unknown_fields.push(format!("[{index}].{name}")),
                }
            }
        }
        Ok(decoded)
    }

    /// The same, without a look at the fields of operations: what is wrong there fails when it is applied.
    pub fn decode_unchecked(patch: Value) -> Result<Patch, String> {
        Patch::of(patch, "jsonpatch.Patch", "jsonpatch.Operation")
    }

    fn of(patch: Value, list: &str, operation: &str) -> Result<Patch, String> {
        let items = match patch {
            Value::Null => Vec::new(),
            Value::Array(items) => items,
            other => return Err(cannot(json_kind(&other), &format!("Go value of type {list}"))),
        };
        let fields = items.into_iter().map(|item| match item {
            Value::Null => Ok(Map::new()),
            Value::Object(fields) => Ok(fields),
            other => Err(cannot(json_kind(&other), &format!("Go value of type {operation}"))),
        });
        let operations = fields.map(|fields| Ok(Operation { fields: fields?, is_value_foreign: false }));
        Ok(Patch { operations: operations.collect::<Result<_, String>>()?, unknown_fields: Vec::new() })
    }

    /// Notes how the values are written in the text that the patch was read from, for the tests.
    #[must_use]
    pub fn written_as(mut self, text: &[u8]) -> Patch {
        for (operation, is_foreign) in self.operations.iter_mut().zip(form::foreign_values(text)) {
            operation.is_value_foreign = is_foreign;
        }
        self
    }

    /// Number of operations.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// True if there is no operation.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The paths of all operations, each with whether something is taken from there.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&str, bool)> {
        self.operations.iter().flat_map(|operation| {
            [("from", true), ("path", false)]
                .into_iter()
                .filter_map(|(name, is_source)| Some((operation.fields.get(name)?.as_str()?, is_source)))
        })
    }

    /// Applies all operations to `object`.
    pub fn apply(&self, mut object: Value) -> Result<Value, Rejected> {
        let (mut copied, mut holds_foreign) = (0, false);
        for operation in &self.operations {
            apply_one(&mut object, &operation.fields, &mut copied)?;
            // What an operation brought in keeps its own form, and is compared with that.
            if operation.is_value_foreign && operation.is("test") && !holds_foreign {
                return reject(test_failed(operation.fields["path"].as_str().unwrap_or_default()));
            }
            holds_foreign |= operation.is_value_foreign && (operation.is("add") || operation.is("replace"));
        }
        if is_deeper_than(&object, DEPTH_MAX) {
            return reject(format!("the object would be nested deeper than {DEPTH_MAX} levels"));
        }
        Ok(object)
    }
}

impl Operation {
    fn is(&self, kind: &str) -> bool {
        self.fields.get("op").and_then(Value::as_str) == Some(kind)
    }
}

const MISSING_ADD: &str = "add operation does not apply: doc is missing path: \"{}\"";
const MISSING_REMOVE: &str = "remove operation does not apply: doc is missing path: \"{}\"";

fn apply_one(object: &mut Value, operation: &Map, copied: &mut usize) -> Result<(), Rejected> {
    let kind = operation.get("op").and_then(Value::as_str).unwrap_or("unknown");
    let text = |name: &str| match operation.get(name).and_then(Value::as_str) {
        Some(text) => Ok(text),
        None => reject(format!("{kind} operation failed to decode {name}: missing value")),
    };
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match kind {
        "add" => {
            let path = text("path")?;
            find(object, path, MISSING_ADD)?.add(value()).map_err(within("add", path))
        }
        "remove" => {
            let path = text("path")?;
            find(object, path, MISSING_REMOVE)?.remove().map(drop).map_err(within("remove", path))
        }
        "replace" if text("path")?.is_empty() => {
            let value = value();
            if !value.is_object() && !value.is_array() {
                return reject("replace operation value must be object or array".to_owned());
            }
            *object = value;
            Ok(())
        }
        "replace" => {
            let path = text("path")?;
            let place = find(object, path, "replace operation does not apply: doc is missing path: {}")?;
            match place.get() {
                Ok(_) => place.replace(value()),
                Err(_) => {
                    reject(format!("replace operation does not apply: doc is missing key: {path}: missing value"))
                }
            }
        }
        "test" => test(object, text("path")?, &value()),
        "move" => {
            let from = text("from")?;
            let place = find(object, from, "move operation does not apply: doc is missing from path: {}")?;
            let moved = place.remove().map_err(|Rejected(why)| {
                let key = from.rsplit('/').next().unwrap_or(from);
                Rejected(format!("error in move for path: '{key}': {why}"))
            })?;
            let path = text("path")?;
            let place = find(object, path, "move operation does not apply: doc is missing destination path: {}")?;
            place.add(moved).map_err(within("move", path))
        }
        "copy" => {
            let from = text("from")?;
            let place = find(object, from, "copy operation does not apply: doc is missing from path: {}")?;
            let found =
                place.get().map_err(|Rejected(why)| Rejected(format!("error in copy for from: '{from}': {why}")));
            let value = found?.cloned().unwrap_or(Value::Null);
            let path = text("path")?;
            let place = find(object, path, "copy operation does not apply: doc is missing destination path: {}")?;
            *copied += value.to_string().len();
            if *copied > COPY_MAX {
                return reject(format!(
                    "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit {COPY_MAX}"
                ));
            }
            let added = place.add(value);
            added.map_err(|Rejected(why)| Rejected(format!("error while adding value during copy: {why}")))
        }
        other => reject(format!("Unexpected kind: {other}")),
    }
}

fn test(object: &mut Value, path: &str, want: &Value) -> Result<(), Rejected> {
    let holds = if path.is_empty() {
        &*object == want
    } else {
        let place = find(object, path, "test operation does not apply: is missing path: {}")?;
        place.holds(want).map_err(within("test", path))?
    };
    if holds { Ok(()) } else { reject(test_failed(path)) }
}

fn test_failed(path: &str) -> String {
    format!("testing value {path} failed: test failed")
}

/// The place at `path`; `missing` says, with the path for `{}`, that what should hold it does not exist.
fn find<'a>(object: &'a mut Value, path: &str, missing: &str) -> Result<Place<'a>, Rejected> {
    match Place::find(object, path) {
        Some(place) => Ok(place),
        None => reject(format!("{}: missing value", missing.replace("{}", path))),
    }
}

/// Says in which operation, and where, something could not be done.
fn within(kind: &str, path: &str) -> impl Fn(Rejected) -> Rejected {
    move |Rejected(why)| Rejected(format!("error in {kind} for path: '{path}': {why}"))
}

fn reject<T>(why: String) -> Result<T, Rejected> {
    Err(Rejected(why))
}

fn cannot(kind: &str, into: &str) -> String {
    format!("json: cannot unmarshal {kind} into {into}")
}

#[cfg(test)]
mod tests;
