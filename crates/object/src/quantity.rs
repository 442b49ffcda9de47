//! `resource.Quantity`: exact amounts such as `100m`, `1.5Gi` and `12e6`.
//!
//! Reading, rounding and writing follow upstream's `resource` package to the digit, its peculiarities included: a text
//! that is nearly canonical is kept as it is, decimal amounts are rounded up to whole nanos, binary ones are capped.

mod amount;
mod parse;

use crate::view::View;
use amount::Amount;
pub use parse::ParseError;
use std::cmp::Ordering;
use std::fmt;
use value::Value;

/// An exact amount with the form in which it is written.
#[derive(Clone, Debug)]
pub struct Quantity {
    amount: Amount,
    format: Format,
    /// The text it was read from, where that is kept.
    text: Option<Box<str>>,
}

/// How an amount is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `12e6`
    DecimalExponent,
    /// `12Mi`
    BinarySi,
    /// `12M`
    DecimalSi,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity { amount: Amount::ZERO, format: Format::DecimalSi, text: None };

    /// Reads an amount.
    pub fn parse(text: &str) -> Result<Quantity, ParseError> {
        parse::parse(text)
    }

    /// Reads an amount from JSON: a text (spaces around it do not count), a number, or `null` for zero.
    pub fn from_value(value: &Value) -> Result<Quantity, ParseError> {
        match value {
            Value::Null => Ok(Quantity::ZERO),
            Value::String(text) => Quantity::parse(text.trim()),
            other => Quantity::parse(&other.to_string()),
        }
    }

    /// The amount at a place that was decoded already; zero where there is none.
    pub fn from_view(view: View<'_>) -> Quantity {
        let read = match view.opt_text() {
            Some(text) => Quantity::parse(text.trim()),
            None => Quantity::from_value(&view.to_value()),
        };
        read.unwrap_or(Quantity::ZERO)
    }

    /// A whole number.
    pub const fn new(value: i64, format: Format) -> Quantity {
        Quantity { amount: Amount::Small { value, scale: 0 }, format, text: None }
    }

    /// A number of thousandths.
    pub const fn new_milli(value: i64, format: Format) -> Quantity {
        Quantity { amount: Amount::Small { value, scale: -3 }, format, text: None }
    }

    /// How it is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The amount in whole units, rounded away from zero. 0 if it is too large by far, as upstream has it.
    pub fn value(&self) -> i64 {
        self.amount.scaled_value(0)
    }

    /// The amount in thousandths, rounded away from zero; see [`Quantity::value`].
    pub fn milli_value(&self) -> i64 {
        self.amount.scaled_value(-3)
    }

    /// The amount as a floating point number.
    pub fn approximate(&self) -> f64 {
        self.amount.approximate()
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i32 {
        self.amount.sign()
    }

    /// True if it is nothing.
    pub fn is_zero(&self) -> bool {
        self.sign() == 0
    }

    /// Adds another amount. Zero takes the other's form.
    pub fn add(&mut self, other: &Quantity) {
        if self.is_zero() {
            self.format = other.format;
        }
        self.text = None;
        self.amount.add(&other.amount);
    }

    /// Takes another amount away. Zero takes the other's form.
    pub fn sub(&mut self, other: &Quantity) {
        if self.is_zero() {
            self.format = other.format;
        }
        self.text = None;
        self.amount.add(&other.amount.negated());
    }

    /// The amount with the other sign.
    pub fn neg(&mut self) {
        self.text = None;
        self.amount = self.amount.negated();
    }

    /// Rounds away from zero to a multiple of 10^`scale`.
    pub fn round_up(&mut self, scale: i64) {
        if !self.amount.is_multiple_of(scale) {
            self.text = None;
            self.amount = self.amount.clone().rounded_up_to(scale);
        }
    }

    /// Compares with a whole number.
    pub fn cmp_int(&self, value: i64) -> Ordering {
        self.amount.cmp(&Amount::Small { value, scale: 0 })
    }
}

/// The canonical form of a text.
pub fn canonicalize(text: &str) -> Result<String, ParseError> {
    Quantity::parse(text).map(|quantity| quantity.to_string())
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Quantity) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Quantity) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Quantity) -> Ordering {
        self.amount.cmp(&other.amount)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            return f.write_str(text);
        }
        if self.is_zero() {
            return f.write_str("0");
        }
        let whole = || self.amount.rounded_up_exactly().filter(|_| !self.amount.is_within(1024));
        if let Some(whole) = (self.format == Format::BinarySi).then(whole).flatten() {
            let (number, exponent) = whole.canonical_binary();
            return write!(f, "{number}{}", parse::binary_suffix(exponent));
        }
        let (number, exponent) = self.amount.canonical_decimal();
        match self.format {
            Format::DecimalExponent if exponent != 0 => write!(f, "{number}e{exponent}"),
            Format::DecimalExponent => write!(f, "{number}"),
            _ => write!(f, "{number}{}", parse::decimal_suffix(exponent)),
        }
    }
}

#[cfg(test)]
mod tests;
