//! The server's own work beside requests, each piece by its name, so that a drain can say what it waits for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// Pieces of work that run until they are told to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Background {
    tasks: TaskTracker,
    /// How many of each run.
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

/// Counts a piece of work until it has ended, by itself or by a panic.
struct Running {
    name: &'static str,
    background: Background,
}

impl Background {
    /// Starts a piece of work.
    pub(crate) fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        *self.lock().entry(name).or_default() += 1;
        let running = Running { name, background: self.clone() };
        self.tasks.spawn(async move {
            let _running = running;
            work.await;
        });
    }

    /// Waits until all has ended, and names what has not in time.
    pub(crate) async fn ended(&self, patience: Duration) -> Result<(), Vec<&'static str>> {
        self.tasks.close();
        match tokio::time::timeout(patience, self.tasks.wait()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.lock().keys().copied().collect()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, usize>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.background.lock();
        if let Some(count) = running.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                running.remove(self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_end_is_named() {
        let background = Background::default();
        background.spawn("short", async {});
        background.spawn("endless", std::future::pending());
        assert_eq!(background.ended(Duration::from_millis(50)).await, Err(vec!["endless"]));
    }

    #[tokio::test]
    async fn a_panic_is_an_end() {
        let background = Background::default();
        background.spawn("clumsy", async { panic!("as this test wants it") });
        assert_eq!(background.ended(Duration::from_secs(30)).await, Ok(()));
        assert!(background.lock().is_empty());
    }
}
