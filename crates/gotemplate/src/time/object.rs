//! Times and durations in a template.

use std::any::Any;

use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::{Duration, layout};
use crate::func::{Args, Signature, Ty};
use crate::value::{Kind, Member, Object, Value};

/// `time.Time`, and the name of its zone where that is not what the zone says: `UTC` is only what was asked for as such.
pub struct Time(pub Zoned, pub Option<&'static str>);

/// The zone that goes by no other name.
const UTC: &str = "UTC";

/// `*time.Location`, of which nothing shows but whether it is there.
struct Location {
    utc: bool,
}

static NONE: Signature = Signature { fixed: &[], variadic: None };
static TEXT: Signature = Signature { fixed: &[Ty::Str], variadic: None };
static OTHER: Signature = Signature { fixed: &[Ty::Object("time.Time")], variadic: None };
static SPAN: Signature = Signature { fixed: &[Ty::Object("time.Duration")], variadic: None };
static DATE: Signature = Signature { fixed: &[Ty::Int, Ty::Int, Ty::Int], variadic: None };

impl Time {
    /// A time whose zone goes by its own name.
    #[must_use]
    pub fn new(time: Zoned) -> Self {
        Self(time, None)
    }

    /// The time so many nanoseconds after 1970, in a zone.
    #[must_use]
    pub fn from_nanos(nanos: i128, zone: TimeZone) -> Self {
        Self::new(Timestamp::from_nanosecond(nanos).unwrap_or_default().to_zoned(zone))
    }

    /// Go's zero time: the first second of the year 1.
    #[must_use]
    pub fn zero() -> Self {
        let zero = Self::from_nanos(-62_135_596_800_000_000_000, TimeZone::UTC);
        Self(zero.0, Some(UTC))
    }

    /// As a layout says, with the name that the zone was given.
    fn format(&self, layout: &str) -> String {
        match self.1 {
            Some(name) => layout::format(&self.0, &layout.replace("MST", name)),
            None => layout::format(&self.0, layout),
        }
    }

    fn after(&self, duration: i64) -> Self {
        Self::from_nanos(self.0.timestamp().as_nanosecond() + i128::from(duration), self.0.time_zone().clone())
    }

    /// `2006-01-02T15:04:05.999999999Z07:00`
    #[must_use]
    pub fn rfc3339(&self) -> String {
        layout::format(&self.0, "2006-01-02T15:04:05.999999999Z07:00")
    }
}

fn span(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Object(object)) => object.integer().unwrap_or(0),
        _ => 0,
    }
}

impl Object for Time {
    fn type_name(&self) -> String {
        "time.Time".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn member(&self, name: &str) -> Option<Member> {
        Some(Member::Method(match name {
            "Unix" | "UnixNano" | "UnixMilli" | "UnixMicro" | "Year" | "Month" | "Day" | "Hour" | "Minute"
            | "Second" | "Nanosecond" | "Weekday" | "YearDay" | "UTC" | "Local" | "String" | "IsZero" => &NONE,
            "Format" => &TEXT,
            "Before" | "After" | "Equal" | "Sub" | "Compare" => &OTHER,
            "Add" | "Truncate" | "Round" => &SPAN,
            "AddDate" => &DATE,
            _ => return None,
        }))
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let time = &self.0;
        let nanos = time.timestamp().as_nanosecond();
        let other = match args.first() {
            Some(Value::Object(object)) => object.as_any().downcast_ref::<Self>(),
            _ => None,
        }
        .map_or(nanos, |other| other.0.timestamp().as_nanosecond());
        let int64 = |value: i128| Value::Int64(i64::try_from(value).unwrap_or(i64::MAX));
        let int = |value: i64| Value::Int(value);
        Ok(match name {
            "Unix" => Value::Int64(time.timestamp().as_second()),
            "UnixNano" => int64(nanos),
            "UnixMicro" => Value::Int64(time.timestamp().as_microsecond()),
            "UnixMilli" => Value::Int64(time.timestamp().as_millisecond()),
            "Year" => int(time.year().into()),
            "Month" => Value::from(layout::format(time, "January")),
            "Weekday" => Value::from(layout::format(time, "Monday")),
            "Day" => int(time.day().into()),
            "Hour" => int(time.hour().into()),
            "Minute" => int(time.minute().into()),
            "Second" => int(time.second().into()),
            "Nanosecond" => int(time.subsec_nanosecond().into()),
            "YearDay" => int(time.day_of_year().into()),
            "UTC" => Value::object(Self(time.with_time_zone(TimeZone::UTC), Some(UTC))),
            "Local" => Value::object(Self::new(time.with_time_zone(TimeZone::system()))),
            "String" => Value::from(self.text().unwrap_or_default()),
            "IsZero" => Value::Bool(nanos == Self::zero().0.timestamp().as_nanosecond()),
            "Format" => Value::from(self.format(&args.text(0))),
            "Before" => Value::Bool(nanos < other),
            "After" => Value::Bool(nanos > other),
            "Equal" => Value::Bool(nanos == other),
            "Compare" => int(nanos.cmp(&other) as i64),
            "Sub" => Value::object(DurationObject(Duration(i64::try_from(nanos - other).unwrap_or(i64::MAX)))),
            "Add" => Value::object(self.after(span(args.first()))),
            "Truncate" | "Round" => {
                let unit = i128::from(span(args.first()).max(1));
                let half = if name == "Round" { unit / 2 } else { 0 };
                Value::object(Self::from_nanos((nanos + half).div_euclid(unit) * unit, time.time_zone().clone()))
            }
            "AddDate" => {
                let shift = jiff::Span::new()
                    .try_years(args.int(0))
                    .and_then(|span| span.try_months(args.int(1)))
                    .and_then(|span| span.try_days(args.int(2)));
                let moved = shift.and_then(|shift| time.checked_add(shift));
                Value::object(Self::new(moved.map_err(|error| error.to_string())?))
            }
            name => return Err(format!("no method {name}")),
        })
    }

    fn text(&self) -> Option<String> {
        Some(self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }

    fn go_text(&self) -> Option<String> {
        let time = &self.0;
        let zone = match self.1 {
            Some(UTC) => "time.UTC".to_owned(),
            Some(name) => format!("time.Location({name:?})"),
            None if time.time_zone().to_fixed_offset().is_ok_and(|offset| !offset.is_zero()) => {
                "time.Location(\"\")".to_owned()
            }
            None => "time.Local".to_owned(),
        };
        let (date, clock) = (time.date(), time.time());
        let month = self.format("January");
        let nanos = clock.subsec_nanosecond();
        Some(format!(
            "time.Date({}, time.{month}, {}, {}, {}, {}, {nanos}, {zone})",
            date.year(),
            date.day(),
            clock.hour(),
            clock.minute(),
            clock.second()
        ))
    }

    fn inner_fields(&self) -> Vec<(&'static str, Value)> {
        let seconds = self.0.timestamp().as_second() + 62_135_596_800;
        vec![
            ("wall", Value::Uint64(u64::try_from(self.0.subsec_nanosecond()).unwrap_or(0))),
            ("ext", Value::Int64(seconds)),
            ("loc", Value::object(Location { utc: self.1 == Some(UTC) })),
        ]
    }

    fn json_text(&self) -> Option<String> {
        Some(self.rfc3339())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Location {
    fn type_name(&self) -> String {
        "*time.Location".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn member(&self, _: &str) -> Option<Member> {
        None
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, String> {
        Err(format!("no method {name}"))
    }

    fn is_nil(&self) -> bool {
        self.utc
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `time.Duration`
pub struct DurationObject(pub Duration);

impl Object for DurationObject {
    fn type_name(&self) -> String {
        "time.Duration".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Int64
    }

    fn member(&self, name: &str) -> Option<Member> {
        Some(Member::Method(match name {
            "Hours" | "Minutes" | "Seconds" | "Milliseconds" | "Microseconds" | "Nanoseconds" | "String" | "Abs" => {
                &NONE
            }
            "Round" | "Truncate" => &SPAN,
            _ => return None,
        }))
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let nanos = self.0.0;
        #[expect(clippy::cast_precision_loss, reason = "as Go gives them")]
        let share = |unit: i64| Value::Float((nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64);
        Ok(match name {
            "Hours" => share(3_600_000_000_000),
            "Minutes" => share(60_000_000_000),
            "Seconds" => share(1_000_000_000),
            "Milliseconds" => Value::Int64(nanos / 1_000_000),
            "Microseconds" => Value::Int64(nanos / 1_000),
            "Nanoseconds" => Value::Int64(nanos),
            "String" => Value::from(self.0.to_string()),
            "Abs" => Value::object(Self(Duration(nanos.saturating_abs()))),
            "Round" => Value::object(Self(self.0.round(span(args.first())))),
            "Truncate" => Value::object(Self(self.0.truncate(span(args.first())))),
            name => return Err(format!("no method {name}")),
        })
    }

    fn text(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn integer(&self) -> Option<i64> {
        Some(self.0.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Duration {
    /// To the nearest multiple, halves away from zero.
    #[must_use]
    pub fn round(self, unit: i64) -> Self {
        if unit <= 0 {
            return self;
        }
        let rest = self.0 % unit;
        let down = self.0 - rest;
        if rest.unsigned_abs().saturating_mul(2) < unit.unsigned_abs() {
            return Self(down);
        }
        Self(if rest < 0 { down.saturating_sub(unit) } else { down.saturating_add(unit) })
    }

    /// Towards zero to a multiple.
    #[must_use]
    pub fn truncate(self, unit: i64) -> Self {
        if unit <= 0 { self } else { Self(self.0 - self.0 % unit) }
    }
}
