//! Conditions in CEL under which something is asked at all.

use super::expressions::check;
use crate::checks::qualified_name;
use crate::expressions::{Compiler, Surroundings};
use cel::Type;
use object::View;
use object::field::{Error, Errors, Path};
use std::collections::BTreeSet;

const MAX: usize = 64;

/// Validates `matchConditions`; `params` tells whether they may name parameters.
pub(super) fn validate(conditions: View<'_>, params: bool, list: &Path<'_>, errors: &mut Errors) {
    let surroundings = Surroundings { params, authorizer: true, mutations: false };
    if conditions.len() > MAX {
        errors.push(Error::too_many(list, conditions.len() as i64, MAX as i64));
    }
    let mut seen = BTreeSet::new();
    for (index, condition) in conditions.items().enumerate() {
        let path = list.index(index);
        let (expression, place) = (condition.str("expression"), path.child("expression"));
        if expression.trim().is_empty() {
            errors.push(Error::required(&place, ""));
        } else {
            check(
                Compiler::default().compile(expression.trim(), surroundings, &[Type::Bool]),
                expression,
                &place,
                errors,
            );
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
