//! The two operations on owners: an update takes what it changed, an apply claims what it names.

use super::Filter;
use super::compare::{Comparison, compare};
use super::fields::{field_set, with_named_fields};
use super::managers::{ManagerId, Managers, Owned};
use super::merge::merge;
use super::place::Place;
use super::reconcile::reconcile;
use super::remove::remove;
use super::set::FieldSet;
use super::versions::{ConvertError, Versions};
use crate::apply::element::{PathElement, same};
use std::borrow::Cow;
use std::collections::BTreeMap;
use value::Value;

/// What an operation works with.
pub(super) struct Operands<'a> {
    pub(super) versions: &'a dyn Versions,
    /// The version of the request.
    pub(super) version: &'a str,
    pub(super) reset: Filter<'a>,
}

/// Why an operation fails.
#[derive(Debug)]
pub(super) enum Failure {
    /// Others own what would change: (owner, path), owners in order.
    Conflicts(Vec<(ManagerId, Vec<PathElement>)>),
    /// Anything else.
    Other(String),
}

impl Operands<'_> {
    /// Hands to `who` what differs between the two objects.
    pub(super) fn update(
        &self,
        old: &Value,
        new: &Value,
        managers: &mut Managers,
        who: &ManagerId,
    ) -> Result<(), Failure> {
        self.reconcile(managers);
        let changed = self.take(old, new, managers, who, true)?;
        let had = managers.owned.remove(who).map(|owned| owned.set).unwrap_or_default();
        let set = had.difference(&changed.removed).union(changed.modified).union(changed.added);
        let set = self.reset.apply(set);
        managers.owned.insert(who.clone(), Owned { set, api_version: self.version.to_owned(), applied: false });
        managers.drop_empty();
        Ok(())
    }

    /// Merges a configuration; the object is `None` if nothing changed.
    pub(super) fn apply(
        &self,
        live: &Value,
        config: &Value,
        managers: &mut Managers,
        who: &ManagerId,
        force: bool,
    ) -> Result<Option<Value>, Failure> {
        self.reconcile(managers);
        let place = self.place(self.version).map_err(Failure::from)?;
        let merged = merge(place, Some(live), Some(config)).unwrap_or(Value::Null);
        let last = managers.owned.get(who).cloned();
        let set = self.reset.apply(field_set(place, config));
        managers.owned.insert(who.clone(), Owned { set, api_version: self.version.to_owned(), applied: true });
        let merged = match last {
            Some(last) if !last.set.is_empty() => self.prune(merged, managers, &last)?,
            _ => merged,
        };
        self.take(live, &merged, managers, who, force)?;
        Ok((!same(live, &merged)).then_some(merged))
    }

    fn place(&self, version: &str) -> Result<Place<'_>, ConvertError> {
        let (schema, ty) = self.versions.schema_of(version).ok_or(ConvertError::NoSuchVersion)?;
        Ok(Place::root(schema, ty))
    }

    fn convert<'v>(&self, object: &'v Value, from: &str, to: &str) -> Result<Cow<'v, Value>, ConvertError> {
        if from == to {
            return Ok(Cow::Borrowed(object));
        }
        self.place(to)?;
        self.versions.convert(object, from, to).map(Cow::Owned)
    }

    fn reconcile(&self, managers: &mut Managers) {
        managers.owned.retain(|_, owned| match self.place(&owned.api_version) {
            Ok(place) => {
                if let Some(set) = reconcile(&owned.set, place) {
                    owned.set = set;
                }
                true
            }
            Err(_) => false,
        });
    }

    /// Compares the objects in every version that a manager uses and takes from all others what changed. What is
    /// returned is the comparison in the request's version.
    fn take(
        &self,
        old: &Value,
        new: &Value,
        managers: &mut Managers,
        who: &ManagerId,
        force: bool,
    ) -> Result<Comparison, Failure> {
        let mut comparisons = BTreeMap::from([(self.version.to_owned(), self.compare_in(old, new, self.version)?)]);
        let mut conflicts: BTreeMap<ManagerId, FieldSet> = BTreeMap::new();
        let mut gone = Vec::new();
        for (id, owned) in &managers.owned {
            if id == who {
                continue;
            }
            if !comparisons.contains_key(&owned.api_version) {
                match self.compare_in(old, new, &owned.api_version) {
                    Ok(comparison) => drop(comparisons.insert(owned.api_version.clone(), comparison)),
                    Err(ConvertError::NoSuchVersion) => {
                        gone.push(id.clone());
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            let changed = &comparisons[&owned.api_version];
            let mut conflict = owned.set.intersection(&changed.modified);
            conflict.extend(owned.set.intersection(&changed.added));
            if !conflict.is_empty() {
                conflicts.insert(id.clone(), conflict);
            }
        }
        if !force && !conflicts.is_empty() {
            let paths = |(id, set): (ManagerId, FieldSet)| set.paths().into_iter().map(move |path| (id.clone(), path));
            return Err(Failure::Conflicts(conflicts.into_iter().flat_map(paths).collect()));
        }
        gone.iter().for_each(|id| drop(managers.owned.remove(id)));
        for (id, owned) in managers.owned.iter_mut().filter(|(id, _)| *id != who) {
            if let Some(conflict) = conflicts.get(id) {
                owned.set.subtract(conflict);
            }
            owned.set.subtract(&comparisons[&owned.api_version].removed);
        }
        managers.drop_empty();
        Ok(comparisons.remove(self.version).unwrap_or_default())
    }

    fn compare_in(&self, old: &Value, new: &Value, version: &str) -> Result<Comparison, ConvertError> {
        let old = self.convert(old, self.version, version)?;
        let new = self.convert(new, self.version, version)?;
        let mut comparison = compare(self.place(version)?, &old, &new);
        comparison.map(|set| self.reset.apply(set));
        Ok(comparison)
    }

    /// Removes what the manager applied last time, does not apply now, and nobody else owns.
    fn prune(&self, merged: Value, managers: &Managers, last: &Owned) -> Result<Value, Failure> {
        let version = last.api_version.as_str();
        let full = match self.convert(&merged, self.version, version) {
            Ok(full) => full.into_owned(),
            Err(ConvertError::NoSuchVersion) => return Ok(merged),
            Err(error) => return Err(error.into()),
        };
        let place = self.place(version)?;
        let pruned = remove(place, &full, &with_named_fields(&last.set, Some(place)));
        let pruned = self.add_back_owned(&full, pruned, version, managers)?;
        let named = |object: &Value| with_named_fields(&field_set(place, object), Some(place));
        let lost = named(&full).difference(&named(&pruned));
        let lost = lost.intersection(&with_named_fields(&last.set, Some(place)));
        let pruned = remove(place, &full, &lost);
        Ok(self.convert(&pruned, version, self.version)?.into_owned())
    }

    /// Puts back what was pruned and somebody owns, version by version, the pruned one first.
    fn add_back_owned(
        &self,
        full: &Value,
        pruned: Value,
        version: &str,
        managers: &Managers,
    ) -> Result<Value, Failure> {
        let mut owned_in: BTreeMap<&str, FieldSet> = BTreeMap::new();
        for owned in managers.owned.values() {
            owned_in.entry(&owned.api_version).or_default().extend(owned.set.clone());
        }
        let first = owned_in.remove_entry(version);
        let (mut full, mut pruned, mut at) = (full.clone(), pruned, version.to_owned());
        for (version, owned) in first.into_iter().chain(owned_in) {
            let (Ok(full_here), Ok(pruned_here), Ok(place)) =
                (self.convert(&full, &at, version), self.convert(&pruned, &at, version), self.place(version))
            else {
                continue;
            };
            let (full_here, pruned_here) = (full_here.into_owned(), pruned_here.into_owned());
            let named = |set: &FieldSet| with_named_fields(set, Some(place));
            let mut keep = named(&field_set(place, &pruned_here));
            keep.extend(named(&owned));
            let lost = named(&field_set(place, &full_here)).difference(&keep);
            pruned = remove(place, &full_here, &lost);
            (full, at) = (full_here, version.to_owned());
        }
        Ok(self.convert(&pruned, &at, version)?.into_owned())
    }
}

impl From<ConvertError> for Failure {
    fn from(error: ConvertError) -> Failure {
        Failure::Other(error.to_string())
    }
}
