//! How far a transfer is, in one line on a terminal; nothing elsewhere.

use super::show::bytes;
use container::{Progress, Report};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// More often than this nobody sees it.
const PAUSE: Duration = Duration::from_millis(100);

/// One line.
pub(super) struct Line {
    state: Option<Arc<Mutex<State>>>,
}

struct State {
    what: String,
    layers: usize,
    bytes: u64,
    placed: usize,
    moved: BTreeMap<String, u64>,
    shown: Option<Instant>,
}

impl Line {
    pub(super) fn new(verb: &str, name: &str) -> Line {
        let state = State {
            what: format!("{verb} {name}"),
            layers: 0,
            bytes: 0,
            placed: 0,
            moved: BTreeMap::new(),
            shown: None,
        };
        Line { state: std::io::stderr().is_terminal().then(|| Arc::new(Mutex::new(state))) }
    }

    pub(super) fn report(&self) -> Option<Report> {
        let state = self.state.clone()?;
        Some(Arc::new(move |progress| state.lock().unwrap_or_else(PoisonError::into_inner).hear(progress)))
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        if self.state.is_some() {
            let _closed = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

impl State {
    fn hear(&mut self, progress: Progress) {
        match progress {
            Progress::Layers { count, bytes } => (self.layers, self.bytes) = (count, bytes),
            Progress::Moved { digest, done, .. } => {
                self.moved.insert(digest, done);
            }
            Progress::Placed { .. } => self.placed += 1,
        }
        if self.shown.is_none_or(|shown| shown.elapsed() >= PAUSE) {
            self.shown = Some(Instant::now());
            let moved = self.moved.values().sum();
            let (done, all) = (bytes(moved), bytes(self.bytes.max(moved)));
            let placed = self.placed.min(self.layers);
            let line = format!("{}: {placed} of {} layers, {done} of {all}", self.what, self.layers);
            let _closed = write!(std::io::stderr(), "\r{line}\x1b[K");
        }
    }
}
