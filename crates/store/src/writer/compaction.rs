//! When the log on disk follows the history in memory: a step whenever nobody writes, and one now and then when
//! somebody always does.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::engine::{Engine, EngineError};

/// Whoever waits for the log to be compacted.
pub(crate) type Reply = oneshot::Sender<Result<(), Arc<EngineError>>>;

/// What is left to compact, and who waits for it.
#[derive(Default)]
pub(super) struct Compaction {
    /// Events since the last step.
    events: usize,
    /// True if the log may hold more than the history.
    more: bool,
    /// True since the last step failed.
    failing: bool,
    waiting: Vec<Reply>,
}

impl Compaction {
    /// How long nobody may write before there is time for a step.
    const IDLE: Duration = Duration::from_millis(100);
    /// Events after which a step is due, however busy the store is. A step passes as many rows or more, so the log
    /// does not grow.
    const EVERY: usize = 512;

    /// Takes note of events that were written.
    pub(super) fn pass(&mut self, events: usize) {
        self.events += events;
        self.more = true;
    }

    /// Answers `reply` once nothing is left to compact; until then every pause is used.
    pub(super) fn ask(&mut self, reply: Reply) {
        self.more = true;
        self.waiting.push(reply);
    }

    /// How long to wait for other work; `otherwise` if there is nothing to compact.
    pub(super) fn patience(&self, otherwise: Duration) -> Duration {
        match (self.waiting.is_empty(), self.more) {
            (false, _) => Duration::ZERO,
            (true, true) => Self::IDLE,
            (true, false) => otherwise,
        }
    }

    /// Does a step towards `floor` if it is time to.
    pub(super) fn step(&mut self, idle: bool, engine: &mut dyn Engine, floor: u64) {
        if !idle && self.waiting.is_empty() && self.events < Self::EVERY {
            return;
        }
        self.events = 0;
        let done = engine.compact(floor);
        let failed_before = std::mem::replace(&mut self.failing, done.is_err());
        match done {
            Ok(true) => self.more = true,
            Ok(false) => {
                self.more = false;
                self.waiting.drain(..).for_each(|reply| drop(reply.send(Ok(()))));
            }
            Err(error) => {
                if !failed_before {
                    tracing::warn!(error = &error as &dyn Error, "cannot compact the log, will try again");
                }
                let error = Arc::new(error);
                self.more = false;
                self.waiting.drain(..).for_each(|reply| drop(reply.send(Err(Arc::clone(&error)))));
            }
        }
    }
}
