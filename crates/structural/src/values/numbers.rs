//! Numbers: ranges of their formats, limits, multiples.

use super::fault::{Code, Fault};
use super::{Outcome, is_numeric};
use crate::{Kind, Node};
use object::patch::go_print_float;
use object::{Number, Value};

/// True if Go decodes the number as a whole one.
pub(super) fn is_whole(number: &Number) -> bool {
    number.is_i64()
}

pub(super) fn check(node: &Node, number: &Number, path: &str) -> Outcome {
    let (checks, float) = (&node.checks, number.as_f64().unwrap_or_default());
    let range = Range::of(node);
    let mut outcome = Outcome::default();
    range
        .check(float, number.as_i64().or_else(|| whole(float)), "Checked", path)
        .into_iter()
        .for_each(|fault| outcome.add(fault));
    let fits = |limit: f64, what: &str, outcome: &mut Outcome| match range.check(limit, whole(limit), what, path) {
        None => true,
        Some(fault) => {
            outcome.add(fault);
            false
        }
    };
    if let Some(factor) = checks.multiple_of {
        let native = fits(factor, "MultipleOf", &mut outcome);
        let fault = multiple_of(number, float, factor, native, path);
        fault.into_iter().for_each(|fault| outcome.add(fault));
    }
    let value = || Value::from(number.clone());
    if let Some(min) = checks.minimum {
        let native = fits(min, "Minimum boundary", &mut outcome);
        let (below, shown) =
            compare(number, float, min, native, |a, b| if checks.exclusive_minimum { a <= b } else { a < b });
        if below {
            let what = if checks.exclusive_minimum { "greater than" } else { "greater than or equal to" };
            let message = format!("{path} in body should be {what} {shown}");
            outcome.add(Fault::new(Code::Other, path, value(), message));
        }
    }
    if let Some(max) = checks.maximum {
        let native = fits(max, "Maximum boundary", &mut outcome);
        let (above, shown) =
            compare(number, float, max, native, |a, b| if checks.exclusive_maximum { a >= b } else { a > b });
        if above {
            let what = if checks.exclusive_maximum { "less than" } else { "less than or equal to" };
            let message = format!("{path} in body should be {what} {shown}");
            outcome.add(Fault::new(Code::Other, path, value(), message));
        }
    }
    outcome.passed += 1;
    outcome
}

/// True if a number is the one that an enumeration has, once it was converted to that one's type.
pub(super) fn is_one_of(number: &Number, other: &Number) -> bool {
    let float = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
    match other.as_i64() {
        Some(other) => number.as_i64().unwrap_or_else(|| cut(float(number))) == other,
        None => float(number) == float(other),
    }
}

/// True if a text of an enumeration is the character that Go makes of a whole number when it converts it to a text.
pub(super) fn is_character(number: &Number, text: &str) -> bool {
    number.as_i64().is_some_and(|code| {
        let character = u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
        text.chars().eq([character])
    })
}

/// Whole numbers are compared as such, the limit cut off; tells the limit as it was compared.
fn compare(number: &Number, float: f64, limit: f64, native: bool, wrong: impl Fn(f64, f64) -> bool) -> (bool, String) {
    match number.as_i64().filter(|_| native) {
        Some(whole) => {
            let limit = cut(limit);
            // Close to the limit, floating point numbers would not tell them apart.
            let order = whole.cmp(&limit) as i8;
            (wrong(f64::from(order), 0.0), limit.to_string())
        }
        None => (wrong(float, limit), go_print_float(limit)),
    }
}

fn multiple_of(number: &Number, float: f64, factor: f64, native: bool, path: &str) -> Option<Fault> {
    let must_be_positive = |factor: Value, shown: String| {
        let message = format!("factor MultipleOf declared for {path} must be positive: {shown}");
        Some(Fault::new(Code::Other, path, factor, message))
    };
    let not = |shown: String| {
        let message = format!("{path} in body should be a multiple of {shown}");
        Some(Fault::new(Code::Other, path, Value::from(number.clone()), message))
    };
    match number.as_i64().filter(|_| native) {
        Some(_) if cut(factor) <= 0 => must_be_positive(cut(factor).into(), cut(factor).to_string()),
        Some(whole) if whole % cut(factor) != 0 => not(cut(factor).to_string()),
        Some(_) => None,
        None if factor <= 0.0 => must_be_positive(factor.into(), go_print_float(factor)),
        None => {
            let times = if factor < 1.0 { 1.0 / factor * float } else { float / factor };
            if is_json_integer(times) { None } else { not(go_print_float(factor)) }
        }
    }
}

/// As near to a whole number as makes no difference.
pub(super) fn is_json_integer(float: f64) -> bool {
    const EPSILON: f64 = 1e-9;
    const MAX: f64 = 9_007_199_254_740_991.0;
    if !float.is_finite() || float.abs() > MAX {
        return false;
    }
    let rounded = float.round();
    let difference = (float - rounded).abs();
    difference == 0.0 || difference < EPSILON * float.abs().max(rounded.abs())
}

#[expect(clippy::cast_possible_truncation, reason = "cut off as Go cuts it off; saturates")]
pub(super) fn cut(float: f64) -> i64 {
    float as i64
}

/// The whole number that the shortest digits of a floating point number spell, if they do.
fn whole(float: f64) -> Option<i64> {
    if float.fract() == 0.0 { float.to_string().parse().ok() } else { None }
}

/// The range of a numeric type and its format.
struct Range<'n> {
    kind: Kind,
    format: &'n str,
}

impl Range<'_> {
    fn of(node: &Node) -> Range<'_> {
        let one_type = !node.int_or_string && is_numeric(node.kind);
        let kind = if one_type { node.kind } else { Kind::Any };
        Range { kind, format: if one_type { &node.checks.format } else { "" } }
    }

    fn check(&self, float: f64, whole: Option<i64>, what: &str, path: &str) -> Option<Fault> {
        let fits = match (self.kind, self.format) {
            (Kind::Integer, "int32") => whole.is_some_and(|whole| i32::try_from(whole).is_ok()),
            (Kind::Integer, _) => whole.is_some(),
            #[expect(clippy::cast_possible_truncation, reason = "whether it fits is the question")]
            (_, "float") => (float as f32).is_finite(),
            _ => true,
        };
        if fits {
            return None;
        }
        let kind = if self.kind == Kind::Integer { "integer" } else { "number" };
        let format =
            if self.format.is_empty() { "(default format)".to_owned() } else { format!("with format {}", self.format) };
        Some(Fault::plain(format!("{what} value must be of type {kind} {format} in {path}")))
    }
}
