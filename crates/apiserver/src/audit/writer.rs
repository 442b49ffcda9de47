//! The thread that hands events on.

use super::Counted;
use super::log::{Log, LogConfig};
use super::webhook::{self, WebhookConfig};
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Events that may wait, as many as upstream lets wait.
const WAITING: usize = 10_000;

/// How long the thread rests when it has written what there was, so that busy times do not wake it for each event.
const PAUSE: Duration = Duration::from_millis(3);

/// To the writer.
#[derive(Debug)]
pub(super) enum Message {
    /// An event as a line of JSON, for the log and for the webhook.
    Event {
        log: Option<Bytes>,
        webhook: Option<Bytes>,
    },
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
        let (webhook_tx, webhook) = webhook.map(|config| webhook::start(config, counted.clone())).unzip();
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
    webhook: Option<tokio::sync::mpsc::Sender<Bytes>>,
    counted: Arc<Counted>,
}

impl Hands {
    fn run(&mut self, incoming: &Receiver<Message>) {
        let mut next = incoming.recv().ok();
        while let Some(Message::Event { log, webhook }) = next {
            self.write(log, webhook);
            next = match incoming.try_recv() {
                Ok(message) => Some(message),
                Err(TryRecvError::Disconnected) => None,
                Err(TryRecvError::Empty) => {
                    self.flush();
                    std::thread::sleep(PAUSE);
                    incoming.recv().ok()
                }
            };
        }
        self.flush();
    }

    fn write(&mut self, for_log: Option<Bytes>, for_webhook: Option<Bytes>) {
        if let (Some(log), Some(line)) = (&mut self.log, for_log) {
            let lost = log.write(&line);
            self.counted.lost_by_log.fetch_add(lost, Ordering::Relaxed);
        }
        if let (Some(webhook), Some(line)) = (&self.webhook, for_webhook)
            && webhook.try_send(line).is_err()
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
