//! The thread that makes JSON of events and hands it on.

use super::event::Event;
use super::log::{Log, LogConfig};
use super::webhook::{self, WebhookConfig};
use super::{Counted, Truncate};
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

/// Events that may wait, as many as upstream lets wait.
const WAITING: usize = 10_000;

/// To the writer.
#[derive(Debug)]
pub(super) enum Message {
    Event(Box<Event>),
    Close,
}

/// The thread, and the webhook's task.
pub(super) struct Writer {
    thread: JoinHandle<()>,
    webhook: Option<tokio::task::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        log: Option<LogConfig>,
        webhook: Option<WebhookConfig>,
        counted: Arc<Counted>,
    ) -> io::Result<(SyncSender<Message>, Writer)> {
        let log = log.map(Log::open).transpose()?;
        let (events, incoming) = sync_channel(WAITING);
        let (webhook_tx, webhook) = match webhook {
            Some(config) => {
                let truncate = config.truncate;
                let (events, task) = webhook::start(config, counted.clone());
                (Some(ToWebhook { events, truncate }), Some(task))
            }
            None => (None, None),
        };
        let mut hands = Hands { log, webhook: webhook_tx, counted };
        let thread = std::thread::Builder::new().name("audit".to_owned()).spawn(move || hands.run(&incoming))?;
        Ok((events, Writer { thread, webhook }))
    }

    /// Writes what has come so far and ends.
    pub(super) async fn close(self, events: &SyncSender<Message>) {
        let events = events.clone();
        let Writer { thread, webhook } = self;
        let joined = tokio::task::spawn_blocking(move || {
            // If the thread has gone there is nothing to wait for.
            let _ = events.send(Message::Close);
            thread.join()
        });
        if !matches!(joined.await, Ok(Ok(()))) {
            tracing::error!("the audit writer ended in a panic");
        }
        if let Some(task) = webhook {
            // A panic of the task has been reported by the runtime.
            let _ = task.await;
        }
    }
}

/// What the thread has.
struct Hands {
    log: Option<Log>,
    webhook: Option<ToWebhook>,
    counted: Arc<Counted>,
}

/// Writer -> webhook's task, and how large events may be.
struct ToWebhook {
    events: tokio::sync::mpsc::Sender<Bytes>,
    truncate: Option<Truncate>,
}

impl Hands {
    fn run(&mut self, incoming: &Receiver<Message>) {
        let mut next = incoming.recv().ok();
        while let Some(Message::Event(event)) = next {
            self.write(&event);
            next = match incoming.try_recv() {
                Ok(message) => Some(message),
                Err(TryRecvError::Disconnected) => None,
                Err(TryRecvError::Empty) => {
                    self.flush();
                    incoming.recv().ok()
                }
            };
        }
        self.flush();
    }

    fn write(&mut self, event: &Event) {
        let line: Bytes = event.encode().into();
        if let Some(log) = &mut self.log
            && let Some(line) = fit(log.truncate(), event, &line, &self.counted)
        {
            let lost = log.write(&line);
            self.counted.lost_by_log.fetch_add(lost, Ordering::Relaxed);
        }
        if let Some(webhook) = &self.webhook
            && let Some(line) = fit(webhook.truncate, event, &line, &self.counted)
            && webhook.events.try_send(line).is_err()
        {
            self.counted.lost_by_webhook.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&mut self) {
        if let Some(log) = &mut self.log {
            let lost = log.flush();
            self.counted.lost_by_log.fetch_add(lost, Ordering::Relaxed);
        }
    }
}

/// An event as large as it may be; one that cannot be made so is counted.
fn fit(truncate: Option<Truncate>, event: &Event, line: &Bytes, counted: &Counted) -> Option<Bytes> {
    let Some(truncate) = truncate else { return Some(line.clone()) };
    let line = truncate.fit(event, line);
    if line.is_none() {
        counted.too_large.fetch_add(1, Ordering::Relaxed);
    }
    line
}
