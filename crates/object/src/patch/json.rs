//! JSON patch (RFC 6902), with the liberties that upstream's implementation takes: what stands before the first slash
//! of a path does not matter, indices may be negative, `replace` on a map adds, and `test` compares how values are written.

mod pointer;
#[cfg(test)]
mod tests;

use super::lazy::Lazy;
use super::{Rejected, of_text, reject};
use crate::json::{self, Node, RawEntry};
use pointer::Place;
use std::borrow::Cow;
use value::Value;

/// More operations than this are refused (413).
pub const MAX_OPERATIONS: usize = 10_000;
/// Most bytes that `copy` may add.
const COPY_MAX: usize = 3 * 1024 * 1024;

/// A list of operations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch<'t> {
    operations: Vec<Operation<'t>>,
    /// Fields that no operation has and those that are there twice: `unknown field "[0].extra"`.
    pub strict: Vec<String>,
}

/// One operation: its fields, as they are written.
#[derive(Clone, Debug, Default, PartialEq)]
struct Operation<'t>(Vec<RawEntry<'t>>);

impl<'t> Patch<'t> {
    /// Reads a patch. The message is worded as the one of Go's decoder.
    pub fn decode(text: &'t [u8]) -> Result<Patch<'t>, String> {
        let mut strict = Vec::new();
        let node = json::parse(text).map_err(|error| error.to_string())?;
        for (index, item) in items(node, "[]handlers.jsonPatchOp")?.into_iter().enumerate() {
            check(index, fields(item, "handlers.jsonPatchOp")?, &mut strict)?;
        }
        Ok(Patch { operations: operations(text), strict })
    }

    /// The same, without a look at the fields of operations: what is wrong there fails when it is applied.
    pub fn decode_unchecked(text: &'t [u8]) -> Result<Patch<'t>, String> {
        let node = json::parse(text).map_err(|error| error.to_string())?;
        for item in items(node, "jsonpatch.Patch")? {
            fields(item, "jsonpatch.Operation")?;
        }
        Ok(Patch { operations: operations(text), strict: Vec::new() })
    }

    /// Number of operations.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// True if there is no operation.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Applies all operations to the JSON of an object, which must be well-formed and as Go writes it; so is the result.
    pub fn apply(&self, object: &[u8]) -> Result<Vec<u8>, Rejected> {
        let (mut object, mut copied) = (Lazy::new(object), 0);
        object.look();
        for operation in &self.operations {
            operation.apply(&mut object, &mut copied)?;
        }
        Ok(object.to_text())
    }

    /// The same with a value.
    pub fn apply_to(&self, object: &Value) -> Result<Value, Rejected> {
        of_text(&self.apply(json::go_text(object).as_bytes())?)
    }
}

/// The operations of a text that is known to be a list of maps.
fn operations(text: &[u8]) -> Vec<Operation<'_>> {
    let items = json::raw_items(text).unwrap_or_default().into_iter();
    items.map(|item| Operation(json::raw_entries(item).unwrap_or_default())).collect()
}

fn items<'t>(patch: Node<'t>, list: &str) -> Result<Vec<Node<'t>>, String> {
    match patch {
        Node::Null => Ok(Vec::new()),
        Node::List(items) => Ok(items),
        other => Err(cannot(other.kind(), &format!("Go value of type {list}"))),
    }
}

fn fields<'t>(item: Node<'t>, operation: &str) -> Result<Vec<(Cow<'t, str>, Node<'t>)>, String> {
    match item {
        Node::Null => Ok(Vec::new()),
        Node::Map(fields) => Ok(fields),
        other => Err(cannot(other.kind(), &format!("Go value of type {operation}"))),
    }
}

/// Refuses fields of a wrong type, and tells of others that should not be there.
fn check(index: usize, fields: Vec<(Cow<'_, str>, Node<'_>)>, strict: &mut Vec<String>) -> Result<(), String> {
    let mut seen = Vec::new();
    for (name, value) in fields {
        let mut path = format!("[{index}].{name}");
        match &*name {
            "op" | "path" | "from" | "value" if seen.contains(&name) => json::tell(strict, "duplicate", &path),
            "op" | "path" | "from" | "value" => seen.push(name.clone()),
            _ => {
                json::tell(strict, "unknown", &path);
                continue;
            }
        }
        match value {
            value if name == "value" => {
                value.into_value_at(&mut path, strict).map_err(|number| {
                    cannot(&format!("number {number}"), "Go struct field jsonPatchOp.value of type float64")
                })?;
            }
            Node::String(_) | Node::Null => {}
            other => {
                let place = format!("Go struct field jsonPatchOp.{name} of type string");
                return Err(cannot(other.kind(), &place));
            }
        }
    }
    Ok(())
}

const MISSING_ADD: &str = "add operation does not apply: doc is missing path: \"{}\"";
const MISSING_REMOVE: &str = "remove operation does not apply: doc is missing path: \"{}\"";
const MISSING_REPLACE: &str = "replace operation does not apply: doc is missing path: {}";
const MISSING_FROM: &str = "operation does not apply: doc is missing from path: {}";
const MISSING_TO: &str = "operation does not apply: doc is missing destination path: {}";
const MISSING_TEST: &str = "test operation does not apply: is missing path: {}";

impl<'t> Operation<'t> {
    fn apply(&self, object: &mut Lazy<'t>, copied: &mut usize) -> Result<(), Rejected> {
        match &*self.text("op").unwrap_or_else(|| "unknown".into()) {
            "add" => {
                let path = self.path("add", "path")?;
                find(object, &path, 0, MISSING_ADD)?.add(self.value()).map_err(within("add", &path))
            }
            "remove" => {
                let path = self.path("remove", "path")?;
                find(object, &path, 0, MISSING_REMOVE)?.remove().map(drop).map_err(within("remove", &path))
            }
            "replace" => self.replace(object, &self.path("replace", "path")?),
            "move" => self.relocate(object),
            "copy" => self.copy(object, copied),
            "test" => self.test(object, &self.path("test", "path")?),
            other => reject(format!("Unexpected kind: {other}")),
        }
    }

    fn field(&self, name: &str) -> Option<&'t [u8]> {
        self.0.iter().rev().find(|(field, _)| field == name).map(|(_, text)| *text)
    }

    fn text(&self, name: &str) -> Option<Cow<'t, str>> {
        match json::parse(self.field(name)?) {
            Ok(Node::String(text)) => Some(text),
            _ => None,
        }
    }

    fn path(&self, kind: &str, name: &str) -> Result<Cow<'t, str>, Rejected> {
        match self.text(name) {
            Some(path) => Ok(path),
            None => reject(format!("{kind} operation failed to decode {name}: missing value")),
        }
    }

    fn value(&self) -> Lazy<'t> {
        self.field("value").map_or(Lazy::Null, Lazy::new)
    }

    fn replace(&self, object: &mut Lazy<'t>, path: &str) -> Result<(), Rejected> {
        let mut value = self.value();
        if path.is_empty() {
            value.look();
            if !matches!(value, Lazy::Map(..) | Lazy::List(..)) {
                return reject("replace operation value must be object or array".to_owned());
            }
            *object = value;
            return Ok(());
        }
        if find(object, path, 0, MISSING_REPLACE)?.replace(value) {
            return Ok(());
        }
        reject(format!("replace operation does not apply: doc is missing key: {path}: missing value"))
    }

    fn relocate(&self, object: &mut Lazy<'t>) -> Result<(), Rejected> {
        let from = self.path("move", "from")?;
        let place = find(object, &from, 0, &format!("move {MISSING_FROM}"))?;
        let moved = place.remove().map_err(|Rejected(why)| {
            let key = from.rsplit('/').next().unwrap_or(&from);
            Rejected(format!("error in move for path: '{key}': {why}"))
        })?;
        let path = self.path("move", "path")?;
        let place = find(object, &path, moved.height(), &format!("move {MISSING_TO}"))?;
        place.add(moved).map_err(within("move", &path))
    }

    fn copy(&self, object: &mut Lazy<'t>, copied: &mut usize) -> Result<(), Rejected> {
        let from = self.path("copy", "from")?;
        let place = find(object, &from, 0, &format!("copy {MISSING_FROM}"))?;
        let found = place.get().map_err(|Rejected(why)| Rejected(format!("error in copy for from: '{from}': {why}")));
        let value = found?.map_or(Lazy::Null, |value| value.copied());
        let path = self.path("copy", "path")?;
        let place = find(object, &path, 0, &format!("copy {MISSING_TO}"))?;
        *copied += value.length();
        if *copied > COPY_MAX {
            return reject(format!(
                "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit {COPY_MAX}"
            ));
        }
        let added = place.add(value);
        added.map_err(|Rejected(why)| Rejected(format!("error while adding value during copy: {why}")))
    }

    fn test(&self, object: &mut Lazy<'t>, path: &str) -> Result<(), Rejected> {
        let mut want = self.value();
        let holds = if path.is_empty() {
            object.equals(&mut want)
        } else {
            let found = find(object, path, 0, MISSING_TEST)?.get().map_err(within("test", path))?;
            found.unwrap_or(&mut Lazy::Null).equals(&mut want)
        };
        if holds { Ok(()) } else { reject(format!("testing value {path} failed: test failed")) }
    }
}

/// The place at `path`; `missing` says, with the path for `{}`, that what should hold it does not exist.
fn find<'a, 't>(object: &'a mut Lazy<'t>, path: &str, height: usize, missing: &str) -> Result<Place<'a, 't>, Rejected> {
    match Place::find(object, path, height)? {
        Some(place) => Ok(place),
        None => reject(format!("{}: missing value", missing.replace("{}", path))),
    }
}

/// Says in which operation, and where, something could not be done.
fn within(kind: &str, path: &str) -> impl Fn(Rejected) -> Rejected {
    move |Rejected(why)| Rejected(format!("error in {kind} for path: '{path}': {why}"))
}

fn cannot(kind: &str, into: &str) -> String {
    format!("json: cannot unmarshal {kind} into {into}")
}
