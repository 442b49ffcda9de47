//! Node.

use super::pod::dump;
use super::resource_names::validate_resource_amount;
use crate::change;
use crate::checks::{NOT_POSITIVE, meta, meta_update};
use crate::columns::{name, object_age, or};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::validate_label_name;
use object::names::{
    get_warnings_for_cidr, is_valid_cidr_for_legacy_field, is_valid_label_value, name_is_dns_subdomain,
    parse_cidr_sloppy,
};
use object::quantity::Quantity;
use object::quote::quote;
use object::{Value, View, json};
use std::collections::{BTreeSet, HashSet};

/// The rules of nodes.
pub(super) struct Node;
/// The rules of `nodes/status`.
struct Status;

impl Strategy for Node {
    fn defaults(&self, object: &mut Value) {
        align_pod_cidrs(object);
        let Some(status) = object.get_mut("status") else { return };
        if let Some(capacity) = status.get("capacity").filter(|_| !View::from(&*status).has("allocatable")).cloned() {
            status["allocatable"] = capacity;
        }
        change::round_resources(status.get_mut("capacity"));
        change::round_resources(status.get_mut("allocatable"));
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        drop_field(object, "spec", "configSource");
        drop_field(object, "status", "config");
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, false, name_is_dns_subdomain);
        let (spec, status) = (object.get("spec"), object.get("status"));
        let path = Path::new("metadata");
        errors.extend(validate_taints(spec.get("taints"), &path.child("taints")));
        errors.extend(validate_amounts(status));
        if let Some(capacity) = status.at(&["nodeInfo", "swap"]).opt_int("capacity").filter(|capacity| *capacity <= 0) {
            errors.push(Error::invalid(&path.child("nodeSwapStatus").child("capacity"), capacity, NOT_POSITIVE));
        }
        errors.extend(validate_features(status));
        errors.extend(validate_pod_cidrs(spec));
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warnings(object.get("spec"))
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "status");
        if !old.get("spec").has("configSource") {
            drop_field(object, "spec", "configSource");
        }
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = self.validate(object);
        errors.extend(validate_change(object, old));
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        warnings(object.get("spec"))
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["spec.unschedulable"]
    }

    fn selectable_field(&self, object: View<'_>, _name: &str) -> String {
        object.get("spec").bool("unschedulable").to_string()
    }

    fn selects_by_namespace(&self) -> bool {
        false
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label not supported: {name}")
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::text("Status", "The status of the node"),
                Column::text("Roles", "The roles of the node"),
                Column::AGE,
                Column::text("Version", "@status.nodeInfo.kubeletVersion"),
                Column::text("Internal-IP", "@status.addresses").wide(),
                Column::text("External-IP", "@status.addresses").wide(),
                Column::text("OS-Image", "@status.nodeInfo.osImage").wide(),
                Column::text("Kernel-Version", "@status.nodeInfo.kernelVersion").wide(),
                Column::text("Container-Runtime", "@status.nodeInfo.containerRuntimeVersion").wide(),
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let status = object.get("status");
        let info = status.get("nodeInfo");
        let known = |field: &str| or(info.str(field), "<unknown>").to_owned();
        let mut kernel = known("kernelVersion");
        if !info.str("architecture").is_empty() {
            kernel = format!("{kernel} ({})", info.str("architecture"));
        }
        let address = |kind: &str| {
            let found = status.list("addresses").find(|address| address.str("type") == kind);
            found.map_or("<none>", |address| address.str("address"))
        };
        vec![
            name(object),
            show_status(object).into(),
            or(&show_roles(object), "<none>").into(),
            object_age(object, now),
            info.str("kubeletVersion").into(),
            address("InternalIP").into(),
            address("ExternalIP").into(),
            known("osImage").into(),
            kernel.into(),
            known("containerRuntimeVersion").into(),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "spec");
        if !old.get("status").has("config") {
            drop_field(object, "status", "config");
        }
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        validate_change(object, old)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

/// `podCIDR` is the first of `podCIDRs`, and decides where they differ.
fn align_pod_cidrs(object: &mut Value) {
    let view = View::from(&*object);
    let spec = view.get("spec");
    let single = spec.str("podCIDR").to_owned();
    let first = spec.strings("podCIDRs").next().unwrap_or_default().to_owned();
    if single == first {
        return;
    }
    let spec = change::map_at(object, "spec");
    if single.is_empty() {
        spec.insert("podCIDR".to_owned(), first.into());
    } else {
        spec.insert("podCIDRs".to_owned(), json!([single]));
    }
}

fn drop_field(object: &mut Value, part: &str, field: &str) {
    if let Some(part) = object.get_mut(part).and_then(Value::as_object_mut) {
        part.remove(field);
    }
}

fn validate_taints(taints: View<'_>, path: &Path<'_>) -> Errors {
    const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    let mut errors = Errors::new();
    let mut seen = HashSet::new();
    for (index, taint) in taints.items().enumerate() {
        let path = path.index(index);
        errors.extend(validate_label_name(taint.str("key"), &path.child("key")));
        let messages = is_valid_label_value(taint.str("value"));
        if !messages.is_empty() {
            errors.push(Error::invalid(&path.child("value"), taint.str("value"), messages.join(";")));
        }
        match taint.str("effect") {
            "" => errors.push(Error::required(&path.child("effect"), "")),
            effect if EFFECTS.contains(&effect) => {}
            effect => errors.push(Error::not_supported(&path.child("effect"), effect, &EFFECTS)),
        }
        if !seen.insert((taint.str("effect"), taint.str("key"))) {
            let mut error = Error::duplicate_shown(&path, dump::compact("Taint", taint));
            error.detail = "taints must be unique by key and effect pair".to_owned();
            errors.push(error);
        }
    }
    errors
}

fn validate_amounts(status: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let root = Path::new("status");
    for list in ["capacity", "allocatable"] {
        let path = root.child(list);
        for (name, amount) in status.get(list).entries() {
            errors.extend(validate_resource_amount(name, &Quantity::from_view(amount), &path.child(name)));
        }
    }
    errors
}

fn validate_features(status: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let root = Path::new("status");
    let path = root.child("declaredFeatures");
    let mut before: Option<&str> = None;
    for (index, feature) in status.strings("declaredFeatures").enumerate() {
        match before.map(|before| before.cmp(feature)) {
            Some(std::cmp::Ordering::Equal) => errors.push(Error::duplicate(&path.index(index), feature)),
            Some(std::cmp::Ordering::Greater) => {
                errors.push(Error::invalid(&path.index(index), feature, "list must be sorted alphabetically"));
            }
            _ => {}
        }
        before = Some(feature);
        let shown = quote(feature);
        let why = match () {
            () if feature.len() > 253 => {
                format!("invalid feature name {shown}: must be no more than 253 characters")
            }
            () if !is_feature_name(feature) => format!(
                "invalid feature name {shown}: must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
            ),
            () => continue,
        };
        errors.push(Error::invalid(&path.index(index), feature, why));
    }
    errors
}

fn is_feature_name(name: &str) -> bool {
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.chars().all(|c| c.is_ascii_alphanumeric())
    };
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.split('/').all(word)
}

fn validate_pod_cidrs(spec: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let root = Path::new("spec");
    let path = root.child("podCIDRs");
    let cidrs: Vec<&str> = spec.strings("podCIDRs").collect();
    for (index, cidr) in cidrs.iter().enumerate() {
        errors.extend(is_valid_cidr_for_legacy_field(&path.index(index), cidr, &[]));
    }
    let v6: Option<Vec<bool>> = cidrs.iter().map(|cidr| Some(parse_cidr_sloppy(cidr)?.ip.is_ipv6())).collect();
    if cidrs.len() > 1 {
        if v6.is_none() {
            let bad = cidrs.iter().find(|cidr| parse_cidr_sloppy(cidr).is_none()).unwrap_or(&"");
            let why = format!(
                "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[0]: <nil> (invalid CIDR address: {bad})"
            );
            errors.push(Error::internal(&path, why));
        }
        let dual = v6.is_some_and(|v6| v6.contains(&true) && v6.contains(&false));
        if !dual || cidrs.len() > 2 {
            let why = "may specify no more than one CIDR for each IP family";
            errors.push(Error::invalid(&path, spec.get("podCIDRs").to_value(), why));
        }
    }
    errors
}

/// What holds for changes of a node, be they of its spec or of its status.
fn validate_change(object: View<'_>, old: View<'_>) -> Errors {
    let mut errors = meta_update(object, old);
    let (spec, status, old) = (object.get("spec"), object.get("status"), old.get("spec"));
    let (at_spec, at_status) = (Path::new("spec"), Path::new("status"));
    errors.extend(validate_amounts(status));
    errors.extend(validate_features(status));
    let mut seen = HashSet::new();
    let path = at_status.child("addresses");
    for (index, address) in status.list("addresses").enumerate() {
        if !seen.insert((address.str("type"), address.str("address"))) {
            errors.push(Error::duplicate_shown(&path.index(index), dump::compact("NodeAddress", address)));
        }
    }
    errors.extend(validate_given(spec, old, &at_spec));
    let metadata = Path::new("metadata");
    errors.extend(validate_taints(spec.get("taints"), &metadata.child("taints")));
    if spec.str("externalID") != old.str("externalID") {
        errors.push(Error::forbidden(&at_spec.child("externalID"), "may not be updated"));
    }
    errors
}

/// What is set once and for all: pod networks and the provider's id.
fn validate_given(spec: View<'_>, old: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let (now, before): (Vec<&str>, Vec<&str>) = (spec.strings("podCIDRs").collect(), old.strings("podCIDRs").collect());
    let changed = if now.len() == before.len() {
        now.iter().zip(&before).filter(|(now, before)| now != before).count()
    } else {
        usize::from(!before.is_empty())
    };
    let why = "node updates may not change podCIDR except from \"\" to valid";
    errors.extend((0..changed).map(|_| Error::forbidden(&path.child("podCIDRs"), why)));
    let provider = old.str("providerID");
    if !provider.is_empty() && spec.str("providerID") != provider {
        let why = "node updates may not change providerID except from \"\" to valid";
        errors.push(Error::forbidden(&path.child("providerID"), why));
    }
    errors
}

fn warnings(spec: View<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    if spec.has("configSource") {
        warnings.push("spec.configSource: the feature is removed".to_owned());
    }
    if !spec.str("externalID").is_empty() {
        warnings.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".to_owned());
    }
    let root = Path::new("spec");
    let path = root.child("podCIDRs");
    for (index, cidr) in spec.strings("podCIDRs").enumerate() {
        warnings.extend(get_warnings_for_cidr(&path.index(index), cidr));
    }
    warnings
}

fn show_status(object: View<'_>) -> String {
    let ready = object.get("status").list("conditions").rfind(|condition| condition.str("type") == "Ready");
    let status = match ready.map(|condition| condition.str("status")) {
        None => "Unknown",
        Some("True") => "Ready",
        Some(_) => "NotReady",
    };
    let closed = if object.get("spec").bool("unschedulable") { ",SchedulingDisabled" } else { "" };
    format!("{status}{closed}")
}

fn show_roles(object: View<'_>) -> String {
    let labels = object.at(&["metadata", "labels"]);
    let role = |(key, value): (&str, View<'_>)| match key.strip_prefix("node-role.kubernetes.io/") {
        Some(role) => role.to_owned(),
        None if key == "kubernetes.io/role" => value.as_str().to_owned(),
        None => String::new(),
    };
    let roles: BTreeSet<String> = labels.entries().map(role).filter(|role| !role.is_empty()).collect();
    roles.into_iter().collect::<Vec<_>>().join(",")
}
