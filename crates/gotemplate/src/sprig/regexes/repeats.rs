//! Repetition as RE2 reads it: braces that hold no counts are plain text, counts have a limit, and a repetition is not
//! repeated.

/// The largest count.
const MAX_COUNT: u32 = 1_000;

/// The expression with the braces escaped that are plain text.
pub(super) fn translate(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    // Where the repetition began that ended just here.
    let mut last: Option<usize> = None;
    let mut in_class = false;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let counts = if in_class || c != '{' { None } else { counts(rest) };
        let operator = match c {
            '*' | '+' | '?' if !in_class => Some(1),
            '{' => counts.map(|(length, _)| length),
            _ => None,
        };
        if let Some(mut length) = operator {
            if counts.is_some_and(|(_, fine)| !fine) {
                return Err(format!("error parsing regexp: invalid repeat count: `{}`", &rest[..length]));
            }
            if rest[length..].starts_with('?') {
                length += 1;
            }
            if let Some(start) = last {
                return Err(format!(
                    "error parsing regexp: invalid nested repetition operator: `{}`",
                    &text[start..at + length]
                ));
            }
            // After an opening parenthesis this is no repetition, but the start of flags.
            let repeats = !out.ends_with('(') || out.ends_with("\\(");
            last = repeats.then_some(at);
            out.push_str(&rest[..length]);
            at += length;
            continue;
        }
        last = None;
        match c {
            '\\' => {
                let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                // The braces of a class of characters or of a number are its own.
                let own = ["\\p{", "\\P{", "\\x{"].iter().any(|start| rest.starts_with(start));
                let end = if own { rest.find('}').map_or(rest.len(), |end| end + 1) } else { length };
                out.push_str(&rest[..end]);
                at += end;
                continue;
            }
            '[' if in_class && rest.starts_with("[:") => {
                // A named class: its bracket is not the end of the class around it.
                let end = rest.find(":]").map_or(1, |end| end + 2);
                out.push_str(&rest[..end]);
                at += end;
                continue;
            }
            '[' if !in_class => in_class = true,
            ']' => in_class = false,
            '{' if !in_class => out.push('\\'),
            _ => {}
        }
        out.push(c);
        at += c.len_utf8();
    }
    Ok(out)
}

/// The length of `{n}`, `{n,}` or `{n,m}`, and whether the counts are fine; none where it is something else.
fn counts(text: &str) -> Option<(usize, bool)> {
    let inner = text.strip_prefix('{')?.split_once('}')?.0;
    let (least, most) = inner.split_once(',').unwrap_or((inner, inner));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(least) || !most.is_empty() && !digits(most) {
        return None;
    }
    let number = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
    let most = if most.is_empty() { number(least) } else { number(most) };
    Some((inner.len() + 2, number(least) <= most && most <= MAX_COUNT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_are_text_where_they_hold_no_counts() {
        let cases = [
            ("{{([a-z]+)}}", "\\{\\{([a-z]+)}}"),
            ("a{2}b{1,}c{0,2}?", "a{2}b{1,}c{0,2}?"),
            ("a{,3}x{1", "a\\{,3}x\\{1"),
            ("\\p{Greek}[{]\\{", "\\p{Greek}[{]\\{"),
            ("(?i)a(?:b)*", "(?i)a(?:b)*"),
            ("[[:alpha:]*+{]{2}", "[[:alpha:]*+{]{2}"),
        ];
        for (text, want) in cases {
            assert_eq!(translate(text).as_deref(), Ok(want), "{text}");
        }
        let refused = [
            ("a**", "invalid nested repetition operator: `**`"),
            ("a*?+", "invalid nested repetition operator: `*?+`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ];
        for (text, want) in refused {
            assert_eq!(translate(text), Err(format!("error parsing regexp: {want}")), "{text}");
        }
    }
}
