//! Which events are new, which are counted, and which are too many. Pure: time comes with the events.

use super::Happening;
use k8s_openapi::jiff::Timestamp;
use std::collections::HashMap;

/// Events that one object may have at once.
const BURST: f64 = 25.0;
/// Seconds until it may have another.
const REFILL: f64 = 300.0;
/// Events of one reason with different messages before they are taken together.
const SIMILAR: usize = 10;
/// Seconds for which they are remembered.
const SIMILAR_SECONDS: i64 = 600;
/// Entries that are kept.
const KEPT: usize = 4096;

/// What to do with an event.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Make it.
    Create { key: String, message: String },
    /// It is there already: raise its count.
    Count { key: String, name: String, count: i32, message: String },
    /// Its object has had too many.
    Drop,
}

/// What was sent.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sent: HashMap<String, Sent>,
    groups: HashMap<String, Group>,
    buckets: HashMap<String, Bucket>,
}

#[derive(Debug)]
struct Sent {
    name: String,
    count: i32,
    at: Timestamp,
}

#[derive(Debug)]
struct Group {
    messages: Vec<String>,
    at: Timestamp,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Tally {
    /// Decides upon an event.
    pub(super) fn judge(&mut self, happening: &Happening) -> Verdict {
        let about = &happening.about;
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let object = format!("{}/{}/{}", text(&about.kind), text(&about.namespace), text(&about.name));
        let group = format!(
            "{object}/{}/{}/{:?}/{}",
            text(&about.uid),
            text(&about.field_path),
            happening.severity,
            happening.reason
        );
        let is_flood = self.is_flood(&group, happening);
        let message = match is_flood {
            true => format!("(combined from similar events): {}", happening.message),
            false => happening.message.clone(),
        };
        let key = if is_flood { group } else { format!("{group}/{}", happening.message) };
        if !self.has_token(&object, happening.at) {
            return Verdict::Drop;
        }
        match self.sent.get_mut(&key) {
            Some(sent) => {
                sent.count = sent.count.saturating_add(1);
                sent.at = happening.at;
                Verdict::Count { name: sent.name.clone(), count: sent.count, key, message }
            }
            None => Verdict::Create { key, message },
        }
    }

    /// Notes that an event was made.
    pub(super) fn created(&mut self, key: &str, name: String, at: Timestamp) {
        trim(&mut self.sent, |sent| sent.at);
        self.sent.insert(key.to_owned(), Sent { name, count: 1, at });
    }

    /// Notes that an event is gone.
    pub(super) fn forget(&mut self, key: &str) {
        self.sent.remove(key);
    }

    fn is_flood(&mut self, group: &str, happening: &Happening) -> bool {
        trim(&mut self.groups, |group| group.at);
        let fresh = || Group { messages: Vec::new(), at: happening.at };
        let known = self.groups.entry(group.to_owned()).or_insert_with(fresh);
        if happening.at.as_second() - known.at.as_second() > SIMILAR_SECONDS {
            *known = fresh();
        }
        known.at = happening.at;
        if !known.messages.contains(&happening.message) {
            if known.messages.len() >= SIMILAR {
                return true;
            }
            known.messages.push(happening.message.clone());
        }
        false
    }

    fn has_token(&mut self, object: &str, at: Timestamp) -> bool {
        trim(&mut self.buckets, |bucket| bucket.at);
        let bucket = self.buckets.entry(object.to_owned()).or_insert(Bucket { tokens: BURST, at });
        let seconds = at.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + seconds / REFILL).min(BURST);
        bucket.at = at;
        let has = bucket.tokens >= 1.0;
        bucket.tokens -= if has { 1.0 } else { 0.0 };
        has
    }
}

/// Forgets the older half of a map that is full.
fn trim<T>(map: &mut HashMap<String, T>, at: impl Fn(&T) -> Timestamp) {
    if map.len() < KEPT {
        return;
    }
    let mut times: Vec<Timestamp> = map.values().map(&at).collect();
    let (_, middle, _) = times.select_nth_unstable(KEPT / 2);
    let middle = *middle;
    map.retain(|_, entry| at(entry) > middle);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Severity;
    use k8s_openapi::api::core::v1::ObjectReference;

    fn happening(name: &str, message: &str, second: i64) -> Happening {
        Happening {
            about: ObjectReference { name: Some(name.to_owned()), ..ObjectReference::default() },
            severity: Severity::Warning,
            reason: "BackOff",
            message: message.to_owned(),
            at: Timestamp::from_second(second).unwrap(),
        }
    }

    fn send(tally: &mut Tally, happening: &Happening) -> String {
        match tally.judge(happening) {
            Verdict::Create { key, message } => {
                tally.created(&key, "e".to_owned(), happening.at);
                format!("new {message}")
            }
            Verdict::Count { count, message, .. } => format!("{count} {message}"),
            Verdict::Drop => "drop".to_owned(),
        }
    }

    #[test]
    fn repeated_events_are_counted() {
        let mut tally = Tally::default();
        assert_eq!(send(&mut tally, &happening("a", "m", 0)), "new m");
        assert_eq!(send(&mut tally, &happening("a", "m", 1)), "2 m");
        assert_eq!(send(&mut tally, &happening("a", "n", 1)), "new n");
        assert_eq!(send(&mut tally, &happening("b", "m", 1)), "new m");
    }

    #[test]
    fn similar_events_are_taken_together() {
        let mut tally = Tally::default();
        for index in 0..10 {
            assert!(send(&mut tally, &happening("a", &index.to_string(), 0)).starts_with("new "));
        }
        assert_eq!(send(&mut tally, &happening("a", "x", 0)), "new (combined from similar events): x");
        assert_eq!(send(&mut tally, &happening("a", "y", 0)), "2 (combined from similar events): y");
    }

    #[test]
    fn a_flood_is_held_back() {
        let mut tally = Tally::default();
        for _ in 0..25 {
            assert_ne!(send(&mut tally, &happening("a", "m", 0)), "drop");
        }
        assert_eq!(send(&mut tally, &happening("a", "m", 0)), "drop");
        assert_ne!(send(&mut tally, &happening("a", "m", 301)), "drop");
        assert_eq!(send(&mut tally, &happening("a", "m", 302)), "drop");
    }
}
