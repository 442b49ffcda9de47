//! Places in an object, named by a path such as `/spec/containers/0`.

use super::{Rejected, reject};
use crate::quote::quote;
use value::{Map, Value};

/// A place in a map or list; something may or may not stand there.
pub(super) enum Place<'a> {
    Key(&'a mut Map, String),
    Index(&'a mut Vec<Value>, String),
}

impl<'a> Place<'a> {
    /// The place that `path` names, if what holds it exists.
    pub(super) fn find(object: &'a mut Value, path: &str) -> Option<Place<'a>> {
        let (_, path) = path.split_once('/')?;
        let (parents, last) = path.rsplit_once('/').map_or((None, path), |(parents, last)| (Some(parents), last));
        let mut place = object;
        for part in parents.into_iter().flat_map(|parents| parents.split('/')) {
            let part = unescape(part);
            place = match place {
                Value::Object(map) => map.get_mut(&part)?,
                Value::Array(items) => {
                    let index = index_of(&part, items.len()).ok()?;
                    items.get_mut(index)?
                }
                _ => return None,
            };
        }
        match place {
            Value::Object(map) => Some(Place::Key(map, unescape(last))),
            Value::Array(items) => Some(Place::Index(items, unescape(last))),
            _ => None,
        }
    }

    pub(super) fn get(&self) -> Result<Option<&Value>, Rejected> {
        match self {
            Place::Key(map, key) => Ok(map.get(key)),
            Place::Index(items, index) => Ok(items.get(index_of(index, items.len())?)),
        }
    }

    /// Whether this value stands here; `null` stands where nothing stands.
    pub(super) fn holds(&self, want: &Value) -> Result<bool, Rejected> {
        Ok(self.get()?.unwrap_or(&Value::Null) == want)
    }

    pub(super) fn add(self, value: Value) -> Result<(), Rejected> {
        match self {
            Place::Key(map, key) => {
                map.insert(key, value);
            }
            Place::Index(items, index) if index == "-" => items.push(value),
            Place::Index(items, index) => {
                let place = index_of(&index, items.len() + 1);
                let place = place.map_err(|Rejected(why)| match index.parse::<i64>() {
                    Ok(_) => Rejected(why),
                    Err(_) => Rejected(format!("value was not a proper array index: '{index}': {why}")),
                })?;
                items.insert(place, value);
            }
        }
        Ok(())
    }

    pub(super) fn replace(self, value: Value) -> Result<(), Rejected> {
        match self {
            Place::Key(map, key) => {
                map.insert(key, value);
            }
            Place::Index(items, index) => {
                let index = index_of(&index, items.len())?;
                items[index] = value;
            }
        }
        Ok(())
    }

    pub(super) fn remove(self) -> Result<Value, Rejected> {
        match self {
            Place::Key(map, key) => match map.remove(&key) {
                Some(value) => Ok(value),
                None => reject(format!("Unable to remove nonexistent key: {key}: missing value")),
            },
            Place::Index(items, index) => {
                let index = index_of(&index, items.len())?;
                Ok(items.remove(index))
            }
        }
    }
}

/// An index below `length`; negative ones count from the end.
fn index_of(text: &str, length: usize) -> Result<usize, Rejected> {
    let Ok(index) = text.parse::<i64>() else {
        return reject(format!("strconv.Atoi: parsing {}: invalid syntax", quote(text)));
    };
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let place = if index < 0 { index.saturating_add(length) } else { index };
    match usize::try_from(place) {
        Ok(place) if index < length => Ok(place),
        _ => reject(format!("Unable to access invalid index: {index}: invalid index referenced")),
    }
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}
