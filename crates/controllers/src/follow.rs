//! A list and a watch, kept going: the keys of objects as they change.

use futures_util::TryStreamExt;
use http::Request;
use kube::Client;
use serde_json::Value;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;
use tracing::{debug, warn};

/// Pause after a failed list or a failed reconciliation.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a key is tried again before it waits for its next event.
const TRIES: u32 = 8;

/// What happened to an object.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// It is there, as this.
    Put(Value),
    /// It is gone; this is what it was.
    Gone(Value),
}

/// Calls `reconcile` with each object of a collection as it is and as it changes, for ever. Failures are tried again.
pub(crate) async fn each<F, R>(client: &Client, collection: &str, reconcile: F)
where
    F: Fn(Change) -> R,
    R: Future<Output = Result<(), kube::Error>>,
{
    keep_going(client, collection, "application/json", &reconcile).await;
}

/// Like [`each`], with the metadata of the objects alone: for large collections.
pub(crate) async fn each_metadata<F, R>(client: &Client, collection: &str, reconcile: F)
where
    F: Fn(Change) -> R,
    R: Future<Output = Result<(), kube::Error>>,
{
    keep_going(client, collection, "metadata", &reconcile).await;
}

async fn keep_going<F, R>(client: &Client, collection: &str, form: &str, reconcile: &F)
where
    F: Fn(Change) -> R,
    R: Future<Output = Result<(), kube::Error>>,
{
    let mut known: HashMap<String, Value> = HashMap::new();
    loop {
        if let Err(error) = once(client, collection, form, &mut known, reconcile).await {
            debug!(%error, collection, "a watch ended; listing again");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn once<F, R>(
    client: &Client,
    collection: &str,
    form: &str,
    known: &mut HashMap<String, Value>,
    reconcile: &F,
) -> Result<(), kube::Error>
where
    F: Fn(Change) -> R,
    R: Future<Output = Result<(), kube::Error>>,
{
    let list: Value = client.request(get(collection, form, "PartialObjectMetadataList")?).await?;
    let mut gone = std::mem::take(known);
    for item in list["items"].as_array().into_iter().flatten() {
        gone.remove(&uid(item));
        known.insert(uid(item), item.clone());
        insist(Change::Put(item.clone()), reconcile).await;
    }
    for object in gone.into_values() {
        insist(Change::Gone(object), reconcile).await;
    }
    let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    let joint = if collection.contains('?') { '&' } else { '?' };
    let watch = get(
        &format!("{collection}{joint}watch=1&allowWatchBookmarks=true&resourceVersion={version}"),
        form,
        "PartialObjectMetadata",
    )?;
    let mut lines = std::pin::pin!(client.request_events::<Value>(watch).await?);
    while let Some(event) = lines.try_next().await? {
        use kube::api::WatchEvent;
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                known.insert(uid(&object), object.clone());
                insist(Change::Put(object), reconcile).await;
            }
            WatchEvent::Deleted(object) => {
                known.remove(&uid(&object));
                insist(Change::Gone(object), reconcile).await;
            }
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(_) => return Ok(()),
        }
    }
    Ok(())
}

async fn insist<F, R>(change: Change, reconcile: &F)
where
    F: Fn(Change) -> R,
    R: Future<Output = Result<(), kube::Error>>,
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

fn get(path: &str, form: &str, partial: &str) -> Result<Request<Vec<u8>>, kube::Error> {
    let accept = match form {
        "metadata" => format!("application/json;as={partial};v=v1;g=meta.k8s.io"),
        form => form.to_owned(),
    };
    Request::get(path).header(http::header::ACCEPT, accept).body(Vec::new()).map_err(kube::Error::HttpError)
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}
