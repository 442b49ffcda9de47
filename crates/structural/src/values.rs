//! Holding a value against its schema, in the order and the words of kube-openapi.
//!
//! Alternatives (`anyOf`, `oneOf`) tell the failures of the branch with the most passed checks, so checks are counted as
//! upstream counts them. What did not change since the old object is let through (ratcheting).

mod fault;
mod numbers;

use crate::correlate::Pair;
use crate::{Additional, Kind, Node, formats};
use fault::{Code, Fault};
use object::field::{Errors, Path};
use object::patch::go_print;
use object::quote::quote;
use object::{Map, Value};

/// Validates a new value; errors are named below `path`.
pub fn validate(node: &Node, value: &Value, path: &Path<'_>) -> Errors {
    fault::to_errors(Check { node, path: "", old: None }.run(value).faults, path)
}

/// Validates a changed value; what is wrong already in `old` and has not changed is let through.
pub fn validate_update(node: &Node, value: &Value, old: Option<&Value>, path: &Path<'_>) -> Errors {
    let old = old.map(|old| Pair { node, new: value, old });
    fault::to_errors(Check { node, path: "", old }.run_ratcheting(value).faults, path)
}

/// What came of a check.
#[derive(Default)]
struct Outcome {
    faults: Vec<Fault>,
    /// How many checks were passed.
    passed: usize,
}

impl Outcome {
    fn merge(&mut self, other: Outcome) {
        self.passed += other.passed;
        other.faults.into_iter().for_each(|fault| self.add(fault));
    }

    /// The same words are told once.
    fn add(&mut self, fault: Fault) {
        if !self.faults.iter().any(|known| known.message == fault.message) {
            self.faults.push(fault);
        }
    }

    fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }

    fn failed(fault: Fault) -> Outcome {
        Outcome { faults: vec![fault], passed: 0 }
    }

    fn passed(count: usize) -> Outcome {
        Outcome { faults: Vec::new(), passed: count }
    }
}

/// A schema at a place.
#[derive(Clone, Copy)]
struct Check<'a> {
    node: &'a Node,
    path: &'a str,
    old: Option<Pair<'a>>,
}

impl Check<'_> {
    /// Lets through what has not changed.
    fn run_ratcheting(self, value: &Value) -> Outcome {
        let outcome = self.run(value);
        match self.old {
            Some(old) if !outcome.is_valid() && old.is_same() => Outcome::passed(outcome.passed),
            _ => outcome,
        }
    }

    fn run(self, value: &Value) -> Outcome {
        let mut outcome = Outcome::default();
        if value.is_null() {
            outcome.merge(self.null());
            outcome.merge(self.one_of_values(value));
            return outcome;
        }
        let mut step = |step: Outcome| {
            outcome.merge(step);
            outcome.passed += 1;
        };
        if !self.node.types().is_empty() || !self.node.checks.format.is_empty() {
            step(self.kind(value));
        }
        step(self.alternatives(value));
        match value {
            Value::String(text) => {
                step(self.text(text));
                if formats::is_text(&self.node.checks.format) {
                    step(self.format(text));
                }
            }
            Value::Number(number) => step(numbers::check(self.node, number, self.path)),
            Value::Array(items) => step(self.items(items)),
            _ => {}
        }
        step(self.one_of_values(value));
        if let Value::Object(map) = value {
            step(self.fields(map));
        }
        outcome.passed += 1;
        outcome
    }

    fn null(self) -> Outcome {
        let types = self.node.types();
        if types.is_empty() || self.node.nullable {
            return Outcome::passed(1);
        }
        Outcome::failed(Fault::wrong_type(self.path, &types.join(","), "null"))
    }

    fn kind(self, value: &Value) -> Outcome {
        let (types, format) = (self.node.types(), self.node.checks.format.as_str());
        let (found, found_format) = match value {
            Value::Bool(_) => ("boolean", ""),
            Value::String(_) => ("string", ""),
            Value::Number(number) if numbers::is_whole(number) => ("integer", "int64"),
            Value::Number(_) => ("number", "float64"),
            Value::Array(_) => ("array", ""),
            _ => ("object", ""),
        };
        let is_text_like = matches!(value, Value::String(_) | Value::Array(_));
        let float_as_integer =
            found == "number" && types.contains(&"integer") && value.as_f64().is_some_and(numbers::is_json_integer);
        let integer_as_number = found == "integer" && types.contains(&"number");
        let is_of_type = types.contains(&found) || float_as_integer || integer_as_number;
        if !is_text_like && !format.is_empty() && !is_of_type && found_format != format {
            return Outcome::failed(Fault::wrong_type(self.path, format, found_format));
        }
        let is_numeric = types.contains(&"number") || types.contains(&"integer");
        if !is_numeric && !format.is_empty() && is_text_like {
            return Outcome::passed(1);
        }
        if !is_of_type {
            return Outcome::failed(Fault::wrong_type(self.path, &types.join(","), found));
        }
        Outcome::passed(1)
    }

    fn branch<'n>(self, node: &'n Node, value: &Value) -> Outcome
    where
        Self: 'n,
    {
        Check { node, path: self.path, old: self.old }.run(value)
    }

    fn alternatives(self, value: &Value) -> Outcome {
        let checks = &self.node.checks;
        let mut outcome = Outcome::default();
        self.any_of(&checks.any_of, value, &mut outcome);
        self.one_of(&checks.one_of, value, &mut outcome);
        self.all_of(&checks.all_of, value, &mut outcome);
        if let Some(not) = &checks.not
            && self.branch(not, value).is_valid()
        {
            outcome.add(Fault::plain(format!("{} must not validate the schema (not)", quote(self.path))));
        }
        outcome.passed += 1;
        outcome
    }

    fn any_of(self, branches: &[Node], value: &Value, outcome: &mut Outcome) {
        let mut best: Option<Outcome> = None;
        for branch in branches {
            let result = self.branch(branch, value);
            if result.is_valid() {
                outcome.merge(result);
                return;
            }
            if best.as_ref().is_none_or(|best| result.passed > best.passed) {
                best = Some(result);
            }
        }
        if let Some(best) = best {
            outcome.add(Fault::plain(format!("{} must validate at least one schema (anyOf)", quote(self.path))));
            outcome.merge(best);
        }
    }

    fn one_of(self, branches: &[Node], value: &Value, outcome: &mut Outcome) {
        if branches.is_empty() {
            return;
        }
        let (mut best, mut first, mut valid): (Option<Outcome>, Option<Outcome>, usize) = (None, None, 0);
        for branch in branches {
            let result = self.branch(branch, value);
            if result.is_valid() {
                valid += 1;
                best = None;
                first.get_or_insert(result);
            } else if valid == 0 && best.as_ref().is_none_or(|best| result.passed > best.passed) {
                best = Some(result);
            }
        }
        if valid == 1 {
            outcome.merge(first.unwrap_or_default());
            return;
        }
        let found =
            if valid == 0 { "Found none valid".to_owned() } else { format!("Found {valid} valid alternatives") };
        let what = format!("{} must validate one and only one schema (oneOf). {found}", quote(self.path));
        outcome.add(Fault::plain(what));
        outcome.merge(best.unwrap_or_default());
    }

    fn all_of(self, branches: &[Node], value: &Value, outcome: &mut Outcome) {
        let mut valid = 0;
        for branch in branches {
            let result = self.branch(branch, value);
            valid += usize::from(result.is_valid());
            outcome.merge(result);
        }
        if valid < branches.len() {
            let none = if valid == 0 { ". None validated" } else { "" };
            outcome.add(Fault::plain(format!("{} must validate all the schemas (allOf){none}", quote(self.path))));
        }
    }

    fn text(self, text: &str) -> Outcome {
        let (checks, path) = (&self.node.checks, self.path);
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(max) = checks.max_length.filter(|max| length > *max) {
            let message = format!("{path} in body should be at most {max} chars long");
            return Outcome::failed(Fault { limit: max, ..Fault::new(Code::TooLong, path, text, message) });
        }
        if let Some(min) = checks.min_length.filter(|min| length < *min) {
            let message = format!("{path} in body should be at least {min} chars long");
            return Outcome::failed(Fault::new(Code::Other, path, text, message));
        }
        if let Some(pattern) = &checks.pattern {
            let shown = match pattern.compiled() {
                Ok(regex) if regex.is_match(text) => None,
                Ok(_) => Some(pattern.text.clone()),
                Err(why) => Some(format!("{}, but pattern is invalid: {why}", pattern.text)),
            };
            if let Some(shown) = shown {
                let message = format!("{path} in body should match '{shown}'");
                return Outcome::failed(Fault::new(Code::Other, path, text, message));
            }
        }
        Outcome::default()
    }

    fn format(self, text: &str) -> Outcome {
        let format = &self.node.checks.format;
        if formats::holds(format, text) {
            return Outcome::default();
        }
        Outcome::failed(Fault::wrong_type(self.path, format, text))
    }

    fn items(self, items: &[Value]) -> Outcome {
        let (checks, path) = (&self.node.checks, self.path);
        let mut outcome = Outcome::default();
        if let Some(node) = &self.node.items {
            for (index, item) in items.iter().enumerate() {
                let place = format!("{path}[{index}]");
                let old = self.old.and_then(|old| old.item(index));
                outcome.merge(Check { node, path: &place, old }.run_ratcheting(item));
            }
        }
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if let Some(min) = checks.min_items.filter(|min| count < *min) {
            let message = format!("{path} in body should have at least {min} items");
            outcome.add(Fault::new(Code::Other, path, count, message));
        }
        if let Some(max) = checks.max_items.filter(|max| count > *max) {
            let message = format!("{path} in body should have at most {max} items");
            outcome.add(Fault { limit: max, ..Fault::new(Code::TooMany, path, count, message) });
        }
        if checks.unique_items {
            let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
            texts.sort_unstable();
            if texts.windows(2).any(|pair| pair[0] == pair[1]) {
                let message = format!("{path} in body shouldn't contain duplicates");
                outcome.add(Fault::new(Code::Other, path, Value::Null, message));
            }
        }
        outcome.passed += 1;
        outcome
    }

    fn one_of_values(self, value: &Value) -> Outcome {
        let values = &self.node.checks.one_of_values;
        let equal = |other: &Value| match (value, other) {
            (Value::Null, _) => false,
            (Value::Number(number), Value::Number(other)) => numbers::is_one_of(number, other),
            (Value::Number(number), Value::String(text)) => numbers::is_character(number, text),
            _ => value == other,
        };
        if values.is_empty() || values.iter().any(equal) {
            return Outcome::default();
        }
        let shown: Vec<String> = values.iter().map(go_print).collect();
        let message = format!("{} in body should be one of [{}]", self.path, shown.join(" "));
        let fault = Fault::new(Code::NotSupported, self.path, value.clone(), message);
        Outcome::failed(Fault { supported: values.clone(), ..fault })
    }

    fn fields(self, map: &Map) -> Outcome {
        let (checks, path) = (&self.node.checks, self.path);
        let mut outcome = Outcome::default();
        let count = i64::try_from(map.len()).unwrap_or(i64::MAX);
        if let Some(min) = checks.min_properties.filter(|min| count < *min) {
            let message = format!("{path} in body should have at least {min} properties");
            outcome.add(Fault::new(Code::Other, path, count, message));
        }
        if let Some(max) = checks.max_properties.filter(|max| count > *max) {
            let message = format!("{path} in body should have at most {max} properties");
            outcome.add(Fault { limit: max, ..Fault::new(Code::TooMany, path, count, message) });
        }
        let others = || map.iter().filter(|(name, _)| !self.node.properties.contains_key(name.as_str()));
        match &self.node.additional {
            Additional::Allowed(false) => {
                for (name, _) in others() {
                    let message = format!("{path}.{name} in body is a forbidden property");
                    outcome.add(Fault::new(Code::Other, path, name.as_str(), message));
                }
            }
            Additional::Schema(node) => {
                others()
                    .for_each(|(name, value)| outcome.merge(self.field(node, name, format!("{path}.{name}"), value)));
            }
            Additional::Absent | Additional::Allowed(true) => {}
        }
        for (name, node) in &self.node.properties {
            if let Some(value) = map.get(name) {
                let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                outcome.merge(self.field(node, name, place, value));
            }
        }
        for name in checks.required.iter().filter(|name| !map.contains_key(name)) {
            let place = format!("{path}.{name}");
            let message = format!("{place} in body is required");
            outcome.add(Fault::new(Code::Required, &place, Value::Null, message));
        }
        outcome
    }

    fn field(self, node: &Node, name: &str, place: String, value: &Value) -> Outcome {
        // Both objects were brought into one version, so a change of the type cannot be seen.
        let is_type = self.path.is_empty() && matches!(name, "kind" | "apiVersion");
        let old = self.old.filter(|_| !is_type).and_then(|old| old.field(name));
        Check { node, path: &place, old }.run_ratcheting(value)
    }
}

/// True if values of this kind are numbers.
fn is_numeric(kind: Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Number)
}
