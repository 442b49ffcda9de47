//! Floats as `strconv.FormatFloat` writes them.

/// No float has more digits behind the point; `format!` takes no precision above 65535.
const MAX_DIGITS: usize = 1_100;

/// The digits that a precision asks for behind those that a float can have.
fn zeros_beyond(precision: usize) -> String {
    "0".repeat(precision.saturating_sub(MAX_DIGITS))
}

/// Digits and decimal exponent (the value is `0.d1d2… × 10^point`) of a finite number, shortest or rounded.
fn digits(value: f64, precision: Option<usize>) -> (String, i32) {
    let text = match precision {
        Some(precision) => format!("{:.*e}", precision.min(MAX_DIGITS), value.abs()),
        None => format!("{:e}", value.abs()),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mut digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    digits.push_str(&zeros_beyond(precision.unwrap_or(0)));
    (digits, exponent.parse::<i32>().unwrap_or(0) + 1)
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        value if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

fn sign(value: f64) -> &'static str {
    if value.is_sign_negative() { "-" } else { "" }
}

/// `%e` with so many digits after the point; the shortest that reads back the same where none is given.
#[must_use]
pub fn float_e(value: f64, precision: Option<usize>) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let (digits, point) = digits(value, precision);
    let exponent = if value == 0.0 { 0 } else { point - 1 };
    format!("{}{}", sign(value), exponential(&digits, exponent))
}

fn exponential(digits: &str, exponent: i32) -> String {
    let point = if digits.len() > 1 { "." } else { "" };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}{point}{}e{sign}{:02}", &digits[..1], &digits[1..], exponent.abs())
}

/// `%f` with so many digits after the point; the shortest that reads back the same where none is given.
#[must_use]
pub fn float_f(value: f64, precision: Option<usize>) -> String {
    match (special(value), precision) {
        (Some(text), _) => text.to_owned(),
        (None, Some(precision)) => {
            let kept = precision.min(MAX_DIGITS);
            format!("{value:.kept$}{}", zeros_beyond(precision))
        }
        (None, None) => format!("{value}"),
    }
}

/// `%g`: `%e` for exponents below -4 or from the precision on (6 digits for the shortest), `%f` otherwise.
#[must_use]
pub fn float_g(value: f64, precision: Option<usize>) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    if value == 0.0 {
        return format!("{}0", sign(value));
    }
    let wanted = precision.map(|precision| precision.max(1));
    let (digits, point) = digits(value, wanted.map(|wanted| wanted - 1));
    let digits = digits.trim_end_matches('0');
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let limit = match wanted.and_then(|wanted| i32::try_from(wanted).ok()) {
        None => 6,
        Some(wanted) if wanted > count && count >= point => count,
        Some(wanted) => wanted,
    };
    let exponent = point - 1;
    if exponent < -4 || exponent >= limit {
        return format!("{}{}", sign(value), exponential(digits, exponent));
    }
    format!("{}{}", sign(value), positional(digits, point))
}

fn positional(digits: &str, point: i32) -> String {
    let Ok(whole) = usize::try_from(point) else {
        return format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
    };
    match whole {
        0 => format!("0.{digits}"),
        whole if whole >= digits.len() => format!("{digits}{}", "0".repeat(whole - digits.len())),
        whole => format!("{}.{}", &digits[..whole], &digits[whole..]),
    }
}

/// As `encoding/json` writes a float: exponents only below 1e-6 and from 1e21 on, and without a leading zero.
#[must_use]
pub fn json_float(value: f64) -> String {
    let abs = value.abs();
    if abs != 0.0 && !(1e-6..1e21).contains(&abs) {
        let text = float_e(value, None);
        return match text.rsplit_once("e-0") {
            Some((mantissa, exponent)) => format!("{mantissa}e-{exponent}"),
            None => text,
        };
    }
    float_f(value, None)
}

/// The mantissa with its first digit, which is a one but for subnormals, and the binary exponent of that digit.
fn parts(value: f64) -> (u64, i64) {
    let bits = value.to_bits();
    let (raw, fraction) = (i64::try_from(bits >> 52 & 0x7ff).unwrap_or(0), bits & 0xf_ffff_ffff_ffff);
    if raw == 0 { (fraction, -1022) } else { (fraction | 1 << 52, raw - 1023) }
}

/// `%b`: the mantissa as a whole number, and a power of two.
pub(super) fn float_b(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let (mantissa, exponent) = parts(value);
    format!("{}{mantissa}p{:+}", sign(value), exponent - 52)
}

/// `%x`: a hexadecimal mantissa and a binary exponent; with so many digits after the point, or the shortest.
pub(super) fn float_x(value: f64, precision: Option<usize>) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let (mantissa, exponent) = parts(value);
    // A subnormal is shifted until its first digit is a one.
    let shift = mantissa.leading_zeros().saturating_sub(11);
    let (mantissa, exponent) = match mantissa {
        0 => (0, 0),
        mantissa => (mantissa << shift, exponent - i64::from(shift)),
    };
    let (mantissa, exponent) = rounded(mantissa, exponent, precision);
    let mut digits = format!("{:013x}", mantissa & 0xf_ffff_ffff_ffff);
    match precision {
        None => digits.truncate(digits.trim_end_matches('0').len()),
        Some(precision) => {
            digits.push_str(&"0".repeat(precision.saturating_sub(digits.len())));
            digits.truncate(precision);
        }
    }
    let point = if digits.is_empty() { "" } else { "." };
    let mark = if exponent < 0 { '-' } else { '+' };
    format!("{}0x{}{point}{digits}p{mark}{:02}", sign(value), mantissa >> 52, exponent.abs())
}

/// A mantissa of 53 bits, to so many hexadecimal digits after the first bit; halves go to the even one.
fn rounded(mantissa: u64, exponent: i64, precision: Option<usize>) -> (u64, i64) {
    let dropped = match precision {
        Some(precision) if precision < 13 => 52 - 4 * u32::try_from(precision).unwrap_or(0),
        _ => return (mantissa, exponent),
    };
    let (kept, rest, half) = (mantissa >> dropped, mantissa & ((1 << dropped) - 1), 1 << (dropped - 1));
    let up = rest > half || rest == half && kept & 1 == 1;
    let mantissa = (kept + u64::from(up)) << dropped;
    if mantissa >> 53 == 1 { (mantissa >> 1, exponent + 1) } else { (mantissa, exponent) }
}
