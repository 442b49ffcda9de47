//! Numbers.

use super::cast::{to_float, to_int64};
use super::decimal;
use crate::func::Ty::{Any, Float, Int, Str as Text};
use crate::func::{Args, Function, Outcome};
use crate::value::Value;
use crate::{Failure, Scope, functions};

/// How long a list of numbers may be.
const MAX_COUNT: u64 = 10_000_000;

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "atoi" (Text) Plain |args| Ok(Value::Int(atoi(&args.text(0))));
        "int64" (Any) Plain |args| Ok(Value::Int64(to_int64(&args[0])));
        "int" (Any) Plain |args| Ok(Value::Int(to_int64(&args[0])));
        "float64" (Any) Plain |args| Ok(Value::Float(to_float(&args[0])));
        "toDecimal" (Any) Plain |args| {
            Ok(Value::Int64(i64::from_str_radix(&crate::format::any(&args[0]).text(), 8).unwrap_or(0)))
        };
        "add1" (Any) Plain |args| Ok(Value::Int64(to_int64(&args[0]).wrapping_add(1)));
        "add" (; Any) Plain |args| Ok(fold(0, args, i64::wrapping_add));
        "sub" (Any, Any) Plain |args| Ok(Value::Int64(to_int64(&args[0]).wrapping_sub(to_int64(&args[1]))));
        "div" (Any, Any) Plain |args| divide(args, i64::wrapping_div);
        "mod" (Any, Any) Plain |args| divide(args, i64::wrapping_rem);
        "mul" (Any; Any) Plain |args| Ok(fold(1, args, i64::wrapping_mul));
        "randInt" (Int, Int) Scoped rand_int;
        "add1f" (Any) Plain |args| Ok(Value::Float(decimal::add(to_float(&args[0]), 1.0)));
        "addf" (; Any) Plain |args| Ok(Value::Float(args.iter().fold(0.0, |sum, arg| decimal::add(sum, to_float(arg)))));
        "subf" (Any; Any) Plain |args| Ok(fold_float(args, |a, b| decimal::add(a, -b)));
        "divf" (Any; Any) Plain divf;
        "mulf" (Any; Any) Plain |args| Ok(fold_float(args, decimal::multiply));
        "max" (Any; Any) Plain |args| Ok(most(args));
        "biggest" (Any; Any) Plain |args| Ok(most(args));
        "min" (Any; Any) Plain |args| Ok(Value::Int64(args.iter().map(to_int64).min().unwrap_or(0)));
        "maxf" (Any; Any) Plain |args| Ok(Value::Float(args.iter().map(to_float).fold(f64::NEG_INFINITY, f64::max)));
        "minf" (Any; Any) Plain |args| Ok(Value::Float(args.iter().map(to_float).fold(f64::INFINITY, f64::min)));
        "ceil" (Any) Plain |args| Ok(Value::Float(to_float(&args[0]).ceil()));
        "floor" (Any) Plain |args| Ok(Value::Float(to_float(&args[0]).floor()));
        "round" (Any, Int; Float) Plain round;
        "until" (Int) Plain until;
        "untilStep" (Int, Int, Int) Plain |args| Ok(Value::ints(steps(args.int(0), args.int(1), args.int(2))?));
        "seq" (; Int) Plain seq;
    }
}

fn atoi(text: &str) -> i64 {
    let decimal = text.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| decimal).unwrap_or(0)
}

fn fold(start: i64, args: &[Value], op: fn(i64, i64) -> i64) -> Value {
    Value::Int64(args.iter().fold(start, |sum, arg| op(sum, to_int64(arg))))
}

fn most(args: &[Value]) -> Value {
    Value::Int64(args.iter().map(to_int64).max().unwrap_or(0))
}

fn divide(args: &[Value], op: fn(i64, i64) -> i64) -> Outcome {
    let (a, b) = (to_int64(&args[0]), to_int64(&args[1]));
    if b == 0 {
        return Err(Failure::new("runtime error: integer divide by zero"));
    }
    Ok(Value::Int64(op(a, b)))
}

fn fold_float(args: &[Value], op: fn(f64, f64) -> f64) -> Value {
    let mut args = args.iter().map(to_float);
    let first = args.next().unwrap_or(0.0);
    Value::Float(args.fold(first, op))
}

fn divf(args: &[Value]) -> Outcome {
    let quotient = args[1..].iter().try_fold(to_float(&args[0]), |value, arg| decimal::divide(value, to_float(arg)));
    quotient.map(Value::Float)
}

fn round(args: &[Value]) -> Outcome {
    let on = match args.get(2) {
        Some(Value::Float(on)) => *on,
        _ => 0.5,
    };
    let places = i32::try_from(args.int(1)).unwrap_or(0);
    let power = 10f64.powi(places);
    let digit = power * to_float(&args[0]);
    let rounded = if digit.fract() >= on { digit.ceil() } else { digit.floor() };
    Ok(Value::Float(rounded / power))
}

fn until(args: &[Value]) -> Outcome {
    let count = args.int(0);
    Ok(Value::ints(steps(0, count, if count < 0 { -1 } else { 1 })?))
}

fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Failure> {
    if step == 0 || (stop < start) != (step < 0) {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    if count > MAX_COUNT {
        return Err(Failure::new("list of numbers is too long"));
    }
    let mut list = Vec::new();
    let mut number = start;
    for _ in 0..count {
        list.push(number);
        number = number.saturating_add(step);
    }
    Ok(list)
}

fn seq(args: &[Value]) -> Outcome {
    let number = |index: usize| args.int(index);
    let list = match args.len() {
        1 => {
            let by = if number(0) < 1 { -1 } else { 1 };
            steps(1, number(0).saturating_add(by), by)?
        }
        2 => {
            let by = if number(1) < number(0) { -1 } else { 1 };
            steps(number(0), number(1).saturating_add(by), by)?
        }
        3 => {
            let down = number(2) < number(0);
            if down && number(1) > 0 {
                return Ok("".into());
            }
            steps(number(0), number(2).saturating_add(if down { -1 } else { 1 }), number(1))?
        }
        _ => return Ok("".into()),
    };
    let texts: Vec<String> = list.iter().map(i64::to_string).collect();
    Ok(texts.join(" ").into())
}

fn rand_int(scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
    let (least, bound) = (args.int(0), args.int(1));
    let range = bound.checked_sub(least).and_then(|range| u64::try_from(range).ok()).filter(|range| *range > 0);
    let range = range.ok_or_else(|| Failure::new("invalid argument to Intn"))?;
    let mut bytes = [0; 8];
    (scope.environment().random)(&mut bytes);
    let offset = i64::try_from(u64::from_le_bytes(bytes) % range).unwrap_or(0);
    Ok(Value::Int(least + offset))
}
