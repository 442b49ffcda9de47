//! Go's regular expressions in the syntax of the `regex` crate; both are automata and agree on the rest.

mod fault;

pub use fault::fault;

use regex::Regex;
use std::iter::Peekable;
use std::str::Chars;

/// Most that a compiled expression may take.
const MAX_SIZE: usize = 4 << 20;

/// Compiles an expression.
///
/// # Errors
/// What is wrong with it in Go's words, or in those of the `regex` crate where Go's are not known.
pub fn compile(text: &str) -> Result<Regex, String> {
    let compiled = regex::RegexBuilder::new(&translate(text)).size_limit(MAX_SIZE).build();
    compiled.map_err(|error| match fault(text) {
        Some(fault) => format!("error parsing regexp: {fault}"),
        None => error.to_string(),
    })
}

/// Go's `\d`, `\s`, `\w` and `\b` know ASCII alone, `\Q…\E` is literal, classes hold no classes but named ones, and braces
/// that hold no counts are text.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, in_class, &mut out),
            '[' if in_class && chars.peek() == Some(&':') => {
                out.push('[');
                named_class(&mut chars, &mut out);
            }
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                out.push('[');
                out.extend(chars.next_if_eq(&'^'));
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // Alone, these are literal in Go.
            ']' => out.push_str("\\]"),
            '&' | '~' if in_class => out.extend(['\\', c]),
            '-' if in_class && chars.peek() == Some(&'-') => out.push_str("\\-"),
            '{' if !in_class && !are_counts(chars.clone()) => out.push_str("\\{"),
            c => out.push(c),
        }
    }
    out
}

fn escape(chars: &mut Peekable<Chars<'_>>, in_class: bool, out: &mut String) {
    let class = match chars.next() {
        Some('d') => "[0-9]",
        Some('D') => "[^0-9]",
        Some('s') => "[\\t\\n\\f\\r ]",
        Some('S') => "[^\\t\\n\\f\\r ]",
        Some('w') => "[0-9A-Za-z_]",
        Some('W') => "[^0-9A-Za-z_]",
        Some('b') if !in_class => "(?-u:\\b)",
        Some('B') if !in_class => "(?-u:\\B)",
        Some('Q') => return literal(chars, out),
        Some(named @ ('p' | 'P' | 'x')) => {
            out.extend(['\\', named]);
            // The braces of a class of characters or of a number are its own.
            if chars.peek() == Some(&'{') {
                out.extend(chars.by_ref().take_while(|c| *c != '}').chain(['}']));
            }
            return;
        }
        // Signs that need no escape in the other syntax.
        Some(sign) if sign.is_ascii_punctuation() && !regex_syntax_sign(sign) => return out.push(sign),
        Some(other) => return out.extend(['\\', other]),
        None => "\\",
    };
    out.push_str(class);
}

/// True if what follows `{` is `n}`, `n,}` or `n,m}`.
fn are_counts(rest: Peekable<Chars<'_>>) -> bool {
    let mut ended = false;
    let inner: String = rest
        .take_while(|c| {
            ended = *c == '}';
            c.is_ascii_digit() || *c == ','
        })
        .collect();
    let (least, most) = inner.split_once(',').unwrap_or((&inner, ""));
    ended && !least.is_empty() && !most.contains(',')
}

/// Signs that mean something to the other syntax unless they are escaped.
fn regex_syntax_sign(sign: char) -> bool {
    matches!(
        sign,
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '#' | '&' | '-' | '~'
    )
}

fn literal(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            break;
        }
        text.push(c);
    }
    out.push_str(&regex::escape(&text));
}

/// Takes the rest of a `[:name:]`, with its end.
fn named_class(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut last = ' ';
    for c in chars.by_ref() {
        out.push(c);
        if last == ':' && c == ']' {
            return;
        }
        last = c;
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn expressions_mean_what_they_mean_in_go() {
        let cases = [
            (r"^\d+$", "12", true),
            (r"^\d+$", "١٢", false),
            (r"^[\w-]+$", "a-b", true),
            (r"^[^\s]+$", "a b", false),
            (r"^[a-z[]+$", "a[", true),
            (r"^[]a]+$", "]a", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^https?:\/\/", "http://x", true),
            (r"^[[:alpha:]]+$", "ab", true),
            (r"^(?:a&&b)$", "a&&b", true),
            (r"^[a&&b]+$", "&", true),
            (r"^a{1,3}$", "aa", true),
            (r"^{{a}}$", "{{a}}", true),
            (r"^a{,3}b{1$", "a{,3}b{1", true),
            (r"^\p{Greek}\x{61}{2,}$", "λaa", true),
        ];
        for (pattern, text, want) in cases {
            assert_eq!(compile(pattern).map(|regex| regex.is_match(text)), Ok(want), "{pattern} {text}");
        }
    }
}
