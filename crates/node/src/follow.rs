//! A list and a watch, kept going until told to stop: objects as they are and as they change.

use futures_util::TryStreamExt;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::core::Resource;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// The first pause after a failure; it doubles.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// What happened.
#[derive(Debug)]
pub(crate) enum Change<K> {
    /// These are all objects; what is not among them is gone.
    All(Vec<K>),
    /// One is there, as this.
    Put(K),
    /// One is gone; this is what it was.
    Gone(K),
}

/// Follows the objects that `fields` selects, until `stop`.
pub(crate) async fn follow<K>(api: &Api<K>, fields: &str, stop: &CancellationToken, mut tell: impl FnMut(Change<K>))
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let mut pause = PAUSE;
    loop {
        let round = stop.run_until_cancelled(once(api, fields, &mut tell)).await;
        match round {
            None => return,
            Some(Ok(())) => pause = PAUSE,
            Some(Err(error)) => {
                debug!(%error, fields, "a watch ended; listing again");
                let waited = stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                if waited.is_none() {
                    return;
                }
                pause = (pause * 2).min(LONG_PAUSE);
            }
        }
    }
}

/// One list and the watch after it.
async fn once<K>(api: &Api<K>, fields: &str, tell: &mut impl FnMut(Change<K>)) -> Result<(), kube::Error>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let list = api.list(&ListParams::default().fields(fields)).await?;
    let mut version = list.metadata.resource_version.clone().unwrap_or_default();
    tell(Change::All(list.items));
    loop {
        let params = WatchParams::default().fields(fields).timeout(290);
        let mut events = std::pin::pin!(api.watch(&params, &version).await?);
        while let Some(event) = events.try_next().await? {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    remember(&mut version, &object);
                    tell(Change::Put(object));
                }
                WatchEvent::Deleted(object) => {
                    remember(&mut version, &object);
                    tell(Change::Gone(object));
                }
                WatchEvent::Bookmark(mark) => version = mark.metadata.resource_version,
                WatchEvent::Error(status) if status.code == 410 => return Ok(()),
                WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
            }
        }
    }
}

fn remember<K: Resource>(version: &mut String, object: &K) {
    if let Some(newer) = &object.meta().resource_version {
        version.clone_from(newer);
    }
}
