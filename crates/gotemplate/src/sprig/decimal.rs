//! Decimal arithmetic: floats as the shortest decimals that stand for them, so that 0.1 and 0.2 make 0.3.

use crate::Failure;

/// Digits after the point that a division keeps.
const DIVISION: i32 = 16;

/// A number `digits × 10^exponent`.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    fn new(value: f64) -> Option<Self> {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?;
        Some(Self { digits, exponent })
    }

    fn scaled(self, exponent: i32) -> Option<i128> {
        let shift = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.digits.checked_mul(10i128.checked_pow(shift)?)
    }

    fn float(self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(0.0)
    }
}

fn exact(a: f64, b: f64, op: impl Fn(Decimal, Decimal) -> Option<Decimal>) -> Option<f64> {
    op(Decimal::new(a)?, Decimal::new(b)?).map(Decimal::float)
}

/// A sum; numbers too far apart for exactness are added as floats.
pub(super) fn add(a: f64, b: f64) -> f64 {
    let sum = |a: Decimal, b: Decimal| {
        let exponent = a.exponent.min(b.exponent);
        Some(Decimal { digits: a.scaled(exponent)?.checked_add(b.scaled(exponent)?)?, exponent })
    };
    exact(a, b, sum).unwrap_or(a + b)
}

/// A product.
pub(super) fn multiply(a: f64, b: f64) -> f64 {
    let product = |a: Decimal, b: Decimal| {
        Some(Decimal { digits: a.digits.checked_mul(b.digits)?, exponent: a.exponent.checked_add(b.exponent)? })
    };
    exact(a, b, product).unwrap_or(a * b)
}

/// A quotient, rounded to sixteen digits after the point.
pub(super) fn divide(a: f64, b: f64) -> Result<f64, Failure> {
    if b == 0.0 {
        return Err(Failure::new("decimal division by 0"));
    }
    let quotient = |a: Decimal, b: Decimal| {
        let shift = a.exponent.checked_sub(b.exponent)?.checked_add(DIVISION)?;
        let power = 10i128.checked_pow(shift.unsigned_abs())?;
        let (over, under) =
            if shift < 0 { (a.digits, b.digits.checked_mul(power)?) } else { (a.digits.checked_mul(power)?, b.digits) };
        let (whole, rest) = (over / under, over % under);
        let up = rest.unsigned_abs().checked_mul(2)? >= under.unsigned_abs();
        let away = if (over < 0) == (under < 0) { 1 } else { -1 };
        Some(Decimal { digits: whole + if up { away } else { 0 }, exponent: -DIVISION })
    };
    Ok(exact(a, b, quotient).unwrap_or(a / b))
}
