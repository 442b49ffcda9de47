//! Which texts go-yaml takes for dates: `2006-1-2`, `2006-1-2 15:4:5[.frac]`, `2006-1-2T15:4:5[.frac](Z|±07:00)`.

/// The date and time in its normal form (`2006-01-02T15:04:05Z`), if `text` is one that exists.
pub(super) fn normal_form(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let year: u32 = text[..4].parse().ok()?;
    let mut rest = text[4..].strip_prefix('-')?;
    let month = number(&mut rest, 1, 12)?;
    rest = rest.strip_prefix('-')?;
    let day = number(&mut rest, 1, days(year, month))?;
    let (time, zone) = match rest.as_bytes().first() {
        None => ("00:00:00".to_owned(), "Z".to_owned()),
        Some(b' ') => {
            // In Go's layouts a space stands for several.
            rest = rest.trim_start_matches(' ');
            let time = time(&mut rest)?;
            rest.is_empty().then_some((time, "Z".to_owned()))?
        }
        Some(b'T' | b't') => {
            rest = &rest[1..];
            (time(&mut rest)?, zone(rest)?)
        }
        Some(_) => return None,
    };
    Some(format!("{year:04}-{month:02}-{day:02}T{time}{zone}"))
}

/// One or two digits within bounds.
fn number(rest: &mut &str, least: u32, most: u32) -> Option<u32> {
    let count = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let value: u32 = rest[..count].parse().ok()?;
    *rest = &rest[count..];
    (least..=most).contains(&value).then_some(value)
}

fn time(rest: &mut &str) -> Option<String> {
    let hour = number(rest, 0, 23)?;
    *rest = rest.strip_prefix(':')?;
    let minute = number(rest, 0, 59)?;
    *rest = rest.strip_prefix(':')?;
    let second = number(rest, 0, 59)?;
    let mut time = format!("{hour:02}:{minute:02}:{second:02}");
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let count = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let digits = fraction[..count.min(9)].trim_end_matches('0');
        if !digits.is_empty() {
            time = format!("{time}.{digits}");
        }
        if count > 0 {
            *rest = &fraction[count..];
        }
    }
    Some(time)
}

fn zone(rest: &str) -> Option<String> {
    if rest == "Z" {
        return Some("Z".to_owned());
    }
    let bytes = rest.as_bytes();
    let digits = |range: std::ops::Range<usize>| rest.get(range)?.parse::<u32>().ok();
    (bytes.len() == 6 && matches!(bytes[0], b'+' | b'-') && bytes[3] == b':').then_some(())?;
    (bytes[1..3].iter().chain(&bytes[4..]).all(u8::is_ascii_digit)).then_some(())?;
    (digits(1..3)? <= 24 && digits(4..6)? < 60).then_some(())?;
    let utc = digits(1..3)? == 0 && digits(4..6)? == 0;
    Some(if utc { "Z".to_owned() } else { rest.to_owned() })
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
