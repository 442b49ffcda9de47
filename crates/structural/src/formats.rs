//! Formats of values: which are known, and what they take.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::names;
use regex::Regex;
use std::net::Ipv6Addr;
use std::sync::LazyLock;

/// Formats of texts, without hyphens.
const OF_TEXTS: &[&str] = &[
    "bsonobjectid",
    "byte",
    "cidr",
    "creditcard",
    "date",
    "datetime",
    "duration",
    "email",
    "hexcolor",
    "hostname",
    "ipv4",
    "ipv6",
    "isbn",
    "isbn10",
    "isbn13",
    "k8slongname",
    "k8sshortname",
    "mac",
    "password",
    "rgbcolor",
    "ssn",
    "uri",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
];

/// True if values of this type (empty: any) are held against the format; others are ignored.
pub fn is_known(kind: &str, format: &str) -> bool {
    match kind {
        "" | "string" => is_text(format),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    }
}

/// True if the format is one of texts.
pub(crate) fn is_text(format: &str) -> bool {
    OF_TEXTS.contains(&&*format.replace('-', ""))
}

/// True if a text has the format.
pub(crate) fn holds(format: &str, text: &str) -> bool {
    match &*format.replace('-', "") {
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "byte" => !text.is_empty() && STANDARD.decode(text).is_ok(),
        "cidr" => names::parse_cidr_sloppy(text).is_some(),
        "creditcard" => is_credit_card(text),
        "date" => is_date(text),
        "datetime" => is_date_time(text),
        "duration" => is_duration(text),
        "email" => is_email(text),
        "hexcolor" => matches(&HEX_COLOR, text),
        "hostname" => is_hostname(text),
        "ipv4" => text.contains('.') && names::parse_ip_sloppy(text).is_some(),
        "ipv6" => text.contains(':') && text.parse::<Ipv6Addr>().is_ok(),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "k8slongname" => text.len() <= 253 && matches(&LONG_NAME, text),
        "k8sshortname" => text.len() <= 63 && matches(&SHORT_NAME, text),
        "mac" => is_mac(text),
        "rgbcolor" => matches(&RGB_COLOR, text),
        "ssn" => matches(&SSN, text),
        "uri" => is_uri(text),
        "uuid" => matches(&UUID, text),
        "uuid3" => matches(&UUID3, text),
        "uuid4" => matches(&UUID4, text),
        "uuid5" => matches(&UUID5, text),
        _ => true,
    }
}

type Pattern = LazyLock<Regex>;

macro_rules! patterns {
    ($($name:ident = $text:literal;)*) => {
        $(static $name: Pattern = LazyLock::new(|| Regex::new($text).expect("the expression is well-formed"));)*
    };
}

patterns! {
    HEX_COLOR = "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$";
    RGB_COLOR = r"^rgb\(\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*\)$";
    SSN = "^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$";
    UUID = "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$";
    UUID3 = "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$";
    UUID4 = "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$";
    UUID5 = "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$";
    CARD = "^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$";
    CLOCK = r"^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$";
    SHORT_NAME = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
    LONG_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
    HOST = r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$";
    LENGTH = "([0-9]+)[ \t\n\r\u{c}]*([A-Za-zµ]+)";
}

fn matches(pattern: &Pattern, text: &str) -> bool {
    pattern.is_match(text)
}

fn is_date(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>| {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok())?
    };
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else { return false };
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    let Some(clock) = CLOCK.captures(time) else { return false };
    is_date(date) && &clock[1] <= "23" && &clock[2] <= "59" && &clock[3] <= "59"
}

/// Go's durations, and Scala's: numbers with units, wherever they stand in the text.
fn is_duration(text: &str) -> bool {
    const UNITS: [&[&str]; 8] = [
        &["ns", "nano"],
        &["us", "µs", "micro"],
        &["ms", "milli"],
        &["s", "sec"],
        &["m", "min"],
        &["h", "hr", "hour"],
        &["d", "day"],
        &["w", "wk", "week"],
    ];
    let is_unit = |unit: &str| {
        let unit = unit.to_lowercase();
        UNITS
            .iter()
            .any(|names| names.contains(&unit.as_str()) || names.last().is_some_and(|last| unit.starts_with(last)))
    };
    is_go_duration(text)
        || LENGTH.captures_iter(text).any(|found| found[1].parse::<i64>().is_ok() && is_unit(&found[2]))
}

fn is_go_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let number = &rest[..digits];
        if !number.bytes().any(|byte| byte.is_ascii_digit()) || number.matches('.').count() > 1 {
            return false;
        }
        rest = &rest[digits..];
        let units = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];
        let Some(unit) = units.iter().filter(|unit| rest.starts_with(**unit)).max_by_key(|unit| unit.len()) else {
            return false;
        };
        rest = &rest[unit.len()..];
    }
    true
}

/// `a@b`, or a name with it in angle brackets.
fn is_email(text: &str) -> bool {
    let text = text.trim();
    let address = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((_, address)) => address,
        None => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let is_atom = |text: &str| {
        let is_sign = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        !text.is_empty() && text.split('.').all(|part| !part.is_empty() && part.chars().all(is_sign))
    };
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let is_literal = domain.starts_with('[') && domain.ends_with(']');
    (is_quoted || is_atom(local)) && (is_literal || is_atom(domain))
}

fn is_hostname(text: &str) -> bool {
    matches(&HOST, text) && text.len() <= 255 && text.split('.').all(|part| part.len() <= 63)
}

fn is_isbn10(text: &str) -> bool {
    let text: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')).collect();
    let digit = |(place, byte): (usize, &u8)| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'X' if place == 9 => Some(10),
        _ => None,
    };
    let digits: Option<Vec<u32>> = text.iter().enumerate().map(digit).collect();
    digits.is_some_and(|digits| {
        digits.len() == 10 && digits.iter().zip(1..).map(|(digit, place)| digit * place).sum::<u32>() % 11 == 0
    })
}

fn is_isbn13(text: &str) -> bool {
    let text: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')).collect();
    text.len() == 13
        && text.iter().all(u8::is_ascii_digit)
        && text
            .iter()
            .zip([1u32, 3].into_iter().cycle())
            .map(|(byte, factor)| u32::from(byte - b'0') * factor)
            .sum::<u32>()
            % 10
            == 0
}

/// Digits of a known issuer whose check sum is right.
fn is_credit_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let doubled = |(place, byte): (usize, u8)| {
        let digit = u32::from(byte - b'0');
        match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, twice) if twice >= 10 => twice % 10 + 1,
            (_, twice) => twice,
        }
    };
    matches(&CARD, &digits) && digits.bytes().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

/// Six, eight or twenty bytes with colons or hyphens between, or in groups of two with dots.
fn is_mac(text: &str) -> bool {
    let is_hex = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let split = |separator: char, length: usize, counts: [usize; 3]| {
        let parts: Vec<&str> = text.split(separator).collect();
        counts.contains(&parts.len()) && parts.iter().all(|part| is_hex(part, length))
    };
    let bare = [12, 16, 40].iter().any(|length| is_hex(text, *length));
    bare || split(':', 2, [6, 8, 20]) || split('-', 2, [6, 8, 20]) || split('.', 4, [3, 4, 10])
}

/// What Go takes for a request's URI: an absolute path, or a scheme with something behind it.
fn is_uri(text: &str) -> bool {
    let escapes = |text: &str| {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('%') {
            if !after.get(..2).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit())) {
                return false;
            }
            rest = after;
        }
        true
    };
    if text.is_empty() || text.chars().any(|c| c.is_ascii_control()) {
        return false;
    }
    if text == "*" {
        return true;
    }
    let before_query = text.split('?').next().unwrap_or(text);
    if text.starts_with('/') && !text.starts_with("//") {
        return escapes(before_query);
    }
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if !scheme.contains('/') => (scheme, rest),
        _ if text.starts_with("//") => return is_authority(&text[2..]) && escapes(before_query),
        _ => return false,
    };
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme && escapes(before_query) && rest.strip_prefix("//").is_none_or(is_authority)
}

fn is_authority(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let port_is_fine = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(inner) = host.strip_prefix('[') {
        let Some((_, after)) = inner.split_once(']') else { return false };
        return after.is_empty() || after.strip_prefix(':').is_some_and(port_is_fine);
    }
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    port_is_fine(port) && !name.chars().any(|c| matches!(c, ' ' | '"' | '<' | '>' | '^' | '`' | '{' | '|' | '}' | '\\'))
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn formats_take_what_upstream_takes() {
        let cases = [
            ("date-time", "2001-01-01T00:00:00Z", "2001-01-01"),
            ("date", "2000-02-29", "2001-02-29"),
            ("ipv4", "1.2.3.4", "::1"),
            ("ipv6", "::1", "1.2.3.4"),
            ("cidr", "10.0.0.1/8", "10.0.0.0/33"),
            ("email", "a@b", "x"),
            ("hostname", "a.example.com", "a_b"),
            ("uri", "http://a/b", "x y"),
            ("uri", "/a/b", "a/b"),
            ("byte", "YQ==", "%%"),
            ("duration", "5m", "x"),
            ("duration", "3 days", "3"),
            ("mac", "00:00:5e:00:53:01", "zz"),
            ("mac", "00005e005301", "00005e00530"),
            ("k8s-short-name", "a-b", "A_B"),
            ("uuid4", "2a0e9a3e-1111-4222-8333-444455556666", "2a0e9a3e-1111-3222-8333-444455556666"),
            ("isbn", "978-0321751041", "978-0321751042"),
            ("isbn10", "0321751043", "0321751044"),
            ("creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"),
            ("hexcolor", "#FFF", "#FF"),
            ("rgbcolor", "rgb(1, 2, 255)", "rgb(1, 2, 256)"),
            ("ssn", "123-45-6789", "123-45-678"),
            ("bsonobjectid", "507f1f77bcf86cd799439011", "507f"),
        ];
        for (format, good, bad) in cases {
            assert!(holds(format, good), "{format} {good}");
            assert!(!holds(format, bad), "{format} {bad}");
        }
    }
}
