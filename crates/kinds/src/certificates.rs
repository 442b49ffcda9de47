//! The `certificates.k8s.io` group: requests for certificates, and what became of them.

mod der;
mod pem;
pub mod request;
mod rules;

use crate::change::{at, clear_status, existing, keep, map_at};
use crate::columns::{age, or};
use crate::resource::{Resource, Scope};
use crate::strategy::{Column, Request, Strategy};
use object::field::Errors;
use object::time::human_duration;
use object::{Map, Value, View};

const GROUP: &str = "certificates.k8s.io";
const KIND: &str = "CertificateSigningRequest";

/// Subresources have the same kind as the resource.
const SAME_KIND: (&str, &str, &str) = ("", "", KIND);

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    vec![
        Resource::new(GROUP, "v1", KIND, "certificatesigningrequests", Scope::Cluster, SigningRequest)
            .short(&["csr"])
            .subresource_of("approval", SAME_KIND, &["get", "patch", "update"])
            .subresource("status"),
    ]
}

struct SigningRequest;

/// Rules of `certificatesigningrequests/status`, by which signers answer.
struct Status;

/// Rules of `certificatesigningrequests/approval`.
struct Approval;

impl Strategy for SigningRequest {
    fn prepare_for_create(&self, object: &mut Value, request: &Request<'_>) {
        clear_status(object, "io.k8s.api.certificates.v1.CertificateSigningRequestStatus");
        let spec = map_at(object, "spec");
        for name in ["username", "uid", "groups", "extra"] {
            spec.remove(name);
        }
        let user = request.user;
        for (name, text) in [("username", &user.name), ("uid", &user.uid)] {
            if !text.is_empty() {
                spec.insert(name.to_owned(), text.as_str().into());
            }
        }
        if !user.groups.is_empty() {
            spec.insert("groups".to_owned(), user.groups.clone().into());
        }
        if !user.extra.is_empty() {
            let extra = user.extra.iter().map(|(key, values)| (key.clone(), values.clone().into()));
            spec.insert("extra".to_owned(), Value::Object(extra.collect::<Map>()));
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        rules::validate(object, View::ABSENT)
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
        keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        rules::validate_update(object, old, rules::Through::Resource)
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        match name {
            "status" => Some(&Status),
            "approval" => Some(&Approval),
            _ => None,
        }
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"], &["status"]]
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["spec.signerName"]
    }

    fn selectable_field(&self, object: View<'_>, _name: &str) -> String {
        object.get("spec").str("signerName").to_owned()
    }

    fn selects_by_namespace(&self) -> bool {
        false
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label not supported: {name}")
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] = &[
            Column::NAME,
            Column::AGE,
            Column::text("SignerName", "@spec.signerName"),
            Column::text("Requestor", "@spec.request"),
            Column::text("RequestedDuration", "@spec.expirationSeconds"),
            Column::text("Condition", "@status.conditions"),
        ];
        COLUMNS
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec) = (object.get("metadata"), object.get("spec"));
        vec![
            meta.str("name").into(),
            age(meta.str("creationTimestamp"), now).into(),
            or(spec.str("signerName"), "<none>").into(),
            spec.str("username").into(),
            spec.opt_int("expirationSeconds").map_or_else(|| "<none>".to_owned(), human_duration).into(),
            summary(object.get("status")).into(),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, request: &Request<'_>) {
        keep(object, old, "spec");
        for kind in ["Approved", "Denied"] {
            keep_conditions(object, old, kind);
        }
        set_times(object, old, request.now);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        rules::validate_update(object, old, rules::Through::Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"], &["status", "conditions"]]
    }
}

impl Strategy for Approval {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, request: &Request<'_>) {
        set_times(object, old, request.now);
        let conditions = at(object, &["status", "conditions"]).map(Value::take);
        keep(object, old, "spec");
        keep(object, old, "status");
        let status = map_at(object, "status");
        match conditions {
            Some(conditions) => drop(status.insert("conditions".to_owned(), conditions)),
            None => drop(status.remove("conditions")),
        }
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        rules::validate_update(object, old, rules::Through::Approval)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"], &["status", "certificate"]]
    }
}

/// Keeps the conditions of a type as they were, if there are as many.
fn keep_conditions(object: &mut Value, old: View<'_>, kind: &str) {
    let before: Vec<View<'_>> = conditions(old, kind).collect();
    let Some(now) = at(object, &["status", "conditions"]).and_then(Value::as_array_mut) else { return };
    let same: Vec<&mut Value> = now.iter_mut().filter(|condition| condition["type"] == kind).collect();
    if same.len() == before.len() {
        same.into_iter().zip(before).for_each(|(place, condition)| *place = condition.to_value());
    }
}

/// Sets the times that are not set.
fn set_times(object: &mut Value, old: View<'_>, now: &str) {
    let Some(status) = existing(object, &["status"]) else { return };
    let list = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in list.into_iter().flatten().filter_map(Value::as_object_mut) {
        let unset = |condition: &Map, name: &str| condition.get(name).is_none_or(Value::is_null);
        if unset(condition, "lastUpdateTime") {
            condition.insert("lastUpdateTime".to_owned(), now.into());
        }
        if unset(condition, "lastTransitionTime") {
            let text = |name: &str| condition.get(name).and_then(Value::as_str).unwrap_or_default();
            let since = conditions(old, text("type"))
                .find(|before| before.str("status") == text("status") && before.has("lastTransitionTime"))
                .map_or(now, |before| before.str("lastTransitionTime"));
            condition.insert("lastTransitionTime".to_owned(), since.into());
        }
    }
}

/// The conditions of a type.
fn conditions<'a>(object: View<'a>, kind: &str) -> impl Iterator<Item = View<'a>> {
    object.get("status").list("conditions").filter(move |condition| condition.str("type") == kind)
}

/// What became of a request, in one word or more.
fn summary(status: View<'_>) -> String {
    let has = |kind: &str| status.list("conditions").any(|condition| condition.str("type") == kind);
    let verdict = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    };
    let failed = if has("Failed") { ",Failed" } else { "" };
    let issued = if status.str("certificate").is_empty() { "" } else { ",Issued" };
    format!("{verdict}{failed}{issued}")
}
