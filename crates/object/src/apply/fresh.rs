//! Owners of a new object, straight from the object to their text.
//!
//! Says what `operation` says by comparing the object with an empty one, without making sets of fields in between; what
//! is unusual is left to that way, which also judges this one in debug builds.

use super::Filter;
use super::compare::named;
use super::element::same;
use super::operation::NEVER_OWNED_METADATA;
use super::place::{Form, Place};
use crate::json;
use value::{Map, Value};

/// Comparison in general has to answer.
pub(super) struct Unusual;

/// Room for the owners of an object of ordinary size, in bytes.
const ROOM: usize = 2048;

/// The `FieldsV1` text of what `new` has and `empty` has not; `None` if that is nothing.
pub(super) fn fields(
    place: Place<'_>,
    reset: Filter<'_>,
    empty: &Value,
    new: &Value,
) -> Result<Option<Vec<u8>>, Unusual> {
    let mut fields = Fields { out: Vec::with_capacity(ROOM) };
    let (Some(empty), Some(new)) = (empty.as_object(), new.as_object()) else { return Err(Unusual) };
    let wrote = fields.root(place, &top_level(reset)?, empty, new)?;
    Ok(wrote.then_some(fields.out))
}

/// The parts of an object whose owners are not kept.
fn top_level<'f>(reset: Filter<'f>) -> Result<Vec<&'f str>, Unusual> {
    match reset {
        Filter::Nothing => Ok(Vec::new()),
        Filter::Reset(paths) if paths.iter().all(|path| !path.contains('.')) => Ok(paths.to_vec()),
        Filter::Reset(_) | Filter::Only(_) => Err(Unusual),
    }
}

/// `FieldsV1` text under way. What writes the fields of a place says whether it wrote any.
struct Fields {
    out: Vec<u8>,
}

impl Fields {
    fn root(&mut self, place: Place<'_>, reset: &[&str], empty: &Map, new: &Map) -> Result<bool, Unusual> {
        let start = self.out.len();
        self.out.push(b'{');
        for (name, value) in new {
            if matches!(name.as_str(), "apiVersion" | "kind") || reset.contains(&name.as_str()) {
                continue;
            }
            let Some((below, _)) = place.field(name) else { continue };
            let before = empty.get(name);
            let key = self.key("f:", name);
            let wrote = match (name.as_str(), value, before) {
                ("metadata", Value::Object(metadata), None | Some(Value::Object(_))) => {
                    self.metadata(below, before.and_then(Value::as_object), metadata)?
                }
                ("metadata", ..) => return Err(Unusual),
                (_, _, None) => self.whole(below, value),
                (_, _, Some(before)) => self.changed(below, before, value)?,
            };
            self.keep(key, wrote);
        }
        Ok(self.close(start))
    }

    /// Metadata itself has no owner, nor has what the server alone writes.
    fn metadata(&mut self, place: Place<'_>, empty: Option<&Map>, new: &Map) -> Result<bool, Unusual> {
        let start = self.out.len();
        self.out.push(b'{');
        for (name, value) in new.iter().filter(|(name, _)| !NEVER_OWNED_METADATA.contains(&name.as_str())) {
            self.entry(place, empty, name, value)?;
        }
        Ok(self.close(start))
    }

    /// What differs between two values that are both there.
    fn changed(&mut self, place: Place<'_>, old: &Value, new: &Value) -> Result<bool, Unusual> {
        if old == new {
            return Ok(false);
        }
        let form = place.form(Some(new));
        if place.form(Some(old)) != form {
            return Err(Unusual);
        }
        if place.is_atomic(form) || (is_empty(form, old) && is_empty(form, new)) {
            self.out.extend_from_slice(b"{}");
            return Ok(!same(old, new));
        }
        let start = self.out.len();
        self.out.push(b'{');
        match (form, new) {
            (Form::List, Value::Array(items)) if is_empty(form, old) => self.items(place, items),
            (Form::Map, Value::Object(map)) => {
                for (name, value) in map {
                    self.entry(place, old.as_object(), name, value)?;
                }
            }
            _ => return Err(Unusual),
        }
        Ok(self.close(start))
    }

    fn entry(&mut self, place: Place<'_>, old: Option<&Map>, name: &str, value: &Value) -> Result<(), Unusual> {
        let Some((below, _)) = place.field(name) else { return Ok(()) };
        let key = self.key("f:", name);
        let wrote = match old.and_then(|old| old.get(name)) {
            Some(old) => self.changed(below, old, value)?,
            None => self.whole(below, value),
        };
        self.keep(key, wrote);
        Ok(())
    }

    /// All that stands in a value, and the place itself.
    fn whole(&mut self, place: Place<'_>, value: &Value) -> bool {
        const HERE: &[u8] = b"\".\":{}";
        self.out.push(b'{');
        let start = self.out.len();
        let form = place.form(Some(value));
        if !place.is_atomic(form) {
            self.out.extend_from_slice(HERE);
            match (form, value) {
                (Form::List, Value::Array(items)) => self.items(place, items),
                (Form::Map, Value::Object(map)) => {
                    for (name, value) in map {
                        if let Some((below, _)) = place.field(name) {
                            self.key("f:", name);
                            self.whole(below, value);
                        }
                    }
                }
                _ => {}
            }
            if self.out.len() == start + HERE.len() {
                self.out.truncate(start);
            }
        }
        self.out.push(b'}');
        true
    }

    /// The items of a list in the order of their texts. Of items with the same name none is looked into.
    fn items(&mut self, place: Place<'_>, items: &[Value]) {
        let named = named(place, items);
        let alone = named.chunk_by(|(a, _), (b, _)| a == b).filter_map(|same| {
            let (element, number) = same.first()?;
            Some((element.to_text(), items.get(*number).filter(|_| same.len() == 1)))
        });
        let mut texts: Vec<(String, Option<&Value>)> = alone.collect();
        texts.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (text, item) in texts {
            self.key("", &text);
            match item {
                Some(item) => drop(self.whole(place.item(), item)),
                None => self.out.extend_from_slice(b"{}"),
            }
        }
    }

    /// Begins an entry, and returns where.
    fn key(&mut self, prefix: &str, name: &str) -> usize {
        let start = self.out.len();
        self.out.extend_from_slice(if self.out.last() == Some(&b'{') { b"\"" } else { b",\"" });
        self.out.extend_from_slice(prefix.as_bytes());
        json::write_inside(&mut self.out, name);
        self.out.extend_from_slice(b"\":");
        start
    }

    /// Takes an entry back that was begun at `start` if there was nothing to write.
    fn keep(&mut self, start: usize, wrote: bool) {
        if !wrote {
            self.out.truncate(start);
        }
    }

    /// Ends a map that was begun at `start`; false if nothing is in it.
    fn close(&mut self, start: usize) -> bool {
        self.out.push(b'}');
        self.out.len() > start + 2
    }
}

/// No items, no entries; also what is no list or map where one belongs.
fn is_empty(form: Form, value: &Value) -> bool {
    match form {
        Form::List => value.as_array().is_none_or(Vec::is_empty),
        Form::Map => value.as_object().is_none_or(Map::is_empty),
        Form::Scalar => true,
    }
}
