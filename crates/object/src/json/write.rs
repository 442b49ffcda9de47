//! Writes values as JSON text, as compact as can be, keys in the order of the map.
//!
//! The text is that of `serde_json`, whose way through generic traits takes several times as long, but for floating point
//! numbers, which are written as Go writes them; every object that is stored goes through here.

use super::compact;
use super::plain::plain_length;
use value::{Number, Value};

/// What stands for a byte in a text: 0 for itself, `u` for its number in hexadecimal, else the letter after a backslash.
const ESCAPES: [u8; 256] = escapes();

const fn escapes() -> [u8; 256] {
    let mut escapes = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escapes[byte] = b'u';
        byte += 1;
    }
    escapes[0x08] = b'b';
    escapes[0x09] = b't';
    escapes[0x0a] = b'n';
    escapes[0x0c] = b'f';
    escapes[0x0d] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
}

/// Appends a value.
pub fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, item);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            out.push(b'{');
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_text(out, key);
                out.push(b':');
                write(out, value);
            }
            out.push(b'}');
        }
    }
}

/// Appends a text in quotes.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_inside(out, text);
    out.push(b'"');
}

/// Appends a part of a text, without quotes around it.
pub(crate) fn write_inside(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, other) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((byte, behind)) = other.split_first() else { return };
        write_escape(out, *byte);
        rest = behind;
    }
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match ESCAPES[usize::from(byte)] {
        b'u' => {
            let [high, low] = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
        letter => out.extend_from_slice(&[b'\\', letter]),
    }
}

fn write_number(out: &mut Vec<u8>, number: &Number) {
    match number.as_u64() {
        Some(whole) => write_whole(out, whole),
        None if number.is_f64() => out.extend_from_slice(go_float(number.as_f64().unwrap_or_default()).as_bytes()),
        None => out.extend_from_slice(number.to_string().as_bytes()),
    }
}

/// A floating point number as Go's encoder writes it: the shortest digits, with an exponent only below 0.000001 and from
/// 1e+21 on.
pub(crate) fn go_float(float: f64) -> String {
    if float == 0.0 || (1e-6..1e21).contains(&float.abs()) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    if float.abs() < 1.0 { text } else { text.replacen('e', "e+", 1) }
}

/// The text of a value as Go's encoder writes it.
pub fn go_text(value: &Value) -> String {
    let mut out = String::new();
    write_as_go(&mut out, value);
    out
}

/// Appends a value of a JSON text as Go's encoder writes it: what HTML would read is escaped.
pub(crate) fn write_as_go(out: &mut String, value: &Value) {
    let mut text = Vec::new();
    write(&mut text, value);
    out.push_str(&String::from_utf8_lossy(&compact(&text)));
}

fn write_whole(out: &mut Vec<u8>, mut whole: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (whole % 10) as u8;
        whole /= 10;
        if whole == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[track_caller]
    fn check(value: &Value) {
        let mut written = Vec::new();
        write(&mut written, value);
        assert_eq!(String::from_utf8(written).unwrap(), value.to_string());
    }

    #[test]
    fn floating_point_numbers_are_those_of_go() {
        for (number, want) in [
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (12_345_678_901_234_567_890.0, "12345678901234567000"),
            (0.00001, "0.00001"),
            (0.000001, "0.000001"),
            (9.9e-7, "9.9e-7"),
            (5e-324, "5e-324"),
            (0.0, "0"),
            (-0.0, "-0"),
        ] {
            let mut written = Vec::new();
            write(&mut written, &json!(number));
            assert_eq!(String::from_utf8(written).unwrap(), want);
        }
    }

    #[test]
    fn go_escapes_what_html_reads() {
        let value = json!({"b": [1, null], "a": {"<": "é\u{2028}&"}, "c": "\u{7f}\n\u{1}"});
        assert_eq!(
            go_text(&value),
            "{\"a\":{\"\\u003c\":\"é\\u2028\\u0026\"},\"b\":[1,null],\"c\":\"\u{7f}\\n\\u0001\"}"
        );
    }

    #[test]
    fn the_text_is_that_of_serde_json() {
        for code in 0..0x180 {
            check(&json!(format!("a{}b", char::from_u32(code).unwrap())));
        }
        for number in [json!(0), json!(7), json!(u64::MAX), json!(i64::MIN), json!(-1), json!(0.5), json!(1e-7)] {
            check(&number);
        }
        check(&json!({"a": [], "b": {}, "c": [null, true, false, {"\"": "\u{2028}\u{7f}é\u{1f600}"}], "": ""}));
    }
}
