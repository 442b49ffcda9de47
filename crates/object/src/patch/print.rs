//! Go's `%v` of a decoded JSON value, as upstream's messages show patches: `map[a:[b 1]]`.

use std::fmt::Write;
use value::Value;

/// The value as Go prints it.
pub fn go_print(value: &Value) -> String {
    let mut out = String::new();
    print(value, &mut out);
    out
}

fn print(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::String(text) => out.push_str(text),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => write!(out, "{whole}").expect("writing to a String does not fail"),
            None => out.push_str(&go_print_float(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                print(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push_str("map[");
            for (index, (key, item)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                print(item, out);
            }
            out.push(']');
        }
    }
}

/// Go's `%v` of a floating point number: the shortest digits; an exponent, of at least two digits, below -4 and from 6
/// on.
pub fn go_print_float(number: f64) -> String {
    let text = format!("{number:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => format!("{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[test]
    fn values_print_as_in_go() {
        for (value, text) in [
            (json!({"b": ["x", 1, null], "a": {}}), "map[a:map[] b:[x 1 <nil>]]"),
            (json!(1.5), "1.5"),
            (json!(1e21), "1e+21"),
            (json!(0.00001), "1e-05"),
            (json!(100.0), "100"),
            (json!(999_999.0), "999999"),
            (json!(-1_234_567.0), "-1.234567e+06"),
            (json!(-0.0), "-0"),
            (json!(true), "true"),
        ] {
            assert_eq!(go_print(&value), text);
        }
    }
}
