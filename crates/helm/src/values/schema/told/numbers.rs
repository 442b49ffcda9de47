//! Numbers as English writes them: groups of three digits, and powers of ten.

use gotemplate::format::{float_e, float_f};

/// A whole number.
pub(super) fn whole(number: impl TryInto<u64>) -> String {
    grouped(&number.try_into().unwrap_or(u64::MAX).to_string())
}

/// A number: with its power of ten where it is very small, or has more than six digits before the point.
pub(super) fn any(number: f64) -> String {
    let scientific = float_e(number, None);
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) || number == 0.0 {
        return grouped(&float_f(number, None));
    }
    let sign = if exponent < 0 { "⁻" } else { "" };
    let raised = |digit: char| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit.to_digit(10).unwrap_or_default() as usize);
    let power: String = format!("{:02}", exponent.abs()).chars().filter_map(raised).collect();
    format!("{digits}×10{sign}{power}")
}

/// Digits with commas between the thousands.
fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (before, after) =
        rest.split_once('.').map_or((rest, String::new()), |(before, after)| (before, format!(".{after}")));
    let mut out = String::new();
    for (at, digit) in before.chars().enumerate() {
        if at > 0 && (before.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{sign}{out}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_english() {
        let check = |number: f64, want: &str| assert_eq!(any(number), want);
        check(0.0, "0");
        check(-0.5, "-0.5");
        check(1234.5, "1,234.5");
        check(999_999.0, "999,999");
        check(1_000_000.0, "1×10⁰⁶");
        check(1_234_567.125, "1.234567125×10⁰⁶");
        check(-1e21, "-1×10²¹");
        check(0.0001, "0.0001");
        check(0.00001, "1×10⁻⁰⁵");
        assert_eq!(whole(1_234_567_u64), "1,234,567");
    }
}
