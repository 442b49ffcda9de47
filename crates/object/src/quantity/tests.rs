//! Quantities: what is read, how it is written, how it is reckoned with.

use super::*;

#[track_caller]
fn check(text: &str, canonical: &str) {
    assert_eq!(canonicalize(text).as_deref(), Ok(canonical), "{text}");
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).expect(text)
}

#[test]
fn canonical_forms() {
    for (text, canonical) in [
        ("0", "0"),
        ("0Mi", "0"),
        ("0.0", "0"),
        (".", "0"),
        ("1", "1"),
        ("+5", "+5"),
        ("05", "05"),
        ("100m", "100m"),
        ("0.1", "100m"),
        ("0.5", "500m"),
        ("1.5", "1500m"),
        ("1.500", "1.500"),
        ("1500m", "1500m"),
        ("1000m", "1"),
        ("2000", "2k"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1Ki", "1Ki"),
        ("8Ki", "8Ki"),
        ("512Ki", "512Ki"),
        ("1024", "1024"),
        ("12e6", "12e6"),
        ("12E6", "12E6"),
        ("1e4", "10e3"),
        ("1E", "1E"),
        ("100Ei", "9223372036854775807"),
        ("0.1n", "1n"),
        ("0.0000000001", "1n"),
        ("-0.0000000001", "-1n"),
        ("0.5Ki", "512"),
        ("0.0001Ki", "102400u"),
        ("1.1Ki", "1126400m"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-1Ki", "-1Ki"),
        ("1e-3", "1e-3"),
        ("1.2e3", "1200"),
    ] {
        check(text, canonical);
    }
}

#[test]
fn what_is_no_amount() {
    for (text, error) in [
        ("", ParseError::Format),
        ("abc", ParseError::Format),
        ("1 ", ParseError::Format),
        ("1.2.3", ParseError::Format),
        ("1e", ParseError::Suffix),
        ("1mi", ParseError::Suffix),
        ("1ee3", ParseError::Suffix),
        ("1+2", ParseError::Suffix),
        ("é", ParseError::Format),
    ] {
        assert_eq!(Quantity::parse(text).err(), Some(error), "{text}");
    }
}

#[test]
fn arithmetic_is_exact() {
    let mut sum = quantity("100m");
    sum.add(&quantity("1Gi"));
    assert_eq!(sum.to_string(), "1073741824100m");
    sum.sub(&quantity("100m"));
    assert_eq!(sum, quantity("1Gi"));
    let mut zero = Quantity::ZERO;
    zero.add(&quantity("2Ki"));
    assert_eq!(zero.to_string(), "2Ki");
    let mut huge = quantity("9223372036854775807");
    huge.add(&quantity("1"));
    assert_eq!(huge.to_string(), "9223372036854775808");
    assert_eq!(huge.sign(), 1);
}

#[test]
fn rounding_is_away_from_zero() {
    assert_eq!(quantity("1m").value(), 1);
    assert_eq!(quantity("-1m").value(), -1);
    assert_eq!(quantity("1100m").value(), 2);
    assert_eq!(quantity("0.0001").milli_value(), 1);
    assert_eq!(quantity("2").milli_value(), 2000);
    assert_eq!(quantity("1.1Ki").value(), 1127);
}

#[test]
fn order() {
    assert!(quantity("1000m") == quantity("1"));
    assert!(quantity("1Ki") > quantity("1k"));
    assert!(quantity("-1") < quantity("1n"));
    assert!(quantity("1e30") > quantity("1Ei"));
    assert!(quantity("-1e30") < quantity("-1Ei"));
    assert!(quantity("1e1000000000") > quantity("1"));
    assert_eq!(quantity("1").cmp_int(2), Ordering::Less);
}

#[test]
fn absurd_exponents_neither_hang_nor_panic() {
    for text in ["1e2147483647", "1e-2147483648", "1234567890123456789e999999999", "1e99999999999"] {
        let Ok(mut amount) = Quantity::parse(text) else { continue };
        amount.add(&quantity("1"));
        amount.sub(&quantity("1e-999999999"));
        assert!(!amount.to_string().is_empty());
        let _ = (amount.value(), amount.milli_value(), amount.approximate());
    }
}
