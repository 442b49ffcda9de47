//! Event, in its two forms: `v1` (in which events are kept) and `events.k8s.io/v1`.

use crate::checks::{each, meta, meta_update, qualified_name};
use crate::columns::{age, name};
use crate::core::pod::dump;
use crate::resource::Conversion;
use crate::strategy::{Column, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{FIELD_IMMUTABLE, validate_immutable_field};
use object::names::{is_dns1123_subdomain, name_is_dns_subdomain};
use object::{Value, View};

/// The rules of core events: few, since clients of old send odd ones.
pub(super) struct CoreEvent;
/// The rules of `events.k8s.io` events.
pub(super) struct NewEvent;
/// From `events.k8s.io` events to core ones and back.
pub(super) struct EventConversion;

/// Fields that the two forms name differently: `events.k8s.io`'s name, core's name.
const RENAMED: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

const FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "type",
    "source",
];

/// Those that the other form has as well, in the same order: the values are kept by their places.
const NEW_FIELDS: &[&str] = &[
    "regarding.kind",
    "regarding.namespace",
    "regarding.name",
    "regarding.uid",
    "regarding.apiVersion",
    "regarding.resourceVersion",
    "regarding.fieldPath",
    "reason",
    "reportingController",
    "type",
];

const COLUMNS: &[Column] = &[
    Column::text("Last Seen", "@io.k8s.api.core.v1.Event#lastTimestamp"),
    Column::text("Type", "@io.k8s.api.core.v1.Event#type"),
    Column::text("Reason", "@io.k8s.api.core.v1.Event#reason"),
    Column::text("Object", "@io.k8s.api.core.v1.Event#involvedObject"),
    Column::text("Subobject", "@io.k8s.api.core.v1.ObjectReference#fieldPath").wide(),
    Column::text("Source", "@io.k8s.api.core.v1.Event#source").wide(),
    Column::text("Message", "@io.k8s.api.core.v1.Event#message"),
    Column::text("First Seen", "@io.k8s.api.core.v1.Event#firstTimestamp").wide(),
    Column::text("Count", "@io.k8s.api.core.v1.Event#count").wide(),
    Column::NAME.wide(),
];

impl Strategy for CoreEvent {
    fn has_dependents(&self) -> bool {
        false
    }

    fn validate(&self, object: View<'_>) -> Errors {
        validate_any(object, &CORE)
    }

    fn validate_update(&self, object: View<'_>, _old: View<'_>) -> Errors {
        validate_any(object, &CORE)
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        FIELDS
    }

    fn selectable_field(&self, object: View<'_>, name: &str) -> String {
        match name {
            "source" => match object.get("source").str("component") {
                "" => object.str("reportingComponent").to_owned(),
                component => component.to_owned(),
            },
            _ => at(object, name),
        }
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label not supported: {name}")
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        row(object, now, &CORE)
    }
}

impl Strategy for NewEvent {
    fn has_dependents(&self) -> bool {
        false
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = validate_any(object, &NEW);
        errors.extend(meta(object, true, name_is_dns_subdomain));
        errors.extend(validate_series(object));
        if !object.has("eventTime") {
            errors.push(Error::required(&Path::new("eventTime"), ""));
        }
        let kind = object.str("type");
        if !matches!(kind, "Normal" | "Warning") {
            errors.push(Error::invalid(&Path::new("type"), "", format!("has invalid value: {kind}")));
        }
        for (field, core) in &RENAMED[4..] {
            if object.has(field) && object.int(field) != 0 || !object.str(field).is_empty() {
                errors.push(Error::invalid(&Path::new(core), "", "needs to be unset"));
            }
        }
        let source = object.get("deprecatedSource");
        if !source.str("component").is_empty() || !source.str("host").is_empty() {
            errors.push(Error::invalid(&Path::new("source"), "", "needs to be unset"));
        }
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = validate_any(object, &NEW);
        errors.extend(meta_update(object, old));
        if !object.get("series").same(old.get("series")) {
            errors.extend(validate_series(object));
        }
        let fixed = [
            ("regarding", "involvedObject"),
            ("reason", "reason"),
            ("note", "message"),
            ("deprecatedSource", "source"),
            ("deprecatedFirstTimestamp", "firstTimestamp"),
            ("deprecatedLastTimestamp", "lastTimestamp"),
            ("deprecatedCount", "count"),
            ("reason", "reason"),
            ("type", "type"),
            ("eventTime", "eventTime"),
            ("action", "action"),
            ("related", "related"),
            ("reportingController", "reportingController"),
            ("reportingInstance", "reportingInstance"),
        ];
        for (field, core) in fixed {
            let (new, old, path) = (object.get(field), old.get(field), Path::new(core));
            // An object without a word in it is not the same as none.
            let is_made = field == "related" && !old.exists();
            match structure(field) {
                Some(kind) if new.exists() && (is_made || !new.same(old)) => {
                    errors.push(Error::invalid_shown(&path, dump::compact(kind, new), FIELD_IMMUTABLE));
                }
                None if field == "deprecatedCount" && new.as_int() != old.as_int() => {
                    errors.push(Error::invalid(&path, new.as_int(), FIELD_IMMUTABLE));
                }
                None if field == "deprecatedCount" => {}
                None if !new.same(old) && is_plain_text(field) => {
                    errors.push(Error::invalid(&path, new.as_str(), FIELD_IMMUTABLE));
                }
                _ => errors.extend(validate_immutable_field(new, old, &path)),
            }
        }
        errors
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        NEW_FIELDS
    }

    fn selectable_field(&self, object: View<'_>, name: &str) -> String {
        at(object, name)
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label not supported: {name}")
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        row(object, now, &NEW)
    }
}

impl Conversion for EventConversion {
    fn to_stored(&self, object: Value) -> Value {
        let mut object = renamed(object, RENAMED);
        if let Value::Object(map) = &mut object {
            for name in ["reportingComponent", "reportingInstance"] {
                map.entry(name).or_insert_with(|| "".into());
            }
        }
        object
    }

    fn from_stored(&self, object: Value) -> Value {
        let mut object = renamed(object, RENAMED.map(|(new, core)| (core, new)));
        if let Value::Object(map) = &mut object {
            // The core form always has them, this one only when they say something.
            map.retain(|key, value| !key.starts_with("reporting") || value.as_str() != Some(""));
        }
        object
    }
}

/// Where the two forms differ.
struct Form {
    object: &'static str,
    note: &'static str,
    controller: &'static str,
    source: &'static str,
    first: &'static str,
    last: &'static str,
    count: &'static str,
}

const CORE: Form = Form {
    object: "involvedObject",
    note: "message",
    controller: "reportingComponent",
    source: "source",
    first: "firstTimestamp",
    last: "lastTimestamp",
    count: "count",
};

const NEW: Form = Form {
    object: "regarding",
    note: "note",
    controller: "reportingController",
    source: "deprecatedSource",
    first: "deprecatedFirstTimestamp",
    last: "deprecatedLastTimestamp",
    count: "deprecatedCount",
};

fn renamed(object: Value, names: [(&str, &str); 7]) -> Value {
    let Value::Object(map) = object else { return object };
    let rename = |key: String| match names.iter().find(|(from, _)| *from == key) {
        Some((_, to)) => (*to).to_owned(),
        None => key,
    };
    Value::Object(map.into_iter().map(|(key, value)| (rename(key.into()), value)).collect())
}

/// Whether a field is a text that is shown as an empty one where it is missing.
fn is_plain_text(field: &str) -> bool {
    matches!(field, "reason" | "note" | "type" | "action" | "reportingController" | "reportingInstance")
}

/// What a field that holds a struct holds.
fn structure(field: &str) -> Option<&'static str> {
    match field {
        "regarding" | "related" => Some("ObjectReference"),
        "deprecatedSource" => Some("EventSource"),
        _ => None,
    }
}

fn at(object: View<'_>, path: &str) -> String {
    path.split('.').fold(object, View::get).as_str().to_owned()
}

/// What holds for events of either form.
fn validate_any(object: View<'_>, form: &Form) -> Errors {
    let namespace = object.get("metadata").str("namespace");
    let about = object.get(form.object).str("namespace");
    let path = Path::new("involvedObject");
    let mut errors = Errors::new();
    let timed = object.has("eventTime");
    let agrees = match about {
        "" if timed => matches!(namespace, "default" | "kube-system"),
        "" => matches!(namespace, "" | "default"),
        _ => timed || about == namespace,
    };
    if !agrees {
        errors.push(Error::invalid(&path.child("namespace"), about, "does not match event.namespace"));
    }
    if timed {
        errors.extend(validate_timed(object, form));
    }
    errors.extend(each(is_dns1123_subdomain(namespace), namespace, &Path::new("namespace")));
    errors
}

/// What holds for events that have an `eventTime`.
fn validate_timed(object: View<'_>, form: &Form) -> Errors {
    let mut errors = Errors::new();
    let (controller, path) = (object.str(form.controller), Path::new(form.controller));
    if controller.is_empty() {
        errors.push(Error::required(&path, ""));
    }
    errors.extend(qualified_name(controller, &path));
    for field in ["reportingInstance", "action", "reason"] {
        let (text, path) = (object.str(field), Path::new(field));
        if text.is_empty() {
            errors.push(Error::required(&path, ""));
        }
        if text.len() > 128 {
            errors.push(Error::invalid(&path, "", "can have at most 128 characters"));
        }
    }
    if object.str(form.note).len() > 1024 {
        errors.push(Error::invalid(&Path::new("message"), "", "can have at most 1024 characters"));
    }
    errors
}

fn validate_series(object: View<'_>) -> Errors {
    let mut errors = Errors::new();
    if !object.has("series") {
        return errors;
    }
    let series = object.get("series");
    if series.int("count") < 2 {
        errors.push(Error::invalid(&Path::new("series.count"), "", "should be at least 2"));
    }
    if !series.has("lastObservedTime") {
        errors.push(Error::required(&Path::new("series.lastObservedTime"), ""));
    }
    errors
}

fn row(object: View<'_>, now: i64, form: &Form) -> Vec<Value> {
    let since = |field: &str| object.opt_str(field).map(|time| age(time, now));
    let unknown = || "<unknown>".to_owned();
    let first = since(form.first).or_else(|| since("eventTime")).unwrap_or_else(unknown);
    let mut last = since(form.last).unwrap_or_else(|| first.clone());
    let mut count = object.int(form.count).max(i64::from(object.int(form.count) == 0));
    if object.has("series") {
        last = age(object.get("series").str("lastObservedTime"), now);
        count = object.get("series").int("count");
    }
    let about = object.get(form.object);
    let kind = about.str("kind").to_lowercase();
    let target = if about.str("name").is_empty() { kind } else { format!("{kind}/{}", about.str("name")) };
    let source = object.get(form.source);
    let first_of = |a: &str, b: &str| if a.is_empty() { b.to_owned() } else { a.to_owned() };
    let component = first_of(source.str("component"), object.str(form.controller));
    let instance = first_of(source.str("host"), object.str("reportingInstance"));
    let source = if instance.is_empty() { component } else { format!("{component}, {instance}") };
    vec![
        last.into(),
        object.str("type").into(),
        object.str("reason").into(),
        target.into(),
        about.str("fieldPath").into(),
        source.into(),
        object.str(form.note).trim().into(),
        first.into(),
        count.into(),
        name(object),
    ]
}
