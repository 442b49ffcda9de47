//! Selecting objects by their labels.

mod parse;

use super::ParseError;
use crate::field::{Error, Errors, Path};
use crate::names::{is_qualified_name, is_valid_label_value};
use crate::quote::quote;
use crate::status::aggregate;
use crate::view::View;
use std::fmt;
use value::Value;

/// A set of requirements, all of which must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// Sorted by key; `None` selects nothing.
    requirements: Option<Vec<Requirement>>,
}

/// What one label must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// How the label's value is compared.
    pub operator: Operator,
    /// With what it is compared.
    pub values: Vec<String>,
}

/// How a label's value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `key in (a,b)`
    In,
    /// `key notin (a,b)`
    NotIn,
    /// `key=a`
    Equals,
    /// `key==a`
    DoubleEquals,
    /// `key!=a`
    NotEquals,
    /// `key`
    Exists,
    /// `!key`
    DoesNotExist,
    /// `key>1`
    GreaterThan,
    /// `key<1`
    LessThan,
}

/// Something that has labels.
pub trait Labels {
    /// The value of the label `key`, if there is one.
    fn lookup(&self, key: &str) -> Option<&str>;
}

impl Labels for View<'_> {
    fn lookup(&self, key: &str) -> Option<&str> {
        self.opt_str(key)
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Labels for [(K, V)] {
    fn lookup(&self, key: &str) -> Option<&str> {
        self.iter().find(|(name, _)| name.as_ref() == key).map(|(_, value)| value.as_ref())
    }
}

impl Selector {
    /// Selects everything.
    pub const fn everything() -> Selector {
        Selector { requirements: Some(Vec::new()) }
    }

    /// Selects nothing.
    pub const fn nothing() -> Selector {
        Selector { requirements: None }
    }

    /// Reads the form of query parameters: `a=b,c in (d,e),!f`.
    pub fn parse(text: &str) -> Result<Selector, ParseError> {
        parse::parse(text).map(Selector::new)
    }

    /// Reads a `LabelSelector`. One that is absent selects nothing, an empty one everything.
    pub fn from_object(selector: View<'_>) -> Result<Selector, ParseError> {
        if !selector.exists() {
            return Ok(Selector::nothing());
        }
        let mut requirements = Vec::new();
        for (key, value) in selector.get("matchLabels").entries() {
            requirements.push(Requirement::new(key, Operator::Equals, Some(vec![value.as_str().to_owned()]))?);
        }
        for expression in selector.list("matchExpressions") {
            let operator = match expression.str("operator") {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(ParseError(format!("{} is not a valid label selector operator", quote(other)))),
            };
            let values: Vec<String> = expression.strings("values").map(str::to_owned).collect();
            let values = if values.is_empty() { None } else { Some(values) };
            requirements.push(Requirement::new(expression.str("key"), operator, values)?);
        }
        Ok(Selector::new(requirements))
    }

    /// Reads a plain map of labels (`spec.selector` of a Service). An absent or empty one selects everything.
    pub fn from_map(labels: View<'_>) -> Selector {
        let equals = |(key, value): (&str, View<'_>)| Requirement {
            key: key.to_owned(),
            operator: Operator::Equals,
            values: vec![value.as_str().to_owned()],
        };
        Selector::new(labels.entries().map(equals).collect())
    }

    fn new(mut requirements: Vec<Requirement>) -> Selector {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Selector { requirements: Some(requirements) }
    }

    /// True if the labels meet every requirement.
    pub fn matches<L: Labels + ?Sized>(&self, labels: &L) -> bool {
        self.requirements.as_ref().is_some_and(|all| all.iter().all(|requirement| requirement.matches(labels)))
    }

    /// True if everything is selected.
    pub fn is_everything(&self) -> bool {
        self.requirements.as_ref().is_some_and(Vec::is_empty)
    }

    /// True if nothing can ever be selected.
    pub fn is_nothing(&self) -> bool {
        self.requirements.is_none()
    }

    /// The requirements, sorted by key; none for a selector of nothing.
    pub fn requirements(&self) -> &[Requirement] {
        self.requirements.as_deref().unwrap_or_default()
    }

    /// The only value that the label `key` can have in what is selected, if there is just one.
    pub fn requires_exact_match(&self, key: &str) -> Option<&str> {
        let requirement = self.requirements().iter().find(|requirement| requirement.key == key)?;
        match (requirement.operator, requirement.values.as_slice()) {
            (Operator::Equals | Operator::DoubleEquals | Operator::In, [only]) => Some(only),
            _ => None,
        }
    }
}

impl Requirement {
    /// A requirement, if key, values and their number are fit for the operator.
    fn new(key: &str, operator: Operator, values: Option<Vec<String>>) -> Result<Requirement, ParseError> {
        let mut errors = Errors::new();
        let (key_path, path) = (Path::new("key"), Path::new("values"));
        errors.extend(invalid(&key_path, key, is_qualified_name(key)));
        if let Some(why) = operator.check_count(values.as_ref().map_or(0, Vec::len)) {
            let shown = values.clone().map_or(Value::Null, Value::from);
            errors.push(Error::invalid(&path, shown, why));
        }
        let values = values.unwrap_or_default();
        for (index, value) in values.iter().enumerate() {
            if matches!(operator, Operator::GreaterThan | Operator::LessThan) && value.parse::<i64>().is_err() {
                let why = "for 'Gt', 'Lt' operators, the value must be an integer";
                errors.push(Error::invalid(&path.index(index), value.as_str(), why));
            }
        }
        for (index, value) in values.iter().enumerate() {
            errors.extend(invalid(&path.index(index).key(key), value, is_valid_label_value(value)));
        }
        if errors.is_empty() {
            return Ok(Requirement { key: key.to_owned(), operator, values });
        }
        Err(ParseError(aggregate(&errors)))
    }

    /// True if the labels meet this requirement.
    pub fn matches<L: Labels + ?Sized>(&self, labels: &L) -> bool {
        let value = labels.lookup(&self.key);
        let listed = || value.is_some_and(|value| self.values.iter().any(|listed| listed == value));
        match self.operator {
            Operator::In | Operator::Equals | Operator::DoubleEquals => listed(),
            Operator::NotIn | Operator::NotEquals => !listed(),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan => self.numbers(value).is_some_and(|(label, bound)| label > bound),
            Operator::LessThan => self.numbers(value).is_some_and(|(label, bound)| label < bound),
        }
    }

    /// The label's number and the number it is compared with.
    fn numbers(&self, value: Option<&str>) -> Option<(i64, i64)> {
        Some((value?.parse().ok()?, self.values.first()?.parse().ok()?))
    }
}

impl Operator {
    fn check_count(self, count: usize) -> Option<&'static str> {
        match self {
            Operator::In | Operator::NotIn if count == 0 => {
                Some("for 'in', 'notin' operators, values set can't be empty")
            }
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals if count != 1 => {
                Some("exact-match compatibility requires one single value")
            }
            Operator::Exists | Operator::DoesNotExist if count != 0 => {
                Some("values set must be empty for exists and does not exist")
            }
            Operator::GreaterThan | Operator::LessThan if count != 1 => {
                Some("for 'Gt', 'Lt' operators, exactly one value is required")
            }
            _ => None,
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Operator::In => " in ",
            Operator::NotIn => " notin ",
            Operator::Equals => "=",
            Operator::DoubleEquals => "==",
            Operator::NotEquals => "!=",
            Operator::Exists | Operator::DoesNotExist => "",
            Operator::GreaterThan => ">",
            Operator::LessThan => "<",
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements().iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.operator == Operator::DoesNotExist {
            f.write_str("!")?;
        }
        write!(f, "{}{}", self.key, self.operator.symbol())?;
        let mut values: Vec<&str> = self.values.iter().map(String::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        match self.operator {
            Operator::In | Operator::NotIn => write!(f, "({values})"),
            _ => f.write_str(&values),
        }
    }
}

fn invalid(path: &Path<'_>, value: &str, messages: Vec<String>) -> Option<Error> {
    (!messages.is_empty()).then(|| Error::invalid(path, value, messages.join("; ")))
}

#[cfg(test)]
mod tests;
