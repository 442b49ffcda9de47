//! Numbers of any size times a power of ten.
//!
//! Nearly all amounts fit the small form; the large one exists so that nothing overflows. The two are kept apart
//! because upstream rounds them differently (see [`Amount::scaled_value`]).

use num_bigint::{BigInt, Sign};
use std::cmp::Ordering;

/// Exponents further apart than this are not brought to a common one: the smaller amount no longer matters.
const EXPONENTS_MAX: i64 = 8192;

/// A number times a power of ten.
#[derive(Clone, Debug)]
pub(super) enum Amount {
    /// `value` × 10^`scale`
    Small { value: i64, scale: i64 },
    /// `unscaled` × 10^`scale`
    Large { unscaled: BigInt, scale: i64 },
}

impl Amount {
    pub(super) const ZERO: Amount = Amount::Small { value: 0, scale: 0 };

    pub(super) fn sign(&self) -> i32 {
        match self {
            Amount::Small { value, .. } => value.signum() as i32,
            Amount::Large { unscaled, .. } => match unscaled.sign() {
                Sign::Minus => -1,
                Sign::NoSign => 0,
                Sign::Plus => 1,
            },
        }
    }

    pub(super) fn negated(&self) -> Amount {
        match self {
            Amount::Small { value, scale } if *value != i64::MIN => Amount::Small { value: -value, scale: *scale },
            other => {
                let (unscaled, scale) = other.parts();
                Amount::Large { unscaled: -unscaled, scale }
            }
        }
    }

    /// The amount divided by 10^`scale`, rounded away from zero. As upstream has it, a small amount that overflows
    /// gives 0, a large one its low bits, and a large negative one is rounded up.
    pub(super) fn scaled_value(&self, scale: i64) -> i64 {
        match self {
            Amount::Small { value, scale: own } if *own < scale => divide_away(*value, scale - own).0,
            Amount::Small { value, scale: own } => multiply(*value, own - scale).unwrap_or(0),
            Amount::Large { unscaled, scale: own } if *own >= scale => {
                let power = 10i64.checked_pow(u32::try_from(own - scale).unwrap_or(u32::MAX));
                low_bits(unscaled).wrapping_mul(power.unwrap_or(i64::MIN))
            }
            Amount::Large { unscaled, scale: own } => {
                let Some(divisor) = power_of_ten(scale - own) else { return 0 };
                let quotient = unscaled / &divisor;
                let rest = unscaled % &divisor;
                let small = unscaled.bits() < 64 && scale - own < 19;
                match rest.sign() {
                    Sign::NoSign => low_bits(&quotient),
                    Sign::Minus if !small => low_bits(&quotient),
                    Sign::Minus | Sign::Plus => low_bits(&quotient).wrapping_add(1),
                }
            }
        }
    }

    pub(super) fn add(&mut self, other: &Amount) {
        if other.sign() == 0 {
            return;
        }
        if self.sign() == 0 {
            *self = other.clone();
            return;
        }
        *self = add_small(self, other).unwrap_or_else(|| add_large(self, other));
    }

    pub(super) fn cmp(&self, other: &Amount) -> Ordering {
        let (left, right) = (self.sign(), other.sign());
        if left != right || left == 0 {
            return left.cmp(&right);
        }
        if let (Amount::Small { value: a, scale: x }, Amount::Small { value: b, scale: y }) = (self, other)
            && x == y
        {
            return a.cmp(b);
        }
        let (a, x) = self.parts();
        let (b, y) = other.parts();
        // Decimal places in front of the point decide, unless they are about equal.
        let (wide, narrow) = (digits(&a) + x, digits(&b) + y);
        if (wide - narrow).abs() > 2 {
            let order = wide.cmp(&narrow);
            return if left < 0 { order.reverse() } else { order };
        }
        let common = x.min(y);
        raise(a, x - common).cmp(&raise(b, y - common))
    }

    pub(super) fn approximate(&self) -> f64 {
        let (unscaled, scale) = self.parts();
        format!("{unscaled}e{scale}").parse().unwrap_or(f64::NAN)
    }

    /// True if it lies between `-bound` and `bound`, both excluded.
    pub(super) fn is_within(&self, bound: i64) -> bool {
        self.cmp(&Amount::Small { value: bound, scale: 0 }).is_lt()
            && self.cmp(&Amount::Small { value: -bound, scale: 0 }).is_gt()
    }

    /// The amount if it is a whole number.
    pub(super) fn rounded_up_exactly(&self) -> Option<Amount> {
        match self {
            Amount::Small { scale, .. } | Amount::Large { scale, .. } if *scale >= 0 => Some(self.clone()),
            Amount::Small { value, scale } => {
                let (value, exact) = divide_away(*value, -scale);
                exact.then_some(Amount::Small { value, scale: 0 })
            }
            Amount::Large { unscaled, scale } => {
                let divisor = power_of_ten(-scale)?;
                let rest = unscaled % &divisor;
                (rest.sign() == Sign::NoSign).then(|| Amount::Large { unscaled: unscaled / divisor, scale: 0 })
            }
        }
    }

    /// True if no rounding can change it: its digits end at 10^`scale`.
    pub(super) fn is_multiple_of(&self, scale: i64) -> bool {
        matches!(self, Amount::Small { scale: own, .. } | Amount::Large { scale: own, .. } if *own >= scale)
    }

    /// Rounded away from zero to a multiple of 10^`scale`.
    pub(super) fn rounded_up_to(self, scale: i64) -> Amount {
        let (unscaled, own) = self.parts();
        if own >= scale || unscaled.sign() == Sign::NoSign {
            return Amount::Large { unscaled, scale: own };
        }
        let unit = BigInt::from(if unscaled.sign() == Sign::Minus { -1 } else { 1 });
        if digits(&unscaled) < scale - own {
            return Amount::Large { unscaled: unit, scale };
        }
        let divisor = power_of_ten(scale - own).unwrap_or_else(|| BigInt::from(1));
        let rest = &unscaled % &divisor;
        let whole = unscaled / divisor;
        Amount::Large { unscaled: if rest.sign() == Sign::NoSign { whole } else { whole + unit }, scale }
    }

    /// A number and an exponent of ten that is a multiple of 3.
    pub(super) fn canonical_decimal(&self) -> (BigInt, i64) {
        let (mut number, mut exponent) = self.parts();
        let text = number.to_string();
        let zeros = text.len() - text.trim_end_matches('0').len();
        if zeros > 0 && number.sign() != Sign::NoSign {
            number = text[..text.len() - zeros].parse().unwrap_or(number);
            exponent += zeros as i64;
        }
        let missing = exponent.rem_euclid(3);
        // Upstream divides towards zero, yet adjusts both signs downwards: the same as this.
        (raise(number, missing), exponent - missing)
    }

    /// A number and an exponent of 1024, of a whole amount.
    pub(super) fn canonical_binary(&self) -> (BigInt, i64) {
        let (number, scale) = self.parts();
        let mut number = raise(number, scale);
        let mut exponent = 0;
        let zeros = number.trailing_zeros().unwrap_or(0) / 10;
        if zeros > 0 {
            number >>= zeros * 10;
            exponent = zeros as i64;
        }
        (number, exponent)
    }

    fn parts(&self) -> (BigInt, i64) {
        match self {
            Amount::Small { value, scale } => (BigInt::from(*value), *scale),
            Amount::Large { unscaled, scale } => (unscaled.clone(), *scale),
        }
    }
}

fn add_small(left: &Amount, right: &Amount) -> Option<Amount> {
    let (Amount::Small { value: a, scale: x }, Amount::Small { value: b, scale: y }) = (left, right) else {
        return None;
    };
    let scale = *x.min(y);
    let value = multiply(*a, x - scale)?.checked_add(multiply(*b, y - scale)?)?;
    Some(Amount::Small { value, scale })
}

fn add_large(left: &Amount, right: &Amount) -> Amount {
    let ((a, x), (b, y)) = (left.parts(), right.parts());
    if (x - y).abs() > EXPONENTS_MAX {
        return if x > y { left.clone() } else { right.clone() };
    }
    let scale = x.min(y);
    Amount::Large { unscaled: raise(a, x - scale) + raise(b, y - scale), scale }
}

fn multiply(value: i64, exponent: i64) -> Option<i64> {
    if value == 0 {
        return Some(0);
    }
    value.checked_mul(10i64.checked_pow(u32::try_from(exponent).ok()?)?)
}

/// `value` / 10^`exponent` rounded away from zero, and whether that was exact.
fn divide_away(value: i64, exponent: i64) -> (i64, bool) {
    let Some(divisor) = u32::try_from(exponent).ok().and_then(|exponent| 10i64.checked_pow(exponent)) else {
        return (value.signum(), value == 0);
    };
    let (quotient, rest) = (value / divisor, value % divisor);
    if rest == 0 { (quotient, true) } else { (quotient + value.signum(), false) }
}

fn raise(number: BigInt, exponent: i64) -> BigInt {
    match power_of_ten(exponent) {
        Some(power) => number * power,
        None => number,
    }
}

/// 10^`exponent`; `None` if that would be absurdly large.
fn power_of_ten(exponent: i64) -> Option<BigInt> {
    (0..=EXPONENTS_MAX * 8).contains(&exponent).then(|| BigInt::from(10).pow(exponent as u32))
}

fn digits(number: &BigInt) -> i64 {
    number.magnitude().to_string().len() as i64
}

/// The low 64 bits, as a conversion in Go takes them.
fn low_bits(number: &BigInt) -> i64 {
    let low = number.magnitude().iter_u64_digits().next().unwrap_or(0);
    let low = low as i64;
    if number.sign() == Sign::Minus { low.wrapping_neg() } else { low }
}
