//! Amounts of resources by name: what pods ask for in all, and what objects count towards quotas.
//!
//! Deliberately absent: where quotas are enforced (admission) and where their status is kept up to date (a
//! controller); both count with [`quota`].

mod pod;
pub mod quota;

pub use pod::{Totals, is_best_effort, limits, requests};

use object::quantity::Quantity;
use object::{Map, Value, View};
use std::collections::BTreeMap;

/// Amounts by resource name (`cpu`, `requests.memory`, `count/jobs.batch`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amounts(pub BTreeMap<String, Quantity>);

impl Amounts {
    /// Reads a `ResourceList`.
    pub fn read(list: View<'_>) -> Amounts {
        Amounts(list.entries().map(|(name, amount)| (name.to_owned(), Quantity::from_view(amount))).collect())
    }

    /// The `ResourceList`.
    pub fn to_value(&self) -> Value {
        let entries = self.0.iter().map(|(name, amount)| (name.clone(), Value::from(amount.to_string())));
        Value::Object(entries.collect::<Map>())
    }

    /// The amount of a resource, if it is told.
    pub fn get(&self, name: &str) -> Option<&Quantity> {
        self.0.get(name)
    }

    /// Sets the amount of a resource.
    pub fn set(&mut self, name: impl Into<String>, amount: Quantity) {
        self.0.insert(name.into(), amount);
    }

    /// Adds other amounts.
    pub fn add(&mut self, other: &Amounts) {
        for (name, amount) in &other.0 {
            match self.0.get_mut(name) {
                Some(sum) => sum.add(amount),
                None => self.set(name, amount.clone()),
            }
        }
    }

    /// Raises each amount to the other one's.
    pub fn raise(&mut self, other: &Amounts) {
        for (name, amount) in &other.0 {
            if self.0.get(name).is_none_or(|known| known < amount) {
                self.set(name, amount.clone());
            }
        }
    }

    /// What is more here than there, nothing where it is less; a name stands in the result if it stands in either.
    pub fn beyond(&self, other: &Amounts) -> Amounts {
        let mut beyond = Amounts::default();
        for (name, amount) in &self.0 {
            let mut rest = amount.clone();
            if let Some(known) = other.get(name) {
                rest.sub(known);
            }
            beyond.set(name, if rest.sign() > 0 { rest } else { Quantity::ZERO });
        }
        for name in other.0.keys() {
            beyond.0.entry(name.clone()).or_insert(Quantity::ZERO);
        }
        beyond
    }

    /// Those whose names pass.
    pub fn only(&self, passes: impl Fn(&str) -> bool) -> Amounts {
        Amounts(
            self.0
                .iter()
                .filter(|(name, _)| passes(name))
                .map(|(name, amount)| (name.clone(), amount.clone()))
                .collect(),
        )
    }

    /// Those that are not zero.
    pub fn without_zeros(&self) -> Amounts {
        Amounts(self.0.iter().filter(|(_, amount)| !amount.is_zero()).map(|(n, a)| (n.clone(), a.clone())).collect())
    }

    /// `cpu=1,memory=2Gi`, by name.
    pub fn shown(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(|(name, amount)| format!("{name}={amount}")).collect();
        parts.join(",")
    }
}

#[cfg(test)]
mod tests;
