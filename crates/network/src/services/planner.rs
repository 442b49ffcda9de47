//! All Services together: which changed, who owns what, and the least that has to change in the maps. Pure.
//!
//! Services and slices are told to it one by one; [`Planner::changes`] gives what to do since it was last asked, so that
//! work is in proportion to what changed. Of two Services that claim the same address and port the first one has it,
//! and when that one lets go, the other gets it.

use super::endpoints::Here;
use super::entry::{Chain, Entry, Front};
use super::plan::{Place, Plan, plan};
use crate::model::{Key, Object, Service, Slice};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;

/// What has to be done in the kernel.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// What stood at a place, and what shall stand there.
    pub(crate) entries: BTreeMap<Place, (Option<Entry>, Option<Entry>)>,
    pub(crate) new_chains: BTreeSet<Chain>,
    pub(crate) old_chains: BTreeSet<Chain>,
    /// UDP fronts that lost endpoints: connections to any but these are stale.
    pub(crate) flows: BTreeMap<Front, BTreeSet<SocketAddr>>,
    /// Fronts with affinity that lost endpoints: callers that stay with any but these have to choose again.
    pub(crate) stays: BTreeMap<Front, BTreeSet<SocketAddr>>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.flows.is_empty() && self.stays.is_empty()
    }
}

/// Everything that is known of Services.
#[derive(Default)]
pub(crate) struct Planner {
    here: Here,
    services: HashMap<Key, Service>,
    /// By Service, then by the slice's name.
    slices: HashMap<Key, BTreeMap<String, Slice>>,
    slice_owners: HashMap<Key, Key>,
    plans: HashMap<Key, Plan>,
    owners: HashMap<Front, Key>,
    waiting: HashMap<Front, BTreeSet<Key>>,
    chains: HashMap<Chain, usize>,
    dirty: BTreeSet<Key>,
}

impl Planner {
    pub(crate) fn new(here: Here) -> Self {
        Self { here, ..Self::default() }
    }

    pub(crate) fn put_service(&mut self, service: Service) {
        let key = service.key();
        self.dirty.insert(key.clone());
        self.services.insert(key, service);
    }

    pub(crate) fn remove_service(&mut self, key: &Key) {
        self.services.remove(key);
        self.dirty.insert(key.clone());
    }

    pub(crate) fn put_slice(&mut self, slice: Slice) {
        let key = slice.key();
        let owner = slice.service();
        if self.slice_owners.get(&key) != owner.as_ref() {
            self.remove_slice(&key);
        }
        let Some(owner) = owner else { return };
        self.dirty.insert(owner.clone());
        self.slice_owners.insert(key.clone(), owner.clone());
        self.slices.entry(owner).or_default().insert(key.name, slice);
    }

    pub(crate) fn remove_slice(&mut self, key: &Key) {
        let Some(owner) = self.slice_owners.remove(key) else { return };
        if let Some(slices) = self.slices.get_mut(&owner) {
            slices.remove(&key.name);
            if slices.is_empty() {
                self.slices.remove(&owner);
            }
        }
        self.dirty.insert(owner);
    }

    /// What has to change since this was last asked.
    pub(crate) fn changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        while let Some(key) = self.dirty.pop_first() {
            self.plan_again(&key, &mut changes);
        }
        changes.entries.retain(|_, (old, new)| old != new);
        self.count_chains(&mut changes);
        changes
    }

    /// Everything, for a table that is empty.
    pub(crate) fn everything(&mut self) -> Changes {
        let _ = self.changes();
        let mut changes = Changes { new_chains: self.chains.keys().cloned().collect(), ..Changes::default() };
        for plan in self.plans.values() {
            for (place, entry) in &plan.entries {
                changes.entries.insert(place.clone(), (None, Some(entry.clone())));
            }
            changes.flows.extend(plan.flows.iter().map(|(front, endpoints)| (*front, endpoints.clone())));
            changes.stays.extend(plan.stays.iter().map(|(front, endpoints)| (*front, endpoints.clone())));
        }
        changes
    }

    /// Ports that tell load balancers how many endpoints of a Service are here.
    pub(crate) fn health(&self) -> BTreeMap<u16, (Key, usize)> {
        let all =
            self.plans.iter().filter_map(|(key, plan)| plan.health.map(|(port, count)| (port, (key.clone(), count))));
        all.collect()
    }

    fn plan_again(&mut self, key: &Key, changes: &mut Changes) {
        let old = self.plans.remove(key).unwrap_or_default();
        let new = match self.services.get(key) {
            None => Plan::default(),
            Some(service) => {
                let slices = self.slices.get(key).into_iter().flat_map(BTreeMap::values);
                let mine = |front: &Front| self.owners.get(front).is_none_or(|owner| owner == key);
                plan(service, slices, &self.here, Some(&old), mine)
            }
        };
        self.settle_fronts(key, &old, &new);
        note_entries(&old, &new, changes);
        note_lost(&old.flows, &new.flows, &mut changes.flows);
        note_lost(&old.stays, &new.stays, &mut changes.stays);
        if !new.fronts.is_empty() || !new.entries.is_empty() {
            self.plans.insert(key.clone(), new);
        }
    }

    fn settle_fronts(&mut self, key: &Key, old: &Plan, new: &Plan) {
        for front in old.fronts.difference(&new.fronts) {
            let waiting = self.waiting.get_mut(front);
            if let Some(waiting) = waiting {
                waiting.remove(key);
            }
            if self.owners.get(front) == Some(key) {
                self.owners.remove(front);
                self.dirty.extend(self.waiting.remove(front).into_iter().flatten());
            }
        }
        for front in &new.fronts {
            let owner = self.owners.entry(*front).or_insert_with(|| key.clone());
            if owner != key {
                self.waiting.entry(*front).or_default().insert(key.clone());
            }
        }
    }

    fn count_chains(&mut self, changes: &mut Changes) {
        let (mut released, mut touched) = (Vec::new(), BTreeSet::new());
        for (old, new) in changes.entries.values() {
            for chain in new.as_ref().and_then(Entry::chain).into_iter().flat_map(with_needs) {
                let count = self.chains.entry(chain.clone()).or_default();
                if *count == 0 {
                    touched.insert(chain);
                }
                *count += 1;
            }
            released.extend(old.as_ref().and_then(Entry::chain).into_iter().flat_map(with_needs));
        }
        for chain in released {
            if let Some(count) = self.chains.get_mut(&chain) {
                *count -= 1;
                if *count == 0 {
                    self.chains.remove(&chain);
                    if !touched.remove(&chain) {
                        changes.old_chains.insert(chain);
                    }
                }
            }
        }
        changes.new_chains = touched;
    }
}

fn with_needs(chain: Chain) -> impl Iterator<Item = Chain> {
    let needs = chain.needs();
    needs.into_iter().chain([chain])
}

/// Notes what differs; a place that changed before in the same round keeps what stood there at first.
fn note_entries(old: &Plan, new: &Plan, changes: &mut Changes) {
    for (place, entry) in &old.entries {
        if new.entries.get(place) != Some(entry) {
            let was = Some(entry.clone());
            changes.entries.entry(place.clone()).or_insert((was, None)).1 = None;
        }
    }
    for (place, entry) in &new.entries {
        if old.entries.get(place) != Some(entry) {
            let now = Some(entry.clone());
            changes.entries.entry(place.clone()).or_insert((old.entries.get(place).cloned(), None)).1 = now;
        }
    }
}

type Endpoints = BTreeMap<Front, BTreeSet<SocketAddr>>;

/// Notes fronts that are new, gone or lost endpoints.
fn note_lost(old: &Endpoints, new: &Endpoints, changed: &mut Endpoints) {
    for (front, before) in old {
        let now = new.get(front);
        if now.is_none_or(|now| !before.is_subset(now) || before.is_empty() != now.is_empty()) {
            changed.insert(*front, now.cloned().unwrap_or_default());
        }
    }
    for (front, now) in new.iter().filter(|(front, _)| !old.contains_key(front)) {
        changed.insert(*front, now.clone());
    }
}

#[cfg(test)]
mod tests;
