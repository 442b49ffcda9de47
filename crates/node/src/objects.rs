//! ConfigMaps and Secrets that pods of this node refer to, each followed on its own while somebody refers to it.
//!
//! A node may only see what its pods name, so there is no watch over all of them.

use crate::core::env::Data;
use crate::follow::{self, Change};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::Api;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long an object's first answer may take.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

/// Which kind an object is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    ConfigMap,
    Secret,
}

/// An object's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Known {
    /// Nothing yet.
    Pending,
    /// It does not exist.
    Absent,
    /// This is its data.
    Present(Arc<Content>),
}

/// The data of an object.
#[derive(Debug, PartialEq)]
pub(crate) struct Content {
    pub(crate) data: Data,
    /// The type of a Secret.
    pub(crate) type_: String,
}

/// An object that is followed for as long as this lives.
#[derive(Debug)]
pub(crate) struct Followed {
    known: watch::Receiver<Known>,
    _stop: DropGuard,
}

impl Followed {
    /// What it is, once that is known; `None` if it does not exist.
    pub(crate) async fn get(&self) -> Result<Option<Arc<Content>>, NoAnswer> {
        let mut known = self.known.clone();
        let answer = tokio::time::timeout(FIRST_ANSWER, known.wait_for(|known| *known != Known::Pending)).await;
        let Ok(Ok(known)) = answer else { return Err(NoAnswer) };
        Ok(match &*known {
            Known::Present(content) => Some(content.clone()),
            Known::Pending | Known::Absent => None,
        })
    }

    /// Tells of changes.
    pub(crate) fn changes(&self) -> watch::Receiver<Known> {
        self.known.clone()
    }
}

/// The API does not answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("timed out waiting for the API server")]
pub(crate) struct NoAnswer;

/// All objects that are followed.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    client: Client,
    followed: Arc<Mutex<HashMap<Key, Weak<Followed>>>>,
    stop: CancellationToken,
}

#[derive(Clone)]
struct Client(kube::Client);

impl std::fmt::Debug for Client {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Client")
    }
}

impl Objects {
    pub(crate) fn new(client: kube::Client, stop: CancellationToken) -> Objects {
        Objects { client: Client(client), followed: Arc::default(), stop }
    }

    /// Follows an object, or joins those who do.
    pub(crate) fn follow(&self, key: Key) -> Arc<Followed> {
        let mut all = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(followed) = all.get(&key).and_then(Weak::upgrade) {
            return followed;
        }
        all.retain(|_, followed| followed.strong_count() > 0);
        let (known_tx, known) = watch::channel(Known::Pending);
        let stop = self.stop.child_token();
        tokio::spawn(keep(self.client.0.clone(), key.clone(), known_tx, stop.clone()));
        let followed = Arc::new(Followed { known, _stop: stop.drop_guard() });
        all.insert(key, Arc::downgrade(&followed));
        followed
    }
}

/// Follows one object; ends when nobody refers to it any more.
async fn keep(client: kube::Client, key: Key, known_tx: watch::Sender<Known>, stop: CancellationToken) {
    let fields = format!("metadata.name={}", key.name);
    match key.kind {
        Kind::ConfigMap => {
            let api: Api<ConfigMap> = Api::namespaced(client, &key.namespace);
            follow::follow(&api, &fields, &stop, |change| tell(&known_tx, change, of_config_map)).await;
        }
        Kind::Secret => {
            let api: Api<Secret> = Api::namespaced(client, &key.namespace);
            follow::follow(&api, &fields, &stop, |change| tell(&known_tx, change, of_secret)).await;
        }
    }
}

fn tell<K>(known_tx: &watch::Sender<Known>, change: Change<K>, content: fn(K) -> Content) {
    let known = match change {
        Change::All(objects) => objects.into_iter().next().map(content),
        Change::Put(object) => Some(content(object)),
        Change::Gone(_) => None,
    };
    let known = known.map_or(Known::Absent, |content| Known::Present(Arc::new(content)));
    known_tx.send_if_modified(|current| {
        let changed = *current != known;
        if changed {
            *current = known;
        }
        changed
    });
}

fn of_config_map(object: ConfigMap) -> Content {
    let mut data: Data = object.data.into_iter().flatten().map(|(key, text)| (key, text.into_bytes())).collect();
    data.extend(object.binary_data.into_iter().flatten().map(|(key, bytes)| (key, bytes.0)));
    Content { data, type_: String::new() }
}

fn of_secret(object: Secret) -> Content {
    let data = object.data.into_iter().flatten().map(|(key, bytes)| (key, bytes.0)).collect();
    Content { data, type_: object.type_.unwrap_or_default() }
}
