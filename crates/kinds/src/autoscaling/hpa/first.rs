//! Rules of `v1`: those of `v2`, between a conversion there and one back.

use super::{FirstVersion, Status, V2, annotations, table};
use crate::change::{map_at, set_default};
use crate::resource::Conversion;
use crate::strategy::{Column, Request, Strategy};
use object::field::Errors;
use object::{Value, View};

/// Rules of `v1`.
pub(in crate::autoscaling) struct V1;

/// Rules of `v1` status.
struct FirstStatus;

impl Strategy for V1 {
    fn defaults(&self, object: &mut Value) {
        let spec = map_at(object, "spec");
        set_default(spec, "minReplicas", 1);
        // What the conversion would make of it, so that whoever leaves it out owns it.
        if !View::from(&*object).at(&["metadata", "annotations"]).has(annotations::METRICS) {
            set_default(map_at(object, "spec"), "targetCPUUtilizationPercentage", 80);
        }
    }

    fn prepare_for_create(&self, object: &mut Value, request: &Request<'_>) {
        as_second(object, |object| V2.prepare_for_create(object, request));
    }

    fn validate(&self, object: View<'_>) -> Errors {
        V2.validate(View::from(&second(object)))
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, request: &Request<'_>) {
        let old = second(old);
        as_second(object, |object| V2.prepare_for_update(object, View::from(&old), request));
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        V2.validate_update(View::from(&second(object)), View::from(&second(old)))
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&FirstStatus)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        table::COLUMNS
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        table::row(View::from(&second(object)), now)
    }
}

impl Strategy for FirstStatus {
    fn defaults(&self, object: &mut Value) {
        V1.defaults(object);
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, request: &Request<'_>) {
        let old = second(old);
        as_second(object, |object| Status.prepare_for_update(object, View::from(&old), request));
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        Status.validate_update(View::from(&second(object)), View::from(&second(old)))
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

fn second(object: View<'_>) -> Value {
    FirstVersion.to_stored(object.to_value())
}

fn as_second(object: &mut Value, change: impl FnOnce(&mut Value)) {
    let mut second = FirstVersion.to_stored(object.take());
    change(&mut second);
    *object = FirstVersion.from_stored(second);
}
