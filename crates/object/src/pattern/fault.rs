//! What is wrong with a regular expression, in the words of Go's `regexp`.
//!
//! Only faults of form are found that both Go and every other engine see; the rest is let through.

/// The first fault of a pattern.
pub fn fault(pattern: &str) -> Option<String> {
    let mut open = 0usize;
    let mut can_repeat = false;
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let Some(escaped) = after.chars().next() else {
                    return Some("trailing backslash at end of expression: ``".to_owned());
                };
                rest = &after[escaped.len_utf8()..];
                can_repeat = true;
                continue;
            }
            '[' => {
                let Some(end) = end_of_class(rest) else { return Some(format!("missing closing ]: `{rest}`")) };
                rest = &rest[end..];
                can_repeat = true;
                continue;
            }
            '(' => {
                if let Some(fault) = fault_of_flags(rest) {
                    return Some(fault);
                }
                open += 1;
                can_repeat = false;
                if let Some(flags) = after.strip_prefix('?') {
                    rest = flags;
                    continue;
                }
            }
            ')' => {
                let Some(fewer) = open.checked_sub(1) else { return Some(format!("unexpected ): `{pattern}`")) };
                open = fewer;
                can_repeat = true;
            }
            '|' => can_repeat = false,
            '*' | '+' | '?' if !can_repeat => {
                return Some(format!("missing argument to repetition operator: `{c}`"));
            }
            _ => can_repeat = true,
        }
        rest = after;
    }
    (open > 0).then(|| format!("missing closing ): `{pattern}`"))
}

/// Where a class that begins here ends.
fn end_of_class(text: &str) -> Option<usize> {
    let mut place = 1;
    if text[place..].starts_with('^') {
        place += 1;
    }
    if text[place..].starts_with(']') {
        place += 1;
    }
    loop {
        let c = text[place..].chars().next()?;
        place += c.len_utf8();
        match c {
            ']' => return Some(place),
            '\\' => place += text[place..].chars().next()?.len_utf8(),
            '[' if text[place..].starts_with(':') => {
                if let Some(end) = text[place..].find(":]") {
                    place += end + 2;
                }
            }
            _ => {}
        }
    }
}

/// What follows `(?` is a name or flags; there is no looking around.
fn fault_of_flags(group: &str) -> Option<String> {
    let flags = group.strip_prefix("(?")?;
    if flags.starts_with("P<") || flags.starts_with('<') {
        let name = flags.trim_start_matches('P').trim_start_matches('<');
        let is_name = |end: usize| end > 0 && name[..end].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        return match name.find('>') {
            Some(end) if is_name(end) => None,
            Some(end) => {
                let shown = group.len() - name.len() + end + 1;
                Some(format!("invalid named capture: `{}`", &group[..shown]))
            }
            None => Some(format!("invalid named capture: `{group}`")),
        };
    }
    for (place, c) in flags.char_indices() {
        match c {
            'i' | 'm' | 's' | 'U' | '-' => {}
            ':' | ')' => return None,
            _ => {
                let end = 2 + place + c.len_utf8();
                return Some(format!("invalid or unsupported Perl syntax: `{}`", &group[..end]));
            }
        }
    }
    Some(format!("missing argument to repetition operator: `{}`", &group[1..2]))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn faults_are_worded_as_go_words_them() {
        assert_eq!(fault("["), Some("missing closing ]: `[`".to_owned()));
        assert_eq!(fault("("), Some("missing closing ): `(`".to_owned()));
        assert_eq!(fault("a)"), Some("unexpected ): `a)`".to_owned()));
        assert_eq!(fault("^(?!a)"), Some("invalid or unsupported Perl syntax: `(?!`".to_owned()));
        assert_eq!(fault("*"), Some("missing argument to repetition operator: `*`".to_owned()));
    }

    #[test]
    fn common_patterns_are_fine() {
        let fine = [r"^[a-z]([-a-z0-9]*[a-z0-9])?$", r"^(?:a|b)+\.[^\]]{2,}$", "(?i)x", "[]a]", "[[:alpha:]]*", "a|b*"];
        for pattern in fine {
            assert_eq!(fault(pattern), None, "{pattern}");
        }
    }
}
