//! A list and a watch of one collection, kept going: its objects as they change, read into the parts that are needed.

use crate::model::{Key, Object};
use futures_util::TryStreamExt;
use http::Request;
use kube::Client;
use kube::core::WatchEvent;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::{debug, warn};

/// Pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);
/// How many objects are listed at a time.
const PAGE: u32 = 500;

/// All Services.
pub(crate) const SERVICES: &str = "/api/v1/services";
/// All EndpointSlices.
pub(crate) const SLICES: &str = "/apis/discovery.k8s.io/v1/endpointslices";
/// All Namespaces.
pub(crate) const NAMESPACES: &str = "/api/v1/namespaces";
/// All Pods.
pub(crate) const PODS: &str = "/api/v1/pods";
/// All NetworkPolicies.
pub(crate) const POLICIES: &str = "/apis/networking.k8s.io/v1/networkpolicies";

/// What happened to a collection.
#[derive(Debug)]
pub(crate) enum Event<T> {
    /// An object is there, as this.
    Put(T),
    /// An object is gone.
    Gone(Key),
    /// All that is there has been told.
    Synced,
}

#[derive(Deserialize)]
struct List<T> {
    metadata: ListMetadata,
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ListMetadata {
    resource_version: String,
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// Objects of which only a part can be read must not stop the rest.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Lenient<T> {
    Object(T),
    Unreadable(serde::de::IgnoredAny),
}

/// Tells a collection's objects as they are and as they change, until nobody listens any more.
pub(crate) async fn follow<T>(client: Client, collection: &'static str, events: mpsc::Sender<Event<T>>)
where
    T: Object + DeserializeOwned + Clone + std::fmt::Debug + Send + 'static,
{
    let mut known = HashSet::new();
    while !events.is_closed() {
        if let Err(error) = follow_once(&client, collection, &mut known, &events).await {
            debug!(%error, collection, "a watch ended; listing again");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn follow_once<T>(
    client: &Client,
    collection: &str,
    known: &mut HashSet<Key>,
    events: &mpsc::Sender<Event<T>>,
) -> Result<(), kube::Error>
where
    T: Object + DeserializeOwned + Clone + std::fmt::Debug + Send + 'static,
{
    let mut version = list(client, collection, known, events).await?;
    while !events.is_closed() {
        let path = format!("{collection}?watch=1&allowWatchBookmarks=true&resourceVersion={version}");
        let mut stream = std::pin::pin!(client.request_events::<Lenient<T>>(get(&path)?).await?);
        while let Some(event) = stream.try_next().await? {
            match event {
                WatchEvent::Added(Lenient::Object(object)) | WatchEvent::Modified(Lenient::Object(object)) => {
                    version.clone_from(&object.metadata().resource_version);
                    known.insert(object.key());
                    if events.send(Event::Put(object)).await.is_err() {
                        return Ok(());
                    }
                }
                WatchEvent::Deleted(Lenient::Object(object)) => {
                    version.clone_from(&object.metadata().resource_version);
                    known.remove(&object.key());
                    if events.send(Event::Gone(object.key())).await.is_err() {
                        return Ok(());
                    }
                }
                WatchEvent::Bookmark(bookmark) => version.clone_from(&bookmark.metadata.resource_version),
                WatchEvent::Error(_) => return Ok(()),
                WatchEvent::Added(_) | WatchEvent::Modified(_) | WatchEvent::Deleted(_) => {
                    warn!(collection, "an object of the API server cannot be read");
                }
            }
        }
    }
    Ok(())
}

async fn list<T>(
    client: &Client,
    collection: &str,
    known: &mut HashSet<Key>,
    events: &mpsc::Sender<Event<T>>,
) -> Result<String, kube::Error>
where
    T: Object + DeserializeOwned,
{
    let mut gone = std::mem::take(known);
    let mut next = String::new();
    let version = loop {
        let page: List<Lenient<T>> = client.request(get(&format!("{collection}?limit={PAGE}{next}"))?).await?;
        for object in page.items {
            let Lenient::Object(object) = object else { continue };
            gone.remove(&object.key());
            known.insert(object.key());
            let _ = events.send(Event::Put(object)).await;
        }
        match page.metadata.next.filter(|next| !next.is_empty()) {
            Some(token) => next = format!("&continue={}", escape(&token)),
            None => break page.metadata.resource_version,
        }
    };
    for key in gone {
        let _ = events.send(Event::Gone(key)).await;
    }
    let _ = events.send(Event::Synced).await;
    Ok(version)
}

/// Escapes a value of a query.
fn escape(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn get(path: &str) -> Result<Request<Vec<u8>>, kube::Error> {
    Request::get(path).header("accept", "application/json").body(Vec::new()).map_err(kube::Error::HttpError)
}
