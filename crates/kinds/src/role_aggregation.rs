//! Cluster roles that collect the rules of others by label.

use object::selector::labels;
use object::{Value, View};

/// The rules that a cluster role with an aggregation rule should have, or `None` if it has them, or collects nothing.
///
/// `all` are all cluster roles. Rules come in the order of the selectors, then of the roles' names, each once. A
/// selector that makes no sense is an error.
pub fn rules(role: View<'_>, all: &[Value]) -> Result<Option<Vec<Value>>, String> {
    if !role.has("aggregationRule") {
        return Ok(None);
    }
    let name = role.get("metadata").str("name");
    let mut others: Vec<View<'_>> = all.iter().map(View::from).collect();
    others.retain(|other| other.get("metadata").str("name") != name);
    others.sort_by_key(|other| other.get("metadata").str("name"));
    let mut rules: Vec<Value> = Vec::new();
    for selector in role.at(&["aggregationRule", "clusterRoleSelectors"]).items() {
        let selector = labels::Selector::from_object(selector).map_err(|error| error.to_string())?;
        for other in others.iter().filter(|other| selector.matches(&other.at(&["metadata", "labels"]))) {
            for rule in other.list("rules").map(View::to_value) {
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
    }
    Ok((rules != role.get("rules").as_slice()).then_some(rules))
}
