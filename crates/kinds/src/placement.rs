//! Which nodes pods may go to: labels, the terms that select by them, taints and tolerations.
//!
//! What more there is to placing a pod (room, other pods) is the scheduler's.

mod taints;

pub use taints::{Taint, Toleration, untolerated};

use object::View;
use object::selector::labels::Labels as Lookup;

/// Labels in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Vec<(Box<str>, Box<str>)>);

impl Labels {
    /// Reads a map of labels.
    pub fn read(labels: View<'_>) -> Labels {
        // The entries of a map come in the order of their keys.
        Labels(labels.entries().map(|(key, value)| (key.into(), value.as_str().into())).collect())
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
        Some(&self.0[at].1)
    }
}

impl Lookup for Labels {
    fn lookup(&self, key: &str) -> Option<&str> {
        self.get(key)
    }
}

/// A term of a node selector.
#[derive(Clone, Debug)]
pub struct NodeTerm {
    labels: Vec<Requirement>,
    fields: Vec<Requirement>,
}

#[derive(Clone, Debug)]
struct Requirement {
    key: Box<str>,
    operator: Box<str>,
    values: Vec<Box<str>>,
}

impl NodeTerm {
    /// Reads a term.
    pub fn read(term: View<'_>) -> NodeTerm {
        let all = |name: &str| term.list(name).map(Requirement::read).collect();
        NodeTerm { labels: all("matchExpressions"), fields: all("matchFields") }
    }

    /// Terms of a node selector, of which one has to match.
    pub fn read_all(selector: View<'_>) -> Vec<NodeTerm> {
        selector.list("nodeSelectorTerms").map(NodeTerm::read).collect()
    }

    /// Whether a node matches. A term without requirements matches none.
    pub fn matches(&self, name: &str, labels: &Labels) -> bool {
        !(self.labels.is_empty() && self.fields.is_empty())
            && self.labels.iter().all(|requirement| requirement.matches(labels.get(&requirement.key)))
            && self
                .fields
                .iter()
                .all(|requirement| &*requirement.key == "metadata.name" && requirement.matches(Some(name)))
    }
}

impl Requirement {
    fn read(requirement: View<'_>) -> Requirement {
        Requirement {
            key: requirement.str("key").into(),
            operator: requirement.str("operator").into(),
            values: requirement.strings("values").map(Into::into).collect(),
        }
    }

    fn matches(&self, value: Option<&str>) -> bool {
        let is_listed = || value.is_some_and(|value| self.values.iter().any(|known| **known == *value));
        let compare = |fits: fn(i64, i64) -> bool| {
            let (value, bound) = (value.and_then(|value| value.parse().ok()), self.values.first());
            match (value, bound.and_then(|bound| bound.parse().ok())) {
                (Some(value), Some(bound)) => fits(value, bound),
                _ => false,
            }
        };
        match &*self.operator {
            "In" => is_listed(),
            "NotIn" => !is_listed(),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            "Gt" => compare(|value, bound| value > bound),
            "Lt" => compare(|value, bound| value < bound),
            _ => false,
        }
    }
}

/// Whether a list of terms matches a node: one has to.
pub fn any_matches(terms: &[NodeTerm], name: &str, labels: &Labels) -> bool {
    terms.iter().any(|term| term.matches(name, labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn operators_compare_as_they_say() {
        let labels = Labels::read(View::from(&json!({"zone": "a", "cores": "8"})));
        for (operator, key, values, want) in [
            ("In", "zone", json!(["a", "b"]), true),
            ("In", "zone", json!(["b"]), false),
            ("In", "absent", json!(["b"]), false),
            ("NotIn", "absent", json!(["b"]), true),
            ("NotIn", "zone", json!(["a"]), false),
            ("Exists", "zone", json!([]), true),
            ("DoesNotExist", "zone", json!([]), false),
            ("Gt", "cores", json!(["7"]), true),
            ("Lt", "cores", json!(["8"]), false),
            ("Gt", "zone", json!(["1"]), false),
        ] {
            let term = json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
            assert_eq!(NodeTerm::read(View::from(&term)).matches("n", &labels), want, "{key} {operator} {values}");
        }
        let by_name = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]});
        assert!(NodeTerm::read(View::from(&by_name)).matches("n", &labels));
        assert!(!NodeTerm::read(View::from(&json!({}))).matches("n", &labels), "an empty term matches nothing");
    }
}
