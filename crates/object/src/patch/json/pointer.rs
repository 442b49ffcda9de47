//! Places in an object, named by a path such as `/spec/containers/0`.

use super::super::lazy::{Entries, Items, Lazy};
use super::super::{Rejected, reject};
use crate::quote::quote;
use std::borrow::Cow;

/// A place in a map or list; something may or may not stand there.
pub(super) enum Place<'a, 't> {
    Key(&'a mut Entries<'t>, String),
    Index(&'a mut Items<'t>, String),
}

impl<'a, 't> Place<'a, 't> {
    /// The place that `path` names, if what holds it exists. `height` is that of what will be put there.
    pub(super) fn find(object: &'a mut Lazy<'t>, path: &str, height: usize) -> Result<Option<Place<'a, 't>>, Rejected> {
        let Some((_, path)) = path.split_once('/') else { return Ok(None) };
        let steps = path.matches('/').count();
        let mut holder = object;
        for (index, part) in path.split('/').enumerate() {
            holder.look();
            holder.holds(height + steps - index)?;
            let key = unescape(part);
            let place = match holder {
                Lazy::Map(entries, _) => Place::Key(entries, key),
                Lazy::List(items, _) => Place::Index(items, key),
                Lazy::Null | Lazy::Text(_) => return Ok(None),
            };
            if index == steps {
                return Ok(Some(place));
            }
            match place.into_value() {
                Some(value) => holder = value,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    fn into_value(self) -> Option<&'a mut Lazy<'t>> {
        match self {
            Place::Key(entries, key) => entries.get_mut(key.as_str()),
            Place::Index(items, index) => index_of(&index, items.len()).ok().and_then(|index| items.get_mut(index)),
        }
    }

    /// What stands there, if it can be asked for.
    pub(super) fn get(self) -> Result<Option<&'a mut Lazy<'t>>, Rejected> {
        match self {
            Place::Key(entries, key) => Ok(entries.get_mut(key.as_str())),
            Place::Index(items, index) => {
                let index = index_of(&index, items.len())?;
                Ok(items.get_mut(index))
            }
        }
    }

    pub(super) fn add(self, value: Lazy<'t>) -> Result<(), Rejected> {
        match self {
            Place::Key(entries, key) => {
                entries.insert(Cow::Owned(key), value);
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

    /// Puts a value in the place of another; false if an item is not there.
    pub(super) fn replace(self, value: Lazy<'t>) -> bool {
        match self {
            Place::Key(entries, key) => drop(entries.insert(Cow::Owned(key), value)),
            Place::Index(items, index) => match index_of(&index, items.len()) {
                Ok(index) => items[index] = value,
                Err(_) => return false,
            },
        }
        true
    }

    pub(super) fn remove(self) -> Result<Lazy<'t>, Rejected> {
        match self {
            Place::Key(entries, key) => match entries.remove(key.as_str()) {
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
