//! A list and a watch, kept going for ever.
//!
//! A watch that ends is taken up where it stopped; a list is asked for at the start and when the server no longer
//! knows where that was.

use crate::list;
use crate::object::Object;
use futures_util::TryStreamExt;
use http::Request;
use kube::Client;
use kube::api::WatchEvent;
use std::time::Duration;
use tracing::debug;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a feed tells.
#[derive(Debug)]
pub enum News {
    /// All objects there are, as of a version.
    All(Vec<Object>, u64),
    /// An object as it is now.
    Put(Object),
    /// An object that is gone, as it last was.
    Gone(Object),
}

/// What of objects is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All of them.
    Whole,
    /// Their metadata alone.
    Metadata,
}

impl Form {
    fn accept(self, partial: &str) -> String {
        match self {
            Form::Whole => "application/json".to_owned(),
            Form::Metadata => format!("application/json;as={partial};v=v1;g=meta.k8s.io"),
        }
    }
}

/// Tells `hear` about the objects of a collection, by its path, for ever. Who wants a kind that others follow too asks
/// [`crate::Informers::cache`] instead.
pub async fn follow(client: &Client, collection: &str, form: Form, mut hear: impl FnMut(News)) {
    let mut pause = FIRST_PAUSE;
    let mut version = None;
    loop {
        match once(client, collection, form, &mut version, &mut hear).await {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                debug!(%error, collection, "a watch failed; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn once(
    client: &Client,
    collection: &str,
    form: Form,
    version: &mut Option<String>,
    hear: &mut impl FnMut(News),
) -> Result<(), kube::Error> {
    let from = match version.take() {
        Some(from) => from,
        None => {
            let list = list::list(client, collection, &form.accept("PartialObjectMetadataList")).await?;
            hear(News::All(list.objects, list.version.parse().unwrap_or_default()));
            list.version
        }
    };
    let joint = if collection.contains('?') { '&' } else { '?' };
    let watch = format!("{collection}{joint}watch=1&allowWatchBookmarks=true&resourceVersion={from}");
    let mut events =
        std::pin::pin!(client.request_events::<Object>(get(&watch, &form.accept("PartialObjectMetadata"))?).await?);
    *version = Some(from);
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                *version = Some(version_of(&object));
                hear(News::Put(object));
            }
            WatchEvent::Deleted(object) => {
                *version = Some(version_of(&object));
                hear(News::Gone(object));
            }
            WatchEvent::Bookmark(mark) => *version = Some(mark.metadata.resource_version),
            WatchEvent::Error(status) => {
                debug!(?status, collection, "the watch cannot go on; listing again");
                *version = None;
                return if status.code == 410 { Ok(()) } else { Err(kube::Error::Api(status)) };
            }
        }
    }
    Ok(())
}

fn version_of(object: &Object) -> String {
    object.meta().str("resourceVersion").to_owned()
}

fn get(path: &str, accept: &str) -> Result<Request<Vec<u8>>, kube::Error> {
    Request::get(path).header(http::header::ACCEPT, accept).body(Vec::new()).map_err(kube::Error::HttpError)
}
