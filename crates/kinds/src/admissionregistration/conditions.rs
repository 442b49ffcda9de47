//! Conditions in CEL under which something is asked at all.

use crate::checks::qualified_name;
use object::View;
use object::field::{Error, Errors, Path};
use std::collections::BTreeSet;

const MAX: usize = 64;

/// Validates `matchConditions`.
pub(super) fn validate(conditions: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    if conditions.len() > MAX {
        errors.push(Error::too_many(list, conditions.len() as i64, MAX as i64));
    }
    let mut seen = BTreeSet::new();
    for (index, condition) in conditions.items().enumerate() {
        let path = list.index(index);
        if condition.str("expression").trim().is_empty() {
            errors.push(Error::required(&path.child("expression"), ""));
        }
        let (name, place) = (condition.str("name"), path.child("name"));
        if name.is_empty() {
            errors.push(Error::required(&place, ""));
            continue;
        }
        errors.extend(qualified_name(name, &place));
        if !seen.insert(name) {
            errors.push(Error::duplicate(&place, name));
        }
    }
}
