//! What a token is to allow.

use std::collections::{BTreeMap, BTreeSet};

/// To read a repository.
pub(crate) fn pull(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

/// To write to a repository, which takes reading, too.
pub(crate) fn push(repository: &str) -> String {
    format!("repository:{repository}:pull,push")
}

/// Each resource once, with all that is wanted of it, in order.
pub(crate) fn merged<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut others = Vec::new();
    for scope in scopes {
        match scope.rsplit_once(':') {
            Some((resource, actions)) if resource.contains(':') => {
                let actions = actions.split(',').filter(|action| !action.is_empty());
                known.entry(resource).or_default().extend(actions);
            }
            _ => others.push(scope.to_owned()),
        }
    }
    let named = known.into_iter().filter(|(_, actions)| !actions.is_empty()).map(|(resource, actions)| {
        let actions: Vec<&str> = if actions.contains("*") { vec!["*"] } else { actions.into_iter().collect() };
        format!("{resource}:{}", actions.join(","))
    });
    others.extend(named);
    others.sort();
    others
}

#[cfg(test)]
mod tests {
    use super::merged;

    #[test]
    fn what_is_wanted_of_one_resource_is_put_together() {
        let check = |scopes: &[&str], want: &[&str]| assert_eq!(merged(scopes.iter().copied()), want);
        check(&["repository:a:push", "repository:a:pull"], &["repository:a:pull,push"]);
        check(&["repository:h:1/a:pull", "x"], &["repository:h:1/a:pull", "x"]);
        check(&["registry:catalog:*", "registry:catalog:a", "repository:a:"], &["registry:catalog:*"]);
    }
}
