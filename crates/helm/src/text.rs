//! Small conversions that commands need for what they print and read.

use std::time::Duration;

use gotemplate::time::{format, parse_duration};
use value::Value;

use crate::Error;

/// Values as YAML.
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    yaml::from_json(&crate::json::with_integers(value.clone()))
}

/// A YAML text as a value.
///
/// # Errors
/// Where it is none.
pub fn read_yaml(text: &str) -> Result<Value, Error> {
    yaml::to_json(text).map_err(|error| Error::Chart(error.to_string()))
}

/// A time of a release in the zone of this machine, by a layout of Go's; what is no time stays as it is.
#[must_use]
pub fn format_time(time: &str, layout: &str) -> String {
    let zone = jiff::tz::TimeZone::system();
    time.parse::<jiff::Timestamp>().map_or_else(|_| time.to_owned(), |time| format(&time.to_zoned(zone), layout))
}

/// A text in double quotes, as Go quotes it.
#[must_use]
pub fn quoted(text: &str) -> String {
    gotemplate::format::quote(&text.into())
}

/// A duration as Go writes one: `5m0s`.
///
/// # Errors
/// Go's words.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text)?;
    u64::try_from(parsed.0).map(Duration::from_nanos).map_err(|_| format!("duration {text} is negative"))
}

/// Those whose text matches a regular expression.
///
/// # Errors
/// Where the expression is none.
pub fn matching<T>(pattern: &str, items: Vec<T>, text: impl Fn(&T) -> &str) -> Result<Vec<T>, Error> {
    let regex = gotemplate::sprig::regex(pattern).map_err(Error::Release)?;
    Ok(items.into_iter().filter(|item| regex.is_match(text(item).as_bytes())).collect())
}

/// Rows with columns as wide as their widest cell, but no wider than this (zero: as wide as they are).
#[must_use]
pub fn table(rows: &[Vec<String>], widest: usize) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            let own = cell.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            *width = (*width).max(if widest == 0 { own } else { own.min(widest) });
        }
    }
    let line = |row: &Vec<String>| {
        let cell = |(cell, width): (&String, &usize)| padded(&cut(cell, *width), *width);
        let cells: Vec<String> = row.iter().zip(&widths).map(cell).collect();
        format!("{}\n", cells.join("\t"))
    };
    rows.iter().map(line).collect()
}

/// A text with spaces behind it. The widths of `format!` end at 65535.
#[must_use]
pub fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.chars().count())))
}

/// As much of a text as a column takes: of several lines there is room for the longest alone.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(3)).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::{padded, table};

    #[test]
    fn columns_are_as_wide_as_they_may_be() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let rows = [row(["NAME", "TEXT"]), row(["a", "something long"])];
        assert_eq!(table(&rows, 0), "NAME\tTEXT          \na   \tsomething long\n");
        assert_eq!(padded("a", 70_000).len(), 70_000);
        assert_eq!(table(&rows, 8), "NAME\tTEXT    \na   \tsomet...\n");
    }
}
