//! `'…'.format([…])`: clauses, and values as text.

use super::convert;
use crate::types::Type;
use crate::value::{Fault, List, Map, Val, Valued};
use object::quote::quote;
use std::fmt::Write as _;

/// Digits behind the point where a clause tells none.
const PRECISION: usize = 6;
/// Most digits behind the point.
const MOST_PRECISION: usize = 1000;

/// What a clause makes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    String,
    Decimal,
    Fixed(usize),
    Scientific(usize),
    Binary,
    Hex { upper: bool },
    Octal,
}

impl Clause {
    /// Whether values of a type can be given.
    pub(crate) fn takes(self, of: &Type) -> bool {
        match self {
            Clause::String => matches!(
                of,
                Type::List(_)
                    | Type::Map(_)
                    | Type::Int
                    | Type::Uint
                    | Type::Double
                    | Type::Bool
                    | Type::Str
                    | Type::Timestamp
                    | Type::Bytes
                    | Type::Duration
                    | Type::Kind(_)
                    | Type::Null
            ),
            Clause::Decimal | Clause::Octal => matches!(of, Type::Int | Type::Uint),
            Clause::Fixed(_) | Clause::Scientific(_) => matches!(of, Type::Double | Type::Str),
            Clause::Binary => matches!(of, Type::Int | Type::Uint | Type::Bool),
            Clause::Hex { .. } => matches!(of, Type::Int | Type::Uint | Type::Str | Type::Bytes),
        }
    }

    /// Why values of a type cannot be given.
    pub(crate) fn refusal(self, of: &str) -> String {
        let why = match self {
            Clause::String => {
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, \
                 and timestamps"
            }
            Clause::Decimal => "decimal clause can only be used on integers",
            Clause::Fixed(_) => "fixed-point clause can only be used on doubles",
            Clause::Scientific(_) => "scientific clause can only be used on doubles",
            Clause::Binary => "only integers and bools can be formatted as binary",
            Clause::Hex { .. } => "only integers, byte buffers, and strings can be formatted as hex",
            Clause::Octal => "octal clause can only be used on integers",
        };
        format!("error during formatting: {why}, was given {of}")
    }
}

/// Goes through a format, and asks for the text of each clause in turn.
pub(crate) fn walk<E>(
    format: &str,
    mut text: impl FnMut(Result<Clause, String>) -> Result<String, E>,
) -> Result<String, E> {
    let mut out = String::with_capacity(format.len());
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix('%') {
            out.push('%');
            rest = behind;
            continue;
        }
        let (clause, behind) = clause(rest);
        out.push_str(&text(clause)?);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// Reads what stands behind `%`.
fn clause(rest: &str) -> (Result<Clause, String>, &str) {
    let parsing = |why: &str| Err(format!("could not parse formatting clause: {why}"));
    let (precision, rest) = match rest.strip_prefix('.') {
        None => (PRECISION, rest),
        Some(digits) => {
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            if end == digits.len() {
                return (parsing("error while parsing precision: could not find end of precision specifier"), "");
            }
            match digits[..end].parse::<usize>() {
                Ok(precision) if precision <= MOST_PRECISION => (precision, &digits[end..]),
                _ => {
                    let why = format!(
                        "error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing \
                         {}: invalid syntax",
                        quote(&digits[..end])
                    );
                    return (parsing(&why), "");
                }
            }
        }
    };
    let Some(letter) = rest.chars().next() else { return (Err("unexpected end of string".to_owned()), "") };
    let clause = match letter {
        's' => Ok(Clause::String),
        'd' => Ok(Clause::Decimal),
        'f' => Ok(Clause::Fixed(precision)),
        'e' => Ok(Clause::Scientific(precision)),
        'b' => Ok(Clause::Binary),
        'x' | 'X' => Ok(Clause::Hex { upper: letter == 'X' }),
        'o' => Ok(Clause::Octal),
        other => parsing(&format!("unrecognized formatting clause \"{other}\"")),
    };
    (clause, &rest[letter.len_utf8()..])
}

/// `format`
pub(super) fn format<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let [Val::Str(text), Val::List(items)] = args else { return Err(Fault::NoOverload) };
    let mut at = 0;
    let formatted = walk(text, |clause| {
        let item = items.get(at).unwrap_or_else(|| Err(Fault::new(format!("index {at} out of range"))))?;
        at += 1;
        written(clause.map_err(Fault::new)?, &item).map_err(Fault::new)
    });
    formatted.map(Val::text)
}

fn written(clause: Clause, of: &Val<'_>) -> Result<String, String> {
    let refused = || clause.refusal(of.type_of().name());
    Ok(match (clause, of) {
        (Clause::String, _) => return plain(of),
        (Clause::Decimal, Val::Int(value)) => value.to_string(),
        (Clause::Decimal, Val::Uint(value)) => value.to_string(),
        (Clause::Fixed(precision), _) => fixed(number(of).ok_or_else(refused)?, precision),
        (Clause::Scientific(precision), _) => scientific(number(of).ok_or_else(refused)?, precision),
        (Clause::Binary, Val::Bool(value)) => u8::from(*value).to_string(),
        (Clause::Binary, Val::Int(value)) => signed(*value, |value| format!("{value:b}")),
        (Clause::Binary, Val::Uint(value)) => format!("{value:b}"),
        (Clause::Octal, Val::Int(value)) => signed(*value, |value| format!("{value:o}")),
        (Clause::Octal, Val::Uint(value)) => format!("{value:o}"),
        (Clause::Hex { upper }, _) => {
            let hex = match of {
                Val::Int(value) => signed(*value, |value| format!("{value:x}")),
                Val::Uint(value) => format!("{value:x}"),
                Val::Str(text) => hex(text.as_bytes()),
                Val::Bytes(bytes) => hex(bytes),
                _ => return Err(refused()),
            };
            if upper { hex.to_uppercase() } else { hex }
        }
        _ => return Err(refused()),
    })
}

fn signed(value: i64, digits: impl Fn(u64) -> String) -> String {
    format!("{}{}", if value < 0 { "-" } else { "" }, digits(value.unsigned_abs()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The number that can be written with a point.
fn number(of: &Val<'_>) -> Option<f64> {
    match of {
        Val::Double(value) => Some(*value),
        Val::Str(text) => match &**text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_finite() {
        return None;
    }
    Some(if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "∞"
    } else {
        "-∞"
    })
}

/// With a point, and commas between thousands, as people in the United States write it.
fn fixed(value: f64, precision: usize) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let text = format!("{:.precision$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::from(if value.is_sign_negative() { "-" } else { "" });
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// With a power of ten in raised digits.
fn scientific(value: f64, precision: usize) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let text = format!("{value:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(("", exponent), |rest| ("⁻", rest));
    let raised: String = format!("{exponent:0>2}").chars().map(raise).collect();
    format!("{digits}×10{sign}{raised}")
}

fn raise(digit: char) -> char {
    match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => '⁰',
    }
}

fn plain(of: &Val<'_>) -> Result<String, String> {
    Ok(match of {
        Val::Null => "null".to_owned(),
        Val::Str(text) => text.to_string(),
        Val::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Val::List(list) => of_list(list)?,
        Val::Map(Map::Struct(_)) | Val::Optional(_) | Val::Opaque(_) => {
            return Err(Clause::String.refusal(of.type_of().name()));
        }
        Val::Map(map) => of_map(map)?,
        other => convert::text_of(other).unwrap_or_default(),
    })
}

/// A value within a list or map.
fn inner(of: &Val<'_>) -> Result<String, String> {
    Ok(match of {
        Val::Str(text) => quote(text),
        Val::Bytes(bytes) => format!("b{}", quote(&String::from_utf8_lossy(bytes))),
        Val::Timestamp(time) => format!("timestamp({})", quote(&convert::timestamp_text(*time))),
        Val::Duration(nanos) => format!("duration({})", quote(&convert::duration_text(*nanos))),
        Val::Double(value) if value.is_finite() => format!("{value:.PRECISION$}"),
        Val::Double(value) => quote(&convert::float(*value)),
        Val::Optional(_) | Val::Opaque(_) | Val::Map(Map::Struct(_)) => {
            return Err(format!("error during formatting: no formatting function for {}", of.type_of().name()));
        }
        other => plain(other)?,
    })
}

fn of_list(list: &List<'_>) -> Result<String, String> {
    let items: Result<Vec<String>, String> =
        list.iter().map(|item| item.map_err(|fault| fault.to_string()).and_then(|item| inner(&item))).collect();
    Ok(format!("[{}]", items?.join(", ")))
}

fn of_map(map: &Map<'_>) -> Result<String, String> {
    let entries = map.entries().map_err(|fault| fault.to_string())?;
    let pair = |(key, value): &(Val<'_>, Val<'_>)| Ok((inner(key)?, inner(value)?));
    let mut pairs: Vec<(String, String)> = entries.iter().map(pair).collect::<Result<_, String>>()?;
    pairs.sort();
    let texts: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    Ok(format!("{{{}}}", texts.join(", ")))
}
