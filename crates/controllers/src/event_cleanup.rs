//! Events are forgotten after an hour.
//!
//! They are not followed: now and then they are listed, a page at a time.

use crate::api;
use http::Method;
use informer::clock;
use kube::Client;
use object::{Value, View};
use std::time::Duration;
use tracing::debug;

/// How long an event is kept, in seconds.
const KEPT: i64 = 3600;
const PERIOD: Duration = Duration::from_secs(300);
const EVENTS: &str = "/api/v1/events?limit=500";

/// Runs the controller.
pub(crate) async fn run(client: Client) {
    loop {
        tokio::time::sleep(PERIOD).await;
        if let Err(error) = clean_up(&client, clock::now()).await {
            debug!(%error, "cannot clean up events; trying again later");
        }
    }
}

async fn clean_up(client: &Client, now: i64) -> Result<(), kube::Error> {
    let mut from = String::new();
    loop {
        let page = api::send(client, Method::GET, &format!("{EVENTS}&continue={from}"), &Value::Null).await?;
        let page = View::from(&page);
        for event in page.list("items").filter(|event| is_old(*event, now)) {
            let metadata = event.get("metadata");
            let path = format!("/api/v1/namespaces/{}/events/{}", metadata.str("namespace"), metadata.str("name"));
            match api::send(client, Method::DELETE, &path, &Value::Null).await {
                Err(error) if api::code(&error) == 404 => {}
                done => drop(done?),
            }
        }
        from = page.get("metadata").str("continue").to_owned();
        if from.is_empty() {
            return Ok(());
        }
    }
}

/// Whether an event last happened long ago.
fn is_old(event: View<'_>, now: i64) -> bool {
    let times = [
        event.str("lastTimestamp"),
        event.str("eventTime"),
        event.get("series").str("lastObservedTime"),
        event.get("metadata").str("creationTimestamp"),
    ];
    let last = times.into_iter().filter_map(clock::seconds).max();
    last.is_some_and(|last| last + KEPT < now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn the_last_time_counts() {
        let event =
            json!({"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}, "lastTimestamp": "2020-01-01T02:00:00Z"});
        let at = |text: &str| clock::seconds(text).unwrap();
        assert!(!is_old(View::from(&event), at("2020-01-01T02:59:00Z")));
        assert!(is_old(View::from(&event), at("2020-01-01T03:00:01Z")));
    }
}
