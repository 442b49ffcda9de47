//! Times as Go's `time.Parse` reads them, with its messages.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use std::fmt::Write;

const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
const RFC3339_MICRO: &str = "2006-01-02T15:04:05.000000Z07:00";

/// `metav1.Time`: in UTC and whole seconds; `None` for the zero time.
pub(super) fn seconds(text: &str) -> Result<Option<String>, String> {
    let time = Reader { layout: RFC3339, whole: text, rest: text }.time()?;
    Ok(time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

/// `metav1.MicroTime`: in UTC with six fraction digits; `None` for the zero time.
pub(super) fn micros(text: &str) -> Result<Option<String>, String> {
    let time = Reader { layout: RFC3339_MICRO, whole: text, rest: text }.time()?;
    Ok(time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()))
}

/// Reads a time by a layout, piece by piece.
struct Reader<'a> {
    layout: &'static str,
    whole: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// The time in UTC: a civil one, because timestamps end a day before the year 9999 does.
    fn time(mut self) -> Result<Option<DateTime>, String> {
        let year = self.year()?;
        self.literal("-")?;
        let month = self.number("01", 1..=12, "month")?;
        self.literal("-")?;
        let day = self.number("02", 0..=99, "day")?;
        self.literal("T")?;
        let hour = self.hour()?;
        self.literal(":")?;
        let minute = self.number("04", 0..=59, "minute")?;
        self.literal(":")?;
        let second = self.number("05", 0..=59, "second")?;
        let nanos = self.fraction()?;
        let offset = self.zone()?;
        if !self.rest.is_empty() {
            return Err(self.failed(&format!(": extra text: {}", quote(self.rest))));
        }
        let date = Date::new(year, month, day).map_err(|_| self.failed(": day out of range"))?;
        let offset = SignedDuration::from_secs(i64::from(offset));
        let time = date.at(hour, minute, second, nanos).checked_sub(offset);
        let time = time.map_err(|_| self.failed(": year out of range"))?;
        // Go's zero time is the first instant of the year 1.
        Ok((time != DateTime::constant(1, 1, 1, 0, 0, 0, 0)).then_some(time))
    }

    fn year(&mut self) -> Result<i16, String> {
        let digits = self.rest.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let year = digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| self.cannot("2006", self.rest))?;
        self.rest = &self.rest[4..];
        Ok(year)
    }

    fn hour(&mut self) -> Result<i8, String> {
        let digits = self.rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        if digits == 1 {
            // Alone among these, the hour may have one digit.
            let hour = self.rest[..1].parse().map_err(|_| self.cannot("15", self.rest))?;
            self.rest = &self.rest[1..];
            return Ok(hour);
        }
        self.number("15", 0..=23, "hour")
    }

    fn number(&mut self, piece: &str, range: std::ops::RangeInclusive<i8>, what: &str) -> Result<i8, String> {
        let number = self.two_digits(self.rest).ok_or_else(|| self.cannot(piece, self.rest))?;
        self.rest = &self.rest[2..];
        if range.contains(&number) { Ok(number) } else { Err(self.failed(&format!(": {what} out of range"))) }
    }

    fn two_digits(&self, text: &str) -> Option<i8> {
        let digits = text.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse().ok()
    }

    /// Nanoseconds: six digits where the layout has them, else any number of digits if there is a point.
    fn fraction(&mut self) -> Result<i32, String> {
        const PIECE: &str = ".000000";
        let fixed = self.layout == RFC3339_MICRO;
        let digits = self.rest.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        let point = self.rest.starts_with(['.', ',']);
        if !fixed && (!point || digits == 0) {
            return Ok(0);
        }
        if fixed && (!point || digits < 6) {
            return Err(self.cannot(PIECE, self.rest));
        }
        let taken = if fixed { 6 } else { digits };
        let significant = &self.rest[1..=taken.min(9)];
        let nanos = format!("{significant:0<9}").parse().map_err(|_| self.cannot(PIECE, self.rest))?;
        self.rest = &self.rest[1 + taken..];
        Ok(nanos)
    }

    /// Seconds east of UTC.
    fn zone(&mut self) -> Result<i32, String> {
        const PIECE: &str = "Z07:00";
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let bad = || self.cannot(PIECE, self.rest);
        let zone = self.rest.get(..6).filter(|zone| zone.as_bytes()[3] == b':').ok_or_else(bad)?;
        let sign = match zone.as_bytes()[0] {
            b'+' => 1,
            b'-' => -1,
            _ => 0,
        };
        let hours = zone.get(1..3).and_then(|text| self.two_digits(text)).ok_or_else(bad)?;
        let minutes = zone.get(4..6).and_then(|text| self.two_digits(text)).ok_or_else(bad)?;
        if hours > 24 {
            return Err(self.failed(": time zone offset hour out of range"));
        }
        if minutes > 60 {
            return Err(self.failed(": time zone offset minute out of range"));
        }
        if sign == 0 {
            return Err(bad());
        }
        self.rest = &self.rest[6..];
        Ok(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60))
    }

    fn literal(&mut self, literal: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(literal).ok_or_else(|| self.cannot(literal, self.rest))?;
        Ok(())
    }

    fn cannot(&self, piece: &str, rest: &'a str) -> String {
        let (whole, layout) = (quote(self.whole), quote(self.layout));
        format!("parsing time {whole} as {layout}: cannot parse {} as {}", quote(rest), quote(piece))
    }

    fn failed(&self, message: &str) -> String {
        format!("parsing time {}{message}", quote(self.whole))
    }
}

/// Quotes as Go's time package does: each byte beyond ASCII in hexadecimal.
fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'~' | 0x7f => out.push(char::from(byte)),
            _ => write!(out, "\\x{byte:02x}").expect("writing to a String does not fail"),
        }
    }
    out.push('"');
    out
}
