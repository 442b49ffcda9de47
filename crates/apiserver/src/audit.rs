//! The audit log: who did what when, as a policy asks.
//!
//! A request that is audited has a [`Record`], which parts of the request write into; when the last of them lets go,
//! the request is over and its event goes, as a line of JSON, to the writer, a thread of its own that hands it to a file
//! and a webhook. A request never waits for that: if the writer cannot keep up, events are dropped and counted.
//! A request at level None costs the policy's rules and nothing else.
//!
//! Deliberately absent: what is worth an alarm; that is for who reads the log.

mod event;
mod line;
mod log;
mod policy;
mod record;
mod truncate;
mod webhook;
mod writer;

pub use log::LogConfig;
pub use policy::{Policy, PolicyError};
pub use truncate::Truncate;
pub use webhook::WebhookConfig;

pub(crate) use record::{Record, keep};

use crate::authz::Attributes;
use crate::counter::Counter;
use crate::rest::connect::Remote;
use bytes::Bytes;
use event::{Base, Event, Stage};
use kinds::UserInfo;
use policy::Level;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use writer::{Message, Writer};

/// Longest id that is taken from a client.
const MAX_ID: usize = 64;

/// What is audited, and where it goes.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is audited, and how much of it.
    pub policy: Policy,
    /// A file.
    pub log: Option<LogConfig>,
    /// A webhook.
    pub webhook: Option<WebhookConfig>,
}

/// The audit log of one server.
pub struct Audit {
    policy: Policy,
    sink: Arc<Sink>,
    writer: Mutex<Option<Writer>>,
}

/// Where events go, and what is counted of them.
#[derive(Debug)]
struct Sink {
    events: std::sync::mpsc::SyncSender<Message>,
    /// Who gets events, and how large they may be there.
    log: Option<Limit>,
    webhook: Option<Limit>,
    counted: Arc<Counted>,
}

/// How large events may be, if there is a limit.
type Limit = Option<Truncate>;

/// What is counted, under upstream's names.
#[derive(Debug, Default)]
struct Counted {
    levels: [AtomicU64; 4],
    events: AtomicU64,
    lost_on_the_way: AtomicU64,
    lost_by_log: AtomicU64,
    lost_by_webhook: AtomicU64,
    too_large: AtomicU64,
}

/// What a request shows of itself, for its record.
pub(crate) struct Request<'a> {
    pub(crate) id: &'a str,
    pub(crate) received: SystemTime,
    pub(crate) head: &'a ::http::request::Parts,
    pub(crate) long_running: bool,
}

impl Audit {
    /// Opens the file and starts the writer.
    ///
    /// # Errors
    /// If the file cannot be opened or there can be no thread.
    pub fn start(config: Config) -> std::io::Result<Arc<Audit>> {
        let counted = Arc::<Counted>::default();
        let log = config.log.as_ref().map(|log| log.truncate);
        let webhook = config.webhook.as_ref().map(|webhook| webhook.truncate);
        let (events, writer) = Writer::start(config.log, config.webhook, counted.clone())?;
        let sink = Arc::new(Sink { events, log, webhook, counted });
        Ok(Arc::new(Audit { policy: config.policy, sink, writer: Mutex::new(Some(writer)) }))
    }

    /// A record of a request, if it is audited. `asked` is what it asks, by whom.
    pub(crate) fn begin(
        &self,
        asked: &Attributes<'_>,
        user: &Arc<UserInfo>,
        request: &Request<'_>,
    ) -> Option<Arc<Record>> {
        let outcome = self.policy.judge(asked);
        self.sink.counted.levels[outcome.level as usize].fetch_add(1, Ordering::Relaxed);
        if outcome.level == Level::None {
            return None;
        }
        let base = Base {
            level: outcome.level,
            omit_managed_fields: outcome.omit_managed_fields,
            id: request.id.to_owned(),
            uri: request.head.uri.path_and_query().map_or("", |path| path.as_str()).to_owned(),
            verb: asked.verb.to_owned(),
            user: user.clone(),
            sources: sources(request.head),
            agent: event::user_agent(&request.head.headers),
            object: event::Reference::of(asked),
            received: request.received,
        };
        let record = Record::new(base, outcome.omit, self.sink.clone(), request.long_running);
        record.stage(Stage::RequestReceived);
        Some(Arc::new(record))
    }

    /// Writes what is left and ends. What is still to come is lost, and counted.
    pub async fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            writer.close(&self.sink.events).await;
        }
    }

    /// Appends what is counted to the page of metrics.
    pub(crate) fn metrics(&self, page: &mut String) {
        let counted = &self.sink.counted;
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let levels =
            Counter::new("apiserver_audit_level_total", "Requests by the level at which they are audited.", ["level"]);
        for (level, count) in Level::ALL.iter().zip(&counted.levels) {
            levels.add([level.as_str()], value(count));
        }
        let events = Counter::new("apiserver_audit_event_total", "Audit events that were made.", []);
        events.add([], value(&counted.events));
        let errors =
            Counter::new("apiserver_audit_error_total", "Audit events that were lost, and by whom.", ["plugin"]);
        let lost = [
            ("buffered", &counted.lost_on_the_way),
            ("log", &counted.lost_by_log),
            ("webhook", &counted.lost_by_webhook),
            ("truncate", &counted.too_large),
        ];
        for (plugin, count) in lost {
            errors.add([plugin], value(count));
        }
        let rejected = Counter::new(
            "apiserver_audit_requests_rejected_total",
            "Requests refused because they could not be audited.",
            [],
        );
        rejected.add([], 0);
        levels.write(page);
        events.write(page);
        errors.write(page);
        rejected.write(page);
    }
}

impl Sink {
    /// Hands an event on, if there is room for it.
    fn send(&self, event: &Event) {
        self.counted.events.fetch_add(1, Ordering::Relaxed);
        let line: Bytes = event.encode().into();
        let message =
            Message::Event { log: self.fit(self.log, event, &line), webhook: self.fit(self.webhook, event, &line) };
        if self.events.try_send(message).is_err() {
            self.counted.lost_on_the_way.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An event as large as it may be for somebody, if there is somebody; one that cannot be made so is counted.
    fn fit(&self, limit: Option<Limit>, event: &Event, line: &Bytes) -> Option<Bytes> {
        let Some(truncate) = limit? else { return Some(line.clone()) };
        let line = truncate.fit(event, line);
        if line.is_none() {
            self.counted.too_large.fetch_add(1, Ordering::Relaxed);
        }
        line
    }
}

/// The id of a request: the client's own, or a new one.
pub(crate) fn id(headers: &::http::HeaderMap) -> String {
    let given = headers.get("audit-id").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match given {
        "" => uuid::Uuid::new_v4().to_string(),
        given => given[..given.len().min(MAX_ID)].to_owned(),
    }
}

/// Where a request comes from, through whom: what proxies say, then who is connected. Parts of this process are on
/// this machine.
fn sources(head: &::http::request::Parts) -> Vec<String> {
    let text = |name: &str| {
        let values = head.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(",")
    };
    let address = |text: &str| text.trim().parse::<std::net::IpAddr>().ok();
    let mut sources: Vec<std::net::IpAddr> = text("x-forwarded-for").split(',').filter_map(address).collect();
    sources.extend(address(&text("x-real-ip")).filter(|known| !sources.contains(known)));
    let remote = head.extensions.get().map_or(std::net::Ipv6Addr::LOCALHOST.into(), |Remote(remote)| remote.ip());
    if sources.last() != Some(&remote) {
        sources.push(remote);
    }
    sources.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests;
