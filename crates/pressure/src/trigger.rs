//! Triggers of the kernel: it watches a group itself, and wakes whoever polls when tasks have waited too long within a
//! window. A burst between two samples is not missed.
//!
//! One [`Triggers`] holds all of them on one thread. Facts: the kernel's `accounting/psi.rst`. A window is 500 ms to
//! 10 s; without CAP_SYS_RESOURCE it has to be a multiple of 2 s, and is made one.

use cgroup::{Group, Resource};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the kernel allows.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);
/// Without the right to more, a window is a multiple of this.
const UNPRIVILEGED: Duration = Duration::from_secs(2);

/// Whose waiting counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineKind {
    /// That of at least one task.
    Some,
    /// That of all tasks that could run.
    Full,
}

impl LineKind {
    /// The kernel's word.
    pub fn name(self) -> &'static str {
        match self {
            LineKind::Some => "some",
            LineKind::Full => "full",
        }
    }
}

/// When a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Condition {
    /// Of what there is too little.
    pub resource: Resource,
    /// Whose waiting counts.
    pub line: LineKind,
    /// Waiting for so long …
    pub threshold: Duration,
    /// … within this time.
    pub window: Duration,
}

/// Why a trigger cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// The window or the threshold is out of range.
    #[error("a window is 500ms to 10s, and the threshold is no longer than it; {window:?} and {threshold:?} are not")]
    Range {
        /// The window.
        window: Duration,
        /// The threshold.
        threshold: Duration,
    },
    /// There are no pressure files for the group.
    #[error("{group} has no pressure files; mount cgroup2, and boot with psi=1")]
    Absent {
        /// The group.
        group: String,
    },
    /// The kernel refuses.
    #[error("cannot set the trigger {text:?} on {path}")]
    Set {
        /// What was written.
        text: String,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// There is no thread or no descriptor for it.
    #[error("cannot start watching triggers")]
    Start(#[source] std::io::Error),
}

impl Condition {
    /// The same with a window that needs no rights.
    fn unprivileged(&self) -> Condition {
        let steps = self.window.as_millis().div_ceil(UNPRIVILEGED.as_millis());
        let window = UNPRIVILEGED * u32::try_from(steps).unwrap_or(5).min(5);
        Condition { window, ..*self }
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.line.name(), self.threshold.as_micros(), self.window.as_micros())
    }
}

/// A trigger that is set until it is dropped.
#[derive(Debug)]
struct Trigger(OwnedFd);

impl Trigger {
    fn set(group: &Group, condition: &Condition) -> Result<Trigger, TriggerError> {
        let Condition { window, threshold, resource, .. } = *condition;
        if window < SHORTEST || window > LONGEST || threshold > window || threshold.is_zero() {
            return Err(TriggerError::Range { window, threshold });
        }
        let absent = || TriggerError::Absent { group: group.name().to_owned() };
        let path = group.unified_path().ok_or_else(absent)?.join(format!("{}.pressure", resource.name()));
        match write(&path, &condition.text()) {
            Ok(file) => Ok(Trigger(file)),
            Err(Errno::NOENT | Errno::OPNOTSUPP) => Err(absent()),
            Err(Errno::INVAL | Errno::PERM | Errno::ACCESS) if *condition != condition.unprivileged() => {
                let text = condition.unprivileged().text();
                write(&path, &text).map(Trigger).map_err(|error| TriggerError::Set { text, path, source: error.into() })
            }
            Err(error) => Err(TriggerError::Set { text: condition.text(), path, source: error.into() }),
        }
    }
}

fn write(path: &std::path::Path, text: &str) -> Result<OwnedFd, Errno> {
    let file = rustix::fs::open(path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    rustix::io::write(&file, &bytes)?;
    Ok(file)
}

/// Watches triggers, each under a key.
#[derive(Debug)]
pub struct Triggers<K> {
    shared: Arc<Shared<K>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared<K> {
    /// Triggers that are set; those of the thread are behind it by one wake at most.
    set: Mutex<Vec<(K, Arc<Trigger>)>>,
    /// Wakes the thread: something was set, or taken away, or it is over.
    wake: OwnedFd,
    over: std::sync::atomic::AtomicBool,
}

impl<K: Clone + PartialEq + Send + 'static> Triggers<K> {
    /// Starts the thread. `fired` is called on it for each trigger that fires, at most once in a window.
    pub fn start(fired: impl Fn(&K) + Send + 'static) -> Result<Triggers<K>, TriggerError> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let wake = wake.map_err(|error| TriggerError::Start(error.into()))?;
        let shared = Arc::new(Shared { set: Mutex::new(Vec::new()), wake, over: false.into() });
        let watched = shared.clone();
        let thread = std::thread::Builder::new().name("pressure-triggers".to_owned());
        let thread = thread.spawn(move || watched.watch(fired)).map_err(TriggerError::Start)?;
        Ok(Triggers { shared, thread: Some(thread) })
    }

    /// Sets a trigger on a group.
    pub fn set(&self, key: K, group: &Group, condition: &Condition) -> Result<(), TriggerError> {
        let trigger = Arc::new(Trigger::set(group, condition)?);
        self.shared.lock().push((key, trigger));
        self.shared.wake();
        Ok(())
    }

    /// Takes away what is set under keys that shall not stay.
    pub fn retain(&self, stays: impl Fn(&K) -> bool) {
        self.shared.lock().retain(|(key, _)| stays(key));
        self.shared.wake();
    }

    /// The keys under which something is set. A trigger whose group has gone is taken away by itself.
    pub fn keys(&self) -> Vec<K> {
        self.shared.lock().iter().map(|(key, _)| key.clone()).collect()
    }
}

impl<K> Shared<K> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(K, Arc<Trigger>)>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // A counter that is full wakes just as well.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    fn watch(&self, fired: impl Fn(&K))
    where
        K: Clone + PartialEq,
    {
        while !self.over.load(std::sync::atomic::Ordering::Acquire) {
            let set: Vec<(K, Arc<Trigger>)> = self.lock().iter().cloned().collect();
            let mut waits: Vec<PollFd<'_>> =
                set.iter().map(|(_, trigger)| PollFd::new(&trigger.0, PollFlags::PRI)).collect();
            waits.push(PollFd::new(&self.wake, PollFlags::IN));
            match poll(&mut waits, None) {
                Ok(_) | Err(Errno::INTR) => {}
                // It would go on failing; nobody is woken any more, which samples make up for.
                Err(_) => return,
            }
            let happened: Vec<PollFlags> = waits.iter().map(PollFd::revents).collect();
            drop(waits);
            let mut bytes = [0; 8];
            let _ = rustix::io::read(&self.wake, &mut bytes);
            for ((key, trigger), flags) in set.iter().zip(happened) {
                if flags.contains(PollFlags::ERR) {
                    self.lock().retain(|(_, known)| !Arc::ptr_eq(known, trigger));
                } else if flags.contains(PollFlags::PRI) {
                    fired(key);
                }
            }
        }
    }
}

impl<K> Drop for Triggers<K> {
    fn drop(&mut self) {
        self.shared.over.store(true, std::sync::atomic::Ordering::Release);
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            // It ends by itself now; a panic of it has been told already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(threshold: u64, window: u64) -> Condition {
        let (threshold, window) = (Duration::from_millis(threshold), Duration::from_millis(window));
        Condition { resource: Resource::Cpu, line: LineKind::Some, threshold, window }
    }

    #[test]
    fn a_window_without_rights_is_a_multiple_of_two_seconds() {
        for (window, want) in [(500, 2), (2000, 2), (2001, 4), (10_000, 10)] {
            assert_eq!(condition(100, window).unprivileged().window, Duration::from_secs(want));
        }
        assert_eq!(condition(150, 2000).text(), "some 150000 2000000");
    }
}
