//! Whether the values of operations are written as Go's encoder writes them.
//!
//! Upstream's `test` compares numbers and texts as they stand in the patch with what Go encoded of the object: `2.0` is not
//! `2`, and `"<"` is not what it wrote, `"\u003c"`. Keys of maps are decoded before they are compared.

use crate::json::{Next, Reader, SyntaxError, length_of, parse, raw_entries, write_as_go};

/// For each operation of a patch, whether its value has a number or text in a form that is not Go's. Empty if the text is
/// no patch.
pub(super) fn foreign_values(patch: &[u8]) -> Vec<bool> {
    let mut found = Vec::new();
    let mut reader = Reader::new(patch);
    if matches!(reader.begin(), Ok(Next::List)) {
        let read = reader.items(|reader| {
            found.push(is_value_foreign(reader.raw()?)?);
            Ok(())
        });
        if read.is_err() {
            found.clear();
        }
    }
    found
}

fn is_value_foreign(operation: &[u8]) -> Result<bool, SyntaxError> {
    if !operation.starts_with(b"{") {
        return Ok(false);
    }
    let entries = raw_entries(operation)?;
    Ok(entries.iter().rev().find(|(name, _)| name == "value").is_some_and(|(_, value)| is_foreign(value)))
}

/// Looks at the numbers and texts of well-formed JSON, but not at keys.
fn is_foreign(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' => length_of(rest),
            b'-' | b'0'..=b'9' => rest.iter().position(|byte| !b"+-.0123456789Ee".contains(byte)).unwrap_or(rest.len()),
            _ => {
                rest = &rest[1..];
                continue;
            }
        };
        let (scalar, behind) = rest.split_at(length);
        let is_key = behind.trim_ascii_start().starts_with(b":");
        if !is_key && is_scalar_foreign(scalar) {
            return true;
        }
        rest = behind;
    }
    false
}

fn is_scalar_foreign(scalar: &[u8]) -> bool {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !b"<>&\\".contains(byte);
    if scalar.starts_with(b"\"") && scalar.iter().all(is_plain) {
        return false;
    }
    let Ok(node) = parse(scalar) else { return false };
    let mut written = String::new();
    write_as_go(&mut written, &node.into_value());
    written.as_bytes() != scalar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_writes_is_told_from_other_forms() {
        for (value, want) in [
            (r#""a/b über""#, false),
            (r#""a\/b""#, true),
            (r#""\u00fc""#, true),
            (r#""\u003c\u2028\b\f\n\u0001""#, false),
            (r#""\u003C""#, true),
            (r#""<""#, true),
            ("-2", false),
            ("-0", true),
            ("2.0", true),
            ("1e3", true),
            ("1e+21", false),
            ("1e21", true),
            (r#"{"\u0061" : [null, 1.5, {"<": true}]}"#, false),
            (r#"[{"a": [7, 7.10]}]"#, true),
        ] {
            let patch = format!(r#"[null, {{"value": "<", "op": "x<", "value" :{value}}}]"#);
            assert_eq!(foreign_values(patch.as_bytes()), [false, want], "{value}");
        }
        assert!(foreign_values(b"[{]").is_empty());
    }
}
