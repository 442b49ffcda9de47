//! Small conversions that commands need for what they print and read.

use std::time::Duration;

use gotemplate::time::{format, parse_duration};
use serde_json::Value;

use crate::Error;

/// Values as YAML.
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    yaml::from_json(&crate::json::with_integers(value.clone()))
}

/// A YAML text as a value.
///
/// # Errors
/// Where it is none.
pub fn read_yaml(text: &str) -> Result<Value, Error> {
    yaml::to_json(text).map_err(|error| Error::Chart(error.to_string()))
}

/// A time of a release in the zone of this machine, by a layout of Go's; what is no time stays as it is.
#[must_use]
pub fn format_time(time: &str, layout: &str) -> String {
    let zone = jiff::tz::TimeZone::system();
    time.parse::<jiff::Timestamp>().map_or_else(|_| time.to_owned(), |time| format(&time.to_zoned(zone), layout))
}

/// A duration as Go writes one: `5m0s`.
///
/// # Errors
/// Go's words.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text)?;
    u64::try_from(parsed.0).map(Duration::from_nanos).map_err(|_| format!("duration {text} is negative"))
}

/// Those whose text matches a regular expression.
///
/// # Errors
/// Where the expression is none.
pub fn matching<T>(pattern: &str, items: Vec<T>, text: impl Fn(&T) -> &str) -> Result<Vec<T>, Error> {
    let regex = regex::Regex::new(pattern).map_err(|error| Error::Release(error.to_string()))?;
    Ok(items.into_iter().filter(|item| regex.is_match(text(item))).collect())
}
