//! What changed between two values of one type: how the owner of an update is found.

use super::element::{PathElement, same};
use super::place::{Form, Place};
use super::set::FieldSet;
use value::{Map, Value};

/// What changed; no path is in two of the sets.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) removed: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) added: FieldSet,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Removed,
    Modified,
    Added,
}

/// Compares an old value with a new one.
pub(super) fn compare(place: Place<'_>, old: &Value, new: &Value) -> Comparison {
    let mut out = Comparison::default();
    value(place, Some(old), Some(new), &mut out);
    out
}

impl Comparison {
    pub(super) fn map(&mut self, change: impl Fn(FieldSet) -> FieldSet) {
        for set in [&mut self.removed, &mut self.modified, &mut self.added] {
            *set = change(std::mem::take(set));
        }
    }

    fn set_of(&mut self, change: Change) -> &mut FieldSet {
        match change {
            Change::Removed => &mut self.removed,
            Change::Modified => &mut self.modified,
            Change::Added => &mut self.added,
        }
    }

    fn insert(&mut self, change: Change, element: PathElement) {
        self.set_of(change).file(element, true, FieldSet::new());
    }

    /// Compares what stands under one element and files the outcome there.
    fn descend(&mut self, place: Place<'_>, element: PathElement, old: Option<&Value>, new: Option<&Value>) {
        if let (None, Some(new)) = (old, new) {
            return self.added.file(element, true, whole(place, new));
        }
        let mut below = Comparison::default();
        let here = value(place, old, new, &mut below);
        let parts =
            [(Change::Added, below.added), (Change::Modified, below.modified), (Change::Removed, below.removed)];
        let mut parts = parts.into_iter().filter(|(change, set)| here == Some(*change) || !set.is_empty()).peekable();
        let mut element = Some(element);
        while let Some((change, set)) = parts.next() {
            // The last one takes the element, and nearly always there is but one.
            let name = if parts.peek().is_some() { element.clone() } else { element.take() };
            if let Some(name) = name {
                self.set_of(change).file(name, here == Some(change), set);
            }
        }
    }
}

/// All that stands in a value: what is new is new as a whole.
fn whole(place: Place<'_>, value: &Value) -> FieldSet {
    let form = place.form(Some(value));
    match (form, value) {
        (Form::List, Value::Array(items)) if !place.is_atomic(form) => whole_items(place, items),
        (Form::Map, Value::Object(map)) if !place.is_atomic(form) => {
            let mut set = FieldSet::with_room(map.len());
            for (name, value) in map {
                if let Some((below, _)) = place.field(name) {
                    set.push(PathElement::field(name), whole(below, value));
                }
            }
            set
        }
        _ => FieldSet::new(),
    }
}

/// Of items with the same name none is looked into.
fn whole_items(place: Place<'_>, items: &[Value]) -> FieldSet {
    let named = named(place, items);
    let mut set = FieldSet::with_room(named.len());
    for same in named.chunk_by(|(a, _), (b, _)| a == b) {
        if let Some((element, number)) = same.first() {
            let alone = items.get(*number).filter(|_| same.len() == 1);
            set.push(element.clone(), alone.map_or_else(FieldSet::new, |item| whole(place.item(), item)));
        }
    }
    set
}

/// Names and numbers of the items of a list, in the order of their names.
pub(super) fn named(place: Place<'_>, items: &[Value]) -> Vec<(PathElement, usize)> {
    let named = items.iter().enumerate().filter_map(|(number, item)| Some((place.element_of(item).ok()?, number)));
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

/// Files what changed below, and tells what happened to the place itself.
fn value(place: Place<'_>, old: Option<&Value>, new: Option<&Value>, out: &mut Comparison) -> Option<Change> {
    // Most of an object stays as it is.
    if old == new {
        return None;
    }
    let (old_form, new_form) = (place.form(old), place.form(new));
    match (old, new) {
        (None, None) => None,
        (_, None) => formed(place, old_form, old, new, out),
        (None, _) => formed(place, new_form, old, new, out),
        _ if old_form == new_form => formed(place, new_form, old, new, out),
        _ => {
            let first = formed(place, old_form, old, new, out);
            formed(place, new_form, old, new, out).or(first)
        }
    }
}

fn formed(
    place: Place<'_>,
    form: Form,
    old: Option<&Value>,
    new: Option<&Value>,
    out: &mut Comparison,
) -> Option<Change> {
    match form {
        Form::Scalar => return leaf(old, new),
        Form::List => {
            let items = |value: Option<&'_ Value>| value.and_then(Value::as_array).is_none_or(Vec::is_empty);
            if place.is_atomic(form) || (items(old) && items(new)) {
                return leaf(old, new);
            }
            compare_items(place, list(old), list(new), out);
        }
        Form::Map => {
            let (a, b) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
            if place.is_atomic(form) || (a.is_none_or(Map::is_empty) && b.is_none_or(Map::is_empty)) {
                return leaf(old, new);
            }
            compare_entries(place, a, b, out);
        }
    }
    match (old, new) {
        (None, _) => Some(Change::Added),
        (_, None) => Some(Change::Removed),
        _ => None,
    }
}

fn leaf(old: Option<&Value>, new: Option<&Value>) -> Option<Change> {
    match (old, new) {
        (None, _) => Some(Change::Added),
        (_, None) => Some(Change::Removed),
        (Some(old), Some(new)) => (!same(old, new)).then_some(Change::Modified),
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn compare_entries(place: Place<'_>, old: Option<&Map>, new: Option<&Map>, out: &mut Comparison) {
    for (name, old_value) in old.into_iter().flatten() {
        if let Some((below, _)) = place.field(name) {
            out.descend(below, PathElement::field(name), Some(old_value), new.and_then(|new| new.get(name)));
        }
    }
    for (name, new_value) in new.into_iter().flatten() {
        if old.is_some_and(|old| old.contains_key(name)) {
            continue;
        }
        if let Some((below, _)) = place.field(name) {
            out.descend(below, PathElement::field(name), None, Some(new_value));
        }
    }
}

/// Items with the same key are duplicates: they are compared as one, and owned without their fields.
fn compare_items(place: Place<'_>, old: &[Value], new: &[Value], out: &mut Comparison) {
    let (old_names, new_names) = (named(place, old), named(place, new));
    let (mut old_left, mut new_left) = (old_names.as_slice(), new_names.as_slice());
    loop {
        let element = match (old_left.first(), new_left.first()) {
            (Some((a, _)), Some((b, _))) => a.min(b),
            (Some((only, _)), None) | (None, Some((only, _))) => only,
            (None, None) => return,
        };
        let (mine, theirs) = (take(&mut old_left, element, old), take(&mut new_left, element, new));
        compare_same(place, element, &mine, &theirs, out);
    }
}

/// Takes the items of one name from the front.
fn take<'v>(left: &mut &[(PathElement, usize)], element: &PathElement, items: &'v [Value]) -> Vec<&'v Value> {
    let count = left.iter().take_while(|(name, _)| name == element).count();
    let (taken, rest) = left.split_at(count);
    *left = rest;
    taken.iter().filter_map(|(_, number)| items.get(*number)).collect()
}

/// Compares the items of one name.
fn compare_same(place: Place<'_>, element: &PathElement, old: &[&Value], new: &[&Value], out: &mut Comparison) {
    let element = element.clone();
    match (old, new) {
        ([] | [_], [] | [_]) => out.descend(place.item(), element, old.first().copied(), new.first().copied()),
        ([_, _, ..], [_, _, ..]) => {
            if old.len() != new.len() || !old.iter().zip(new).all(|(a, b)| same(a, b)) {
                out.insert(Change::Modified, element);
            }
        }
        ([_, _, ..], _) => {
            if let Some(new) = new.first() {
                out.descend(place.item(), element.clone(), None, Some(new));
            }
            out.insert(Change::Removed, element);
        }
        (_, [_, _, ..]) => {
            if let Some(old) = old.first() {
                out.descend(place.item(), element.clone(), Some(old), None);
            }
            out.insert(Change::Added, element);
        }
    }
}
