//! Dates.

use std::rc::Rc;

use jiff::tz::TimeZone;

use super::cast::to_int64;
use crate::func::Ty::{Any, Object, Str as Text};
use crate::func::{Args, Function, Outcome};
use crate::time::{Duration, DurationObject, Time, format, parse, parse_duration};
use crate::value::Value;
use crate::{Scope, functions};

const TIME: crate::func::Ty = Object("time.Time");

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "now" () Scoped |scope, _| Ok(Value::object(now(scope)));
        "date" (Text, Any) Scoped |scope, args| Ok(shown(scope, &args[1], &args.text(0), "Local"));
        "dateInZone" (Text, Any, Text) Scoped |scope, args| Ok(shown(scope, &args[1], &args.text(0), &args.text(2)));
        "date_in_zone" (Text, Any, Text) Scoped |scope, args| Ok(shown(scope, &args[1], &args.text(0), &args.text(2)));
        "htmlDate" (Any) Scoped |scope, args| Ok(shown(scope, &args[0], "2006-01-02", "Local"));
        "htmlDateInZone" (Any, Text) Scoped |scope, args| Ok(shown(scope, &args[0], "2006-01-02", &args.text(1)));
        "dateModify" (Text, TIME) Plain |args| Ok(modify(args).unwrap_or_else(|_| args[1].clone()));
        "date_modify" (Text, TIME) Plain |args| Ok(modify(args).unwrap_or_else(|_| args[1].clone()));
        "mustDateModify" (Text, TIME) Plain modify;
        "must_date_modify" (Text, TIME) Plain modify;
        "ago" (Any) Scoped ago;
        "duration" (Any) Plain duration;
        "durationRound" (Any) Scoped duration_round;
        "toDate" (Text, Text) Plain |args| Ok(read(args).unwrap_or_else(|_| Value::object(Time::zero())));
        "mustToDate" (Text, Text) Plain read;
        "unixEpoch" (TIME) Plain |args| {
            Ok(time_of(&args[0]).map_or(0, |time| time.0.timestamp().as_second()).to_string().into())
        };
    }
}

fn now(scope: &Scope<'_>) -> Time {
    Time::from_nanos((scope.environment().now)(), TimeZone::system())
}

/// The time an argument is; none where it is nothing of the kind.
fn time_of(value: &Value) -> Option<Time> {
    match value {
        Value::Object(object) => {
            let object = Rc::clone(object);
            object.as_any().downcast_ref::<Time>().map(|time| Time(time.0.clone(), time.1))
        }
        Value::Int(seconds) | Value::Int64(seconds) => {
            Some(Time::from_nanos(i128::from(*seconds) * 1_000_000_000, TimeZone::system()))
        }
        _ => None,
    }
}

fn shown(scope: &Scope<'_>, value: &Value, layout: &str, zone: &str) -> Value {
    let time = time_of(value).unwrap_or_else(|| now(scope));
    let zone = match zone {
        "Local" => TimeZone::system(),
        "" | "UTC" => TimeZone::UTC,
        name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    };
    format(&time.0.with_time_zone(zone), layout).into()
}

fn modify(args: &[Value]) -> Outcome {
    let duration = parse_duration(&args.text(0))?;
    let time = time_of(&args[1]).unwrap_or_else(Time::zero);
    let nanos = time.0.timestamp().as_nanosecond() + i128::from(duration.0);
    Ok(Value::object(Time::from_nanos(nanos, time.0.time_zone().clone())))
}

fn read(args: &[Value]) -> Outcome {
    Ok(Value::object(Time::new(parse(&args.text(0), &args.text(1), &TimeZone::system())?)))
}

fn since(scope: &Scope<'_>, time: &Time) -> Duration {
    let nanoseconds = now(scope).0.timestamp().as_nanosecond() - time.0.timestamp().as_nanosecond();
    // What is longer than Go can say is as long as Go can say.
    let limit = if nanoseconds < 0 { i64::MIN } else { i64::MAX };
    Duration(i64::try_from(nanoseconds).unwrap_or(limit))
}

fn ago(scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
    let time = time_of(&args[0]).unwrap_or_else(|| now(scope));
    Ok(since(scope, &time).round(1_000_000_000).to_string().into())
}

fn duration(args: &[Value]) -> Outcome {
    let seconds = match &args[0] {
        Value::Str(text) => text.text().parse().unwrap_or(0),
        Value::Int64(seconds) => *seconds,
        _ => 0,
    };
    Ok(Duration(seconds.saturating_mul(1_000_000_000)).to_string().into())
}

fn duration_round(scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
    let duration = match (&args[0], time_of(&args[0])) {
        (Value::Str(text), _) => parse_duration(&text.text()).unwrap_or(Duration(0)),
        (Value::Int64(_), _) => Duration(to_int64(&args[0])),
        (Value::Object(_), Some(time)) => since(scope, &time),
        _ => Duration(0),
    };
    let nanos = duration.0.unsigned_abs();
    let hour = 3_600_000_000_000;
    let units = [
        (hour * 24 * 365, "y"),
        (hour * 24 * 30, "mo"),
        (hour * 24, "d"),
        (hour, "h"),
        (hour / 60, "m"),
        (hour / 3600, "s"),
    ];
    let found = units.into_iter().find(|(unit, _)| nanos > *unit);
    Ok(found.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", nanos / unit)).into())
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        Self::object(DurationObject(duration))
    }
}
