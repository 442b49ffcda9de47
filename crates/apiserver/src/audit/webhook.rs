//! Events posted to somebody else, many at once.
//!
//! What cannot be delivered after several tries is lost, and counted; meanwhile new events wait, up to a number.

use super::{Counted, Truncate};
use crate::webhook::Remote;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tracing::warn;

/// How long one post may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a batch is posted at most.
const TRIES: u32 = 5;

/// Where events are posted, and how many at once.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// Where.
    pub remote: Remote,
    /// Events that may wait.
    pub buffer_size: usize,
    /// Most events of one post.
    pub max_batch: usize,
    /// How long the first event of a post waits for others.
    pub max_wait: Duration,
    /// How long it takes to try again after the first failure; later ones take longer.
    pub initial_backoff: Duration,
    /// How large events may be, one and all of a post, if there is a limit.
    pub truncate: Option<Truncate>,
}

/// Starts to post what is sent. It ends when the sender does, after it has tried to post what is left.
pub(super) fn start(config: WebhookConfig, counted: Arc<Counted>) -> (Sender<Bytes>, JoinHandle<()>) {
    let (sender, events) = channel(config.buffer_size.max(1));
    let task = tokio::spawn(run(config, events, counted));
    (sender, task)
}

async fn run(config: WebhookConfig, mut events: Receiver<Bytes>, counted: Arc<Counted>) {
    while let Some(batch) = collect(&config, &mut events).await {
        for part in parts(&batch, config.truncate) {
            let count = part.len() as u64;
            if let Err(why) = post(&config, part, &events).await {
                counted.lost_by_webhook.fetch_add(count, Ordering::Relaxed);
                warn!(why, count, "audit events could not be posted and are lost");
            }
        }
    }
}

/// The next events to post: as many as come within the wait.
async fn collect(config: &WebhookConfig, events: &mut Receiver<Bytes>) -> Option<Vec<Bytes>> {
    let mut batch = vec![events.recv().await?];
    let more = async {
        while batch.len() < config.max_batch
            && let Some(event) = events.recv().await
        {
            batch.push(event);
        }
    };
    // What has come by then is what is posted.
    let _ = tokio::time::timeout(config.max_wait, more).await;
    Some(batch)
}

/// A batch in parts that are not too large.
fn parts(batch: &[Bytes], truncate: Option<Truncate>) -> Vec<&[Bytes]> {
    let most = truncate.map_or(usize::MAX, |truncate| truncate.max_batch);
    let (mut parts, mut start, mut size) = (Vec::new(), 0, 0_usize);
    for (place, event) in batch.iter().enumerate() {
        if place > start && size.saturating_add(event.len()) > most {
            parts.push(&batch[start..place]);
            (start, size) = (place, 0);
        }
        size = size.saturating_add(event.len());
    }
    parts.push(&batch[start..]);
    parts
}

async fn post(config: &WebhookConfig, batch: &[Bytes], events: &Receiver<Bytes>) -> Result<(), String> {
    let document = list(batch);
    let mut pause = config.initial_backoff;
    for attempt in 1.. {
        let failure = match config.remote.post(document.clone(), PATIENCE).await {
            Ok((code, _)) if (200..300).contains(&code) => return Ok(()),
            Ok((code, _)) => format!("the webhook answered {code}"),
            Err(why) => why,
        };
        // At the end nobody waits for a service that does not answer.
        if attempt == TRIES || events.is_closed() {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
        pause = pause.mul_f64(1.5);
    }
    unreachable!("the loop above ends by returning")
}

fn list(batch: &[Bytes]) -> Bytes {
    let mut list = br#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#.to_vec();
    list.extend_from_slice(&batch.join(&b","[..]));
    list.extend_from_slice(b"]}");
    list.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_is_too_large_is_posted_in_parts() {
        let batch = ["aa", "bb", "cccccc", "d", "e"].map(Bytes::from);
        let sizes = |most| -> Vec<usize> {
            let truncate = Truncate { max_event: 2, max_batch: most };
            parts(&batch, Some(truncate)).into_iter().map(<[Bytes]>::len).collect()
        };
        assert_eq!(sizes(4), [2, 1, 2]);
        assert_eq!(sizes(1), [1, 1, 1, 1, 1]);
        assert_eq!(parts(&batch, None).len(), 1);
    }

    #[test]
    fn a_batch_is_a_list() {
        let value: object::Value = serde_json::from_slice(&list(&[Bytes::from("{}"), Bytes::from("{}")])).unwrap();
        assert_eq!(value["items"].as_array().unwrap().len(), 2);
    }
}
