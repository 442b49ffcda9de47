//! `format`: what a text has to be, and why it is not.

use gotemplate::Value;
use gotemplate::format::{quote, sprintf};
use gotemplate::url::Url;

/// The formats that are checked.
pub(in crate::values::schema) const NAMES: [&str; 16] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uuid",
];

type Checked = Result<(), String>;

/// Why a text is not of a format; formats that are not known take all texts.
pub(in crate::values::schema) fn wrong(format: &str, text: &str) -> Option<String> {
    let checked = match format {
        "date" => date(text),
        "date-time" => date_time(text),
        "duration" => duration(text),
        "email" => email(text),
        "hostname" => hostname(text),
        "ipv4" => ipv4(text),
        "ipv6" => ipv6(text),
        "json-pointer" => pointer(text),
        "regex" => gotemplate::sprig::regex(text).map(drop),
        "relative-json-pointer" => relative_pointer(text),
        "time" => time(text),
        "uri" | "iri" => uri(text),
        "uri-reference" | "iri-reference" => reference(text),
        "uuid" => uuid(text),
        _ => Ok(()),
    };
    checked.err()
}

fn no<T>(why: &str) -> Result<T, String> {
    Err(why.to_owned())
}

/// A character as Go quotes it.
fn shown(c: char) -> String {
    sprintf(&"%q".into(), &[Value::Int(i64::from(u32::from(c)))]).text().into_owned()
}

fn quoted(text: &str) -> String {
    quote(&text.into())
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("strconv.Atoi: parsing {}: invalid syntax", quoted(text)))
}

fn date(text: &str) -> Checked {
    gotemplate::time::parse("2006-01-02", text, &jiff::tz::TimeZone::UTC).map(drop)
}

fn date_time(text: &str) -> Checked {
    if text.len() < 20 {
        return no("less than 20 characters long");
    }
    if !matches!(text.as_bytes()[10], b't' | b'T') {
        return no("11th character must be t or T");
    }
    let (before, after) = (text.get(..10).unwrap_or_default(), text.get(11..).unwrap_or_default());
    date(before).map_err(|error| format!("invalid date element: {error}"))?;
    time(after).map_err(|error| format!("invalid time element: {error}"))
}

fn time(text: &str) -> Checked {
    let bytes = text.as_bytes();
    if bytes.len() < 9 {
        return no("less than 9 characters long");
    }
    if bytes[2] != b':' || bytes[5] != b':' {
        return no("missing colon in correct place");
    }
    let part = |from: usize| text.get(from..from + 2).and_then(|part| part.parse::<u32>().ok());
    let (Some(hour), Some(minute), Some(second)) = (part(0), part(3), part(6)) else {
        return no("invalid hour/min/sec");
    };
    if hour > 23 || minute > 59 || second > 60 {
        return no("hour/min/sec out of range");
    }
    let mut rest = text.get(8..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == fraction.len() {
            return no("no digits in second fraction");
        }
    }
    let offset = if rest.eq_ignore_ascii_case("z") { 0 } else { minutes_east(rest)? };
    let at = (i64::from(hour * 60 + minute) - offset).rem_euclid(24 * 60);
    if second == 60 && at != 23 * 60 + 59 { no("invalid leap second") } else { Ok(()) }
}

/// Minutes east of Greenwich.
fn minutes_east(text: &str) -> Result<i64, String> {
    if text.len() != 6 {
        return no("offset must be 6 characters long");
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return no("offset must begin with plus/minus"),
    };
    if text.as_bytes()[3] != b':' {
        return no("missing colon in offset in correct place");
    }
    let part = |from: usize| text.get(from..from + 2).and_then(|part| part.parse::<u32>().ok());
    match (part(1), part(4)) {
        (Some(hours), Some(minutes)) if hours > 23 || minutes > 59 => no("hour/min in offset out of range"),
        (Some(hours), Some(minutes)) => Ok(sign * i64::from(hours * 60 + minutes)),
        _ => no("invalid hour/min in offset"),
    }
}

fn duration(text: &str) -> Checked {
    let Some(text) = text.strip_prefix('P') else { return no("must start with P") };
    if text.is_empty() {
        return no("nothing after P");
    }
    if let Some(weeks) = text.strip_suffix('W') {
        return match weeks {
            "" => no("no number in week"),
            weeks if weeks.chars().all(|c| c.is_ascii_digit()) => Ok(()),
            _ => no("invalid week"),
        };
    }
    for (at, part) in text.split('T').enumerate() {
        if at > 0 && part.is_empty() {
            return no("no time elements");
        }
        let Some(all) = ["YMD", "HMS"].get(at) else { return no("more than one T") };
        elements(part, all)?;
    }
    Ok(())
}

/// Numbers with units behind them, each unit once and in this order.
fn elements(text: &str, all: &str) -> Checked {
    let (mut rest, mut units) = (text, all);
    while !rest.is_empty() {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if after.len() == rest.len() {
            return no("missing number");
        }
        let Some(unit) = after.chars().next() else { return no("missing unit") };
        match units.find(unit) {
            Some(place) => units = &units[place + 1..],
            None if all.contains(unit) => return Err(format!("unit {} out of order", shown(unit))),
            None => return Err(format!("invalid unit {}", shown(unit))),
        }
        rest = &after[unit.len_utf8()..];
    }
    Ok(())
}

fn ipv4(text: &str) -> Checked {
    let groups: Vec<&str> = text.split('.').collect();
    if groups.len() != 4 {
        return no("expected four decimals");
    }
    for group in groups {
        if group.len() > 1 && group.starts_with('0') {
            return no("leading zeros");
        }
        if !(0..=255).contains(&number(group)?) {
            return no("decimal must be between 0 and 255");
        }
    }
    Ok(())
}

fn ipv6(text: &str) -> Checked {
    if !text.contains(':') {
        return no("missing colon");
    }
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    match (address.parse::<std::net::Ipv6Addr>(), zone) {
        (Ok(_), None) => Ok(()),
        (Ok(_), Some(_)) => no("zone id is not a part of ipv6 address"),
        (Err(_), _) => Err(format!("ParseAddr({}): unable to parse IP", quoted(text))),
    }
}

fn hostname(text: &str) -> Checked {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() > 253 {
        return no("more than 253 characters long");
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 {
            return no("label must be 1 to 63 characters long");
        }
        if label.starts_with('-') {
            return no("label starts with hyphen");
        }
        if label.ends_with('-') {
            return no("label ends with hyphen");
        }
        if let Some(wrong) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(format!("invalid character {}", shown(wrong)));
        }
    }
    Ok(())
}

fn email(text: &str) -> Checked {
    if text.len() > 254 {
        return no("more than 255 characters long");
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return no("missing @") };
    if local.len() > 64 {
        return no("local part more than 64 characters long");
    }
    match local.strip_prefix('"').filter(|inner| !inner.is_empty()) {
        Some(inner) => {
            let inner = &inner[..inner.len() - inner.chars().next_back().map_or(0, char::len_utf8)];
            if inner.contains(['\\', '"']) {
                return no("backslash and quote are not allowed within quoted local part");
            }
        }
        None => local_part(local)?,
    }
    let literal = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']'));
    match literal {
        None => hostname(domain).map_err(|error| format!("invalid domain: {error}")),
        Some(address) => match address.strip_prefix("IPv6:") {
            Some(address) => ipv6(address).map_err(|error| format!("invalid ipv6 address: {error}")),
            None => ipv4(address).map_err(|error| format!("invalid ipv4 address: {error}")),
        },
    }
}

fn local_part(local: &str) -> Checked {
    if local.starts_with('.') {
        return no("starts with dot");
    }
    if local.ends_with('.') {
        return no("ends with dot");
    }
    if local.contains("..") {
        return no("consecutive dots");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
    match local.chars().find(|c| !allowed(*c)) {
        Some(wrong) => Err(format!("invalid character {}", shown(wrong))),
        None => Ok(()),
    }
}

fn uuid(text: &str) -> Checked {
    let lengths = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if groups.len() != lengths.len() {
        return no("must have 5 elements");
    }
    for (at, (group, length)) in groups.into_iter().zip(lengths).enumerate() {
        if group.len() != length {
            return Err(format!("element {} must be {length} characters long", at + 1));
        }
        if let Some(wrong) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(format!("non-hex character {}", shown(wrong)));
        }
    }
    Ok(())
}

fn pointer(text: &str) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    if !text.starts_with('/') {
        return no("not starting with /");
    }
    let escapes = text.split('~').skip(1);
    match escapes.into_iter().any(|after| !after.starts_with(['0', '1'])) {
        true => no("~ must be followed by 0 or 1"),
        false => Ok(()),
    }
}

fn relative_pointer(text: &str) -> Checked {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.len() - rest.len();
    match digits {
        0 => no("must start with non-negative integer"),
        digits if digits > 1 && text.starts_with('0') => no("starts with zero"),
        _ if rest == "#" => Ok(()),
        _ => pointer(rest),
    }
}

/// What Go finds wrong with any URL; whether it has a scheme otherwise.
fn address(text: &str) -> Result<bool, String> {
    let url = Url::parse(text)?;
    let name = url.hostname();
    if name.contains(':') {
        ipv6(name).map_err(|why| format!("invalid ipv6: {why}"))?;
    }
    Ok(!url.scheme.is_empty())
}

fn uri(text: &str) -> Checked {
    if address(text)? { Ok(()) } else { no("relative url") }
}

fn reference(text: &str) -> Checked {
    if text.contains('\\') {
        return no("contains \\");
    }
    address(text).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_format_are_told_from_others() {
        let check = |format: &str, text: &str, want: &str| {
            assert_eq!(wrong(format, text).unwrap_or_default(), want, "{format} {text}");
        };
        check("email", "me@example.com", "");
        check("email", "nope", "missing @");
        check("email", "a..b@x.y", "consecutive dots");
        check("email", "a@-x.y", "invalid domain: label starts with hyphen");
        check("ipv4", "10.0.0.1", "");
        check("ipv4", "10.0.0.256", "decimal must be between 0 and 255");
        check("ipv4", "10.0.x.1", "strconv.Atoi: parsing \"x\": invalid syntax");
        check("ipv6", "::1", "");
        check("uuid", "123e4567-e89b-12d3-a456-42661417400x", "non-hex character 'x'");
        check("date", "2020-02-29", "");
        check("time", "12:30:60Z", "invalid leap second");
        check("time", "23:59:60Z", "");
        check("date-time", "2020-01-01T00:00:00+01:00", "");
        check("duration", "P1Y2M3DT4H", "");
        check("duration", "P1D2M", "unit 'M' out of order");
        check("uri", "https://example.com/a", "");
        check("uri", "a/b", "relative url");
        check("json-pointer", "/a~2", "~ must be followed by 0 or 1");
        check("unheard-of", "anything", "");
    }
}
