//! JSON text as Go's encoder hands on what somebody else wrote: without white space, and with what HTML would read
//! escaped. Everything else (order and repetition of keys, forms of numbers, escapes) stays as it was written.

use std::borrow::Cow;

/// The text in that form. It must be well-formed; it may begin in the middle of an object, but not within a text.
pub fn compact(text: &[u8]) -> Cow<'_, [u8]> {
    let mut inside = false;
    let Some(first) = first_odd(text, &mut inside) else { return Cow::Borrowed(text) };
    let mut out = Vec::with_capacity(text.len() + 16);
    out.extend_from_slice(&text[..first]);
    let mut rest = &text[first..];
    while let Some(odd) = rest.first() {
        let length = match escape(rest) {
            Some((escape, length)) => {
                out.extend_from_slice(escape.as_bytes());
                length
            }
            None if inside || !is_space(*odd) => {
                out.push(*odd);
                1
            }
            None => 1,
        };
        rest = &rest[length..];
        let plain = first_odd(rest, &mut inside).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
    }
    Cow::Owned(out)
}

/// Where the first byte stands that is not handed on as it is. `inside` tells whether that is within a text, at the
/// beginning and at the end.
fn first_odd(text: &[u8], inside: &mut bool) -> Option<usize> {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => *inside = !*inside,
            // What follows is part of the escape, be it a quote.
            b'\\' if *inside => at += 1,
            b'<' | b'>' | b'&' => return Some(at),
            0xe2 if escape(&text[at..]).is_some() => return Some(at),
            byte if !*inside && is_space(*byte) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The escape of what a text begins with, and how long that is.
fn escape(text: &[u8]) -> Option<(&'static str, usize)> {
    Some(match text {
        [b'<', ..] => ("\\u003c", 1),
        [b'>', ..] => ("\\u003e", 1),
        [b'&', ..] => ("\\u0026", 1),
        [0xe2, 0x80, 0xa8, ..] => ("\\u2028", 3),
        [0xe2, 0x80, 0xa9, ..] => ("\\u2029", 3),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(String::from_utf8_lossy(&compact(text.as_bytes())), want, "{text}");
        assert!(matches!(compact(want.as_bytes()), Cow::Borrowed(_)), "{want}");
    }

    #[test]
    fn white_space_goes_and_the_rest_stays() {
        check(r#"{"b": 1.0 , "a":[ 1e2,2 ] }"#, r#"{"b":1.0,"a":[1e2,2]}"#);
        check("\t{\r\n}\n", "{}");
        check(r#"{"a": " \" b\\", "a": "\\" }"#, r#"{"a":" \" b\\","a":"\\"}"#);
        check(r#"{"a":"\u0041\/é"}"#, r#"{"a":"\u0041\/é"}"#);
        check(r#""apiVersion":"v1", "a" : 1}"#, r#""apiVersion":"v1","a":1}"#);
    }

    #[test]
    fn what_html_reads_is_escaped() {
        check(r#"{"<":"a>b&c \\<"}"#, r#"{"\u003c":"a\u003eb\u0026c \\\u003c"}"#);
        check("{\"a\":\"\u{2028}\u{2029}\u{2027}\"}", "{\"a\":\"\\u2028\\u2029\u{2027}\"}");
        check("<<", r"\u003c\u003c");
    }
}
