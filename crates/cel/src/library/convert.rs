//! Conversions between types, and how times and numbers are read and written.

use super::operators::one;
use super::{Function, shared};
use crate::value::{Fault, Opaque, Val, Valued};
use jiff::SignedDuration;
use jiff::civil::DateTime;

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "bool" => |args| one(args, to_bool),
        "bytes" => |args| one(args, to_bytes),
        "double" => |args| one(args, to_double),
        "duration" => |args| one(args, to_duration),
        "int" => |args| one(args, to_int),
        "string" => |args| one(args, to_string),
        "timestamp" => |args| one(args, to_timestamp),
        "uint" => |args| one(args, to_uint),
        _ => return None,
    })
}

fn refused<'a>(of: &Val<'a>, to: &str) -> Fault {
    Fault::new(format!("type conversion error from '{}' to '{to}'", of.type_of().name()))
}

fn overflow() -> Fault {
    Fault::new("integer overflow")
}

fn to_bool<'a>(of: &Val<'a>) -> Valued<'a> {
    match of {
        Val::Bool(value) => Ok(Val::Bool(*value)),
        Val::Str(text) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Val::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Val::Bool(false)),
            _ => Err(refused(of, "bool")),
        },
        _ => Err(Fault::NoOverload),
    }
}

fn to_bytes<'a>(of: &Val<'a>) -> Valued<'a> {
    match of {
        Val::Bytes(_) => Ok(of.clone()),
        Val::Str(text) => Ok(Val::Bytes(text.as_bytes().into())),
        _ => Err(Fault::NoOverload),
    }
}

#[allow(clippy::cast_precision_loss, reason = "that is the conversion")]
fn to_double<'a>(of: &Val<'a>) -> Valued<'a> {
    match of {
        Val::Double(value) => Ok(Val::Double(*value)),
        Val::Int(value) => Ok(Val::Double(*value as f64)),
        Val::Uint(value) => Ok(Val::Double(*value as f64)),
        Val::Str(text) => text.parse().map(Val::Double).map_err(|_| refused(of, "double")),
        _ => Err(Fault::NoOverload),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "bounds are checked")]
fn to_int<'a>(of: &Val<'a>) -> Valued<'a> {
    match of {
        Val::Int(value) => Ok(Val::Int(*value)),
        Val::Uint(value) => i64::try_from(*value).map(Val::Int).map_err(|_| overflow()),
        Val::Double(value)
            if value.is_finite() && *value > -9.223_372_036_854_776e18 && *value < 9.223_372_036_854_776e18 =>
        {
            Ok(Val::Int(*value as i64))
        }
        Val::Double(_) => Err(overflow()),
        Val::Str(text) => text.parse().map(Val::Int).map_err(|_| refused(of, "int")),
        Val::Timestamp(time) => Ok(Val::Int(seconds_of(*time))),
        Val::Duration(nanos) => Ok(Val::Int(*nanos)),
        _ => Err(Fault::NoOverload),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds are checked")]
fn to_uint<'a>(of: &Val<'a>) -> Valued<'a> {
    let overflow = || Fault::new("unsigned integer overflow");
    match of {
        Val::Uint(value) => Ok(Val::Uint(*value)),
        Val::Int(value) => u64::try_from(*value).map(Val::Uint).map_err(|_| overflow()),
        Val::Double(value) if *value >= 0.0 && *value < 1.844_674_407_370_955_2e19 => Ok(Val::Uint(*value as u64)),
        Val::Double(_) => Err(overflow()),
        Val::Str(text) => text.parse().map(Val::Uint).map_err(|_| refused(of, "uint")),
        _ => Err(Fault::NoOverload),
    }
}

pub(super) fn to_string<'a>(of: &Val<'a>) -> Valued<'a> {
    match of {
        Val::Str(_) => Ok(of.clone()),
        Val::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(shared(text)),
            Err(_) => Err(Fault::new("invalid UTF-8 in bytes, cannot convert to string")),
        },
        _ => text_of(of).map(Val::text).ok_or(Fault::NoOverload),
    }
}

/// What is no text as text.
pub(super) fn text_of(of: &Val<'_>) -> Option<String> {
    Some(match of {
        Val::Bool(value) => value.to_string(),
        Val::Int(value) => value.to_string(),
        Val::Uint(value) => value.to_string(),
        Val::Double(value) => float(*value),
        Val::Duration(nanos) => duration_text(*nanos),
        Val::Timestamp(time) => timestamp_text(*time),
        Val::Type(of) => of.name().to_owned(),
        Val::Opaque(Opaque::Ip(ip)) => ip.to_string(),
        Val::Opaque(Opaque::Cidr(cidr)) => cidr.to_string(),
        _ => return None,
    })
}

fn to_duration<'a>(of: &Val<'a>) -> Valued<'a> {
    match of {
        Val::Duration(_) => Ok(of.clone()),
        Val::Int(_) => Err(refused(of, "google.protobuf.Duration")),
        Val::Str(text) => {
            parse_duration(text).map(Val::Duration).ok_or_else(|| refused(of, "google.protobuf.Duration"))
        }
        _ => Err(Fault::NoOverload),
    }
}

fn to_timestamp<'a>(of: &Val<'a>) -> Valued<'a> {
    match of {
        Val::Timestamp(_) => Ok(of.clone()),
        Val::Int(seconds) => timestamp_of(*seconds).map(Val::Timestamp).ok_or_else(|| Fault::new("timestamp overflow")),
        Val::Str(text) => {
            parse_timestamp(text).map(Val::Timestamp).ok_or_else(|| refused(of, "google.protobuf.Timestamp"))
        }
        _ => Err(Fault::NoOverload),
    }
}

// === numbers ===

/// A number with as few digits as tell it.
pub(crate) fn float(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        }
        .to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

// === times ===

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Seconds since the epoch as a moment.
pub(crate) fn timestamp_of(seconds: i64) -> Option<DateTime> {
    EPOCH.checked_add(SignedDuration::from_secs(seconds)).ok().and_then(in_range)
}

/// Whole seconds since the epoch.
pub(crate) fn seconds_of(time: DateTime) -> i64 {
    let since = time.duration_since(EPOCH);
    since.as_secs() - i64::from(since.subsec_nanos() < 0)
}

/// Moments reach from the year 1 to the year 9999.
pub(crate) fn in_range(time: DateTime) -> Option<DateTime> {
    (time.year() >= 1).then_some(time)
}

/// Reads RFC 3339.
pub(crate) fn parse_timestamp(text: &str) -> Option<DateTime> {
    let bytes = text.as_bytes();
    let strict = bytes.get(10) == Some(&b'T') && bytes.get(13) == Some(&b':') && bytes.get(16) == Some(&b':');
    let (local, east) = match text.strip_suffix('Z') {
        Some(local) => (local, 0),
        None => {
            text.split_at_checked(text.len().checked_sub(6)?).and_then(|(local, zone)| Some((local, east(zone)?)))?
        }
    };
    if !strict || !bytes[0].is_ascii_digit() || !local.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    local.parse::<DateTime>().ok()?.checked_sub(SignedDuration::from_secs(east)).ok().and_then(in_range)
}

/// Seconds east of UTC: `+01:30`.
fn east(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes() {
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes) =
        zone[1..].split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2)?;
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

pub(crate) fn timestamp_text(time: DateTime) -> String {
    let seconds = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let nanos = format!("{:09}", time.subsec_nanosecond());
    match nanos.trim_end_matches('0') {
        "" => format!("{seconds}Z"),
        fraction => format!("{seconds}.{fraction}Z"),
    }
}

/// As many seconds as it has, with as few digits as tell them.
pub(crate) fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let fraction = format!("{:09}", nanos % 1_000_000_000);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{}s", nanos / 1_000_000_000),
        fraction => format!("{sign}{}.{fraction}s", nanos / 1_000_000_000),
    }
}

/// Reads a length of time as Go writes it: `1h30m`, `-1.5s`, `0`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(number_end);
        let unit_end = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_end);
        total = total.checked_add(part(number, unit)?)?;
        rest = behind;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

fn part(number: &str, unit: &str) -> Option<i128> {
    let nanos: i128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || whole.len() > 19 {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digits = &fraction[..fraction.len().min(15)];
    let scale = 10i128.pow(u32::try_from(digits.len()).ok()?);
    let fraction: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some(whole * nanos + fraction * nanos / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_does() {
        for (value, text) in [
            (1000.0, "1000"),
            (1.5, "1.5"),
            (1e21, "1e+21"),
            (1_234_567.0, "1.234567e+06"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn durations_go_both_ways() {
        for (text, nanos, canonical) in [
            ("1h30m", 5_400_000_000_000, "5400s"),
            ("-1.5s", -1_500_000_000, "-1.5s"),
            ("0", 0, "0s"),
            ("1ms", 1_000_000, "0.001s"),
        ] {
            assert_eq!(parse_duration(text), Some(nanos), "{text}");
            assert_eq!(duration_text(nanos), canonical);
        }
        for text in ["", "1", "nope", "1.2.3s", "1x", "9999999999999h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn moments_are_strict() {
        assert_eq!(
            parse_timestamp("2024-01-02T03:04:05.5+01:00").map(timestamp_text).as_deref(),
            Some("2024-01-02T02:04:05.5Z")
        );
        for text in ["nope", "2024-01-02", "2024-01-02 03:04:05Z", "", "2024-01-02T03:04:05"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }
}
