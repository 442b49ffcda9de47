//! Constants: numbers, characters and quoted text, as Go reads them.

use std::rc::Rc;

use super::lex::Token;
use crate::value::Str;

/// A number: what kinds its text can be read as.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) text: Rc<str>,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

impl Number {
    /// Reads a constant; the error is Go's.
    pub(super) fn parse(text: &str, token: Token) -> Result<Self, String> {
        let bad = || format!("bad number syntax: {}", crate::format::quote(&text.into()));
        match token {
            Token::CharConstant => {
                if text == "''" {
                    return Err("invalid syntax".to_owned());
                }
                let c = unquote_char(text).ok_or_else(|| format!("malformed character constant: {text}"))?;
                return Ok(Self::from_int(text, i64::from(c)));
            }
            Token::Complex => return parse_complex(text).map(|c| Self::from_complex(text, c)).ok_or_else(bad),
            _ => {}
        }
        if let Some(imaginary) = text.strip_suffix('i') {
            return parse_float(imaginary).map(|im| Self::from_complex(text, (0.0, im))).ok_or_else(bad);
        }
        let digits = text.replace('_', "");
        let int = parse_int(&digits);
        #[expect(clippy::cast_precision_loss, reason = "as Go converts")]
        let float = int.map(|value| value as f64).or_else(|| parse_float(text));
        if int.is_none() && float.is_none() {
            return Err(bad());
        }
        let written_as_float = int.is_none() && text.contains(['.', 'e', 'E', 'p', 'P']);
        if int.is_none() && !written_as_float {
            return Err(format!("integer overflow: {}", crate::format::quote(&text.into())));
        }
        // A float constant that is a whole number is good as an integer.
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        let int = int.or_else(|| float.filter(|f| f.fract() == 0.0 && f.abs() < 9.2e18).map(|f| i128::from(f as i64)));
        Ok(Self {
            text: text.into(),
            int: int.and_then(|value| i64::try_from(value).ok()),
            uint: int.and_then(|value| u64::try_from(value).ok()),
            float,
            complex: None,
        })
    }

    fn from_int(text: &str, value: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a code point")]
        let float = value as f64;
        Self { text: text.into(), int: Some(value), uint: u64::try_from(value).ok(), float: Some(float), complex: None }
    }

    fn from_complex(text: &str, complex: (f64, f64)) -> Self {
        let float = Some(complex.0).filter(|_| complex.1 == 0.0);
        Self { text: text.into(), int: None, uint: None, float, complex: Some(complex) }
    }

    /// Whether its own kind, without a parameter that says otherwise, is a float.
    pub(crate) fn is_float(&self) -> bool {
        let hex = self.text.len() > 2
            && self.text.starts_with('0')
            && matches!(self.text.as_bytes()[1], b'x' | b'X')
            && !self.text.contains(['p', 'P']);
        self.float.is_some() && !hex && !self.text.starts_with('\'') && self.text.contains(['.', 'e', 'E', 'p', 'P'])
    }
}

fn parse_int(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i128::from_str_radix(digits, base).ok()?;
    let value = if negative { -value } else { value };
    (i64::try_from(value).is_ok() || u64::try_from(value).is_ok()).then_some(value)
}

fn parse_float(text: &str) -> Option<f64> {
    let text = text.replace('_', "");
    let lower = text.to_ascii_lowercase();
    if lower.trim_start_matches(['+', '-']).starts_with("0x") {
        return parse_hex_float(&lower);
    }
    let decimal = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    text.parse().ok().filter(|value: &f64| decimal && value.is_finite())
}

fn parse_hex_float(lower: &str) -> Option<f64> {
    let negative = lower.starts_with('-');
    let digits = lower.trim_start_matches(['+', '-']).strip_prefix("0x")?;
    let (mantissa, exponent) = digits.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut value = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let fraction = i32::try_from(fraction.len()).ok()?;
    let value = value * 2f64.powi(exponent.parse::<i32>().ok()?.checked_sub(4 * fraction)?);
    Some(if negative { -value } else { value })
}

fn parse_complex(text: &str) -> Option<(f64, f64)> {
    let body = text.strip_suffix('i')?;
    let split = body.rfind(['+', '-']).filter(|at| *at > 0)?;
    Some((parse_float(&body[..split])?, parse_float(&body[split..])?))
}

fn unquote_char(text: &str) -> Option<u32> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut rest = inner;
    let mut bytes = Vec::new();
    if inner.contains('\\') {
        unescape(&mut rest, &mut bytes, '\'')?;
        if !rest.is_empty() {
            return None;
        }
        return match std::str::from_utf8(&bytes) {
            Ok(text) => text.chars().next().map(u32::from),
            Err(_) => bytes.first().map(|byte| u32::from(*byte)),
        };
    }
    let mut chars = inner.chars();
    let first = chars.next()?;
    chars.next().is_none().then_some(u32::from(first))
}

/// `strconv.Unquote`: of text in double quotes or backquotes.
pub(crate) fn unquote(text: &str) -> Option<Str> {
    if let Some(raw) = text.strip_prefix('`').and_then(|text| text.strip_suffix('`')) {
        return Some(Str::from(raw.replace('\r', "")));
    }
    let mut rest = text.strip_prefix('"')?.strip_suffix('"')?;
    if !rest.contains('\\') {
        return Some(Str::from(rest));
    }
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        unescape(&mut rest, &mut bytes, '"')?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(Str::from_bytes(bytes))
}

/// Takes one escape sequence off the front.
fn unescape(rest: &mut &str, bytes: &mut Vec<u8>, quote: char) -> Option<()> {
    let mut chars = rest.strip_prefix('\\')?.chars();
    let escape = chars.next()?;
    let after = chars.as_str();
    let simple = match escape {
        'a' => Some(7),
        'b' => Some(8),
        'f' => Some(12),
        'n' => Some(b'\n'),
        'r' => Some(b'\r'),
        't' => Some(b'\t'),
        'v' => Some(11),
        '\\' => Some(b'\\'),
        c if c == quote => Some(u8::try_from(c).ok()?),
        _ => None,
    };
    if let Some(byte) = simple {
        bytes.push(byte);
        *rest = after;
        return Some(());
    }
    let (digits, base, is_byte) = match escape {
        'x' => (after.get(..2)?, 16, true),
        'u' => (after.get(..4)?, 16, false),
        'U' => (after.get(..8)?, 16, false),
        '0'..='7' => (rest.get(1..4)?, 8, true),
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, base).ok()?;
    if is_byte {
        bytes.push(u8::try_from(value).ok()?);
    } else {
        bytes.extend_from_slice(char::from_u32(value)?.encode_utf8(&mut [0; 4]).as_bytes());
    }
    let used = if base == 8 { 4 } else { 2 + digits.len() };
    *rest = &rest[used..];
    Some(())
}
