//! `time.ParseInLocation`.

use jiff::Zoned;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

use super::layout::{DAYS, MONTHS, Piece, next_piece};

/// What was read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    pm: Option<bool>,
    offset: Option<i32>,
    utc: bool,
}

/// Reads a time by a layout; without a zone in it, it is of this zone.
///
/// # Errors
/// Go's words.
pub fn parse(layout: &str, text: &str, zone: &TimeZone) -> Result<Zoned, String> {
    let quoted = |text: &str| crate::format::quote(&text.into());
    let cannot = |rest: &str, part: &str| {
        let (text, layout) = (quoted(text), quoted(layout));
        format!("parsing time {text} as {layout}: cannot parse {} as {}", quoted(rest), quoted(part))
    };
    let mut fields = Fields::default();
    let (mut pattern, mut rest) = (layout, text);
    while let Some((before, (piece, name), after)) = next_piece(pattern) {
        rest = skip(rest, before).ok_or_else(|| cannot(rest, before))?;
        let at = rest;
        rest = fields.read(piece, rest, after).ok_or_else(|| cannot(at, name))?;
        if let Some(what) = fields.out_of_range(piece) {
            return Err(format!("parsing time {}: {what} out of range", quoted(text)));
        }
        pattern = after;
    }
    rest = skip(rest, pattern).ok_or_else(|| cannot(rest, pattern))?;
    if !rest.is_empty() {
        return Err(format!("parsing time {}: extra text: {}", quoted(text), quoted(rest)));
    }
    fields.finish(zone).ok_or_else(|| format!("parsing time {}: day out of range", quoted(text)))
}

/// Literal text; a space in the layout stands for any spaces.
fn skip<'t>(mut text: &'t str, prefix: &str) -> Option<&'t str> {
    let mut prefix = prefix;
    while let Some(first) = prefix.chars().next() {
        if first == ' ' {
            if !text.is_empty() && !text.starts_with(' ') {
                return None;
            }
            prefix = prefix.trim_start_matches(' ');
            text = text.trim_start_matches(' ');
            continue;
        }
        text = text.strip_prefix(first)?;
        prefix = &prefix[first.len_utf8()..];
    }
    Some(text)
}

fn digits(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    Some((text[..count].parse().ok()?, &text[count..]))
}

fn word<'t>(text: &'t str, words: &[&str], short: bool) -> Option<(usize, &'t str)> {
    words.iter().enumerate().find_map(|(index, word)| {
        let word = if short { &word[..3] } else { word };
        let head = text.get(..word.len())?;
        head.eq_ignore_ascii_case(word).then(|| (index, &text[word.len()..]))
    })
}

impl Fields {
    fn read<'t>(&mut self, piece: Piece, text: &'t str, after: &str) -> Option<&'t str> {
        let (value, rest) = match piece {
            Piece::LongYear => digits(text, 4, 4)?,
            Piece::Year => digits(text, 2, 2)?,
            Piece::ZeroMonth | Piece::ZeroDay | Piece::ZeroHour12 | Piece::ZeroMinute | Piece::ZeroSecond => {
                digits(text, 2, 2)?
            }
            Piece::UnderDay => digits(text.strip_prefix(' ').unwrap_or(text), 1, 2)?,
            Piece::UnderYearDay => digits(text.trim_start_matches(' '), 1, 3)?,
            Piece::ZeroYearDay => digits(text, 3, 3)?,
            Piece::NumMonth | Piece::Day | Piece::Hour | Piece::Hour12 | Piece::Minute | Piece::Second => {
                digits(text, 1, 2)?
            }
            _ => return self.read_word(piece, text),
        };
        match piece {
            Piece::LongYear => self.year = value,
            Piece::Year => self.year = value + if value >= 69 { 1900 } else { 2000 },
            Piece::ZeroMonth | Piece::NumMonth => self.month = Some(value),
            Piece::ZeroDay | Piece::Day | Piece::UnderDay => self.day = Some(value),
            Piece::UnderYearDay | Piece::ZeroYearDay => self.year_day = Some(value),
            Piece::Hour | Piece::Hour12 | Piece::ZeroHour12 => self.hour = value,
            Piece::ZeroMinute | Piece::Minute => self.minute = value,
            _ => {
                self.second = value;
                // A fraction may follow the seconds even where the layout has none.
                let expected = matches!(next_piece(after), Some(("", (Piece::Fraction { .. }, _), _)));
                if rest.starts_with(['.', ',']) && !expected && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
                    return self.fraction(rest, None);
                }
            }
        }
        Some(rest)
    }

    fn read_word<'t>(&mut self, piece: Piece, text: &'t str) -> Option<&'t str> {
        match piece {
            Piece::LongMonth | Piece::Month => {
                let (index, rest) = word(text, &MONTHS, piece == Piece::Month)?;
                self.month = Some(i64::try_from(index).ok()? + 1);
                Some(rest)
            }
            Piece::LongWeekday | Piece::Weekday => word(text, &DAYS, piece == Piece::Weekday).map(|(_, rest)| rest),
            Piece::UpperPm | Piece::LowerPm => {
                let upper = piece == Piece::UpperPm;
                let head = text.get(..2)?;
                self.pm = Some(match head {
                    "PM" if upper => true,
                    "AM" if upper => false,
                    "pm" if !upper => true,
                    "am" if !upper => false,
                    _ => return None,
                });
                Some(&text[2..])
            }
            Piece::ZoneName => {
                let count = text.bytes().take_while(u8::is_ascii_uppercase).count();
                self.utc |= text.starts_with("UTC");
                (3..=5).contains(&count).then(|| &text[count..])
            }
            Piece::Offset { z, colon, parts } => self.offset(text, z, colon, parts),
            Piece::Fraction { digits, trim: false, .. } => self.fraction(text, Some(digits)),
            Piece::Fraction { .. } if text.starts_with(['.', ',']) => self.fraction(text, None),
            _ => Some(text),
        }
    }

    fn fraction<'t>(&mut self, text: &'t str, exact: Option<usize>) -> Option<&'t str> {
        let rest = text.strip_prefix(['.', ','])?;
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count = exact.map_or(Some(count), |exact| (count >= exact).then_some(exact))?;
        let digits: String = rest[..count].chars().chain("000000000".chars()).take(9).collect();
        self.nanos = digits.parse().ok()?;
        Some(&rest[count..])
    }

    fn offset<'t>(&mut self, text: &'t str, z: bool, colon: bool, parts: u8) -> Option<&'t str> {
        if z && let Some(rest) = text.strip_prefix('Z') {
            self.offset = Some(0);
            return Some(rest);
        }
        let negative = text.starts_with('-');
        let mut rest = text.strip_prefix(['+', '-'])?;
        let mut seconds = 0;
        for part in 0..parts {
            if part > 0 && colon {
                rest = rest.strip_prefix(':')?;
            }
            let (value, after) = digits(rest, 2, 2)?;
            seconds += i32::try_from(value).ok()? * [3600, 60, 1][usize::from(part)];
            rest = after;
        }
        self.offset = Some(if negative { -seconds } else { seconds });
        Some(rest)
    }

    fn out_of_range(&self, piece: Piece) -> Option<&'static str> {
        match piece {
            Piece::ZeroMonth | Piece::NumMonth if !(1..=12).contains(&self.month.unwrap_or(1)) => Some("month"),
            Piece::Hour if self.hour > 23 => Some("hour"),
            Piece::Hour12 | Piece::ZeroHour12 if self.hour > 12 => Some("hour"),
            Piece::Minute | Piece::ZeroMinute if self.minute > 59 => Some("minute"),
            Piece::Second | Piece::ZeroSecond if self.second > 59 => Some("second"),
            _ => None,
        }
    }

    fn finish(self, zone: &TimeZone) -> Option<Zoned> {
        let hour = match self.pm {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let year = i16::try_from(self.year).ok()?;
        let date = match self.year_day {
            Some(day) => Date::new(year, 1, 1).ok()?.with().day_of_year(i16::try_from(day).ok()?).build().ok()?,
            None => {
                let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
                Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?
            }
        };
        let part = |value: i64| i8::try_from(value).ok();
        let time =
            Time::new(part(hour)?, part(self.minute)?, part(self.second)?, i32::try_from(self.nanos).ok()?).ok()?;
        let zone = match self.offset {
            Some(0) => TimeZone::UTC,
            Some(seconds) => TimeZone::fixed(Offset::from_seconds(seconds).ok()?),
            None if self.utc => TimeZone::UTC,
            None => zone.clone(),
        };
        DateTime::from_parts(date, time).to_zoned(zone).ok()
    }
}
