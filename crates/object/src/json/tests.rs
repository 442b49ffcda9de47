//! What is read, and Go's words about what is not.

use super::*;
use value::json;

#[track_caller]
fn check(text: &[u8], want: Result<Value, &str>) {
    let got = parse(text).map(Node::into_value);
    assert_eq!(got, want.map_err(|message| SyntaxError(message.to_owned())), "{}", String::from_utf8_lossy(text));
}

#[test]
fn values_are_read() {
    for (text, want) in [
        (r#" {"b":[1,-2.5,true,null],"a":"x"} "#, json!({"a": "x", "b": [1, -2.5, true, null]})),
        (r#""\u00e9\n\ud83d\ude00\ud800x\/""#, json!("é\n😀\u{fffd}x/")),
        (r#""\ud800\u0041""#, json!("\u{fffd}A")),
        ("1e3", json!(1000.0)),
        ("9223372036854775807", json!(i64::MAX)),
        ("9223372036854775808", json!(9223372036854775808.0)),
        ("-0.5E-2", json!(-0.005)),
        ("[]", json!([])),
        ("{}", json!({})),
        (r#"{"a":1,"a":2}"#, json!({"a": 2})),
    ] {
        check(text.as_bytes(), Ok(want));
    }
    check(b"\"a\xff\xf0\x9f\"", Ok(json!("a\u{fffd}\u{fffd}\u{fffd}")));
}

#[test]
fn errors_are_those_of_go() {
    for (text, want) in [
        ("", "unexpected end of JSON input"),
        (" ", "unexpected end of JSON input"),
        ("{", "unexpected end of JSON input"),
        (r#"{"a"#, "unexpected end of JSON input"),
        (r#"{"a":"#, "unexpected end of JSON input"),
        ("[1,2", "unexpected end of JSON input"),
        ("-", "invalid character ' ' in numeric literal"),
        ("1.", "invalid character ' ' after decimal point in numeric literal"),
        ("tru", "invalid character ' ' in literal true (expecting 'e')"),
        ("\"\\", "invalid character ' ' in string escape code"),
        ("\"\\u1", r"invalid character ' ' in \u hexadecimal character escape"),
        ("{'a':1}", r"invalid character '\'' looking for beginning of object key string"),
        (r#"{"a":1,}"#, "invalid character '}' looking for beginning of object key string"),
        (r#"{"a" 1}"#, "invalid character '1' after object key"),
        (r#"{"a":1 "b"}"#, "invalid character '\"' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("01", "invalid character '1' after top-level value"),
        ("{}{", "invalid character '{' after top-level value"),
        ("-a", "invalid character 'a' in numeric literal"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1e+x", "invalid character 'x' in exponent of numeric literal"),
        ("nulL", "invalid character 'L' in literal null (expecting 'l')"),
        ("hello", "invalid character 'h' looking for beginning of value"),
        ("\"a\nb\"", r"invalid character '\n' in string literal"),
        (r#""\x""#, "invalid character 'x' in string escape code"),
        (r#""\u12G4""#, r"invalid character 'G' in \u hexadecimal character escape"),
        ("\u{feff}{}", "invalid character 'ï' looking for beginning of value"),
        ("\0", r"invalid character '\x00' looking for beginning of value"),
    ] {
        check(text.as_bytes(), Err(want));
    }
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    check(nested(MAX_DEPTH + 1).as_bytes(), Err("invalid character '[' exceeded max depth"));
    assert!(parse("[".repeat(1_000_000).as_bytes()).is_err());
}

#[test]
fn duplicates_are_told_with_their_path() {
    let text = br#"{"a":{"x":1,"x":2,"x":3},"l":[{"y":1,"y":1}],"a":null}"#;
    let (value, told) = read(text).unwrap();
    assert_eq!(value, json!({"a": null, "l": [{"y": 1}]}));
    assert_eq!(told, [r#"duplicate field "a.x""#, r#"duplicate field "l[0].y""#, r#"duplicate field "a""#]);
}

#[test]
fn numbers_know_their_text() {
    for (number, text) in
        [(json!(1.0), "1"), (json!(1.5), "1.5"), (json!(-3), "-3"), (json!(1e20), "100000000000000000000")]
    {
        let Value::Number(number) = number else { panic!("{number} is a number") };
        assert_eq!(Number::Value(number).text(), text);
    }
    assert_eq!(Number::Text("1e400").to_value(), None);
    for (text, want) in [("1", json!(1)), ("1.0", json!(1.0)), ("-0", json!(0)), ("9e18", json!(9e18))] {
        assert_eq!(Number::Text(text).to_value(), Some(want));
    }
    assert_eq!(Number::Value(u64::MAX.into()).to_value(), Some(json!(18_446_744_073_709_551_615.0)), "no int64");
}
