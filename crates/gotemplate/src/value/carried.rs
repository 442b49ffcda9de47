//! Bytes that are no text, within the texts of JSON trees, which hold nothing else.
//!
//! Go's strings are bytes, and what is read from a file into a value may be any. On its way through trees of JSON each
//! byte that is no text is one of 256 letters at the very end of those that are for private use.

use std::borrow::Cow;

use super::Str;

/// The letter of the byte 0.
const FIRST: u32 = 0x0010_FE00;
/// With which byte such letters begin.
const LEAD: u8 = 0xf4;

/// Bytes as a text, from which [`restored`] makes the bytes again.
#[must_use]
pub fn carry(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(FIRST + u32::from(*byte))));
    }
    out
}

fn byte(letter: char) -> Option<u8> {
    u32::from(letter).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok())
}

fn carries(text: &str) -> bool {
    text.as_bytes().contains(&LEAD) && text.chars().any(|letter| byte(letter).is_some())
}

/// The bytes that a text carries.
pub(super) fn restored(text: &str) -> Str {
    if !carries(text) {
        return Str::from(text);
    }
    let mut out = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match byte(letter) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Str::from_bytes(out)
}

/// The text as Go writes it into JSON: bytes that are no text become signs of that.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    match carries(text) {
        true => text.chars().map(|letter| byte(letter).map_or(letter, |_| char::REPLACEMENT_CHARACTER)).collect(),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_through_as_they_were() {
        for bytes in [&b"plain"[..], "h\u{e9}llo \u{10ffff}".as_bytes(), b"a\xff\xfe\x00\xc3(z", &[0xf4, 0x8f, 0xbf]] {
            assert_eq!(restored(&carry(bytes)).as_bytes(), bytes, "{bytes:?}");
        }
        assert_eq!(shown(&carry(b"a\xff\xfez")), "a\u{fffd}\u{fffd}z");
        assert_eq!(carry("h\u{e9}".as_bytes()), "h\u{e9}");
    }
}
