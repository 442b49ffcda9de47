//! Who owns what: the managers of one object, and `metadata.managedFields`.

use super::set::FieldSet;
use crate::quote::quote;
use crate::time;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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
        if self.owned.is_empty() {
            return None;
        }
        let mut entries: Vec<(&ManagerId, &Owned)> = self.owned.iter().collect();
        entries.sort_by_key(|(id, owned)| {
            (!owned.applied, self.seconds(id), &id.name, &owned.api_version, &id.subresource)
        });
        Some(entries.into_iter().map(|(id, owned)| self.encode_entry(id, owned)).collect())
    }

    fn encode_entry(&self, id: &ManagerId, owned: &Owned) -> Value {
        let operation = if owned.applied { "Apply" } else { "Update" };
        let time = self.times.get(id).map(String::as_str).unwrap_or_default();
        let mut entry = Map::new();
        for (key, value) in [
            ("manager", id.name.as_str()),
            ("operation", operation),
            ("apiVersion", owned.api_version.as_str()),
            ("time", time),
            ("fieldsType", "FieldsV1"),
            ("subresource", id.subresource.as_str()),
        ] {
            if !value.is_empty() {
                entry.insert(key.to_owned(), value.into());
            }
        }
        entry.insert("fieldsV1".to_owned(), owned.set.to_fields_v1());
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
