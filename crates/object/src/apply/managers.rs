//! Who owns what: the managers of one object, and `metadata.managedFields`.

use super::set::FieldSet;
use crate::json;
use crate::quote::quote;
use crate::time;
use std::collections::BTreeMap;
use value::{Map, Value};

/// Room for the text of the owners of most objects, in bytes.
const WRITTEN: usize = 2048;
/// The key of an entry's set.
const FIELDS: &str = "fieldsV1";

/// What tells one entry from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ManagerId {
    pub(super) name: String,
    pub(super) operation: Operation,
    /// Empty for [`Operation::Apply`]: an applier has one entry, whatever version it applies.
    pub(super) api_version: String,
    pub(super) subresource: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
    /// The update under way, until it is merged with earlier ones of the same manager.
    Current,
}

/// What one manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) set: FieldSet,
    pub(super) api_version: String,
    pub(super) applied: bool,
}

/// All managers of an object. Times outlive the entries they belong to.
#[derive(Clone, Debug, Default)]
pub(super) struct Managers {
    pub(super) owned: BTreeMap<ManagerId, Owned>,
    pub(super) times: BTreeMap<ManagerId, String>,
}

impl ManagerId {
    pub(super) fn new(name: &str, operation: Operation, api_version: &str, subresource: &str) -> ManagerId {
        let name = if name.is_empty() { "unknown" } else { name };
        ManagerId {
            name: name.to_owned(),
            operation,
            api_version: if operation == Operation::Apply { String::new() } else { api_version.to_owned() },
            subresource: subresource.to_owned(),
        }
    }

    /// As conflicts name it.
    pub(super) fn shown(&self) -> String {
        let mut text = quote(&self.name);
        if !self.subresource.is_empty() {
            text.push_str(&format!(" with subresource {}", quote(&self.subresource)));
        }
        if self.operation == Operation::Update {
            text.push_str(&format!(" using {}", self.api_version));
        }
        text
    }
}

impl Managers {
    /// Reads `metadata.managedFields`; what is absent or null is no managers.
    pub(super) fn decode(entries: Option<&Value>) -> Result<Managers, String> {
        let mut managers = Managers::default();
        let entries = entries.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (index, entry) in entries.iter().enumerate() {
            managers.decode_entry(index, entry)?;
        }
        Ok(managers)
    }

    fn decode_entry(&mut self, index: usize, entry: &Value) -> Result<(), String> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let operation = match text("operation") {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return Err("operation must be `Apply` or `Update`".to_owned()),
        };
        let api_version = text("apiVersion");
        if api_version.is_empty() {
            return Err("apiVersion must not be empty".to_owned());
        }
        match text("fieldsType") {
            "FieldsV1" => {}
            "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
            other => return Err(format!("invalid fieldsType {} in managed fields entry {index}", quote(other))),
        }
        let set = match entry.get("fieldsV1") {
            None | Some(Value::Null) => FieldSet::new(),
            Some(fields) => FieldSet::from_fields_v1(fields)
                .map_err(|why| format!("error decoding versioned set from {entry}: error decoding set: {why}"))?,
        };
        let id = ManagerId {
            name: text("manager").to_owned(),
            operation,
            api_version: if operation == Operation::Apply { String::new() } else { api_version.to_owned() },
            subresource: text("subresource").to_owned(),
        };
        match text("time") {
            "" => drop(self.times.remove(&id)),
            time => drop(self.times.insert(id.clone(), time.to_owned())),
        }
        let owned = Owned { set, api_version: api_version.to_owned(), applied: operation == Operation::Apply };
        self.owned.insert(id, owned);
        Ok(())
    }

    /// The entries as `metadata.managedFields` holds them, sorted; `None` if there are none.
    pub(super) fn encode(&self) -> Option<Value> {
        let entries = self.in_order();
        (!entries.is_empty()).then(|| entries.into_iter().map(|(id, owned)| self.encode_entry(id, owned)).collect())
    }

    /// The text of [`Managers::encode`].
    pub(super) fn write(&self) -> Option<Vec<u8>> {
        let entries = self.in_order();
        if entries.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(WRITTEN);
        out.push(b'[');
        for (index, (id, owned)) in entries.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let time = self.times.get(id).map(String::as_str).unwrap_or_default();
            let texts = texts(id, &owned.api_version, owned.applied, time);
            write_entry(&texts, &mut out, |out| owned.set.write_fields_v1(out));
        }
        out.push(b']');
        Some(out)
    }

    fn in_order(&self) -> Vec<(&ManagerId, &Owned)> {
        let mut entries: Vec<(&ManagerId, &Owned)> = self.owned.iter().collect();
        entries.sort_by_key(|(id, owned)| {
            (!owned.applied, self.seconds(id), &id.name, &owned.api_version, &id.subresource)
        });
        entries
    }

    fn encode_entry(&self, id: &ManagerId, owned: &Owned) -> Value {
        let time = self.times.get(id).map(String::as_str).unwrap_or_default();
        let texts =
            texts(id, &owned.api_version, owned.applied, time).into_iter().filter(|(_, value)| !value.is_empty());
        let mut entry: Map = texts.map(|(key, value)| (key.to_owned(), value.into())).collect();
        entry.insert(FIELDS.to_owned(), owned.set.to_fields_v1());
        Value::Object(entry)
    }

    /// Seconds since the epoch of an entry's time; 0 if it has none.
    pub(super) fn seconds(&self, id: &ManagerId) -> i64 {
        self.times.get(id).and_then(|time| time::parse_seconds(time)).unwrap_or_default()
    }

    /// Removes entries that own nothing.
    pub(super) fn drop_empty(&mut self) {
        self.owned.retain(|_, owned| !owned.set.is_empty());
    }

    /// Folds the oldest updates of a version into one entry until at most `max` updates are left.
    pub(super) fn cap_updates(&mut self, max: usize) {
        let mut updates: Vec<ManagerId> =
            self.owned.iter().filter(|(_, owned)| !owned.applied).map(|(id, _)| id.clone()).collect();
        if updates.len() <= max {
            return;
        }
        updates.sort_by_key(|id| (self.seconds(id), id.clone()));
        let mut left = updates.len();
        let mut first_of_version: BTreeMap<String, ManagerId> = BTreeMap::new();
        for id in updates {
            if left <= max {
                break;
            }
            let version = self.owned[&id].api_version.clone();
            let Some(first) = first_of_version.get(&version) else {
                first_of_version.insert(version, id);
                continue;
            };
            let bucket = ManagerId::new("ancient-changes", Operation::Update, &version, "");
            if !self.owned.contains_key(&bucket)
                && let Some(owned) = self.owned.remove(first)
            {
                self.owned.insert(bucket.clone(), owned);
            }
            if id != bucket
                && let (Some(owned), Some(into)) = (self.owned.remove(&id), self.owned.get_mut(&bucket))
            {
                into.set.extend(owned.set);
            }
            left -= 1;
            match self.times.get(&id).cloned() {
                Some(time) => drop(self.times.insert(bucket, time)),
                None => drop(self.times.remove(&bucket)),
            }
        }
    }
}

/// The text of [`Managers::write`] for one update, whose fields are text already.
pub(super) fn write_update(id: &ManagerId, api_version: &str, time: &str, fields: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(WRITTEN.max(fields.len() + 256));
    out.push(b'[');
    write_entry(&texts(id, api_version, false, time), &mut out, |out| out.extend_from_slice(fields));
    out.push(b']');
    out
}

fn write_entry(texts: &[(&str, &str); 6], out: &mut Vec<u8>, write_fields: impl FnOnce(&mut Vec<u8>)) {
    let (before, after) = texts.split_at(texts.partition_point(|(key, _)| *key < FIELDS));
    out.push(b'{');
    write_texts(before, out);
    json::write_text(out, FIELDS);
    out.push(b':');
    write_fields(out);
    out.push(b',');
    write_texts(after, out);
    // There are some before and after: the version, and the operation.
    out.pop();
    out.push(b'}');
}

/// The texts of an entry by their keys, in order; empty ones are left out.
fn texts<'a>(id: &'a ManagerId, api_version: &'a str, applied: bool, time: &'a str) -> [(&'static str, &'a str); 6] {
    [
        ("apiVersion", api_version),
        ("fieldsType", "FieldsV1"),
        ("manager", &id.name),
        ("operation", if applied { "Apply" } else { "Update" }),
        ("subresource", &id.subresource),
        ("time", time),
    ]
}

/// Each text that is not empty, with its key and a comma behind it.
fn write_texts(texts: &[(&str, &str)], out: &mut Vec<u8>) {
    for (key, value) in texts.iter().filter(|(_, value)| !value.is_empty()) {
        json::write_text(out, key);
        out.push(b':');
        json::write_text(out, value);
        out.push(b',');
    }
}
