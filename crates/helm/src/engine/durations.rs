//! Durations: seconds, texts like `1h30m`, and what they come to in each unit.

use gotemplate::time::{Duration, parse_duration};
use gotemplate::{Failure, Function, Ty, Value, functions};

const ANY: Ty = Ty::Any;
const SECOND: f64 = 1e9;

pub(super) fn table() -> Vec<Function> {
    functions! {
        "mustToDuration" (ANY) Plain |args| read(&args[0]).map(Value::from).map_err(Failure::new);
        "durationSeconds" (ANY) Plain |args| Ok(Value::Float(share(&args[0], SECOND)));
        "durationMilliseconds" (ANY) Plain |args| Ok(Value::Int64(nanos(&args[0]) / 1_000_000));
        "durationMicroseconds" (ANY) Plain |args| Ok(Value::Int64(nanos(&args[0]) / 1_000));
        "durationNanoseconds" (ANY) Plain |args| Ok(Value::Int64(nanos(&args[0])));
        "durationMinutes" (ANY) Plain |args| Ok(Value::Float(share(&args[0], SECOND * 60.0)));
        "durationHours" (ANY) Plain |args| Ok(Value::Float(share(&args[0], SECOND * 3600.0)));
        "durationDays" (ANY) Plain |args| Ok(Value::Float(share(&args[0], SECOND * 3600.0) / 24.0));
        "durationWeeks" (ANY) Plain |args| Ok(Value::Float(share(&args[0], SECOND * 3600.0) / 24.0 / 7.0));
        "durationRoundTo" (ANY, ANY) Plain |args| Ok(to_multiple(args, Duration::round));
        "durationTruncateTo" (ANY, ANY) Plain |args| Ok(to_multiple(args, Duration::truncate));
    }
    .to_vec()
}

/// A duration of a number of seconds, or of a text.
fn read(value: &Value) -> Result<Duration, String> {
    match value {
        Value::Nil => Err("invalid duration".to_owned()),
        Value::Object(object) if object.integer().is_some() => Ok(Duration(object.integer().unwrap_or(0))),
        Value::Str(text) => {
            let shown = gotemplate::format::quote(text);
            let text = text.text();
            let text = text.trim();
            if text.is_empty() {
                return Err("empty duration".to_owned());
            }
            match (parse_duration(text), text.parse::<f64>()) {
                (Ok(duration), _) => Ok(duration),
                (Err(_), Ok(seconds)) => of_seconds(seconds),
                _ => Err(format!("could not parse duration {shown}")),
            }
        }
        Value::Int(seconds) | Value::Int64(seconds) => {
            let nanos = seconds.checked_mul(1_000_000_000);
            nanos.map(Duration).ok_or_else(|| format!("duration seconds overflow: {seconds}"))
        }
        Value::Uint8(seconds) => Ok(Duration(i64::from(*seconds) * 1_000_000_000)),
        Value::Float(seconds) => of_seconds(*seconds),
        other => Err(format!("unsupported duration type {}", other.type_name())),
    }
}

fn of_seconds(seconds: f64) -> Result<Duration, String> {
    if !seconds.is_finite() {
        return Err(format!("invalid duration seconds: {seconds}"));
    }
    let nanos = seconds * SECOND;
    if nanos.abs() >= 9_223_372_036_854_775_808.0 {
        return Err(format!("duration seconds overflow: {}", gotemplate::format::float_g(seconds, None)));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    Ok(Duration(nanos as i64))
}

fn nanos(value: &Value) -> i64 {
    read(value).map_or(0, |duration| duration.0)
}

#[expect(clippy::cast_precision_loss, reason = "as Go divides")]
fn share(value: &Value, unit: f64) -> f64 {
    let nanos = nanos(value);
    let unit_nanos = unit as i64;
    (nanos / unit_nanos) as f64 + (nanos % unit_nanos) as f64 / unit
}

fn to_multiple(args: &[Value], op: fn(Duration, i64) -> Duration) -> Value {
    let Ok(duration) = read(&args[0]) else { return Duration(0).into() };
    read(&args[1]).map_or(duration, |unit| op(duration, unit.0)).into()
}
