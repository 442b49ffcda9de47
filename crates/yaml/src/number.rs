//! Numbers as Go writes them.

/// Go's `FormatFloat(value, 'g', -1, 64)`, with YAML's names for what is no number.
pub fn format_float(value: f64) -> String {
    format_digits(&format!("{value:e}"), &value.to_string(), value)
}

/// The same with the digits that tell apart 32-bit numbers, which is how a number becomes a key.
pub(crate) fn format_float32(value: f64) -> String {
    let value = value as f32;
    format_digits(&format!("{value:e}"), &value.to_string(), f64::from(value))
}

/// `scientific` and `plain` are Rust's shortest forms, e.g. `-1.25e7` and `-12500000`.
fn format_digits(scientific: &str, plain: &str, value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    plain.to_owned()
}

/// The number that JSON text of `value` reads as: whole numbers lose their fraction, as Go's encoder writes them.
pub fn json_number(value: f64) -> Option<value::Number> {
    if value.fract() == 0.0 && value.abs() < 1e21 {
        // The shortest digits, filled up with zeros, may lie beyond the integers where the number itself does not.
        let text = value.to_string();
        let whole = text.parse::<i64>().map(Into::into).or_else(|_| text.parse::<u64>().map(Into::into));
        if let Ok(whole) = whole {
            return Some(whole);
        }
    }
    value::Number::from_f64(value)
}
