//! `strconv.Quote` and its kin.

use std::sync::LazyLock;

use regex::Regex;

use crate::value::Str;

/// `%q` of a text.
#[must_use]
pub fn quote(text: &Str) -> String {
    quote_with(text, false)
}

/// `%+q` of a text.
pub(crate) fn quote_ascii(text: &Str) -> String {
    quote_with(text, true)
}

fn quote_with(text: &Str, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in text.as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(&mut out, c, '"', ascii);
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

/// `%#q` of a text, where it can stand between backquotes.
pub(super) fn raw(text: &Str) -> Option<String> {
    let text = std::str::from_utf8(text.as_bytes()).ok()?;
    let fits = |c: char| c == '\t' || c >= ' ' && !matches!(c, '`' | '\x7f' | '\u{feff}');
    text.chars().all(fits).then(|| format!("`{text}`"))
}

/// `%q` of a rune.
pub(crate) fn quote_rune(c: char, ascii: bool) -> String {
    let mut out = String::from("'");
    push_escaped(&mut out, c, '\'', ascii);
    out.push('\'');
    out
}

fn push_escaped(out: &mut String, c: char, quote: char, ascii: bool) {
    match c {
        '\\' => out.push_str("\\\\"),
        c if c == quote => {
            out.push('\\');
            out.push(c);
        }
        ' '..='~' => out.push(c),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if !ascii && is_print(c) => out.push(c),
        c if (c as u32) < 0x20 || c == '\x7f' => out.push_str(&format!("\\x{:02x}", c as u32)),
        c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", c as u32)),
        c => out.push_str(&format!("\\U{:08x}", c as u32)),
    }
}

/// `unicode.IsPrint`.
pub(crate) fn is_print(c: char) -> bool {
    static PRINT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]$").expect("a constant expression"));
    match c {
        ' '..='~' => true,
        c if c.is_ascii() => false,
        c => PRINT.is_match(c.encode_utf8(&mut [0; 4])),
    }
}
