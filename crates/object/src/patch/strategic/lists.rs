//! Merging lists, and the order of what comes out.
//!
//! What the patch names stands in the patch's order, what only the server has in the server's; where both orders know
//! two neighbours, the server's decides.

use super::lookup::Known;
use super::{Error, PATCH, SET_ORDER, go_print, go_type, merge_maps, unknown_directive, without_directives};
use std::collections::{HashMap, HashSet};
use value::{Map, Value};

/// Merges a list of the patch into the object's.
pub(super) fn merge_lists(old: Vec<Value>, patch: Vec<Value>, field: &Known<'_>) -> Result<Vec<Value>, Error> {
    if old.is_empty() && patch.is_empty() {
        return Ok(old);
    }
    if !of_maps(&old, &patch)? {
        let merged = distinct(old.iter().chain(&patch).cloned().collect());
        return arrange(merged, &patch, &old, field.key);
    }
    if field.key.is_empty() {
        return Err(Error::Other(format!("cannot merge lists without merge key for {}", field.shape.kind())));
    }
    let (old, patch) = apply_item_directives(old, patch, field.key)?;
    let merged = merge_items(old.clone(), patch.clone(), field)?;
    arrange(merged, &patch, &old, field.key)
}

/// Merges and orders a list by a `$setElementOrder` directive; `None` if there is nothing to order.
pub(super) fn ordered_by_directive(
    old: Option<Vec<Value>>,
    patch: Option<Vec<Value>>,
    order: Vec<Value>,
    field: &Known<'_>,
) -> Result<Option<Vec<Value>>, Error> {
    check_order(patch.as_deref().unwrap_or_default(), &order, field.key)?;
    let merged = match (&old, &patch) {
        (None, None) => return Ok(None),
        (Some(old), None) => old.clone(),
        (None, Some(patch)) => patch.iter().cloned().filter_map(without_directives).collect(),
        (Some(old), Some(patch)) if field.merges => merge_lists(old.clone(), patch.clone(), field)?,
        (Some(_), Some(patch)) => patch.clone(),
    };
    let old = old.unwrap_or_default();
    if of_maps(&old, patch.as_deref().unwrap_or_default())? && field.key.is_empty() {
        // Nothing tells such items apart.
        let item = order.iter().chain(&old).chain(&merged).next().unwrap_or(&Value::Null);
        return Err(no_merge_key(item, field.key));
    }
    arrange(merged, &order, &old, field.key).map(Some)
}

/// `$patch` in items: `delete` takes matching items of the object away, `replace` all of them.
fn apply_item_directives(mut old: Vec<Value>, patch: Vec<Value>, key: &str) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let mut rest = Vec::new();
    let mut replace = false;
    let mut gone = HashSet::new();
    for item in patch {
        let Some(directive) = item.get(PATCH) else {
            rest.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                gone.insert(key_of(&item, key)?);
            }
            Some("replace") => replace = true,
            Some("merge") => {
                return Err(Error::Other("merging lists cannot yet be specified in the patch".to_owned()));
            }
            _ => return Err(unknown_directive(directive, item.as_object().unwrap_or(&Map::new()))),
        }
    }
    if replace {
        return Ok((rest, Vec::new()));
    }
    old.retain(|item| !item.get(key).is_some_and(|value| gone.contains(&value.to_string())));
    Ok((old, rest))
}

fn merge_items(mut old: Vec<Value>, patch: Vec<Value>, field: &Known<'_>) -> Result<Vec<Value>, Error> {
    let mut places: HashMap<String, usize> = HashMap::new();
    for (place, item) in old.iter().enumerate() {
        if let Some(value) = item.get(field.key) {
            places.entry(value.to_string()).or_insert(place);
        }
    }
    for item in patch {
        let key = key_of(&item, field.key)?;
        match places.get(&key) {
            Some(&place) => {
                if let (Value::Object(into), Value::Object(item)) = (old[place].take(), item) {
                    old[place] = Value::Object(merge_maps(into, item, field.shape)?);
                }
            }
            None => {
                places.insert(key, old.len());
                old.push(item);
            }
        }
    }
    Ok(old)
}

/// What `order` names, in its order, and the rest in the order of `server`, merged.
fn arrange(merged: Vec<Value>, order: &[Value], server: &[Value], key: &str) -> Result<Vec<Value>, Error> {
    let (order, server) = (places(order, key)?, places(server, key)?);
    let mut wanted = Vec::new();
    let mut others = Vec::new();
    for item in merged {
        let id = key_of(&item, key)?;
        match order.get(&id) {
            Some(&place) => wanted.push((place, server.get(&id).copied(), item)),
            None => others.push((server.get(&id).copied(), item)),
        }
    }
    wanted.sort_by_key(|(place, ..)| *place);
    others.sort_by_key(|(place, _)| *place);
    let mut wanted = wanted.into_iter().map(|(_, place, item)| (place, item)).peekable();
    let mut others = others.into_iter().peekable();
    let mut out = Vec::new();
    loop {
        let server_first = match (others.peek(), wanted.peek()) {
            (None, None) => return Ok(out),
            (Some((Some(left), _)), Some((Some(right), _))) => left < right,
            (Some(_), None) => true,
            _ => false,
        };
        let next = if server_first { others.next() } else { wanted.next() };
        out.extend(next.map(|(_, item)| item));
    }
}

/// The order of the patch's items must be the one that the directive tells.
fn check_order(patch: &[Value], order: &[Value], key: &str) -> Result<(), Error> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut rest = order.iter();
    for item in patch.iter().filter(|item| item.get(PATCH).is_none()) {
        let id = key_of(item, key)?;
        let found = loop {
            match rest.next() {
                Some(next) if key_of(next, key)? == id => break true,
                Some(_) => {}
                None => break false,
            }
        };
        if !found {
            let (patch, order) = (go_print(&patch.into()), go_print(&order.into()));
            return Err(Error::Other(format!(
                "The order in patch list:\n{patch}\n doesn't match {SET_ORDER} list:\n{order}\n"
            )));
        }
    }
    Ok(())
}

/// True if the lists hold maps, false if they hold scalars; all items must be of one type.
fn of_maps(old: &[Value], patch: &[Value]) -> Result<bool, Error> {
    let mut items = old.iter().chain(patch);
    let Some(first) = items.next() else {
        return Err(Error::Other("no elements in any of the given slices".to_owned()));
    };
    if first.is_array() {
        return Err(Error::Unfit("lists of lists are not supported"));
    }
    if first.is_null() || items.any(|item| go_type(item) != go_type(first)) {
        let lists = go_print(&Value::from(vec![Value::from(old), Value::from(patch)]));
        return Err(Error::Other(format!("list element types are not identical: {lists}")));
    }
    Ok(first.is_object())
}

/// Where each item first stands.
fn places(items: &[Value], key: &str) -> Result<HashMap<String, usize>, Error> {
    let mut places = HashMap::new();
    for (place, item) in items.iter().enumerate() {
        if !key.is_empty() && !item.is_object() {
            return Err(Error::Other(format!("value for key {place} is not a map")));
        }
        places.entry(key_of(item, key)?).or_insert(place);
    }
    Ok(places)
}

/// What tells an item apart, as JSON text.
fn key_of(item: &Value, key: &str) -> Result<String, Error> {
    match item {
        Value::Object(_) if !key.is_empty() => match item.get(key) {
            Some(value) => Ok(value.to_string()),
            None => Err(no_merge_key(item, key)),
        },
        other => Ok(other.to_string()),
    }
}

fn no_merge_key(item: &Value, key: &str) -> Error {
    Error::Other(format!("map: {} does not contain declared merge key: {key}", go_print(item)))
}

fn distinct(items: Vec<Value>) -> Vec<Value> {
    let mut seen = HashSet::new();
    items.into_iter().filter(|item| seen.insert(item.to_string())).collect()
}
