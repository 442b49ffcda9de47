//! A float under a verb and its flags.

use super::float::{float_b, float_e, float_f, float_g, float_x};
use super::verb::Verb;

/// The text of a float, and where it is to be widened.
pub(super) struct Float {
    pub(super) text: String,
    /// How long the sign at its beginning is.
    pub(super) sign: usize,
    /// How many zeros belong between the sign and the digits.
    pub(super) zeros: usize,
}

impl Float {
    pub(super) fn new(verb: &Verb, number: f64) -> Self {
        let digits = digits(verb, number.abs());
        let digits = if verb.sharp && verb.verb != 'b' && number.is_finite() { sharp(verb, &digits) } else { digits };
        let sign = match number {
            _ if number.is_sign_negative() && !number.is_nan() => "-",
            _ if verb.plus => "+",
            _ if verb.space => " ",
            f64::INFINITY => "+",
            _ => "",
        };
        let text = format!("{sign}{digits}");
        let zeros = match verb.width {
            Some(width) if verb.zero && !verb.minus && number.is_finite() => width.saturating_sub(text.len()),
            _ => 0,
        };
        Self { text, sign: sign.len(), zeros }
    }
}

/// Of a number without its sign.
fn digits(verb: &Verb, number: f64) -> String {
    let precision = verb.precision;
    let lower = match verb.verb {
        'b' => float_b(number),
        'f' | 'F' => float_f(number, Some(precision.unwrap_or(6))),
        'e' | 'E' => float_e(number, Some(precision.unwrap_or(6))),
        'x' | 'X' => float_x(number, precision),
        _ => float_g(number, precision),
    };
    match verb.verb {
        _ if !number.is_finite() => lower.trim_start_matches('+').to_owned(),
        'E' | 'G' | 'X' => lower.to_uppercase(),
        _ => lower,
    }
}

/// With a point in any case, and with the zeros that the precision asks for.
fn sharp(verb: &Verb, text: &str) -> String {
    let hexadecimal = matches!(verb.verb, 'x' | 'X');
    let exponent = |c: char| matches!(c, 'p' | 'P') || !hexadecimal && matches!(c, 'e' | 'E');
    let (mantissa, tail) = text.split_at(text.find(exponent).unwrap_or(text.len()));
    let wanted = match verb.verb {
        'v' | 'g' | 'G' | 'x' => verb.precision.unwrap_or(6),
        _ => 0,
    };
    // Zeros before the first other character do not count, but a single one does.
    let significant = mantissa.trim_start_matches(['0', '.']).chars().filter(|c| *c != '.').count();
    let point = mantissa.contains('.');
    let counted = significant + usize::from(!point && mantissa == "0");
    let zeros = "0".repeat(wanted.saturating_sub(counted));
    format!("{mantissa}{}{zeros}{tail}", if point { "" } else { "." })
}
