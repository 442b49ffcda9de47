//! The time, and how objects write it.

use jiff::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since the epoch.
pub fn now() -> i64 {
    i64::try_from(since_epoch().as_secs()).unwrap_or(i64::MAX)
}

/// Nanoseconds since the epoch.
pub fn now_nanos() -> u64 {
    u64::try_from(since_epoch().as_nanos()).unwrap_or(u64::MAX)
}

/// Now, as `metav1.Time` is written.
pub fn now_text() -> String {
    object::time::format_seconds(now())
}

/// Now, as `metav1.MicroTime` is written.
pub fn now_micro_text() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Seconds since the epoch of a time in an object; `None` if there is none.
pub fn seconds(text: &str) -> Option<i64> {
    if text.is_empty() { None } else { object::time::parse_seconds(text) }
}

/// How long until a moment; nothing if it has passed.
pub fn until(moment: i64) -> Duration {
    let moment = Duration::from_secs(u64::try_from(moment).unwrap_or_default());
    moment.saturating_sub(since_epoch())
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
