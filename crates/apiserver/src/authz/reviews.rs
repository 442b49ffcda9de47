//! Questions about rights: the `…AccessReview` kinds and `SelfSubjectRulesReview`.

mod validate;

use super::rbac::{Missing, Rule};
use super::{Attributes, Authorize, Decision, Rbac};
use kinds::UserInfo;
use object::selector::fields::{self, Term};
use object::selector::labels;
use object::{Map, Status, Value, View, json};

/// API group of all of them.
pub const GROUP: &str = "authorization.k8s.io";

/// Which question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review<'a> {
    /// `SubjectAccessReview`: may somebody do something?
    Subject,
    /// `LocalSubjectAccessReview`: may somebody do something in the request's namespace?
    Local {
        /// The request's namespace.
        namespace: &'a str,
    },
    /// `SelfSubjectAccessReview`: may I do something?
    Own {
        /// Who asks.
        user: &'a UserInfo,
    },
}

/// Checks an access review; afterwards come admission and [`answer`].
pub fn check(kind: Review<'_>, review: &Value) -> Result<(), Status> {
    let errors = validate::review(kind, review.into());
    if !errors.is_empty() {
        // Upstream leaves the kind out.
        return Err(Status::invalid(GROUP, "", "", &errors));
    }
    if let Review::Local { namespace } = kind
        && View::from(review).get("metadata").str("namespace") != namespace
    {
        let why = format!("spec.resourceAttributes.namespace must match namespace: {namespace}");
        return Err(Status::bad_request(why));
    }
    Ok(())
}

/// Answers an access review in place.
pub fn answer(kind: Review<'_>, review: &mut Value, authorizer: &dyn Authorize) {
    let spec = View::from(&*review).get("spec");
    let subject;
    let user = match kind {
        Review::Own { user } => user,
        _ => {
            subject = self::subject(spec);
            &subject
        }
    };
    let (verdict, ignored) = match spec.get("resourceAttributes") {
        resource if resource.exists() => {
            let (fields, ignored) = selectors(resource);
            (authorizer.authorize(&resource_attributes(user, resource, &fields)), ignored)
        }
        _ => {
            let path = spec.get("nonResourceAttributes");
            (authorizer.authorize(&Attributes::path(user, path.str("verb"), path.str("path"))), Vec::new())
        }
    };
    let mut status = json!({ "allowed": verdict.is_allowed() });
    if verdict.decision == Decision::Deny {
        status["denied"] = true.into();
    }
    let reason = verdict.reason.to_string();
    if !reason.is_empty() {
        status["reason"] = reason.into();
    }
    if !ignored.is_empty() {
        status["evaluationError"] = ignored.join("; ").into();
    }
    review["status"] = status;
}

/// The answer to a `SelfSubjectRulesReview`: all that a user may do in a namespace, as far as roles say.
pub fn rules(review: &Value, user: &UserInfo, rbac: &Rbac) -> Result<Value, Status> {
    let namespace = View::from(review).get("spec").str("namespace");
    if namespace.is_empty() {
        return Err(Status::bad_request("no namespace on request"));
    }
    let (rules, missing) = rbac.rules_for(user, namespace);
    let resources = rules.iter().filter(|rule| !rule.resources.is_empty());
    let resources: Vec<Value> = resources.map(|rule| Rule { paths: Vec::new(), ..rule.clone() }.to_value()).collect();
    let paths = rules.iter().filter(|rule| !rule.paths.is_empty());
    let paths: Vec<Value> = paths.map(|rule| json!({ "verbs": rule.verbs, "nonResourceURLs": rule.paths })).collect();
    let mut status = json!({ "resourceRules": resources, "nonResourceRules": paths, "incomplete": false });
    let mut why: Vec<String> = Vec::new();
    if user.groups.iter().any(|group| group == "system:nodes") && user.name.starts_with("system:node:") {
        status["incomplete"] = true.into();
        why.push("node authorizer does not support user rule resolution".to_owned());
    }
    if !missing.is_empty() {
        why.push(Missing::join(&missing));
    }
    if !why.is_empty() {
        status["evaluationError"] = if why.len() == 1 { why.remove(0) } else { format!("[{}]", why.join(", ")) }.into();
    }
    Ok(json!({
        "kind": "SelfSubjectRulesReview",
        "apiVersion": format!("{GROUP}/v1"),
        "metadata": {},
        "spec": {},
        "status": status,
    }))
}

fn subject(spec: View<'_>) -> UserInfo {
    let texts = |view: View<'_>| view.items().map(|text| text.as_str().to_owned()).collect();
    UserInfo {
        name: spec.str("user").to_owned(),
        uid: spec.str("uid").to_owned(),
        groups: texts(spec.get("groups")),
        extra: spec.get("extra").entries().map(|(key, values)| (key.to_owned(), texts(values))).collect(),
    }
}

fn resource_attributes<'a>(user: &'a UserInfo, resource: View<'a>, fields: &'a [Term]) -> Attributes<'a> {
    let version = match resource.str("version") {
        "" => "*",
        version => version,
    };
    Attributes {
        version,
        subresource: resource.str("subresource"),
        namespace: resource.str("namespace"),
        name: resource.str("name"),
        fields,
        ..Attributes::resource(user, resource.str("verb"), resource.str("group"), resource.str("resource"))
    }
}

/// What of the selectors can be used, and what has to be told about the rest. Leaving terms out only asks for more.
fn selectors(resource: View<'_>) -> (Vec<Term>, Vec<String>) {
    let mut ignored = Vec::new();
    let mut tell = |name: &str, failed: bool, some: bool| {
        if failed {
            let partially = if some { "partially " } else { "" };
            ignored.push(format!("spec.resourceAttributes.{name} {partially}ignored due to parse error"));
        }
    };
    let (fields, failed) = field_requirements(resource.get("fieldSelector"));
    tell("fieldSelector", failed, !fields.is_empty());
    let (some, failed) = label_requirements(resource.get("labelSelector"));
    tell("labelSelector", failed, some);
    (fields, ignored)
}

fn field_requirements(selector: View<'_>) -> (Vec<Term>, bool) {
    let raw = selector.str("rawSelector");
    if !raw.is_empty() {
        return fields::Selector::parse(raw).map_or((Vec::new(), true), |selector| (selector.terms, false));
    }
    let mut failed = false;
    let mut terms = Vec::new();
    for term in selector.list("requirements") {
        let (values, operator) = (term.get("values"), term.str("operator"));
        if values.len() == 1 && matches!(operator, "In" | "NotIn") {
            let value = values.items().next().map_or("", View::as_str).to_owned();
            terms.push(Term { field: term.str("key").to_owned(), equal: operator == "In", value });
        } else {
            failed = true;
        }
    }
    (terms, failed)
}

/// Whether some of a label selector makes sense, and whether some does not.
fn label_requirements(selector: View<'_>) -> (bool, bool) {
    let raw = selector.str("rawSelector");
    if !raw.is_empty() {
        return (false, labels::Selector::parse(raw).is_err());
    }
    let (mut some, mut failed) = (false, false);
    for term in selector.list("requirements") {
        let mut alone = Map::new();
        alone.insert("matchExpressions".to_owned(), Value::Array(vec![term.to_value()]));
        match labels::Selector::from_object((&Value::Object(alone)).into()) {
            Ok(_) => some = true,
            Err(_) => failed = true,
        }
    }
    (some, failed)
}

#[cfg(test)]
mod tests;
