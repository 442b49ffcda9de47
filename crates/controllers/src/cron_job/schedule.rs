//! The times of a schedule in a time zone. Pure.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use kinds::cron::{self, Fields, Times};

/// After so many years without a time there is none.
const YEARS: i16 = 5;

/// Why there are no times.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// The schedule cannot be read.
    Schedule(String),
    /// The time zone is not known.
    Zone(String),
}

/// The last time that has passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: i64,
    /// How many have passed, about.
    pub(super) missed: i64,
}

/// A schedule in a time zone.
pub(super) struct Timetable {
    times: Times,
    zone: TimeZone,
}

impl Timetable {
    pub(super) fn read(schedule: &str, zone: Option<&str>) -> Result<Timetable, Error> {
        let parsed = cron::parse(schedule).map_err(Error::Schedule)?;
        let zone = match zone.or(parsed.zone.as_deref()) {
            None | Some("" | "UTC") => TimeZone::UTC,
            Some("Local") => TimeZone::system(),
            Some(name) => TimeZone::get(name).map_err(|_| Error::Zone(name.to_owned()))?,
        };
        Ok(Timetable { times: parsed.times, zone })
    }

    /// The first time after a moment.
    pub(super) fn next(&self, after: i64) -> Option<i64> {
        match &self.times {
            Times::Every(seconds) => after.checked_add(i64::try_from(*seconds).ok()?),
            Times::At(fields) => self.next_at(fields, after),
        }
    }

    fn next_at(&self, fields: &Fields, after: i64) -> Option<i64> {
        let start = Timestamp::from_second(after).ok()?.to_zoned(self.zone.clone()).datetime();
        let mut time = start.date().at(start.hour(), start.minute(), 0, 0).checked_add(1.minute()).ok()?;
        let end = start.year() + YEARS;
        // Clocks that go back show times twice: what was before may be after.
        let fallback = time.checked_sub(1.hour()).ok()?;
        if self.shows_twice(time) || self.shows_twice(fallback) {
            time = fallback;
        }
        while time.year() <= end {
            time = match step(fields, time) {
                Some(later) => later?,
                None => {
                    if let Some(at) = self.moment(time, after) {
                        return Some(at);
                    }
                    time.checked_add(1.minute()).ok()?
                }
            };
        }
        None
    }

    fn shows_twice(&self, time: DateTime) -> bool {
        matches!(self.zone.to_ambiguous_timestamp(time).offset(), AmbiguousOffset::Fold { .. })
    }

    /// The moment at which clocks show a time, the first one that is after another; none if they skip it.
    fn moment(&self, time: DateTime, after: i64) -> Option<i64> {
        let moments = match self.zone.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => vec![offset],
            AmbiguousOffset::Gap { .. } => vec![],
            AmbiguousOffset::Fold { before, after } => vec![before, after],
        };
        let seconds = moments.into_iter().filter_map(|offset| offset.to_timestamp(time).ok()).map(Timestamp::as_second);
        seconds.into_iter().find(|second| *second > after)
    }

    /// The last time after `from` that has passed by `now`.
    pub(super) fn due(&self, from: i64, now: i64) -> Option<Due> {
        let first = self.next(from).filter(|first| *first <= now)?;
        let second = self.next(first)?;
        if now < second {
            return Some(Due { at: first, missed: 1 });
        }
        let between = (second - first).max(1);
        let missed = (now - first) / between + 1;
        // Not all that passed is walked through, only the last few.
        let mut at = first;
        let mut time = self.next(first + (missed - 2) * between)?;
        while time <= now {
            at = time;
            time = self.next(time)?;
        }
        Some(Due { at, missed })
    }

    /// A moment as clocks in the zone show it.
    pub(super) fn local(&self, at: i64) -> String {
        let time = Timestamp::from_second(at).unwrap_or_default().to_zoned(self.zone.clone());
        let text = time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        match text.strip_suffix("+00:00") {
            Some(stem) => format!("{stem}Z"),
            None => text,
        }
    }
}

/// Where to go on if a time is not meant; `None` if it is.
fn step(fields: &Fields, time: DateTime) -> Option<Option<DateTime>> {
    let number = |number: i8| u8::try_from(number).unwrap_or_default();
    let date = time.date();
    let midnight = |date: jiff::civil::Date| date.at(0, 0, 0, 0);
    if !fields.has_month(number(date.month())) {
        return Some(date.first_of_month().checked_add(1.month()).ok().map(midnight));
    }
    let weekday = number(date.weekday().to_sunday_zero_offset());
    if !fields.has_day(number(date.day()), weekday) {
        return Some(date.tomorrow().ok().map(midnight));
    }
    if !fields.has_hour(number(time.hour())) {
        return Some(date.at(time.hour(), 0, 0, 0).checked_add(1.hour()).ok());
    }
    if !fields.has_minute(number(time.minute())) {
        return Some(time.checked_add(1.minute()).ok());
    }
    None
}

/// A moment as `Mon, 02 Jan 2006 15:04:05 UTC`.
pub(super) fn rfc1123(at: i64) -> String {
    Timestamp::from_second(at).unwrap_or_default().strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[track_caller]
    fn check(schedule: &str, zone: &str, after: &str, want: &[&str]) {
        let timetable = Timetable::read(schedule, Some(zone)).ok().unwrap();
        let mut time = seconds(after);
        for want in want {
            time = timetable.next(time).unwrap();
            assert_eq!(timetable.local(time), *want, "{schedule}");
        }
    }

    #[test]
    fn times_follow_the_calendar() {
        check("*/15 * * * *", "UTC", "2020-01-01T00:07:30Z", &["2020-01-01T00:15:00Z", "2020-01-01T00:30:00Z"]);
        check("0 0 29 2 *", "UTC", "2021-01-01T00:00:00Z", &["2024-02-29T00:00:00Z"]);
        check("30 8 * * mon-fri", "UTC", "2020-01-03T08:30:00Z", &["2020-01-06T08:30:00Z"]);
        check("@monthly", "UTC", "2020-12-05T00:00:00Z", &["2021-01-01T00:00:00Z"]);
        check("@every 90s", "UTC", "2020-01-01T00:00:00Z", &["2020-01-01T00:01:30Z"]);
        let never = Timetable::read("0 0 30 2 *", None).ok().unwrap();
        assert_eq!(never.next(seconds("2020-01-01T00:00:00Z")), None);
    }

    #[test]
    fn clocks_that_change_are_followed() {
        let zone = "Europe/Berlin";
        check("30 2 * * *", zone, "2020-03-28T12:00:00Z", &["2020-03-30T02:30:00+02:00"]);
        let twice = ["2020-10-25T02:30:00+02:00", "2020-10-25T02:30:00+01:00", "2020-10-26T02:30:00+01:00"];
        check("30 2 * * *", zone, "2020-10-24T12:00:00Z", &twice);
        check("0 9 * * *", "Asia/Tokyo", "2020-01-01T00:00:00Z", &["2020-01-02T09:00:00+09:00"]);
    }

    #[test]
    fn the_last_time_is_due() {
        let timetable = Timetable::read("*/10 * * * *", None).ok().unwrap();
        let due = |from: &str, now: &str| timetable.due(seconds(from), seconds(now)).map(|due| (due.at, due.missed));
        let start = "2020-01-01T00:05:00Z";
        assert_eq!(due(start, "2020-01-01T00:09:59Z"), None);
        assert_eq!(due(start, "2020-01-01T00:12:00Z"), Some((seconds("2020-01-01T00:10:00Z"), 1)));
        assert_eq!(due(start, "2020-01-01T01:12:00Z"), Some((seconds("2020-01-01T01:10:00Z"), 7)));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        assert_eq!(
            Timetable::read("* * * *", None).err(),
            Some(Error::Schedule("expected exactly 5 fields, found 4: [* * * *]".to_owned()))
        );
        assert_eq!(
            Timetable::read("* * * * *", Some("Mars/Olympus")).err(),
            Some(Error::Zone("Mars/Olympus".to_owned()))
        );
    }
}
