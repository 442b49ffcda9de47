//! Cron schedules, read as robfig/cron 3's standard parser reads them, with its messages.

use object::quote::quote;

struct Bounds {
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

const FIELDS: [Bounds; 5] = [
    Bounds { min: 0, max: 59, names: &[] },
    Bounds { min: 0, max: 23, names: &[] },
    Bounds { min: 1, max: 31, names: &[] },
    Bounds {
        min: 1,
        max: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Bounds { min: 0, max: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/// When something is to happen, again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The time zone that the schedule itself names.
    pub zone: Option<String>,
    /// When.
    pub times: Times,
}

/// The times of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Times {
    /// At moments of the calendar.
    At(Fields),
    /// After so many seconds each.
    Every(u64),
}

/// Which minutes, hours, days of the month, months and days of the week (Sunday is 0) are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    bits: [u64; 5],
    any_day: bool,
    any_weekday: bool,
}

impl Fields {
    /// Whether a minute of the hour is meant.
    pub fn has_minute(&self, minute: u8) -> bool {
        self.has(0, minute)
    }

    /// Whether an hour of the day is meant.
    pub fn has_hour(&self, hour: u8) -> bool {
        self.has(1, hour)
    }

    /// Whether a month is meant.
    pub fn has_month(&self, month: u8) -> bool {
        self.has(3, month)
    }

    /// Whether a day is meant. If both the day and the weekday are told, one of them is enough.
    pub fn has_day(&self, day: u8, weekday: u8) -> bool {
        let (day, weekday) = (self.has(2, day), self.has(4, weekday));
        if self.any_day || self.any_weekday { day && weekday } else { day || weekday }
    }

    fn has(&self, field: usize, number: u8) -> bool {
        self.bits[field] >> number & 1 == 1
    }
}

/// What is wrong with a schedule.
pub(super) fn check(schedule: &str) -> Result<(), String> {
    parse(schedule).map(drop)
}

/// Reads a schedule.
pub fn parse(schedule: &str) -> Result<Schedule, String> {
    if schedule.is_empty() {
        return Err("empty spec string".to_owned());
    }
    let (mut spec, mut named) = (schedule, None);
    if spec.starts_with("TZ=") || spec.starts_with("CRON_TZ=") {
        let Some((zone, rest)) = spec.split_once(' ') else {
            return Err("invalid schedule format: runtime error: slice bounds out of range [:-1]".to_owned());
        };
        let zone = zone.split_once('=').map_or("", |(_, zone)| zone);
        super::zones::check(zone).map_err(|why| format!("provided bad location {zone}: {why}"))?;
        (spec, named) = (rest.trim(), Some(zone.to_owned()));
    }
    let times = if spec.starts_with('@') { descriptor(spec)? } else { Times::At(fields(spec)?) };
    Ok(Schedule { zone: named, times })
}

fn fields(spec: &str) -> Result<Fields, String> {
    let texts: Vec<&str> = spec.split_whitespace().collect();
    if texts.len() != FIELDS.len() {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", texts.len(), texts.join(" ")));
    }
    let mut bits = [0; 5];
    let mut any = [false; 5];
    for (at, (text, bounds)) in texts.iter().zip(&FIELDS).enumerate() {
        for range in text.split(',').filter(|range| !range.is_empty()) {
            let (range_bits, is_any) = parse_range(range, bounds)?;
            bits[at] |= range_bits;
            any[at] |= is_any;
        }
    }
    Ok(Fields { bits, any_day: any[2], any_weekday: any[4] })
}

fn descriptor(descriptor: &str) -> Result<Times, String> {
    let spec = match descriptor {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        _ => {
            let Some(duration) = descriptor.strip_prefix("@every ") else {
                return Err(format!("unrecognized descriptor: {descriptor}"));
            };
            let seconds =
                parse_duration(duration).map_err(|why| format!("failed to parse duration {descriptor}: {why}"))?;
            return Ok(Times::Every(seconds));
        }
    };
    fields(spec).map(Times::At)
}

/// The numbers of a range as bits, and whether it is all of them.
fn parse_range(range: &str, bounds: &Bounds) -> Result<(u64, bool), String> {
    let parts: Vec<&str> = range.split('/').collect();
    let ends: Vec<&str> = parts[0].split('-').collect();
    let mut is_any = false;
    let (start, mut end) = if matches!(ends[0], "*" | "?") {
        is_any = true;
        (bounds.min, bounds.max)
    } else {
        let start = number_or_name(ends[0], bounds)?;
        match ends.as_slice() {
            [_] => (start, start),
            [_, end] => (start, number_or_name(end, bounds)?),
            _ => return Err(format!("too many hyphens: {range}")),
        }
    };
    let step = match parts.as_slice() {
        [_] => 1,
        [_, step] => {
            let step = number(step)?;
            if ends.len() == 1 {
                end = bounds.max;
            }
            is_any &= step <= 1;
            step
        }
        _ => return Err(format!("too many slashes: {range}")),
    };
    if start < bounds.min {
        return Err(format!("beginning of range ({start}) below minimum ({}): {range}", bounds.min));
    }
    if end > bounds.max {
        return Err(format!("end of range ({end}) above maximum ({}): {range}", bounds.max));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {range}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {range}"));
    }
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    Ok(((start..=end).step_by(step).fold(0, |bits, number| bits | 1 << number), is_any))
}

fn number_or_name(text: &str, bounds: &Bounds) -> Result<u64, String> {
    let lower = text.to_lowercase();
    match bounds.names.iter().position(|name| *name == lower) {
        Some(place) => Ok(place as u64 + bounds.min),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let failed = |why: &str| format!("failed to parse int from {text}: strconv.Atoi: parsing {}: {why}", quote(text));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(failed("invalid syntax"));
    }
    let number: i64 = text.parse().map_err(|_| failed("value out of range"))?;
    u64::try_from(number).map_err(|_| format!("negative number ({number}) not allowed: {text}"))
}

/// Go's `time.ParseDuration`, in whole seconds, at least one.
fn parse_duration(text: &str) -> Result<u64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(1);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        if !number.bytes().any(|byte| byte.is_ascii_digit()) || number.matches('.').count() > 1 {
            return Err(invalid());
        }
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let worth = match unit {
            "" => return Err(format!("time: missing unit in duration {}", quote(text))),
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            other => return Err(format!("time: unknown unit {} in duration {}", quote(other), quote(text))),
        };
        seconds += number.parse::<f64>().unwrap_or_default() * worth;
        rest = after;
    }
    let is_negative = text.starts_with('-');
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
    let whole = seconds as u64;
    Ok(if is_negative { 1 } else { whole.max(1) })
}

#[cfg(test)]
mod tests {
    use super::{Times, check, parse};

    #[test]
    fn the_numbers_of_fields_are_known() {
        let Ok(Times::At(fields)) = parse("*/20 9-17/4 1,15 * fri").map(|schedule| schedule.times) else { panic!() };
        let minutes: Vec<u8> = (0..60).filter(|minute| fields.has_minute(*minute)).collect();
        let hours: Vec<u8> = (0..24).filter(|hour| fields.has_hour(*hour)).collect();
        assert_eq!((minutes, hours), (vec![0, 20, 40], vec![9, 13, 17]));
        assert!(fields.has_day(15, 1) && fields.has_day(3, 5) && !fields.has_day(3, 4), "either will do");
        let Ok(Times::At(fields)) = parse("0 0 * * 0").map(|schedule| schedule.times) else { panic!() };
        assert!(fields.has_day(7, 0) && !fields.has_day(7, 1));
        assert_eq!(parse("@every 1h30m").map(|schedule| schedule.times), Ok(Times::Every(5400)));
        assert_eq!(parse("TZ=Asia/Tokyo 0 0 * * *").map(|s| s.zone), Ok(Some("Asia/Tokyo".to_owned())));
    }

    #[test]
    fn schedules_are_read_as_upstream_reads_them() {
        for good in ["* * * * *", "*/5 1-3,7 ? jan-mar SUN", "@every 1h30m", "@weekly", "0 0 1/2 * 6"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
            ("@never", "unrecognized descriptor: @never"),
            ("@every x", "failed to parse duration @every x: time: invalid duration \"x\""),
        ] {
            assert_eq!(check(bad), Err(why.to_owned()));
        }
    }
}
