//! Which events are one, and which are too many. Pure: the time comes in.

use super::{EventType, Said};
use std::collections::{HashMap, HashSet};

/// How many groups of events are remembered.
const REMEMBERED: usize = 4096;
/// From how many different messages on similar events are combined, and within how many seconds.
const SIMILAR: (usize, i64) = (10, 600);
/// How many events an object may cause at once, and how many seconds earn it another.
const BURST: (f64, f64) = (25.0, 300.0);
/// What stands before the message of combined events.
const COMBINED: &str = "(combined from similar events): ";

/// What to do with an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Write it.
    New,
    /// Count it in one that was written.
    Count { name: String, count: u32, message: String },
    /// Say nothing: there were too many about this object.
    Drop,
}

type Group = (&'static str, String, EventType, &'static str);

/// Remembers what was said.
#[derive(Default)]
pub(super) struct Correlator {
    /// Messages of similar events, and when the last was said.
    similar: HashMap<Group, (HashSet<String>, i64)>,
    /// Written events: name and count.
    written: HashMap<(Group, String), (String, u32)>,
    /// What an object may still cause, as of when.
    allowance: HashMap<(&'static str, String), (f64, i64)>,
}

impl Correlator {
    pub(super) fn judge(&mut self, said: &Said, now: i64) -> Verdict {
        self.forget();
        let group = group(said);
        let (messages, last) = self.similar.entry(group.clone()).or_default();
        if now - *last > SIMILAR.1 {
            messages.clear();
        }
        *last = now;
        if messages.len() < SIMILAR.0 {
            messages.insert(said.message.clone());
        }
        if !self.may_speak(said, now) {
            return Verdict::Drop;
        }
        let (key, message) = (self.key_of(said), self.message_of(said));
        match self.written.get_mut(&(group, key)) {
            Some((name, count)) => {
                *count += 1;
                Verdict::Count { name: name.clone(), count: *count, message }
            }
            None => Verdict::New,
        }
    }

    /// Remembers an event under the name that it got.
    pub(super) fn wrote(&mut self, said: &Said, name: &str) {
        let key = self.key_of(said);
        self.written.insert((group(said), key), (name.to_owned(), 1));
    }

    /// The message as it is written.
    pub(super) fn message_of(&self, said: &Said) -> String {
        if self.is_combined(said) { format!("{COMBINED}{}", said.message) } else { said.message.clone() }
    }

    /// What tells events of a group apart: the message, unless they are combined.
    fn key_of(&self, said: &Said) -> String {
        if self.is_combined(said) { COMBINED.to_owned() } else { said.message.clone() }
    }

    fn is_combined(&self, said: &Said) -> bool {
        self.similar.get(&group(said)).is_some_and(|(messages, _)| messages.len() >= SIMILAR.0)
    }

    fn may_speak(&mut self, said: &Said, now: i64) -> bool {
        let place = (said.component, uid(said));
        let (left, since) = self.allowance.entry(place).or_insert((BURST.0, now));
        #[expect(clippy::cast_precision_loss, reason = "seconds between two events are few")]
        let earned = (now - *since) as f64 / BURST.1;
        *left = (*left + earned).min(BURST.0);
        *since = now;
        if *left < 1.0 {
            return false;
        }
        *left -= 1.0;
        true
    }

    fn forget(&mut self) {
        for size in [self.similar.len(), self.written.len(), self.allowance.len()] {
            if size > REMEMBERED {
                // What is said anew is written anew, no more.
                *self = Correlator::default();
                return;
            }
        }
    }
}

fn uid(said: &Said) -> String {
    let text = |name: &str| said.involved[name].as_str().unwrap_or_default();
    if text("uid").is_empty() { format!("{}/{}", text("namespace"), text("name")) } else { text("uid").to_owned() }
}

fn group(said: &Said) -> Group {
    (said.component, uid(said), said.kind, said.reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    fn said(message: &str) -> Said {
        Said {
            component: "test",
            involved: json!({"uid": "1"}),
            kind: EventType::Normal,
            reason: "Tested",
            message: message.to_owned(),
        }
    }

    fn write(correlator: &mut Correlator, message: &str, now: i64) -> Verdict {
        let said = said(message);
        let verdict = correlator.judge(&said, now);
        if verdict == Verdict::New {
            correlator.wrote(&said, &format!("event-{message}"));
        }
        verdict
    }

    #[test]
    fn what_recurs_is_counted() {
        let mut correlator = Correlator::default();
        assert_eq!(write(&mut correlator, "a", 0), Verdict::New);
        assert_eq!(write(&mut correlator, "b", 1), Verdict::New);
        let counted = Verdict::Count { name: "event-a".to_owned(), count: 2, message: "a".to_owned() };
        assert_eq!(write(&mut correlator, "a", 2), counted);
    }

    #[test]
    fn similar_events_are_combined() {
        let mut correlator = Correlator::default();
        for number in 0..9 {
            assert_eq!(write(&mut correlator, &number.to_string(), 0), Verdict::New);
        }
        assert_eq!(write(&mut correlator, "9", 0), Verdict::New);
        let Verdict::Count { name, count: 2, message } = write(&mut correlator, "10", 0) else { panic!() };
        assert_eq!((name.as_str(), message.as_str()), ("event-9", "(combined from similar events): 10"));
    }

    #[test]
    fn an_object_that_causes_too_many_is_cut_short() {
        let mut correlator = Correlator::default();
        for _ in 0..25 {
            assert_ne!(write(&mut correlator, "a", 0), Verdict::Drop);
        }
        assert_eq!(write(&mut correlator, "a", 0), Verdict::Drop);
        assert_ne!(write(&mut correlator, "a", 301), Verdict::Drop);
    }
}
