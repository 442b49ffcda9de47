//! The objects of one kind, as last heard of or written.
//!
//! Two sources feed a cache: the watch, and the answers to what this process writes. Versions order them: what is older
//! than what is known is not taken, and what is known to be gone does not come back.

use crate::feed::News;
use crate::object::{self, Object, Shared};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError, RwLock};
use tokio::sync::watch;

/// How many uids of objects that are gone are remembered.
const REMEMBERED: usize = 8192;

/// By what objects are found, besides their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    /// The uid of the owner that controls it.
    Controller,
    /// The namespace, for what no owner controls.
    Orphan,
    /// The node of a pod.
    Node,
    /// A claim that a pod uses: `namespace/name`.
    Claim,
}

/// What became of an object.
#[derive(Clone, Debug)]
pub struct Change {
    /// What it was, if it was known.
    pub old: Option<Shared>,
    /// What it is, unless it is gone.
    pub new: Option<Shared>,
}

impl Change {
    /// The object as it is, or was.
    pub fn object(&self) -> &Shared {
        self.new.as_ref().or(self.old.as_ref()).expect("a change is of something")
    }
}

type Handler = Box<dyn Fn(&Change) + Send>;

/// The objects of one kind.
pub struct Cache {
    state: RwLock<State>,
    /// Held while a change is made and told, so that all are told in order.
    handlers: Mutex<Vec<Handler>>,
    synced: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Shared>,
    index: HashMap<(Index, String), BTreeSet<String>>,
    gone: HashSet<String>,
    gone_order: VecDeque<String>,
}

impl Cache {
    pub(crate) fn new() -> Cache {
        Cache { state: RwLock::default(), handlers: Mutex::default(), synced: watch::Sender::new(false) }
    }

    /// An object by namespace (empty if it has none) and name.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Shared> {
        self.by_key(&object::key(namespace, name))
    }

    /// An object by its key.
    pub fn by_key(&self, key: &str) -> Option<Shared> {
        self.read().objects.get(key).cloned()
    }

    /// All objects, in the order of their keys.
    pub fn all(&self) -> Vec<Shared> {
        self.read().objects.values().cloned().collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.read().objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The objects of a namespace.
    pub fn in_namespace(&self, namespace: &str) -> Vec<Shared> {
        if self.is_empty() {
            return Vec::new();
        }
        // `0` is what follows `/`.
        let (from, to) = (format!("{namespace}/"), format!("{namespace}0"));
        self.read().objects.range(from..to).map(|(_, object)| object.clone()).collect()
    }

    /// The objects that an index lists under a value.
    pub fn by(&self, index: Index, value: &str) -> Vec<Shared> {
        let state = self.read();
        let keys = state.index.get(&(index, value.to_owned())).into_iter().flatten();
        keys.filter_map(|key| state.objects.get(key)).cloned().collect()
    }

    /// Waits until everything that was there at the start is here.
    pub async fn synced(&self) {
        // The sender lives as long as the cache.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// Calls `handler` with every object there is and every change from now on, in order. It must be quick, and may read
    /// caches.
    pub fn subscribe(&self, handler: impl Fn(&Change) + Send + 'static) {
        let mut handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        for object in self.all() {
            handler(&Change { old: None, new: Some(object) });
        }
        handlers.push(Box::new(handler));
    }

    /// Takes in news of the watch.
    pub(crate) fn hear(&self, news: News) {
        match news {
            News::Put(object) => drop(self.put(object)),
            News::Gone(object) => self.remove(&object),
            News::All(objects, version) => {
                self.replace(objects, version);
                self.synced.send_replace(true);
            }
        }
    }

    /// Takes in an object as it is, unless something newer is known.
    pub(crate) fn put(&self, object: Object) -> Shared {
        let object = Shared::new(object);
        let handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        let change = self.write().put(object.clone());
        tell(&handlers, change);
        object
    }

    /// Takes in that an object is gone.
    pub(crate) fn remove(&self, object: &Object) {
        let handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        let change = self.write().remove(&object.key(), object.uid());
        tell(&handlers, change);
    }

    fn replace(&self, objects: Vec<Object>, version: u64) {
        let listed: HashSet<String> = objects.iter().map(|object| object.uid().to_owned()).collect();
        let known = self.all();
        // What was written after the list was made is not in it, and yet there.
        let lost = known.iter().filter(|object| object.version() <= version && !listed.contains(object.uid()));
        lost.for_each(|object| self.remove(object));
        objects.into_iter().for_each(|object| drop(self.put(object)));
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(handlers: &[Handler], change: Option<Change>) {
    if let Some(change) = change {
        handlers.iter().for_each(|handler| handler(&change));
    }
}

impl State {
    fn put(&mut self, object: Shared) -> Option<Change> {
        let key = object.key();
        let old = self.objects.get(&key).cloned();
        let is_older = old.as_ref().is_some_and(|old| old.version() >= object.version());
        if is_older || self.gone.contains(object.uid()) {
            return None;
        }
        if let Some(old) = &old {
            self.unindex(&key, old);
        }
        for place in places(&object) {
            self.index.entry(place).or_default().insert(key.clone());
        }
        self.objects.insert(key, object.clone());
        Some(Change { old, new: Some(object) })
    }

    fn remove(&mut self, key: &str, uid: &str) -> Option<Change> {
        if self.gone.insert(uid.to_owned()) {
            self.gone_order.push_back(uid.to_owned());
        }
        if self.gone_order.len() > REMEMBERED
            && let Some(oldest) = self.gone_order.pop_front()
        {
            self.gone.remove(&oldest);
        }
        let old = self.objects.get(key).filter(|old| old.uid() == uid).cloned()?;
        self.unindex(key, &old);
        self.objects.remove(key);
        Some(Change { old: Some(old), new: None })
    }

    fn unindex(&mut self, key: &str, object: &Object) {
        for place in places(object) {
            if let Some(keys) = self.index.get_mut(&place) {
                keys.remove(key);
                if keys.is_empty() {
                    self.index.remove(&place);
                }
            }
        }
    }
}

/// Where the indexes list an object.
fn places(object: &Object) -> Vec<(Index, String)> {
    let mut places = Vec::new();
    match object.controller().opt_str("uid") {
        Some(uid) => places.push((Index::Controller, uid.to_owned())),
        None => places.push((Index::Orphan, object.namespace().to_owned())),
    }
    if object.get("kind").as_str() != "Pod" {
        return places;
    }
    if let Some(node) = object.spec().opt_str("nodeName") {
        places.push((Index::Node, node.to_owned()));
    }
    for volume in object.spec().list("volumes") {
        let claim = volume.get("persistentVolumeClaim").str("claimName");
        if !claim.is_empty() {
            places.push((Index::Claim, object::key(object.namespace(), claim)));
        } else if volume.has("ephemeral") {
            let claim = format!("{}-{}", object.name(), volume.str("name"));
            places.push((Index::Claim, object::key(object.namespace(), &claim)));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::object::json;
    use std::sync::Arc;

    fn pod(name: &str, uid: &str, version: u64) -> Object {
        Object::new(json!({"kind": "Pod", "metadata": {
            "namespace": "ns", "name": name, "uid": uid, "resourceVersion": version.to_string(),
            "ownerReferences": [{"uid": "owner", "controller": true}],
        }}))
    }

    /// A cache, and what it told.
    fn heard() -> (Cache, Arc<Mutex<Vec<String>>>) {
        let cache = Cache::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = heard.clone();
        cache.subscribe(move |change| {
            let sign = if change.new.is_some() { "+" } else { "-" };
            listener.lock().unwrap().push(format!("{sign}{}@{}", change.object().name(), change.object().version()));
        });
        (cache, heard)
    }

    #[test]
    fn what_was_written_is_not_undone_by_an_older_event() {
        let (cache, heard) = heard();
        cache.put(pod("a", "1", 5));
        cache.hear(News::Put(pod("a", "1", 4)));
        cache.hear(News::Put(pod("a", "1", 5)));
        assert_eq!(*heard.lock().unwrap(), ["+a@5"]);
        assert_eq!(cache.by(Index::Controller, "owner").len(), 1);
    }

    #[test]
    fn what_is_gone_does_not_come_back() {
        let (cache, heard) = heard();
        cache.put(pod("a", "1", 5));
        cache.hear(News::Gone(pod("a", "1", 6)));
        cache.put(pod("a", "1", 5));
        cache.hear(News::Put(pod("a", "2", 7)));
        assert_eq!(*heard.lock().unwrap(), ["+a@5", "-a@5", "+a@7"]);
    }

    #[test]
    fn a_list_takes_away_what_is_older_and_not_in_it() {
        let (cache, heard) = heard();
        cache.put(pod("old", "1", 5));
        cache.put(pod("new", "2", 9));
        cache.hear(News::All(vec![pod("listed", "3", 2)], 7));
        assert_eq!(*heard.lock().unwrap(), ["+old@5", "+new@9", "-old@5", "+listed@2"]);
        assert_eq!(cache.in_namespace("ns").iter().map(|pod| pod.name()).collect::<Vec<_>>(), ["listed", "new"]);
        assert!(cache.in_namespace("n").is_empty());
    }
}
