//! Lists whose items are told apart by keys.

use super::{Direction, Directive, Merger, Place, Source, take_directive};
use crate::error::Result;
use crate::node::{Content, Kind, Node};
use std::collections::HashSet;

/// The values of the merge keys of one item; empty where the item has none.
type Values = Vec<String>;

impl<'a> Merger<'a> {
    pub(super) fn list(
        &self,
        dest: Option<Node>,
        source: Source,
        keys: &[String],
        place: Place<'a>,
        depth: usize,
    ) -> Result<Option<Node>> {
        let (mut dest, mut source) = match pick_list(dest, source)? {
            Some(picked) => picked,
            None => return Ok(None),
        };
        let item_place = Place { ty: place.field.and_then(|field| field.ty), known: true, field: None };
        if matches!(source, Source::Nothing) && self.settle_distinct(&mut dest, keys, item_place, depth)? {
            return Ok(Some(dest));
        }
        let patch_items = match &mut source {
            Source::Patch(patch) => Some(patch.items().to_vec()),
            Source::Same | Source::Nothing => None,
        };
        let mut merge = ListMerge {
            merger: self,
            place: item_place,
            depth,
            own: matches!(source, Source::Same),
            dest: take_items(&mut dest),
            patch: patch_items,
        };
        dest.content = Content::Seq(if keys.is_empty() { merge.scalars() } else { merge.items(keys)? });
        Ok(Some(dest))
    }

    /// A list that the patch does not touch stays as it is if its items are well told apart; false if they are not.
    fn settle_distinct(&self, dest: &mut Node, keys: &[String], place: Place<'a>, depth: usize) -> Result<bool> {
        let mut seen = HashSet::new();
        let distinct = dest.items().iter().all(|item| {
            if keys.is_empty() {
                return seen.insert(vec![item.as_text().to_owned()]);
            }
            let values = values_of(item, keys);
            values.iter().all(|value| !value.is_empty()) && seen.insert(values)
        });
        if !distinct {
            return Ok(false);
        }
        if keys.is_empty() {
            return Ok(true);
        }
        for item in dest.items_mut() {
            let value = std::mem::replace(item, Node::map());
            match self.walk(Some(value), Source::Nothing, place, depth + 1)? {
                Some(settled) => *item = settled,
                None => return Ok(true),
            }
        }
        Ok(true)
    }
}

fn pick_list(dest: Option<Node>, source: Source) -> Result<Option<(Node, Source)>> {
    let Some(mut dest) = dest.filter(|dest| !dest.is_null()) else {
        return Ok(match source {
            Source::Patch(patch) => Some((patch, Source::Same)),
            Source::Nothing | Source::Same => None,
        });
    };
    match source {
        Source::Nothing => Ok(Some((dest, Source::Nothing))),
        Source::Patch(mut patch) => {
            if patch.is_null() {
                return Ok(None);
            }
            Ok(match take_directive(&mut patch)? {
                Directive::Delete => None,
                Directive::Replace => Some((patch, Source::Same)),
                Directive::Merge => Some((dest, Source::Patch(patch))),
            })
        }
        Source::Same => Ok(match take_directive(&mut dest)? {
            Directive::Delete => None,
            Directive::Replace | Directive::Merge => Some((dest, Source::Same)),
        }),
    }
}

fn take_items(node: &mut Node) -> Vec<Node> {
    match &mut node.content {
        Content::Seq(items) => std::mem::take(items),
        _ => Vec::new(),
    }
}

fn values_of(item: &Node, keys: &[String]) -> Values {
    let value = |key: &String| match item.get(key) {
        Some(value) if !value.is_nil_or_empty() => value.as_text().to_owned(),
        _ => String::new(),
    };
    keys.iter().map(value).collect()
}

/// One merge of two lists.
struct ListMerge<'m, 'a> {
    merger: &'m Merger<'a>,
    place: Place<'a>,
    depth: usize,
    /// The list is the patch's own and merged with itself.
    own: bool,
    dest: Vec<Node>,
    patch: Option<Vec<Node>>,
}

impl ListMerge<'_, '_> {
    /// Both lists, in the order in which their items are looked at.
    fn sources(&self) -> [Option<&[Node]>; 2] {
        let (dest, patch) = (Some(self.dest.as_slice()), self.patch.as_deref());
        match self.merger.direction {
            Direction::Prepend => [patch, dest],
            Direction::Append => [dest, patch],
        }
    }

    /// Scalars: each once.
    fn scalars(self) -> Vec<Node> {
        let mut seen = HashSet::new();
        let mut merged = Vec::new();
        for item in self.sources().into_iter().flatten().flatten() {
            if !item.as_text().is_empty() && seen.insert(item.as_text().to_owned()) {
                merged.push(item.clone());
            }
        }
        merged
    }

    fn items(&mut self, keys: &[String]) -> Result<Vec<Node>> {
        let mut list = Vec::new();
        let mut seen = HashSet::new();
        for item in self.sources().into_iter().flatten().flatten() {
            let values = values_of(item, keys);
            if seen.insert(values.clone()) {
                list.push(values);
            }
        }
        if keys.len() > 1 {
            unify(&mut list);
        }
        let mut merged: Vec<Node> = Vec::new();
        let mut last_keys = Vec::new();
        for values in &list {
            let (valid_keys, valid_values) = usable(&list, values, keys);
            self.one(&valid_keys, &valid_values, &mut merged)?;
            last_keys = valid_keys;
        }
        if list.is_empty() {
            return Ok(std::mem::take(&mut self.dest));
        }
        let dest = std::mem::take(&mut self.dest);
        match self.merger.direction {
            Direction::Prepend => put_together(merged, dest, &last_keys),
            Direction::Append => put_together(dest, merged, &last_keys),
        }
    }

    /// Merges the items with these values and adds the outcome to `merged`.
    fn one(&mut self, keys: &[String], values: &[String], merged: &mut Vec<Node>) -> Result<()> {
        let (find_keys, find_values) = usable(std::slice::from_ref(&values.to_vec()), values, keys);
        let find = |items: &[Node]| items.iter().position(|item| matches(item, &find_keys, &find_values));
        let at = find(&self.dest);
        let dest = at.map(|at| std::mem::replace(&mut self.dest[at], Node::map()));
        let source = match &self.patch {
            Some(patch) => find(patch).map_or(Source::Nothing, |at| Source::Patch(patch[at].clone())),
            None if self.own => Source::Same,
            None => Source::Nothing,
        };
        let outcome = match (dest, source) {
            (None, Source::Nothing | Source::Same) => None,
            // What a directive replaces is put back: the list still holds the old item.
            (dest, source) => {
                let kept = replaced_by(&source).then(|| dest.clone()).flatten();
                let outcome = self.merger.walk(dest, source, self.place, self.depth + 1)?;
                if let (Some(at), Some(outcome)) = (at, &outcome) {
                    self.dest[at] = kept.unwrap_or_else(|| outcome.clone());
                }
                outcome
            }
        };
        let Some(mut outcome) = outcome.filter(|node| !node.is_nil_or_empty()) else {
            return set_item(&mut self.dest, None, keys, values);
        };
        for (key, value) in keys.iter().zip(values) {
            if outcome.get(key).is_none() && !value.is_empty() {
                outcome.set(key, Node::scalar(value.as_str()))?;
                if let Some(at) = at {
                    self.dest[at].set(key, Node::scalar(value.as_str()))?;
                }
            }
        }
        set_item(merged, Some(outcome), keys, values)
    }
}

fn replaced_by(source: &Source) -> bool {
    matches!(source, Source::Patch(patch) if patch.has(super::DIRECTIVE, "replace"))
}

/// Fills gaps: two items that agree in one key and contradict each other in none are the same item.
fn unify(list: &mut [Values]) {
    for i in 0..list.len() {
        for j in 0..list.len() {
            if let Some(values) = agree(&list[i], &list[j]) {
                list[i].clone_from(&values);
                list[j] = values;
            }
        }
    }
}

fn agree(a: &Values, b: &Values) -> Option<Values> {
    let mut common = false;
    let mut unified = Vec::with_capacity(a.len());
    for (x, y) in a.iter().zip(b) {
        if x == y {
            common = true;
        } else if !x.is_empty() && !y.is_empty() {
            return None;
        }
        unified.push(if x.is_empty() { y.clone() } else { x.clone() });
    }
    common.then_some(unified)
}

/// The keys that any item of the list has, with their values.
fn usable(list: &[Values], values: &[String], keys: &[String]) -> (Vec<String>, Vec<String>) {
    let used = |at: usize| list.iter().any(|values| values.get(at).is_some_and(|value| !value.is_empty()));
    if !(0..keys.len()).any(used) {
        return (keys.to_vec(), values.to_vec());
    }
    let keep: Vec<usize> = (0..keys.len()).filter(|&at| used(at)).collect();
    (keep.iter().map(|&at| keys[at].clone()).collect(), keep.iter().map(|&at| values[at].clone()).collect())
}

/// True if the item has all the values.
fn matches(item: &Node, keys: &[String], values: &[String]) -> bool {
    item.kind() == Kind::Map
        && keys.iter().zip(values).all(|(key, value)| item.get(key).is_some_and(|node| node.as_text() == value))
}

/// Puts `element` in the place of the items that match, or behind the others; without one, takes them out. An empty
/// value matches whatever the item has under the key. Without any value nothing matches, and nothing is kept.
fn set_item(items: &mut Vec<Node>, element: Option<Node>, keys: &[String], values: &[String]) -> Result<()> {
    let is_map_setter =
        keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|v| !v.is_empty());
    let mut found = false;
    for item in std::mem::take(items) {
        if item.is_null() || (item.kind() == Kind::Map && item.entries().is_empty()) {
            continue;
        }
        if item.kind() != Kind::Map && is_map_setter {
            items.push(item);
            continue;
        }
        if values.is_empty() {
            continue;
        }
        item.expect(Kind::Map)?;
        let fits = keys
            .iter()
            .zip(values)
            .all(|(key, value)| item.get(key).is_some_and(|node| value.is_empty() || node.as_text() == value));
        if fits {
            found = true;
            items.extend(element.clone());
        } else {
            items.push(item);
        }
    }
    if !found {
        items.extend(element);
    }
    Ok(())
}

/// Adds `second` to `first`; items with the same keys take the place of those in `first`. An item without any key takes
/// the place of all.
fn put_together(first: Vec<Node>, second: Vec<Node>, keys: &[String]) -> Result<Vec<Node>> {
    let mut joined = first;
    for element in second {
        element.expect(Kind::Map)?;
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            match element.get(key) {
                Some(value) => values.push(value.as_text().to_owned()),
                None => joined.push(element.clone()),
            }
        }
        if keys.len() > 1 {
            set_item(&mut joined, None, keys, &values)?;
        }
        set_item(&mut joined, Some(element), keys, &values)?;
    }
    Ok(joined)
}
