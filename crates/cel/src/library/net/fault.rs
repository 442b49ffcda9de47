//! Why a text is no address, in the words of Go's `netip.ParseAddr`.

/// What is wrong with a text that is no address.
pub(super) fn of(text: &str) -> String {
    match text.find(['.', ':']).map(|at| &text[at..=at]) {
        Some(".") => of_v4(text),
        Some(_) => of_v6(text),
        None => None,
    }
    .unwrap_or_else(|| "unable to parse IP".to_owned())
}

fn at(why: &str, rest: &str) -> Option<String> {
    Some(format!("{why} (at {rest:?})"))
}

fn of_v4(text: &str) -> Option<String> {
    let (mut value, mut digits, mut dots) = (0_u32, 0, 0);
    let bytes = text.as_bytes();
    for (place, c) in text.char_indices() {
        match c {
            '0'..='9' if digits == 1 && value == 0 => {
                return Some("IPv4 field has octet with leading zero".to_owned());
            }
            '0'..='9' => {
                value = value * 10 + u32::from(bytes[place] - b'0');
                digits += 1;
                if value > 255 {
                    return Some("IPv4 field has value >255".to_owned());
                }
            }
            '.' if place == 0 || place == text.len() - 1 || bytes[place - 1] == b'.' => {
                return at("IPv4 field must have at least one digit", &text[place..]);
            }
            '.' if dots == 3 => return Some("IPv4 address too long".to_owned()),
            '.' => {
                dots += 1;
                (value, digits) = (0, 0);
            }
            _ => return at("unexpected character", &text[place..]),
        }
    }
    (dots < 3).then(|| "IPv4 address too short".to_owned())
}

fn of_v6(text: &str) -> Option<String> {
    let (mut rest, mut has_gap) = match text.strip_prefix("::") {
        Some("") => return None,
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let mut groups = 0;
    while groups < 8 {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        match digits {
            0 => return at("each colon-separated field must have at least one digit", rest),
            1..=4 => {}
            _ => return at("each group must have 4 or less digits", rest),
        }
        if rest[digits..].starts_with('.') {
            return match (has_gap, groups) {
                (false, groups) if groups != 6 => {
                    at("embedded IPv4 address must replace the final 2 fields of the address", rest)
                }
                (_, groups) if groups > 6 => {
                    at("too many hex fields to fit an embedded IPv4 at the end of the address", rest)
                }
                _ => of_v4(rest).or_else(|| of_gap(has_gap, groups + 2)),
            };
        }
        groups += 1;
        rest = &rest[digits..];
        match rest.strip_prefix(':') {
            None if rest.is_empty() => break,
            None => return at("unexpected character, want colon", rest),
            Some("") => return at("colon must be followed by more characters", rest),
            Some(behind) => rest = behind,
        }
        if let Some(behind) = rest.strip_prefix(':') {
            if has_gap {
                return at("multiple :: in address", rest);
            }
            (has_gap, rest) = (true, behind);
            if rest.is_empty() {
                break;
            }
        }
    }
    if rest.is_empty() { of_gap(has_gap, groups) } else { at("trailing garbage after address", rest) }
}

/// Whether so many groups fill an address.
fn of_gap(has_gap: bool, groups: usize) -> Option<String> {
    match (has_gap, groups) {
        (false, 0..8) => Some("address string too short".to_owned()),
        (true, 8..) => Some("the :: must expand to at least one field of zeros".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn faults_are_those_of_go() {
        for (text, want) in [
            ("", "unable to parse IP"),
            ("localhost", "unable to parse IP"),
            ("192.168.0.1.0", "IPv4 address too long"),
            ("192.168.1", "IPv4 address too short"),
            ("192.168.01.1", "IPv4 field has octet with leading zero"),
            ("192.168.0.256", "IPv4 field has value >255"),
            ("192..0.1", "IPv4 field must have at least one digit (at \".0.1\")"),
            ("192.168.0.x", "unexpected character (at \"x\")"),
            ("2001:db8:::68", "each colon-separated field must have at least one digit (at \":68\")"),
            ("2001:db8", "address string too short"),
            ("12345::", "each group must have 4 or less digits (at \"12345::\")"),
            ("1::2::3", "multiple :: in address (at \":3\")"),
            ("1:2:3:4:5:6:7:8:9", "trailing garbage after address (at \"9\")"),
            ("1:2:3:4:5:6:7:8::", "the :: must expand to at least one field of zeros"),
            ("1:g::", "each colon-separated field must have at least one digit (at \"g::\")"),
            ("1::1.2.3", "IPv4 address too short"),
            ("1:1.2.3.4", "embedded IPv4 address must replace the final 2 fields of the address (at \"1.2.3.4\")"),
            ("1:", "colon must be followed by more characters (at \":\")"),
        ] {
            assert!(text.parse::<std::net::IpAddr>().is_err(), "{text}");
            assert_eq!(super::of(text), want, "{text}");
        }
    }
}
