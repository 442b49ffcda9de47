//! `time.Duration`: its text, and reading one.

/// Nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub i64);

const SECOND: u64 = 1_000_000_000;

impl std::fmt::Display for Duration {
    /// `1h2m3.5s`, `1.5ms`, `0s`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanos = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < SECOND {
            let (unit, name) = match nanos {
                0..1_000 => (1, "ns"),
                1_000..1_000_000 => (1_000, "µs"),
                _ => (1_000_000, "ms"),
            };
            return write!(f, "{sign}{}{name}", decimal(nanos, unit));
        }
        let (hours, minutes) = (nanos / (3600 * SECOND), nanos / (60 * SECOND) % 60);
        f.write_str(sign)?;
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        write!(f, "{}s", decimal(nanos % (60 * SECOND), SECOND))
    }
}

fn decimal(nanos: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let fraction = if digits == 0 { String::new() } else { format!("{:0digits$}", nanos % unit) };
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { (nanos / unit).to_string() } else { format!("{}.{fraction}", nanos / unit) }
}

/// `time.ParseDuration`.
///
/// # Errors
/// Go's words.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let quoted = || crate::format::quote(&text.into());
    let invalid = || format!("time: invalid duration {}", quoted());
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(Duration(0));
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(invalid());
        }
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quoted()));
        }
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            unit => {
                let unit = crate::format::quote(&unit.into());
                return Err(format!("time: unknown unit {unit} in duration {}", quoted()));
            }
        };
        let whole = if whole.is_empty() { 0 } else { whole.parse::<i64>().map_err(|_| invalid())? };
        total += i128::from(whole) * scale;
        let mut share = scale;
        for digit in fraction.bytes() {
            share /= 10;
            total += i128::from(digit - b'0') * share;
        }
        if total > i128::from(i64::MAX) + i128::from(negative) {
            return Err(invalid());
        }
        rest = next;
    }
    i64::try_from(if negative { -total } else { total }).map(Duration).map_err(|_| invalid())
}
