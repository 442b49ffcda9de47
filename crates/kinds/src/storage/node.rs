//! CSINode: which drivers a node has.

use crate::checks::{meta, qualified_name};
use crate::columns::{name, object_age};
use crate::core::pod::volumes::network::csi_driver_name;
use crate::strategy::{Column, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{FIELD_IMMUTABLE, validate_nonnegative};
use object::names::name_is_dns_subdomain;
use object::{Value, View};
use std::collections::HashSet;

const NODE_ID_MAX: usize = 256;

/// The rules of CSI nodes.
pub(super) struct CsiNode;

impl Strategy for CsiNode {
    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, false, name_is_dns_subdomain);
        let spec = Path::new("spec");
        let path = spec.child("drivers");
        let mut seen = HashSet::new();
        for (index, driver) in object.get("spec").list("drivers").enumerate() {
            let path = path.index(index);
            validate_driver(driver, &path, &mut errors);
            if !seen.insert(driver.str("name")) {
                errors.push(Error::duplicate(&path.child("name"), driver.str("name")));
            }
            errors.extend(validate_topology_keys(driver, &path));
        }
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = self.validate(object);
        let spec = Path::new("spec");
        for before in old.get("spec").list("drivers") {
            let drivers = object.get("spec").list("drivers");
            for driver in drivers.filter(|driver| driver.str("name") == before.str("name")) {
                let fields = ["nodeID", "topologyKeys"];
                if fields.iter().any(|field| !driver.get(field).same(before.get(field))) {
                    errors.push(Error::invalid_shown(&spec.child("drivers"), show(driver), FIELD_IMMUTABLE));
                }
            }
        }
        errors
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> &'static [Column] {
        const DRIVERS: &str = "Drivers indicates the number of CSI drivers registered on the node";
        const { &[Column::NAME, Column::typed("Drivers", "integer", DRIVERS), Column::AGE] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        vec![name(object), object.at(&["spec", "drivers"]).len().into(), object_age(object, now)]
    }
}

fn validate_driver(driver: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    csi_driver_name(driver.str("name"), &path.child("name"), errors);
    let (id, place) = (driver.str("nodeID"), path.child("nodeID"));
    if id.is_empty() {
        errors.push(Error::required(&place, ""));
    }
    if id.len() > NODE_ID_MAX {
        errors.push(Error::invalid(&place, id, format!("must be {NODE_ID_MAX} characters or less")));
    }
    if let Some(count) = driver.get("allocatable").opt_int("count") {
        errors.extend(validate_nonnegative(count, &path.child("allocatable").child("count")));
    }
}

fn validate_topology_keys(driver: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let mut seen = HashSet::new();
    for key in driver.strings("topologyKeys") {
        if key.is_empty() {
            errors.push(Error::required(path, ""));
        }
        if !seen.insert(key) {
            errors.push(Error::duplicate(path, key));
        }
        errors.extend(qualified_name(key, path));
    }
    errors
}

/// A driver as upstream shows it, without what may change.
fn show(driver: View<'_>) -> String {
    let keys = driver.get("topologyKeys").to_value();
    let text = |field: &str| Value::from(driver.str(field));
    format!("{{\"Name\":{},\"NodeID\":{},\"TopologyKeys\":{keys},\"Allocatable\":null}}", text("name"), text("nodeID"))
}
