//! From text to amount.

use super::amount::Amount;
use super::{Format, Quantity};
use num_bigint::BigInt;

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is not a number with a suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// Its number cannot be read.
    #[error("unable to parse numeric part of quantity")]
    Numeric,
    /// Its suffix is unknown.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// Digits that a small amount holds at least.
const SMALL_DIGITS: i64 = 18;
/// Amounts finer than this are rounded up.
const NANO: i64 = -9;
/// Longer numbers are refused: nothing is that large, and reading them takes long.
const DIGITS_MAX: usize = 4096;

const DECIMAL: [(&str, i64); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// The suffix for an exponent of ten; nothing if there is none.
pub(super) fn decimal_suffix(exponent: i64) -> &'static str {
    DECIMAL.iter().find(|(_, power)| *power == exponent).map_or("", |(suffix, _)| suffix)
}

/// The suffix for an exponent of 1024; nothing if there is none.
pub(super) fn binary_suffix(exponent: i64) -> &'static str {
    usize::try_from(exponent).ok().and_then(|exponent| BINARY.get(exponent)).unwrap_or(&"")
}

/// A text cut into its parts.
struct Parts<'a> {
    negative: bool,
    /// Digits before the point, without leading zeros; "0" if there are none.
    whole: &'a str,
    /// Digits behind the point.
    fraction: &'a str,
    suffix: &'a str,
}

pub(super) fn parse(text: &str) -> Result<Quantity, ParseError> {
    if text.is_empty() {
        return Err(ParseError::Format);
    }
    let parts = split(text)?;
    let (exponent, format) = interpret(parts.suffix).ok_or(ParseError::Suffix)?;
    match parse_small(text, &parts, exponent, format) {
        Some(quantity) => Ok(quantity),
        None => parse_large(&parts, exponent, format),
    }
}

fn split(text: &str) -> Result<Parts<'_>, ParseError> {
    let (negative, rest) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let rest = rest.trim_start_matches('0');
    if rest.is_empty() {
        return Ok(Parts { negative: false, whole: "0", fraction: "", suffix: "" });
    }
    let (whole, rest) = rest.split_at(count(rest, u8::is_ascii_digit));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(count(rest, u8::is_ascii_digit)),
        None => ("", rest),
    };
    let exponent = &suffix[count(suffix, |c| b"eEinumkKMGTP".contains(c))..];
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if !exponent.bytes().all(|c| c.is_ascii_digit()) {
        return Err(ParseError::Format);
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(Parts { negative, whole, fraction, suffix })
}

fn count(text: &str, fits: impl Fn(&u8) -> bool) -> usize {
    text.bytes().take_while(|c| fits(c)).count()
}

/// Exponent (of ten, or of two for binary suffixes) and form.
fn interpret(suffix: &str) -> Option<(i64, Format)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((*exponent, Format::DecimalSi));
    }
    if let Some(place) = BINARY.iter().position(|name| *name == suffix) {
        return Some((place as i64 * 10, Format::BinarySi));
    }
    let exponent: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some((i64::from(exponent as i32), Format::DecimalExponent))
}

/// The short way for numbers of few digits; `None` if the number has too many.
fn parse_small(text: &str, parts: &Parts<'_>, exponent: i64, format: Format) -> Option<Quantity> {
    let length = (parts.whole.len() + parts.fraction.len()) as i64;
    let (scale, factor, spare) = match format {
        Format::BinarySi if !parts.fraction.is_empty() => return None,
        Format::BinarySi => (0, 1i64 << exponent, 15 - parts.whole.len() as i64 - exponent * 3 / 10 - 1),
        _ => (exponent, 1, SMALL_DIGITS - length),
    };
    let scale = scale - parts.fraction.len() as i64;
    if spare < 0 || scale < NANO {
        return None;
    }
    let shifted = format!("{}{}", parts.whole, parts.fraction);
    let digits: i64 = shifted.parse().ok()?;
    let value = digits.checked_mul(factor)?;
    let keep = match format {
        Format::BinarySi => exponent % 10 == 0 && digits & 7 != 0,
        _ => scale % 3 == 0 && !shifted.ends_with("000") && !shifted.starts_with('0'),
    };
    let value = if parts.negative { -value } else { value };
    Some(Quantity { amount: Amount::Small { value, scale }, format, text: keep.then(|| text.into()) })
}

fn parse_large(parts: &Parts<'_>, exponent: i64, format: Format) -> Result<Quantity, ParseError> {
    let digits = format!("{}{}", parts.whole, parts.fraction);
    if digits.len() > DIGITS_MAX {
        return Err(ParseError::Numeric);
    }
    let mut unscaled: BigInt = digits.parse().map_err(|_| ParseError::Numeric)?;
    let mut scale = -(parts.fraction.len() as i64);
    if format == Format::BinarySi {
        unscaled <<= exponent;
    } else {
        scale += exponent;
    }
    let mut amount = Amount::Large { unscaled, scale }.rounded_up_to(NANO);
    let mut format = format;
    if format == Format::BinarySi {
        if amount.cmp(&Amount::Small { value: i64::MAX, scale: 0 }).is_gt() {
            amount = Amount::Large { unscaled: i64::MAX.into(), scale: 0 };
        }
        if amount.is_within(1) && amount.sign() > 0 {
            format = Format::DecimalSi;
        }
    }
    let amount = if parts.negative { amount.negated() } else { amount };
    Ok(Quantity { amount, format, text: None })
}
