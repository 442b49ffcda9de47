//! All caches of a process, and writing through them.

use crate::cache::Cache;
use crate::events::{self, Recorder, Said};
use crate::feed::{self, Form};
use crate::kind::Kind;
use crate::object::{Object, Shared};
use crate::request;
use http::Method;
use kube::Client;
use object::View;
use object::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Caches by kind, each with one watch. Cheap to clone; clones share.
#[derive(Clone)]
pub struct Informers(Arc<Inner>);

struct Inner {
    client: Client,
    caches: Mutex<HashMap<&'static Kind, Arc<Cache>>>,
    said: mpsc::Sender<Said>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Informers {
    /// Caches that follow the cluster until stopped.
    pub fn new(client: Client, stop: CancellationToken) -> Informers {
        let tasks = TaskTracker::new();
        let (said, heard) = mpsc::channel(events::WAITING);
        let (writer, writer_stop) = (events::write_all(client.clone(), heard), stop.clone());
        tasks.spawn(async move { writer_stop.run_until_cancelled(writer).await });
        Informers(Arc::new(Inner { client, caches: Mutex::default(), said, stop, tasks }))
    }

    /// The client behind it.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// The cache of a kind; whoever asks first starts its watch.
    pub fn cache(&self, kind: &'static Kind) -> Arc<Cache> {
        let mut caches = self.0.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = caches.entry(kind).or_insert_with(|| {
            let cache = Arc::new(Cache::new());
            let (client, stop, followed) = (self.0.client.clone(), self.0.stop.clone(), cache.clone());
            self.0.tasks.spawn(async move {
                stop.run_until_cancelled(feed::follow(&client, &kind.path(), Form::Whole, |news| followed.hear(news)))
                    .await;
            });
            cache
        });
        cache.clone()
    }

    /// The cache of the collection with this path, if it is followed already.
    pub fn followed(&self, path: &str) -> Option<Arc<Cache>> {
        let caches = self.0.caches.lock().unwrap_or_else(PoisonError::into_inner);
        caches.iter().find(|(kind, _)| kind.path() == path).map(|(_, cache)| cache.clone())
    }

    /// Writes events in the name of a component.
    pub fn recorder(&self, component: &'static str) -> Recorder {
        Recorder::new(component, self.0.said.clone())
    }

    /// Waits until the watches have ended, after the stop.
    pub async fn ended(&self) {
        self.0.stop.cancelled().await;
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Makes an object.
    pub async fn create(&self, kind: &Kind, namespace: &str, object: &Value) -> Result<Shared, kube::Error> {
        self.write(kind, Method::POST, &kind.path_in(namespace), object).await
    }

    /// Replaces an object.
    pub async fn replace(&self, kind: &Kind, object: &Value) -> Result<Shared, kube::Error> {
        self.write(kind, Method::PUT, &path_of(kind, object), object).await
    }

    /// Replaces the status of an object.
    pub async fn replace_status(&self, kind: &Kind, object: &Value) -> Result<Shared, kube::Error> {
        self.write(kind, Method::PUT, &format!("{}/status", path_of(kind, object)), object).await
    }

    /// Changes an object by a JSON merge patch.
    pub async fn merge(&self, kind: &Kind, object: &Object, patch: &Value) -> Result<Shared, kube::Error> {
        self.write(kind, Method::PATCH, &kind.path_of(object.namespace(), object.name()), patch).await
    }

    /// Changes an object, or a subresource of it (empty: itself), by a strategic merge patch.
    pub async fn strategic(
        &self,
        kind: &Kind,
        object: &Object,
        subresource: &str,
        patch: &Value,
    ) -> Result<Shared, kube::Error> {
        let mut path = kind.path_of(object.namespace(), object.name());
        if !subresource.is_empty() {
            path = format!("{path}/{subresource}");
        }
        let content = "application/strategic-merge-patch+json";
        let answer = request::send_as(&self.0.client, Method::PATCH, &path, content, patch).await?;
        Ok(self.took(kind, answer))
    }

    /// Deletes an object, and no other of its name; that it is gone already is no failure. `options` are further
    /// delete options; null for none.
    pub async fn delete(&self, kind: &Kind, object: &Object, options: Value) -> Result<(), kube::Error> {
        let mut options = if options.is_null() { json!({}) } else { options };
        options["preconditions"]["uid"] = object.uid().into();
        let path = kind.path_of(object.namespace(), object.name());
        match request::send(&self.0.client, Method::DELETE, &path, &options).await {
            Ok(answer) => self.deleted(kind, object, answer),
            // Gone, or another of the same name is there.
            Err(error) if request::code(&error) == 404 || is_other(&error) => {
                if let Some(cache) = self.started(kind) {
                    cache.remove(object);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// An object as the server has it now.
    pub async fn live(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Option<Shared>, kube::Error> {
        let found = request::find(&self.0.client, &kind.path_of(namespace, name)).await?;
        Ok(found.map(|value| self.took(kind, value)))
    }

    async fn write(&self, kind: &Kind, method: Method, path: &str, object: &Value) -> Result<Shared, kube::Error> {
        let answer = request::send(&self.0.client, method, path, object).await?;
        Ok(self.took(kind, answer))
    }

    /// Takes what the server answered into the cache, if there is one. An answer from which the last finalizer has gone
    /// tells of an object that is no more.
    fn took(&self, kind: &Kind, answer: Value) -> Shared {
        let Some(cache) = self.started(kind) else { return Arc::new(Object::new(answer)) };
        if is_last_of_it(View::from(&answer)) {
            let object = Arc::new(Object::new(answer));
            cache.remove(&object);
            return object;
        }
        cache.put(Object::new(answer))
    }

    fn deleted(&self, kind: &Kind, object: &Object, answer: Value) {
        let Some(cache) = self.started(kind) else { return };
        let metadata = View::from(&answer).get("metadata");
        let is_going = metadata.str("uid") == object.uid() && metadata.has("deletionTimestamp");
        if is_going && !is_last_of_it(View::from(&answer)) {
            cache.put(Object::new(answer));
        } else {
            cache.remove(object);
        }
    }

    fn started(&self, kind: &Kind) -> Option<Arc<Cache>> {
        self.0.caches.lock().unwrap_or_else(PoisonError::into_inner).get(kind).cloned()
    }
}

fn path_of(kind: &Kind, object: &Value) -> String {
    let metadata = View::from(object).get("metadata");
    kind.path_of(metadata.str("namespace"), metadata.str("name"))
}

/// An object that is being deleted and that nothing keeps.
fn is_last_of_it(object: View<'_>) -> bool {
    let metadata = object.get("metadata");
    metadata.has("deletionTimestamp")
        && metadata.get("finalizers").is_empty()
        && metadata.int("deletionGracePeriodSeconds") == 0
}

/// A delete that would have hit another object of the same name.
fn is_other(error: &kube::Error) -> bool {
    request::code(error) == 409 && request::message(error).contains("UID in precondition")
}
