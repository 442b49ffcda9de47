//! What the API server says about names: namespaces, Services and their endpoints, as of now.

use crate::follow::Event;
use crate::model::{Key, Namespace, Object, Service, Slice};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// The tables, read by every query.
#[derive(Debug, Default)]
pub(super) struct Shared(pub(super) Arc<RwLock<Tables>>);

impl Shared {
    pub(super) fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Tables)) {
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut tables);
        tables.serial = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as u32);
    }
}

/// Everything that names are made of.
#[derive(Debug, Default)]
pub(super) struct Tables {
    namespaces: HashSet<String>,
    services: HashMap<Key, Service>,
    /// By Service, then by the slice's name.
    slices: HashMap<Key, BTreeMap<String, Slice>>,
    slice_owners: HashMap<Key, Key>,
    by_address: HashMap<IpAddr, Key>,
    /// Namespaces, Services, slices.
    synced: [bool; 3],
    /// The second of the last change.
    pub(super) serial: u32,
}

impl Tables {
    /// Until all is told, a name that is not found may yet be there.
    pub(super) fn is_synced(&self) -> bool {
        self.synced == [true; 3]
    }

    pub(super) fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contains(namespace)
    }

    pub(super) fn find(&self, namespace: &str, name: &str) -> Option<(&Key, &Service)> {
        self.services.get_key_value(&Key { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    pub(super) fn slices(&self, service: &Key) -> impl Iterator<Item = &Slice> {
        self.slices.get(service).into_iter().flat_map(BTreeMap::values)
    }

    /// The Service with this cluster IP.
    pub(super) fn by_address(&self, address: IpAddr) -> Option<&Key> {
        self.by_address.get(&address)
    }

    /// Endpoints with this address that have a name of their own: the name, and the Service.
    pub(super) fn named_endpoints(&self, address: IpAddr) -> Vec<(String, Key)> {
        let address = address.to_string();
        let mut found = Vec::new();
        for (service, slices) in &self.slices {
            for endpoint in slices.values().flat_map(Slice::endpoints).filter(|endpoint| endpoint.conditions.ready()) {
                if let Some(hostname) = endpoint.hostname.as_ref().filter(|_| endpoint.addresses.contains(&address)) {
                    found.push((hostname.clone(), service.clone()));
                }
            }
        }
        found.sort();
        found.dedup();
        found
    }

    pub(super) fn namespace(&mut self, event: Event<Namespace>) {
        match event {
            Event::Put(namespace) => drop(self.namespaces.insert(namespace.metadata.name)),
            Event::Gone(key) => drop(self.namespaces.remove(&key.name)),
            Event::Synced => self.synced[0] = true,
        }
    }

    pub(super) fn service(&mut self, event: Event<Service>) {
        match event {
            Event::Put(service) => {
                let key = service.key();
                self.forget_service(&key);
                self.by_address.extend(service.cluster_ips().map(|address| (address, key.clone())));
                self.services.insert(key, service);
            }
            Event::Gone(key) => self.forget_service(&key),
            Event::Synced => self.synced[1] = true,
        }
    }

    fn forget_service(&mut self, key: &Key) {
        for address in self.services.remove(key).iter().flat_map(Service::cluster_ips) {
            if self.by_address.get(&address) == Some(key) {
                self.by_address.remove(&address);
            }
        }
    }

    pub(super) fn slice(&mut self, event: Event<Slice>) {
        match event {
            Event::Put(slice) => {
                let key = slice.key();
                self.forget_slice(&key);
                if let Some(owner) = slice.service() {
                    self.slice_owners.insert(key.clone(), owner.clone());
                    self.slices.entry(owner).or_default().insert(key.name, slice);
                }
            }
            Event::Gone(key) => self.forget_slice(&key),
            Event::Synced => self.synced[2] = true,
        }
    }

    fn forget_slice(&mut self, key: &Key) {
        let Some(owner) = self.slice_owners.remove(key) else { return };
        if let Some(slices) = self.slices.get_mut(&owner) {
            slices.remove(&key.name);
            if slices.is_empty() {
                self.slices.remove(&owner);
            }
        }
    }
}
