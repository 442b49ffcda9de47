//! The dates of TOML. Templates see times; what had no zone is known by the name of the place that stands in for it.

use gotemplate::Value;
use gotemplate::time::{Time, format};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned, civil};
use toml::value::{Datetime, Offset};

const DATETIME: &str = "datetime-local";
const DATE: &str = "date-local";
const TIME: &str = "time-local";

/// The time that a date, a time of day or both stand for; the text where there is no such time.
pub(super) fn read(written: Datetime) -> Value {
    time(written).map_or_else(|| written.to_string().into(), Value::object)
}

fn time(written: Datetime) -> Option<Time> {
    let part = |number: u8| i8::try_from(number).ok();
    let date = match written.date {
        Some(date) => civil::Date::new(i16::try_from(date.year).ok()?, part(date.month)?, part(date.day)?).ok()?,
        None => civil::date(0, 1, 1),
    };
    let clock = match written.time {
        Some(time) => {
            let nanos = i32::try_from(time.nanosecond.unwrap_or(0)).ok()?;
            civil::Time::new(part(time.hour)?, part(time.minute)?, part(time.second.unwrap_or(0))?, nanos).ok()?
        }
        None => civil::Time::midnight(),
    };
    let name = match (written.offset, written.date, written.time) {
        (Some(Offset::Z | Offset::Custom { minutes: 0 }), ..) => Some("UTC"),
        (Some(_), ..) => None,
        (None, Some(_), Some(_)) => Some(DATETIME),
        (None, Some(_), None) => Some(DATE),
        (None, None, _) => Some(TIME),
    };
    Some(Time(date.to_datetime(clock).to_zoned(zone(written.offset)?).ok()?, name))
}

/// A zone of that offset; where none is written, of the one that the machine has now.
fn zone(written: Option<Offset>) -> Option<TimeZone> {
    Some(match written {
        Some(Offset::Z | Offset::Custom { minutes: 0 }) => TimeZone::UTC,
        Some(Offset::Custom { minutes }) => {
            TimeZone::fixed(jiff::tz::Offset::from_seconds(i32::from(minutes) * 60).ok()?)
        }
        None => TimeZone::fixed(TimeZone::system().to_offset(Timestamp::now())),
    })
}

/// As TOML writes a time: with so much of it as was written.
pub(super) fn written(value: &Value) -> Option<String> {
    let Value::Object(object) = value else { return None };
    let time = object.as_any().downcast_ref::<Time>()?;
    let text = |zoned: &Zoned, layout: &str| format(zoned, layout);
    Some(match time.1 {
        Some(DATETIME) => text(&time.0, "2006-01-02T15:04:05.999999999"),
        Some(DATE) => text(&time.0, "2006-01-02"),
        Some(TIME) => text(&time.0, "15:04:05.999999999"),
        _ => time.rfc3339(),
    })
}
