//! What a plain scalar means: go-yaml's mixture of YAML 1.1 and 1.2.

mod timestamp;

use crate::Dialect;
use crate::error::Error;

pub(crate) const LONG_TAG: &str = "tag:yaml.org,2002:";

/// A scalar's meaning.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// `null`, `~` or nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number of 64 bits with sign.
    Int(i64),
    /// A whole number that needs 64 bits without sign.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A date or time, in its normal form (`2006-01-02T15:04:05Z`).
    Timestamp(Box<str>),
    /// `<<`.
    Merge,
    /// Text.
    Str,
}

impl Scalar {
    /// The tag in its short form, e.g. `!!int`.
    pub fn tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Timestamp(_) => "!!timestamp",
            Self::Merge => "!!merge",
            Self::Str => "!!str",
        }
    }
}

/// What `text` means when it stands there without quotes and without a tag.
pub fn resolve(text: &str, dialect: Dialect) -> Scalar {
    match text.as_bytes().first() {
        None => Scalar::Null,
        Some(b'+' | b'-' | b'0'..=b'9') => word(text, dialect).unwrap_or_else(|| number(text, dialect, true)),
        Some(b'.') => word(text, dialect).or_else(|| parse_float(text).map(Scalar::Float)).unwrap_or(Scalar::Str),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' | b'<') => {
            word(text, dialect).unwrap_or(Scalar::Str)
        }
        Some(_) => Scalar::Str,
    }
}

/// What `text` means under the explicit `tag` (long form).
///
/// # Errors
/// When it cannot be that.
pub(crate) fn resolve_tagged(tag: &str, text: &str, dialect: Dialect) -> Result<Scalar, Error> {
    let Some(short) = tag.strip_prefix(LONG_TAG) else { return Ok(Scalar::Str) };
    if !matches!(short, "bool" | "int" | "float" | "null" | "timestamp") {
        return Ok(Scalar::Str);
    }
    let found = match text.as_bytes().first() {
        Some(b'+' | b'-' | b'0'..=b'9') => {
            word(text, dialect).unwrap_or_else(|| number(text, dialect, short == "timestamp"))
        }
        _ => resolve(text, dialect),
    };
    match (short, &found) {
        ("float", Scalar::Int(n)) => Ok(Scalar::Float(*n as f64)),
        _ if found.tag().strip_prefix("!!") == Some(short) => Ok(found),
        _ => Err(Error::Syntax(format!("cannot decode {} `{text}` as a !!{short}", found.tag()))),
    }
}

fn word(text: &str, dialect: Dialect) -> Option<Scalar> {
    Some(match text {
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        "<<" => Scalar::Merge,
        _ if dialect == Dialect::V2 => Scalar::Bool(old_bool(text)?),
        _ => return None,
    })
}

/// The truth values that only YAML 1.1 knows.
pub fn old_bool(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn number(text: &str, dialect: Dialect, dates: bool) -> Scalar {
    if dates && let Some(date) = timestamp::normal_form(text) {
        return Scalar::Timestamp(date.into());
    }
    let plain: std::borrow::Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    if let Some(int) = parse_int(&plain) {
        return int;
    }
    if is_float_form(&plain)
        && let Some(float) = parse_float(&plain)
    {
        return Scalar::Float(float);
    }
    // Signs behind the prefix, which Go's own forms do not have.
    let prefixes: &[(&str, u32)] = if dialect == Dialect::V3 { &[("0b", 2), ("0o", 8)] } else { &[("0b", 2)] };
    for &(prefix, radix) in prefixes {
        if let Some(digits) = plain.strip_prefix(prefix)
            && let Some(int) = from_radix(digits, radix)
        {
            return int;
        }
        if let Some(digits) = plain.strip_prefix('-').and_then(|rest| rest.strip_prefix(prefix))
            && let Ok(int) = i64::from_str_radix(&format!("-{digits}"), radix)
        {
            return Scalar::Int(int);
        }
    }
    Scalar::Str
}

/// Go's `ParseInt(text, 0, 64)`, then `ParseUint`.
fn parse_int(text: &str) -> Option<Scalar> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = digits.len() != text.len();
    let (radix, digits) = radix(digits);
    if digits.is_empty() || !digits.bytes().all(|c| (c as char).is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(magnitude).map(Scalar::Int);
    }
    match i64::try_from(magnitude) {
        Ok(int) => Some(Scalar::Int(int)),
        Err(_) if signed => None,
        Err(_) => Some(Scalar::Uint(magnitude)),
    }
}

fn radix(digits: &str) -> (u32, &str) {
    let bytes = digits.as_bytes();
    if bytes.len() < 2 || bytes[0] != b'0' {
        return (10, digits);
    }
    match bytes[1] {
        b'x' | b'X' => (16, &digits[2..]),
        b'b' | b'B' => (2, &digits[2..]),
        b'o' | b'O' => (8, &digits[2..]),
        _ => (8, &digits[1..]),
    }
}

fn from_radix(digits: &str, radix: u32) -> Option<Scalar> {
    if let Ok(int) = i64::from_str_radix(digits, radix) {
        return Some(Scalar::Int(int));
    }
    u64::from_str_radix(digits, radix).ok().map(Scalar::Uint)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float_form(text: &str) -> bool {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = digits(rest);
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if whole + count == 0 {
            return false;
        }
        rest = &fraction[count..];
    } else if whole == 0 {
        return false;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        let count = digits(exponent);
        return count > 0 && count == exponent.len();
    }
    rest.is_empty()
}

/// Go's `ParseFloat`: as Rust's, but out of range is an error.
fn parse_float(text: &str) -> Option<f64> {
    if !is_float_form(text) {
        return None;
    }
    let float: f64 = text.parse().ok()?;
    float.is_finite().then_some(float)
}

/// True for numbers in base 60, which readers of YAML 1.1 would not take for text:
/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`.
pub(crate) fn is_base_60(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let Some((head, tail)) = rest.split_once(':') else { return false };
    if !head.starts_with(|c: char| c.is_ascii_digit()) || !head.bytes().all(|c| c.is_ascii_digit() || c == b'_') {
        return false;
    }
    let (groups, fraction) = tail.split_once('.').unwrap_or((tail, ""));
    let group = |g: &str| matches!(g.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    groups.split(':').all(group) && fraction.bytes().all(|c| c.is_ascii_digit() || c == b'_')
}
