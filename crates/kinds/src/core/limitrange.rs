//! LimitRange. Its effect on pods and claims is admission's.

use super::resource_names::{is_overcommit_allowed, validate_container_resource_name, validate_resource_name};
use crate::change;
use crate::checks::{meta, qualified_name};
use crate::columns::name_and_created;
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::names::name_is_dns_subdomain;
use object::quantity::{Format, Quantity};
use object::{Map, Value, View};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The rules of LimitRanges.
pub(super) struct LimitRange;

const LISTS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
const MAX_MILLI: i64 = i64::MAX / 1000;

impl Strategy for LimitRange {
    fn defaults(&self, object: &mut Value) {
        let limits = object.get_mut("spec").and_then(|spec| spec.get_mut("limits")).and_then(Value::as_array_mut);
        for limit in limits.into_iter().flatten() {
            if View::from(&*limit).str("type") == "Container" {
                fill(limit, "default", "max");
                fill(limit, "defaultRequest", "default");
                fill(limit, "defaultRequest", "min");
            }
            LISTS.iter().for_each(|list| change::round_resources(limit.get_mut(list)));
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        // One without a name gets an id for one.
        let metadata = change::map_at(object, "metadata");
        let id = metadata.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned();
        change::set_default_text(metadata, "name", &id);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, true, name_is_dns_subdomain);
        let spec = Path::new("spec");
        let path = spec.child("limits");
        let mut types = HashSet::new();
        for (index, limit) in object.get("spec").list("limits").enumerate() {
            let path = path.index(index);
            let kind = limit.str("type");
            errors.extend(validate_type(kind, &path.child("type")));
            if !types.insert(kind) {
                errors.push(Error::duplicate(&path.child("type"), kind));
            }
            errors.extend(validate_names(limit, &path));
            errors.extend(validate_amounts(limit, &path));
        }
        errors
    }

    fn validate_update(&self, object: View<'_>, _old: View<'_>) -> Errors {
        self.validate(object)
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn columns(&self) -> &'static [Column] {
        Column::NAME_AND_CREATED
    }

    fn row(&self, object: View<'_>, _now: i64) -> Vec<Value> {
        name_and_created(object)
    }
}

/// Adds what the list `to` lacks from the list `from`.
fn fill(limit: &mut Value, to: &str, from: &str) {
    let missing: Map = View::from(&*limit).get(from).as_map().cloned().unwrap_or_default();
    if missing.is_empty() {
        return;
    }
    let list = change::map_at(limit, to);
    for (name, amount) in missing {
        list.entry(name).or_insert(amount);
    }
}

fn validate_type(kind: &str, path: &Path<'_>) -> Errors {
    let errors = qualified_name(kind, path);
    let standard = matches!(kind, "Pod" | "Container" | "PersistentVolumeClaim");
    if errors.is_empty() && !kind.contains('/') && !standard {
        return vec![Error::invalid(path, kind, "must be a standard limit type or fully qualified")];
    }
    errors
}

fn validate_names(limit: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let kind = limit.str("type");
    let check = |list: &str, errors: &mut Errors| {
        let path = path.child(list);
        for (name, _) in limit.get(list).entries() {
            errors.extend(match kind {
                "Pod" | "Container" => validate_container_resource_name(name, &path.key(name)),
                _ => validate_resource_name(name, &path.key(name)),
            });
        }
    };
    check("max", &mut errors);
    check("min", &mut errors);
    if kind == "Pod" {
        for list in ["default", "defaultRequest"] {
            if !limit.get(list).is_empty() {
                errors.push(Error::forbidden(&path.child(list), "may not be specified when `type` is 'Pod'"));
            }
        }
    } else {
        check("default", &mut errors);
        check("defaultRequest", &mut errors);
    }
    let has_storage = |list: &str| limit.get(list).has("storage");
    if kind == "PersistentVolumeClaim" && !has_storage("min") && !has_storage("max") {
        let why = "either minimum or maximum storage value is required, but neither was provided";
        errors.push(Error::required(&path.child("limits"), why));
    }
    check("maxLimitRequestRatio", &mut errors);
    errors
}

/// The amounts of one resource must not contradict each other.
fn validate_amounts(limit: View<'_>, path: &Path<'_>) -> Errors {
    let of_pod = limit.str("type") == "Pod";
    let mut lists: BTreeMap<&str, BTreeMap<&str, Quantity>> = BTreeMap::new();
    for list in LISTS {
        if !of_pod || !list.starts_with("default") {
            let amounts = limit.get(list).entries().map(|(name, amount)| (name, Quantity::from_view(amount)));
            lists.insert(list, amounts.collect());
        }
    }
    let names: BTreeSet<&str> = lists.values().flat_map(|list| list.keys().copied()).collect();
    let mut errors = Errors::new();
    for name in names {
        let amount = |list: &str| lists.get(list).and_then(|list| list.get(name));
        errors.extend(compare(name, amount, path));
    }
    errors
}

fn compare<'a>(name: &str, amount: impl Fn(&str) -> Option<&'a Quantity>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let (min, max, ratio) = (amount("min"), amount("max"), amount("maxLimitRequestRatio"));
    let (default, request) = (amount("default"), amount("defaultRequest"));
    // One row for each pair: which must not exceed which, what they are called, where that is told, what is shown.
    let pairs = [
        (min, max, "min value", "max value", "min", min),
        (min, request, "min value", "default request value", "defaultRequest", request),
        (request, max, "default request value", "max value", "defaultRequest", request),
        (request, default, "default request value", "default limit value", "defaultRequest", request),
        (min, default, "min value", "default value", "default", min),
        (default, max, "default value", "max value", "default", max),
    ];
    for (low, high, low_name, high_name, place, shown) in pairs {
        if let (Some(low), Some(high), Some(shown)) = (low, high, shown)
            && low > high
        {
            let why = format!("{low_name} {low} is greater than {high_name} {high}");
            errors.push(Error::invalid(&path.child(place).key(name), shown.to_string(), why));
        }
    }
    if let Some(ratio) = ratio {
        errors.extend(check_ratio(ratio, min, max, &path.child("maxLimitRequestRatio").key(name)));
    }
    if let (Some(default), Some(request)) = (default, request)
        && !is_overcommit_allowed(name)
        && default != request
    {
        let why = format!("default value {default} must equal to defaultRequest value {request} in {name}");
        errors.push(Error::invalid(&path.child("defaultRequest").key(name), request.to_string(), why));
    }
    errors
}

fn check_ratio(ratio: &Quantity, min: Option<&Quantity>, max: Option<&Quantity>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    if *ratio < Quantity::new(1, Format::DecimalSi) {
        errors.push(Error::invalid(path, ratio.to_string(), format!("ratio {ratio} is less than 1")));
    }
    let (Some(min), Some(max)) = (min, max) else { return errors };
    let small = [ratio, min, max].iter().all(|amount| amount.value() < MAX_MILLI);
    let (wanted, bound) = if small {
        (ratio.milli_value() as f64 / 1000.0, max.milli_value() as f64 / min.milli_value() as f64)
    } else {
        (ratio.value() as f64, max.value() as f64 / min.value() as f64)
    };
    if wanted > bound {
        let why = format!("ratio {ratio} is greater than max/min = {bound:.6}");
        errors.push(Error::invalid(path, ratio.to_string(), why));
    }
    errors
}
