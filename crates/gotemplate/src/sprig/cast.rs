//! Numbers and texts of any value, leniently.

use crate::value::{Kind, Str, Value};

/// The text of a value, as `toString` gives it.
#[must_use]
pub fn strval(value: &Value) -> Str {
    match value {
        Value::Str(text) => text.clone(),
        value => value.as_bytes().unwrap_or_else(|| crate::format::any(value)),
    }
}

/// An integer of a value; zero where there is none.
#[must_use]
pub fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Uint8(number) => i64::from(*number),
        Value::Uint64(number) => number.cast_signed(),
        Value::Float(number) => truncate(*number),
        Value::Bool(value) => i64::from(*value),
        Value::Str(text) => parse_int(trim_zero_decimal(&text.text())).unwrap_or(0),
        Value::Object(object) if object.kind() == Kind::Int64 => object.integer().unwrap_or(0),
        _ => 0,
    }
}

/// 2 to the power of 63.
const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

/// As the conversion of a float in Go on amd64: what does not fit is the least integer.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn truncate(number: f64) -> i64 {
    if number.is_nan() || !(-TOO_LARGE..TOO_LARGE).contains(&number) {
        return i64::MIN;
    }
    number as i64
}

fn trim_zero_decimal(text: &str) -> &str {
    let trimmed = text.trim_end_matches('0');
    if trimmed.len() < text.len() && trimmed.ends_with('.') { &trimmed[..trimmed.len() - 1] } else { text }
}

/// `strconv.ParseInt` with the base in the text.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let plain = digits.replace('_', "");
    if plain.starts_with(['+', '-']) || digits.starts_with('_') && base == 10 || digits.ends_with('_') {
        return None;
    }
    let number = i128::from_str_radix(&plain, base).ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}

/// A float of a value; zero where there is none.
#[must_use]
pub fn to_float(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Str(text) => parse_float(&text.text()).unwrap_or(0.0),
        #[expect(clippy::cast_precision_loss, reason = "as Go converts")]
        value => to_int64(value) as f64,
    }
}

/// `strconv.ParseFloat`
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let bare = lower.trim_start_matches(['+', '-']);
    if matches!(bare, "inf" | "infinity" | "nan") {
        return lower.parse().ok();
    }
    let number = bare.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|value: &f64| number && value.is_finite())
}
