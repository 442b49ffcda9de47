//! Flow schemas: which priority level a request is of.

use super::{Status, rules, validate_status};
use crate::change::{clear_status, count_generation, keep, map_at, set_generation};
use crate::checks;
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::names::name_is_dns_subdomain;
use object::{Value, View, json};

const DISTINGUISHERS: [&str; 2] = ["ByNamespace", "ByUser"];
const HIGHEST_PRECEDENCE: i64 = 10_000;

/// Rules of flow schemas.
pub(super) struct FlowSchema;

impl Strategy for FlowSchema {
    fn defaults(&self, object: &mut Value) {
        let spec = map_at(object, "spec");
        if spec.get("matchingPrecedence").and_then(Value::as_i64).unwrap_or_default() == 0 {
            spec.insert("matchingPrecedence".to_owned(), 1000.into());
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.flowcontrol.v1.FlowSchemaStatus");
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, false, name_is_dns_subdomain);
        let (name, spec, path) = (object.get("metadata").str("name"), object.get("spec"), Path::new("spec"));
        validate_spec(name, spec, &path, &mut errors);
        if fixed_spec(name).is_some_and(|fixed| !spec.same(View::from(&fixed))) {
            let detail = format!("spec of '{name}' must equal the fixed value");
            errors.push(Error::invalid_shown(&path, show(spec), detail));
        }
        errors.extend(validate_status(object));
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        count_generation(object, old, &[&["spec"]]);
        keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, _old: View<'_>) -> Errors {
        self.validate(object)
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const MISSING: &str = "references a broken or non-existent PriorityLevelConfiguration";
        const COLUMNS: &[Column] = &[
            Column::NAME,
            Column::text("PriorityLevel", "@spec.priorityLevelConfiguration.name"),
            Column::text("MatchingPrecedence", "@spec.matchingPrecedence"),
            Column::text("DistinguisherMethod", "@spec.distinguisherMethod"),
            Column::AGE,
            Column::text("MissingPL", MISSING),
        ];
        COLUMNS
    }

    fn row_rank(&self) -> Option<fn(View<'_>) -> i64> {
        Some(|object| object.get("spec").int("matchingPrecedence"))
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec) = (object.get("metadata"), object.get("spec"));
        let dangling = object.get("status").list("conditions").find(|condition| condition.str("type") == "Dangling");
        let method = spec.get("distinguisherMethod");
        vec![
            meta.str("name").into(),
            spec.get("priorityLevelConfiguration").str("name").into(),
            spec.int("matchingPrecedence").into(),
            if method.exists() { method.str("type") } else { "<none>" }.into(),
            age(meta.str("creationTimestamp"), now).into(),
            dangling.map_or("?", |condition| condition.str("status")).into(),
        ]
    }
}

fn validate_spec(name: &str, spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (precedence, place) = (spec.int("matchingPrecedence"), path.child("matchingPrecedence"));
    if precedence <= 0 {
        errors.push(Error::invalid(&place, precedence, "must be a positive value"));
    }
    if precedence > HIGHEST_PRECEDENCE {
        let detail = format!("must not be greater than {HIGHEST_PRECEDENCE}");
        errors.push(Error::invalid(&place, precedence, detail));
    }
    if precedence == 1 && name != "exempt" {
        let detail = "only the schema named 'exempt' may have matchingPrecedence 1";
        errors.push(Error::invalid(&place, precedence, detail));
    }
    let method = spec.get("distinguisherMethod");
    if method.exists() && !DISTINGUISHERS.contains(&method.str("type")) {
        let place = path.child("distinguisherMethod");
        let shown = json!({"Type": method.str("type")}).to_string();
        errors.push(Error::not_supported_shown(&place.child("type"), shown, &DISTINGUISHERS));
    }
    let level = spec.get("priorityLevelConfiguration").str("name");
    let place = path.child("priorityLevelConfiguration");
    let place = place.child("name");
    if level.is_empty() {
        errors.push(Error::required(&place, "must reference a priority level"));
    } else {
        errors.extend(checks::each(name_is_dns_subdomain(level, false), level, &place));
    }
    let list = path.child("rules");
    for (index, rule) in spec.list("rules").enumerate() {
        rules::validate(rule, &list.index(index), errors);
    }
}

/// What the spec of a schema that every cluster has must be.
fn fixed_spec(name: &str) -> Option<Value> {
    let (precedence, groups): (i64, &[&str]) = match name {
        "exempt" => (1, &["system:masters"]),
        "catch-all" => (HIGHEST_PRECEDENCE, &["system:unauthenticated", "system:authenticated"]),
        _ => return None,
    };
    let subjects: Vec<Value> = groups.iter().map(|group| json!({"kind": "Group", "group": {"name": group}})).collect();
    let mut spec = json!({
        "priorityLevelConfiguration": {"name": name},
        "matchingPrecedence": precedence,
        "rules": [{
            "subjects": subjects,
            "resourceRules": [{
                "verbs": ["*"],
                "apiGroups": ["*"],
                "resources": ["*"],
                "clusterScope": true,
                "namespaces": ["*"],
            }],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }],
    });
    if name == "catch-all" {
        spec["distinguisherMethod"] = json!({"type": "ByUser"});
    }
    Some(spec)
}

/// The spec with the names of upstream's internal form.
fn show(spec: View<'_>) -> String {
    let method = spec.get("distinguisherMethod");
    let method = if method.exists() { json!({"Type": method.str("type")}) } else { Value::Null };
    let rules = nullable(spec.get("rules"), rules::show);
    format!(
        "{{\"PriorityLevelConfiguration\":{},\"MatchingPrecedence\":{},\"DistinguisherMethod\":{method},\"Rules\":{rules}}}",
        json!({"Name": spec.get("priorityLevelConfiguration").str("name")}),
        spec.int("matchingPrecedence"),
    )
}

/// A list as JSON, `null` if it is not there.
pub(super) fn nullable(list: View<'_>, show: impl Fn(View<'_>) -> String) -> String {
    if !list.exists() {
        return "null".to_owned();
    }
    let items: Vec<String> = list.items().map(show).collect();
    format!("[{}]", items.join(","))
}
