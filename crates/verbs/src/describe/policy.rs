//! Priority classes, disruption budgets, Endpoints, ingress classes: kinds with a few fields of their own.

use super::page::{Page, count, joined, plain, shown_selector};
use crate::text::{field, name};
use value::Value;

pub(super) fn priority_class(page: &mut Page, object: &Value) {
    page.field(0, "Name", name(object));
    page.field(0, "Value", count(object, "/value"));
    page.field(0, "GlobalDefault", object["globalDefault"] == true);
    page.field(0, "PreemptionPolicy", field(object, "/preemptionPolicy"));
    page.field(0, "Description", field(object, "/description"));
    page.field(0, "Annotations", joined(&object["metadata"]["annotations"]));
}

pub(super) fn disruption_budget(page: &mut Page, object: &Value) {
    let spec = &object["spec"];
    page.head(object);
    if spec["minAvailable"].is_null() {
        page.some(0, "Max unavailable", &spec["maxUnavailable"]);
    } else {
        page.field(0, "Min available", plain(&spec["minAvailable"]));
    }
    let unset = || "<unset>".to_owned();
    page.field(0, "Selector", if spec["selector"].is_object() { shown_selector(&spec["selector"]) } else { unset() });
    page.line(0, "Status:");
    for (title, which) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        page.field(2, title, object["status"][which].as_i64().unwrap_or(0));
    }
}

pub(super) fn endpoints(page: &mut Page, object: &Value) {
    page.head(object);
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.line(0, "Subsets:");
    for subset in object["subsets"].as_array().into_iter().flatten() {
        for (title, which) in [("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")] {
            let list = subset[which].as_array().into_iter().flatten().map(|one| field(one, "/ip"));
            let text = list.collect::<Vec<_>>().join(",");
            page.field(1, title, if text.is_empty() { "<none>" } else { &text });
        }
        let ports = subset["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !ports.is_empty() {
            page.line(1, "Ports:");
            page.line(2, "Name\tPort\tProtocol");
            page.line(2, "----\t----\t--------");
        }
        for port in ports {
            let name = field(port, "/name");
            let shown = if name.is_empty() { "<unset>" } else { name };
            page.line(2, format!("{shown}\t{}\t{}", count(port, "/port"), field(port, "/protocol")));
        }
        page.line(0, "");
    }
}

pub(super) fn ingress_class(page: &mut Page, object: &Value) {
    page.field(0, "Name", name(object));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.field(0, "Controller", field(object, "/spec/controller"));
    let parameters = &object["spec"]["parameters"];
    if parameters.is_object() {
        page.line(0, "Parameters:");
        page.some(1, "APIGroup", &parameters["apiGroup"]);
        page.field(1, "Kind", field(parameters, "/kind"));
        page.field(1, "Name", field(parameters, "/name"));
    }
}
