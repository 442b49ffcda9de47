//! Bringing the write-ahead log home without making a commit wait for it.
//!
//! A thread copies what it can while the writer goes on. As the writer is always a little ahead, the log would never
//! end and never start over; so when it has grown long the thread asks the writer to copy the short rest itself,
//! between two groups, when nobody is ahead.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::schema;

/// The thread and what it shares with the writer.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    /// Something to copy: writer -> thread. Dropped to end it.
    wakes_tx: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// The log is too long, the writer should copy the rest.
    help: AtomicBool,
    /// Held while one of them copies; SQLite lets only one.
    turn: Mutex<()>,
    count: AtomicU64,
}

/// How thorough a checkpoint is.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// Copies what it can without waiting for anybody.
    Passive,
    /// Copies everything and empties the log.
    Truncate,
}

impl Checkpointer {
    /// Pages in the log from which on the writer helps, so that the log starts over: 8 MiB. A short log that is
    /// written over and over also is faster than one that grows.
    const LONG_PAGES: i64 = 2048;
    /// Pages that are copied in a moment: 1 MiB.
    const LITTLE_PAGES: i64 = 256;

    /// Starts the thread, with a connection of its own to the database `path`.
    pub(super) fn start(path: &Path) -> rusqlite::Result<Self> {
        let connection = schema::connect(path)?;
        let shared = Arc::new(Shared::default());
        let (wakes_tx, wakes_rx) = mpsc::channel();
        let for_thread = Arc::clone(&shared);
        let work = move || {
            while wakes_rx.recv().is_ok() {
                while wakes_rx.try_recv().is_ok() {}
                for_thread.copy(&connection);
            }
        };
        let thread = std::thread::Builder::new().name("store-checkpoint".into()).spawn(work);
        if let Err(error) = &thread {
            tracing::warn!(%error, "cannot start the checkpoint thread, the writer does its work");
        }
        Ok(Checkpointer { shared, wakes_tx: Some(wakes_tx), thread: thread.ok() })
    }

    /// Tells the thread that there is something to copy.
    pub(super) fn wake(&self) {
        let heard = self.wakes_tx.as_ref().is_some_and(|wakes| wakes.send(()).is_ok());
        if !heard {
            self.shared.help.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn asks_for_help(&self) -> bool {
        self.shared.help.load(Ordering::Relaxed)
    }

    /// Copies the rest on the writer's connection, waiting for the thread if it is at it.
    pub(super) fn finish(&self, connection: &Connection) {
        self.shared.help.store(false, Ordering::Relaxed);
        self.shared.checkpoint(connection);
    }

    /// Checkpoints done.
    pub(super) fn count(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(&mut self) {
        self.wakes_tx = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread has panicked");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// Copies what there is; if the log is long, again what the writer added meanwhile, until that is little, and
    /// leaves the rest to the writer.
    fn copy(&self, connection: &Connection) {
        let mut seen = 0;
        while let Some(in_log) = self.checkpoint(connection)
            && in_log > Checkpointer::LONG_PAGES
        {
            let added = in_log - seen;
            if added <= Checkpointer::LITTLE_PAGES || (seen > 0 && added > seen / 2) {
                self.help.store(true, Ordering::Relaxed);
                return;
            }
            seen = in_log;
        }
    }

    /// Copies the pages that are in the log now; returns how many have been copied since it last started over.
    fn checkpoint(&self, connection: &Connection) -> Option<i64> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let copied = run(connection, Mode::Passive);
        drop(turn);
        match copied {
            Ok(pages) => {
                self.count.fetch_add(1, Ordering::Relaxed);
                Some(pages)
            }
            Err(error) => {
                tracing::warn!(%error, "cannot checkpoint the store, will try again");
                None
            }
        }
    }
}

/// Does one checkpoint; returns the pages that are copied, -1 if another one was under way.
pub(super) fn run(connection: &Connection, mode: Mode) -> rusqlite::Result<i64> {
    let sql = match mode {
        Mode::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
        Mode::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
    };
    connection.query_row(sql, [], |row| row.get(2))
}
