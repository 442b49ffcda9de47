//! One object after another: for controllers that have little to do and need no queue.
//!
//! A kind that others follow too comes from the shared cache; what nobody else follows, or only a part of a kind, has a
//! watch of its own.

use futures_util::future::{Either, select};
use informer::{Cache, Form, Informers, Kind, News, Object, Shared};
use kube::Client;
use object::Value;
use object::json;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::{debug, warn};

/// Pause after a failed reconciliation.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a key is tried again before it waits for its next event.
const TRIES: u32 = 8;

/// What happened to an object.
#[derive(Clone, Debug)]
pub(crate) enum Change<T = Value> {
    /// It is there, as this.
    Put(T),
    /// It is gone; this is what it was.
    Gone(T),
}

/// Calls `reconcile` with each object of a kind as it is and as it changes, for ever. Failures are tried again.
pub(crate) async fn kind<F, R>(informers: &Informers, kind: &'static Kind, reconcile: F)
where
    F: Fn(Change) -> R,
    R: Future<Output = Result<(), kube::Error>>,
{
    shared(&informers.cache(kind), &reconcile, |object| object.to_value()).await;
}

/// Calls `reconcile` with each object of a collection, which only this one follows.
pub(crate) async fn each<F, R>(client: &Client, collection: &str, reconcile: F)
where
    F: Fn(Change) -> R,
    R: Future<Output = Result<(), kube::Error>>,
{
    let as_value = |change: Change<Shared>| match change {
        Change::Put(object) => reconcile(Change::Put(object.to_value())),
        Change::Gone(object) => reconcile(Change::Gone(object.to_value())),
    };
    alone(client, collection, Form::Whole, &as_value).await;
}

/// Like [`each`], for large collections, with objects of which no more than the metadata and the phase may be there, and
/// no more than name and uid when they are gone. If the collection is followed already, it is not followed twice.
pub(crate) async fn each_metadata<F, R>(informers: &Informers, collection: &str, reconcile: F)
where
    F: Fn(Change<Shared>) -> R,
    R: Future<Output = Result<(), kube::Error>>,
{
    match informers.followed(collection) {
        Some(cache) => shared(&cache, &reconcile, Shared::clone).await,
        None => alone(informers.client(), collection, Form::Metadata, &reconcile).await,
    }
}

async fn shared<F, R, T>(cache: &Cache, reconcile: &F, of: fn(&Shared) -> T)
where
    F: Fn(Change<T>) -> R,
    R: Future<Output = Result<(), kube::Error>>,
    T: Clone + Send + 'static,
{
    // changes: the cache -> here
    let (tx, mut changes) = mpsc::unbounded_channel();
    cache.subscribe(move |change| {
        let told = match (&change.new, &change.old) {
            (Some(new), _) => Change::Put(new.clone()),
            (None, Some(old)) => Change::Gone(old.clone()),
            (None, None) => return,
        };
        // Whoever waited has ended.
        drop(tx.send(told));
    });
    while let Some(change) = changes.recv().await {
        let change = match change {
            Change::Put(object) => Change::Put(of(&object)),
            Change::Gone(object) => Change::Gone(of(&object)),
        };
        insist(change, reconcile).await;
    }
}

async fn alone<F, R>(client: &Client, collection: &str, form: Form, reconcile: &F)
where
    F: Fn(Change<Shared>) -> R,
    R: Future<Output = Result<(), kube::Error>>,
{
    // news: the watch -> the work
    let (tx, mut news) = mpsc::unbounded_channel();
    let feed = std::pin::pin!(informer::follow(client, collection, form, move |told| drop(tx.send(told))));
    let work = std::pin::pin!(async move {
        let mut known = HashMap::new();
        while let Some(told) = news.recv().await {
            for change in changes(&mut known, told, form) {
                insist(change, reconcile).await;
            }
        }
    });
    match select(feed, work).await {
        Either::Left(_) | Either::Right(_) => {}
    }
}

/// What news come to, given what was known: objects by uid.
fn changes(known: &mut HashMap<String, Shared>, news: News, form: Form) -> Vec<Change<Shared>> {
    let kept = |object: &Shared| match form {
        Form::Whole => object.clone(),
        Form::Metadata => {
            let (uid, namespace, name) = (object.uid(), object.namespace(), object.name());
            Shared::new(Object::new(json!({"metadata": {"uid": uid, "namespace": namespace, "name": name}})))
        }
    };
    match news {
        News::Put(object) => {
            let object = Shared::new(object);
            known.insert(object.uid().to_owned(), kept(&object));
            vec![Change::Put(object)]
        }
        News::Gone(object) => {
            known.remove(object.uid());
            vec![Change::Gone(Shared::new(object))]
        }
        News::All(objects, _) => {
            let mut gone = std::mem::take(known);
            let objects: Vec<Shared> = objects.into_iter().map(Shared::new).collect();
            for object in &objects {
                gone.remove(object.uid());
                known.insert(object.uid().to_owned(), kept(object));
            }
            objects.into_iter().map(Change::Put).chain(gone.into_values().map(Change::Gone)).collect()
        }
    }
}

async fn insist<F, R, T>(change: Change<T>, reconcile: &F)
where
    F: Fn(Change<T>) -> R,
    R: Future<Output = Result<(), kube::Error>>,
    T: Clone,
{
    for attempt in 1..=TRIES {
        match reconcile(change.clone()).await {
            Ok(()) => return,
            Err(error) if attempt == TRIES => warn!(%error, "giving up until the object's next event"),
            Err(error) => {
                debug!(%error, attempt, "trying again");
                tokio::time::sleep(PAUSE / TRIES * attempt).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_new_list_lacks_is_gone() {
        let object = |uid: &str| Object::new(json!({"metadata": {"uid": uid}}));
        let mut known = HashMap::new();
        changes(&mut known, News::All(vec![object("a"), object("b")], 1), Form::Whole);
        let told = changes(&mut known, News::All(vec![object("b"), object("c")], 2), Form::Whole);
        let texts: Vec<String> = told
            .iter()
            .map(|change| match change {
                Change::Put(object) => format!("+{}", object.uid()),
                Change::Gone(object) => format!("-{}", object.uid()),
            })
            .collect();
        assert_eq!(texts, ["+b", "+c", "-a"]);
    }
}
