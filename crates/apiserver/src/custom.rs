//! Custom resources: keeps the registry as new as the stored definitions.
//!
//! A write of a definition is answered only after the registry has it ([`Definitions::caught_up`]): a client that sees a
//! definition established may use it with its next request. What a definition means stands in `kinds::custom`; its
//! conditions are written by a controller.

mod conversion;

use crate::lookup::Stored;
use crate::registry::Registry;
use crate::storage::{self, Facts, ObjectStore};
use crate::webhook::Caller;
use arc_swap::ArcSwap;
use conversion::WebhookConverter;
use kinds::Resource;
use kinds::custom;
use object::{Value, View};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Event, EventKind, Watcher};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const GROUP: &str = "apiextensions.k8s.io";
const PLURAL: &str = "customresourcedefinitions";
/// Longest time that a write of a definition waits for the registry.
const PATIENCE: Duration = Duration::from_secs(2);

/// Follows the stored definitions.
pub struct Definitions {
    store: ObjectStore,
    /// Asks conversion webhooks.
    caller: Arc<Caller>,
    /// The built-in resources.
    base: Registry,
    registry: Arc<ArcSwap<Registry>>,
    /// By name of the definition.
    installed: Mutex<BTreeMap<String, Installed>>,
    /// Revision that the registry has: follower -> writers of definitions.
    seen_tx: watch::Sender<u64>,
}

/// What a definition has made.
struct Installed {
    /// The parts of the definition from which it was made.
    source: Value,
    resources: Vec<Arc<Resource>>,
}

impl Definitions {
    /// A registry of the built-in resources and of what is defined now, and who will follow it.
    pub(crate) fn new(store: ObjectStore, base: Registry) -> (Arc<ArcSwap<Registry>>, Arc<Definitions>) {
        let registry = Arc::new(ArcSwap::from_pointee(base.clone()));
        let definitions = Definitions {
            caller: Caller::new(Stored(store.clone())),
            store,
            base,
            registry: registry.clone(),
            installed: Mutex::default(),
            seen_tx: watch::Sender::new(0),
        };
        let _ = definitions.load();
        (registry, Arc::new(definitions))
    }

    /// Follows until stopped.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let mut watcher = self.load();
            let _ = stop.run_until_cancelled(self.follow(&mut watcher)).await;
        }
        // Nothing will come any more for which a write that is still under way could wait.
        self.seen_tx.send_replace(u64::MAX);
    }

    /// Reads everything; used at start and where the follower has been too slow.
    fn load(&self) -> Watcher<Facts> {
        let prefix = storage::prefix_of(GROUP, PLURAL, "");
        let (snapshot, watcher) = self.store.list_and_watch(&prefix);
        {
            let mut installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
            let mut before = std::mem::take(&mut *installed);
            for entry in snapshot.range(&prefix, None) {
                let name = entry.attached.name.to_string();
                let known = before.remove(&name);
                installed.extend(install(&self.caller, &entry.value, known).map(|made| (name, made)));
            }
        }
        self.publish(snapshot.revision());
        watcher
    }

    async fn follow(&self, watcher: &mut Watcher<Facts>) {
        while let Ok(events) = watcher.next().await {
            {
                let mut installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
                events.iter().for_each(|event| take(&self.caller, &mut installed, event));
            }
            if let Some(last) = events.last() {
                self.publish(last.revision());
            }
        }
    }

    /// Shows requests what is installed.
    fn publish(&self, revision: u64) {
        {
            let installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
            let custom = installed.values().flat_map(|made| made.resources.iter().cloned());
            let before = self.registry.load();
            self.registry.store(Arc::new(self.base.with_custom(custom, &before)));
        }
        self.seen_tx.send_replace(revision);
    }

    /// Tells when the registry has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.seen_tx.subscribe()
    }

    /// Waits until the registry has what was written at `revision`.
    pub(crate) async fn caught_up(&self, revision: u64) {
        let mut seen = self.seen_tx.subscribe();
        // Whoever waits in vain is told by the next request that the resource is not there yet.
        let _ = tokio::time::timeout(PATIENCE, seen.wait_for(|&seen| seen >= revision)).await;
    }
}

/// True if the resource is that of definitions.
pub(crate) fn is_definition(resource: &Resource) -> bool {
    resource.group == GROUP && resource.plural == PLURAL
}

fn take(caller: &Arc<Caller>, installed: &mut BTreeMap<String, Installed>, event: &Event<Facts>) {
    let Some(name) = event.key().rsplit('/').next() else { return };
    let known = installed.remove(name);
    if event.kind == EventKind::Put {
        installed.extend(install(caller, &event.entry.value, known).map(|made| (name.to_owned(), made)));
    }
}

/// What a definition makes; `known` is what it made before, which is kept if nothing that counts has changed.
fn install(caller: &Arc<Caller>, bytes: &[u8], known: Option<Installed>) -> Option<Installed> {
    let definition: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let source = source(View::from(&definition));
    if let Some(known) = known.filter(|known| known.source == source) {
        return Some(known);
    }
    let converter = WebhookConverter::of(View::from(&definition), caller);
    let resources = custom::resources(View::from(&definition), converter).ok()?;
    Some(Installed { source, resources: resources.into_iter().map(Arc::new).collect() })
}

/// The parts of a definition that say what is served.
fn source(definition: View<'_>) -> Value {
    let status = definition.get("status");
    let conditions: Vec<Value> = status
        .list("conditions")
        .filter(|condition| matches!(condition.str("type"), "NamesAccepted" | "Established" | "Terminating"))
        .map(|condition| Value::from(format!("{}={}", condition.str("type"), condition.str("status"))))
        .collect();
    let names = status.get("acceptedNames").to_value();
    Value::Array(vec![definition.get("spec").to_value(), names, conditions.into()])
}
