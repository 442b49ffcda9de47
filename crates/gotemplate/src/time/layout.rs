//! Layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` as a pattern.

use jiff::Zoned;
use jiff::civil::Weekday;

/// A piece of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// Offset with `Z` for UTC or not, with colons or not, and with how many parts (hours, minutes, seconds).
    Offset {
        z: bool,
        colon: bool,
        parts: u8,
    },
    /// A fraction of so many digits; `trim` where trailing zeros go.
    Fraction {
        digits: usize,
        trim: bool,
        comma: bool,
    },
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const PIECES: &[(&str, Piece)] = &[
    ("January", Piece::LongMonth),
    ("Jan", Piece::Month),
    ("Monday", Piece::LongWeekday),
    ("Mon", Piece::Weekday),
    ("MST", Piece::ZoneName),
    ("2006", Piece::LongYear),
    ("_2006", Piece::LongYear),
    ("__2", Piece::UnderYearDay),
    ("_2", Piece::UnderDay),
    ("002", Piece::ZeroYearDay),
    ("01", Piece::ZeroMonth),
    ("02", Piece::ZeroDay),
    ("03", Piece::ZeroHour12),
    ("04", Piece::ZeroMinute),
    ("05", Piece::ZeroSecond),
    ("06", Piece::Year),
    ("15", Piece::Hour),
    ("1", Piece::NumMonth),
    ("2", Piece::Day),
    ("3", Piece::Hour12),
    ("4", Piece::Minute),
    ("5", Piece::Second),
    ("PM", Piece::UpperPm),
    ("pm", Piece::LowerPm),
    ("Z07:00:00", Piece::Offset { z: true, colon: true, parts: 3 }),
    ("Z070000", Piece::Offset { z: true, colon: false, parts: 3 }),
    ("Z07:00", Piece::Offset { z: true, colon: true, parts: 2 }),
    ("Z0700", Piece::Offset { z: true, colon: false, parts: 2 }),
    ("Z07", Piece::Offset { z: true, colon: false, parts: 1 }),
    ("-07:00:00", Piece::Offset { z: false, colon: true, parts: 3 }),
    ("-070000", Piece::Offset { z: false, colon: false, parts: 3 }),
    ("-07:00", Piece::Offset { z: false, colon: true, parts: 2 }),
    ("-0700", Piece::Offset { z: false, colon: false, parts: 2 }),
    ("-07", Piece::Offset { z: false, colon: false, parts: 1 }),
];

/// The text before the next piece, the piece with its own text, and what comes after.
pub(super) fn next_piece(layout: &str) -> Option<(&str, (Piece, &str), &str)> {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        if let Some((piece, length)) = piece_at(layout, at) {
            // "_2006" is an underscore and a year.
            let skip = usize::from(rest.starts_with("_2006"));
            return Some((&layout[..at + skip], (piece, &rest[skip..length]), &rest[length..]));
        }
    }
    None
}

fn piece_at(layout: &str, at: usize) -> Option<(Piece, usize)> {
    let rest = &layout[at..];
    if let Some(found) = fraction(layout, at) {
        return Some(found);
    }
    // "Jan" in front of a lower-case letter is no month.
    let word_goes_on = |length: usize| rest.as_bytes().get(length).is_some_and(u8::is_ascii_lowercase);
    let fits = |(text, piece): &&(&str, Piece)| {
        rest.starts_with(text) && !(matches!(piece, Piece::Month | Piece::Weekday) && word_goes_on(3))
    };
    PIECES.iter().filter(fits).max_by_key(|(text, _)| text.len()).map(|(text, piece)| (*piece, text.len()))
}

/// `.000` or `,999`: a fraction, unless a digit follows.
fn fraction(layout: &str, at: usize) -> Option<(Piece, usize)> {
    let rest = &layout.as_bytes()[at..];
    let (first, digit) = (*rest.first()?, *rest.get(1)?);
    if !matches!(first, b'.' | b',') || !matches!(digit, b'0' | b'9') {
        return None;
    }
    let digits = rest[1..].iter().take_while(|byte| **byte == digit).count();
    if rest.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((Piece::Fraction { digits, trim: digit == b'9', comma: first == b',' }, 1 + digits))
}

/// Writes a time by a layout.
#[must_use]
pub fn format(time: &Zoned, layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    while let Some((before, (piece, _), after)) = next_piece(rest) {
        out.push_str(before);
        push(&mut out, time, piece);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn weekday(time: &Zoned) -> &'static str {
    let day = match time.weekday() {
        Weekday::Sunday => 0,
        Weekday::Monday => 1,
        Weekday::Tuesday => 2,
        Weekday::Wednesday => 3,
        Weekday::Thursday => 4,
        Weekday::Friday => 5,
        Weekday::Saturday => 6,
    };
    DAYS[day]
}

fn month(time: &Zoned) -> &'static str {
    MONTHS.get(usize::try_from(time.month() - 1).unwrap_or(0)).copied().unwrap_or_default()
}

fn push(out: &mut String, time: &Zoned, piece: Piece) {
    let hour12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let text = match piece {
        Piece::LongMonth => month(time).to_owned(),
        Piece::Month => month(time)[..3].to_owned(),
        Piece::NumMonth => time.month().to_string(),
        Piece::ZeroMonth => format!("{:02}", time.month()),
        Piece::LongWeekday => weekday(time).to_owned(),
        Piece::Weekday => weekday(time)[..3].to_owned(),
        Piece::Day => time.day().to_string(),
        Piece::UnderDay => format!("{:2}", time.day()),
        Piece::ZeroDay => format!("{:02}", time.day()),
        Piece::UnderYearDay => format!("{:3}", time.day_of_year()),
        Piece::ZeroYearDay => format!("{:03}", time.day_of_year()),
        Piece::Hour => format!("{:02}", time.hour()),
        Piece::Hour12 => hour12.to_string(),
        Piece::ZeroHour12 => format!("{hour12:02}"),
        Piece::Minute => time.minute().to_string(),
        Piece::ZeroMinute => format!("{:02}", time.minute()),
        Piece::Second => time.second().to_string(),
        Piece::ZeroSecond => format!("{:02}", time.second()),
        Piece::LongYear => format!("{:04}", time.year()),
        Piece::Year => format!("{:02}", time.year().rem_euclid(100)),
        Piece::UpperPm => if time.hour() >= 12 { "PM" } else { "AM" }.to_owned(),
        Piece::LowerPm => if time.hour() >= 12 { "pm" } else { "am" }.to_owned(),
        Piece::ZoneName => zone_name(time),
        Piece::Offset { z: true, .. } if time.offset().seconds() == 0 => "Z".to_owned(),
        Piece::Offset { colon, parts, .. } => offset(time.offset().seconds(), colon, parts),
        Piece::Fraction { digits, trim, comma } => fraction_text(time.subsec_nanosecond(), digits, trim, comma),
    };
    out.push_str(&text);
}

fn zone_name(time: &Zoned) -> String {
    if time.offset().seconds() == 0 {
        return time.time_zone().iana_name().filter(|name| *name != "Etc/Unknown").map_or("UTC", |_| "UTC").to_owned();
    }
    let name = time.strftime("%Z").to_string();
    if name.starts_with(['+', '-']) {
        // A zone that is an offset and no more has no name: it shows hours and minutes.
        let hours = time.time_zone().iana_name().is_some() && time.offset().seconds() % 3600 == 0;
        offset(time.offset().seconds(), false, if hours { 1 } else { 2 })
    } else {
        name
    }
}

fn offset(seconds: i32, colon: bool, parts: u8) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (seconds, between) = (seconds.unsigned_abs(), if colon { ":" } else { "" });
    let mut text = format!("{sign}{:02}", seconds / 3600);
    if parts > 1 {
        text.push_str(&format!("{between}{:02}", seconds / 60 % 60));
    }
    if parts > 2 {
        text.push_str(&format!("{between}{:02}", seconds % 60));
    }
    text
}

fn fraction_text(nanos: i32, digits: usize, trim: bool, comma: bool) -> String {
    let all = format!("{nanos:09}{}", "0".repeat(digits.saturating_sub(9)));
    let mut text = all[..digits].to_owned();
    if trim {
        text.truncate(text.trim_end_matches('0').len());
        if text.is_empty() {
            return text;
        }
    }
    format!("{}{text}", if comma { ',' } else { '.' })
}
