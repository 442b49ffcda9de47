//! What a request is, told to webhooks and expressions alike: all of it but its objects.

use super::rules;
use crate::admission::{Attributes, Operation};
use kinds::{Resource, UserInfo};
use object::{Map, Value, json};

/// The request, seen as one about `shown`.
pub(in crate::admission) fn of(attributes: &Attributes<'_>, shown: &Resource) -> Value {
    let own = &**attributes.resource;
    let mut request = json!({
        "kind": kind(attributes, shown),
        "resource": resource(shown),
        "requestKind": kind(attributes, own),
        "requestResource": resource(own),
        "operation": rules::operation(attributes.operation),
        "userInfo": user(attributes.user),
        "dryRun": attributes.dry_run,
        "options": options(attributes),
    });
    let texts = [
        ("subResource", attributes.subresource),
        ("requestSubResource", attributes.subresource),
        ("name", attributes.name),
        ("namespace", attributes.namespace),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        request[name] = text.into();
    }
    request
}

/// Of the objects themselves, or of what the subresource takes.
fn kind(attributes: &Attributes<'_>, resource: &Resource) -> Value {
    let body = &attributes.call.body;
    if body.is_own {
        return json!({"group": resource.group, "version": resource.version, "kind": resource.kind});
    }
    let (group, version) = body.api_version.rsplit_once('/').unwrap_or(("", &body.api_version));
    json!({"group": group, "version": version, "kind": body.kind})
}

fn resource(resource: &Resource) -> Value {
    json!({"group": resource.group, "version": resource.version, "resource": resource.plural})
}

fn user(user: &UserInfo) -> Value {
    let mut out = Map::new();
    for (name, text) in [("username", &user.name), ("uid", &user.uid)] {
        if !text.is_empty() {
            out.insert(name.to_owned(), text.as_str().into());
        }
    }
    if !user.groups.is_empty() {
        out.insert("groups".to_owned(), user.groups.clone().into());
    }
    if !user.extra.is_empty() {
        let extra: Map = user.extra.iter().map(|(key, values)| (key.clone(), values.clone().into())).collect();
        out.insert("extra".to_owned(), extra.into());
    }
    out.into()
}

/// The options of the verb.
fn options(attributes: &Attributes<'_>) -> Value {
    let query = &attributes.call.query;
    let kind = match attributes.operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
        Operation::Connect => return Value::Null,
    };
    if let (Operation::Delete, Some(options)) = (attributes.operation, attributes.call.deletion.get()) {
        return options.clone();
    }
    let mut options = json!({"kind": kind, "apiVersion": "meta.k8s.io/v1"});
    let dry_run: Vec<&str> = query.all("dryRun").collect();
    if !dry_run.is_empty() {
        options["dryRun"] = dry_run.into();
    }
    for name in ["fieldManager", "fieldValidation", "propagationPolicy"] {
        let text = query.text(name);
        if !text.is_empty() {
            options[name] = text.into();
        }
    }
    options
}
