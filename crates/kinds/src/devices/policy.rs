//! What may be asked of a capacity that several requests share: one of a few values, or a range in steps.

use super::common::fits;
use object::View;
use object::field::{Error, Errors, Path};
use object::quantity::Quantity;
use std::collections::HashSet;

/// Most values that a policy names.
const MOST_VALUES: i64 = 10;

/// Validates the policy of a capacity, if it has one. Only what may be allocated several times can have one.
pub(super) fn validate(capacity: View<'_>, is_shared: bool, path: &Path<'_>, errors: &mut Errors) {
    let (policy, path) = (capacity.get("requestPolicy"), path.child("requestPolicy"));
    if !policy.exists() {
        return;
    }
    if !is_shared {
        return errors.push(Error::forbidden(&path, "allowMultipleAllocations must be true"));
    }
    let (values, range) = (policy.get("validValues"), policy.get("validRange"));
    let named = match (values.is_empty(), range.exists()) {
        (false, true) => {
            let detail = "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the same time";
            return errors.push(Error::forbidden(&path, detail));
        }
        (false, false) => "validValues",
        (true, true) => "validRange",
        (true, false) => return,
    };
    if !policy.has("default") {
        let detail = format!("required when {named} is defined");
        return errors.push(Error::required(&path.child("default"), detail));
    }
    let default = Quantity::from_view(policy.get("default"));
    let most = Quantity::from_view(capacity.get("value"));
    let place = path.child(named);
    match range.exists() {
        true => validate_range(&default, &most, range, &place, errors),
        false => validate_values(&default, &most, values, &place, errors),
    }
}

fn validate_values(default: &Quantity, most: &Quantity, values: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let options: Vec<Quantity> = values.items().map(Quantity::from_view).collect();
    for (index, pair) in options.windows(2).enumerate() {
        if pair[0] > pair[1] {
            let detail = "values must be sorted in ascending order";
            errors.push(Error::invalid(&path.index(index + 1), pair[1].to_string(), detail));
        }
    }
    let few_enough = fits(values, MOST_VALUES, path, errors);
    if few_enough {
        for (index, option) in options.iter().enumerate().filter(|(_, option)| *option > most) {
            let detail = format!("option is larger than capacity value: {most}");
            errors.push(Error::invalid(&path.index(index), option.to_string(), detail));
        }
        let mut seen = HashSet::new();
        for (index, option) in options.iter().enumerate() {
            if !seen.insert(option.value()) {
                errors.push(Error::duplicate(&path.index(index), option.value().to_string()));
            }
        }
    }
    if !few_enough || !options.contains(default) {
        let detail = "default value is not valid according to the requestPolicy";
        errors.push(Error::invalid(path, default.to_string(), detail));
    }
}

fn validate_range(default: &Quantity, most: &Quantity, range: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let bound = |name: &str| range.has(name).then(|| Quantity::from_view(range.get(name)));
    let Some(min) = bound("min") else {
        return errors.push(Error::required(&path.child("min"), "required when validRange is defined"));
    };
    let (max, step) = (bound("max"), bound("step"));
    let mut refuse = |field: &'static str, value: &Quantity, detail: String| {
        errors.push(Error::invalid(&path.child(field), value.to_string(), detail));
    };
    if min > *most {
        refuse("min", &min, format!("min is larger than capacity value: {most}"));
    }
    if *default < min {
        refuse("min", default, format!("default is less than min: {min}"));
    }
    if let Some(max) = &max {
        if min > *max {
            refuse("max", &min, format!("min is larger than max: {max}"));
        }
        if max > most {
            refuse("max", max, format!("max is larger than capacity value: {most}"));
        }
        if default > max {
            refuse("max", default, format!("default is more than max: {max}"));
        }
    }
    if let Some(step) = &step {
        let mut added = min.clone();
        added.add(step);
        if added > *most {
            refuse("step", step, format!("one step {added} is larger than capacity value: {most}"));
        }
        for value in [Some(default), max.as_ref()].into_iter().flatten().filter(|value| !is_step(value, &min, step)) {
            refuse("step", value, format!("value is not a multiple of a given step ({step}) from ({min})"));
        }
    }
}

/// Whether whole steps lead from the least value to this one. Of no width, a step leads nowhere; upstream does not
/// survive such a division.
fn is_step(value: &Quantity, min: &Quantity, step: &Quantity) -> bool {
    let way = value.value().wrapping_sub(min.value());
    way.checked_rem(step.value()).map_or(way == 0, |rest| rest == 0)
}
