//! Keywords that look at one value and at nothing in it.

use serde_json::{Map, Number, Value};

use super::{Finding, Spot, numbers, quoted};

const TYPES: [&str; 7] = ["null", "boolean", "number", "integer", "string", "array", "object"];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What is wrong where a value has none of these types.
pub(super) fn wrong_type(types: &Value, value: &Value) -> Option<String> {
    let named = |name: &str| types == name || types.as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let wanted: Vec<&str> = TYPES.into_iter().filter(|name| named(name)).collect();
    let is_whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
    let met = wanted.contains(&kind(value)) || is_whole && wanted.contains(&"integer");
    (!met && !wanted.is_empty()).then(|| format!("got {}, want {}", kind(value), wanted.join(" or ")))
}

/// Numbers are equal however they are written.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a == b,
            _ => a.as_f64() == b.as_f64(),
        },
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

/// A value that is no list or map, as it is shown.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Null => "<nil>".to_owned(),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        other => other.to_string(),
    }
}

/// What is said of a value that is none of these.
pub(super) fn not_one_of(options: &[Value]) -> String {
    if options.iter().any(|option| option.is_object() || option.is_array()) {
        return "'enum' failed".to_owned();
    }
    let all: Vec<String> = options.iter().map(shown).collect();
    let one_of = if all.len() == 1 { "" } else { "one of " };
    format!("value must be {one_of}{}", all.join(", "))
}

/// The names that are wanted and not there.
pub(super) fn missing(wanted: Option<&Value>, map: &Map<String, Value>) -> Option<Vec<String>> {
    let names = wanted?.as_array()?.iter().filter_map(Value::as_str);
    let missing: Vec<String> = names.filter(|name| !map.contains_key(*name)).map(str::to_owned).collect();
    (!missing.is_empty()).then_some(missing)
}

fn limit(fields: &Map<String, Value>, keyword: &str) -> Option<usize> {
    let number = fields.get(keyword)?.as_f64()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count in a schema")]
    (number >= 0.0).then_some(number as usize)
}

/// `minX` and `maxX` for counts.
pub(super) fn size(fields: &Map<String, Value>, what: &str, count: usize, spot: Spot<'_>, found: &mut Vec<Finding>) {
    let told = |keyword: &str, limit: usize| {
        format!("{keyword}: got {}, want {}", numbers::whole(count), numbers::whole(limit))
    };
    let (least, most) = (format!("min{what}"), format!("max{what}"));
    if let Some(limit) = limit(fields, &least).filter(|limit| count < *limit) {
        found.push(spot.finding(told(&least, limit)));
    }
    if let Some(limit) = limit(fields, &most).filter(|limit| count > *limit) {
        found.push(spot.finding(told(&most, limit)));
    }
}

pub(super) fn text(fields: &Map<String, Value>, text: &str, spot: Spot<'_>, found: &mut Vec<Finding>) {
    size(fields, "Length", text.chars().count(), spot, found);
    let pattern = fields.get("pattern").and_then(Value::as_str);
    // One that is no pattern was found out before.
    if let Some((pattern, regex)) = pattern.and_then(|pattern| Some((pattern, regex::Regex::new(pattern).ok()?)))
        && !regex.is_match(text)
    {
        found.push(spot.finding(format!("{} does not match pattern {}", quoted(text), quoted(pattern))));
    }
}

/// A keyword, its limit, and when a number does not meet it.
type Check<'k> = (&'k str, Option<f64>, fn(f64, f64) -> bool);

pub(super) fn number(fields: &Map<String, Value>, number: &Number, spot: Spot<'_>, found: &mut Vec<Finding>) {
    let got = number.as_f64().unwrap_or_default();
    let limit = |keyword: &str| fields.get(keyword).and_then(Value::as_f64);
    let is_on = |keyword: &str| fields.get(keyword) == Some(&Value::Bool(true));
    // Once, `exclusiveMinimum: true` changed what `minimum` meant.
    let bound = |plain: &str, exclusive: &str| match is_on(exclusive) {
        true => (None, limit(plain)),
        false => (limit(plain), limit(exclusive)),
    };
    let (least, above) = bound("minimum", "exclusiveMinimum");
    let (most, under) = bound("maximum", "exclusiveMaximum");
    let checks: [Check<'_>; 5] = [
        ("minimum", least, |got, want| got < want),
        ("maximum", most, |got, want| got > want),
        ("exclusiveMinimum", above, |got, want| got <= want),
        ("exclusiveMaximum", under, |got, want| got >= want),
        ("multipleOf", limit("multipleOf"), |got, want| !is_multiple(got, want)),
    ];
    for (keyword, want, is_wrong) in checks {
        if let Some(want) = want.filter(|want| is_wrong(got, *want)) {
            let (got, want) = (numbers::any(got), numbers::any(want));
            found.push(spot.finding(format!("{keyword}: got {got}, want {want}")));
        }
    }
}

/// Whether one number is a multiple of another, as they are written and not as they are kept.
fn is_multiple(number: f64, of: f64) -> bool {
    let scaled = |number: f64| {
        let text = gotemplate::format::float_f(number, None);
        let (before, after) = text.split_once('.').unwrap_or((&text, ""));
        let digits = format!("{before}{after}").parse::<i128>().ok()?;
        Some((digits, u32::try_from(after.len()).ok()?))
    };
    let exact = || {
        let ((a, a_places), (b, b_places)) = (scaled(number)?, scaled(of)?);
        let places = a_places.max(b_places);
        let a = a.checked_mul(10_i128.checked_pow(places - a_places)?)?;
        let b = b.checked_mul(10_i128.checked_pow(places - b_places)?)?;
        a.checked_rem(b).map(|rest| rest == 0)
    };
    exact().unwrap_or_else(|| (number / of).fract() == 0.0)
}

/// The first two equal items.
pub(super) fn duplicates(items: &[Value]) -> Option<(usize, usize)> {
    (1..items.len())
        .find_map(|second| (0..second).find(|first| equal(&items[*first], &items[second])).map(|first| (first, second)))
}
