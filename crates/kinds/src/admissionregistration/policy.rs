//! Admission policies in CEL, validating and mutating.

use super::{conditions, expressions, rules};
use crate::change::{clear_status, count_generation, existing, keep, map_at, set_default, set_generation};
use crate::checks::qualified_name;
use crate::columns::age;
use crate::expressions::{Compiler, Surroundings};
use crate::strategy::{Column, Request, Strategy};
use cel::Type;
use object::field::{Error, Errors, Path};
use object::meta::{validate_conditions, validate_object_meta};
use object::names::{is_dns1035_label, is_dns1123_subdomain, name_is_dns_subdomain};
use object::{Value, View};
use std::collections::BTreeSet;

const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const REINVOCATION: [&str; 2] = ["IfNeeded", "Never"];
const PATCH_TYPES: [&str; 2] = ["ApplyConfiguration", "JSONPatch"];
const MAX_ANNOTATIONS: usize = 20;
const MAX_VALUE_EXPRESSION: usize = 5 * 1024;

/// Rules of validating policies.
pub(super) const VALIDATING: Policy = Policy { mutating: false };
/// Rules of mutating policies.
pub(super) const MUTATING: Policy = Policy { mutating: true };

/// Rules of either kind.
pub(super) struct Policy {
    mutating: bool,
}

/// Rules of the status of a validating policy.
struct Status;

impl Strategy for Policy {
    fn defaults(&self, object: &mut Value) {
        let spec = map_at(object, "spec");
        set_default(spec, "failurePolicy", "Fail");
        rules::default_match_resources(spec.get_mut("matchConstraints"));
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        if !self.mutating {
            clear_status(object, "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyStatus");
        }
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        self.validate_policy(object, View::ABSENT)
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        if !self.mutating {
            keep(object, old, "status");
        }
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        self.validate_policy(object, old)
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status" && !self.mutating).then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        if self.mutating { &[] } else { &[&["status"]] }
    }

    fn columns(&self) -> &'static [Column] {
        const KIND: &str = "ParamKind specifies the kind of resources used to parameterize this policy";
        const RULES: &str = "Validations indicates the number of validation rules defined in this configuration";
        const MUTATIONS: &str = "Mutation indicates the number of mutations rules defined in this configuration";
        const PARAM_KIND: Column =
            Column { name: "ParamKind", kind: "string", format: "", description: KIND, priority: 0 };
        if self.mutating {
            &[
                Column::NAME,
                Column { name: "Mutations", kind: "integer", format: "", description: MUTATIONS, priority: 0 },
                PARAM_KIND,
                Column::AGE,
            ]
        } else {
            &[
                Column::NAME,
                Column { name: "Validations", kind: "integer", format: "", description: RULES, priority: 0 },
                PARAM_KIND,
                Column::AGE,
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec) = (object.get("metadata"), object.get("spec"));
        let kind = spec.get("paramKind");
        let kind = match kind.exists() {
            true => format!("{}/{}", kind.str("apiVersion"), kind.str("kind")),
            false => "<unset>".to_owned(),
        };
        let count = spec.get(if self.mutating { "mutations" } else { "validations" }).len();
        vec![meta.str("name").into(), count.into(), kind.into(), age(meta.str("creationTimestamp"), now).into()]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
        if let Some(metadata) = existing(object, &["metadata"]) {
            for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
                match old.get("metadata").get(name).value() {
                    Some(value) => drop(metadata.insert(name.to_owned(), value.clone())),
                    None => drop(metadata.remove(name)),
                }
            }
        }
    }

    fn validate_update(&self, object: View<'_>, _old: View<'_>) -> Errors {
        let (mut errors, status, path) = (Errors::new(), object.get("status"), Path::new("status"));
        let list = path.child("typeChecking");
        let list = list.child("expressionWarnings");
        for (index, warning) in status.get("typeChecking").list("expressionWarnings").enumerate() {
            for name in ["warning", "fieldRef"] {
                if warning.str(name).trim().is_empty() {
                    errors.push(Error::required(&list.index(index).child(name), ""));
                }
            }
        }
        errors.extend(validate_conditions(status.get("conditions"), &path.child("conditions")));
        errors
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"], &["metadata"]]
    }
}

impl Policy {
    fn validate_policy(&self, object: View<'_>, old: View<'_>) -> Errors {
        let meta = object.get("metadata");
        let mut errors = validate_object_meta(meta, false, name_is_dns_subdomain, &Path::new("metadata"));
        let (spec, before, path) = (object.get("spec"), old.get("spec"), Path::new("spec"));
        if spec.has("failurePolicy") {
            rules::validate_failure_policy(spec, &path, &mut errors);
        } else {
            errors.push(Error::required(&path.child("failurePolicy"), ""));
        }
        if spec.has("paramKind") {
            validate_param_kind(spec.get("paramKind"), &path.child("paramKind"), &mut errors);
        }
        self.validate_constraints(spec.get("matchConstraints"), &path.child("matchConstraints"), &mut errors);
        let same = |name: &str| spec.get(name).same(before.get(name));
        if !old.exists() || !same("paramKind") || !same("matchConditions") {
            conditions::validate(
                spec.get("matchConditions"),
                spec.has("paramKind"),
                &path.child("matchConditions"),
                &mut errors,
            );
        }
        let composed = self.mutating || !spec.get("variables").is_empty();
        let compiler = if composed { Compiler::with_variables() } else { Compiler::default() };
        let surroundings = Surroundings { params: spec.has("paramKind"), authorizer: true, mutations: false };
        let mut scope = Scope { compiler, surroundings };
        let list = path.child("variables");
        for (index, variable) in spec.list("variables").enumerate() {
            scope.validate_variable(variable, &list.index(index), &mut errors);
        }
        if self.mutating {
            scope.validate_mutations(spec, &path, &mut errors);
        } else {
            scope.validate_validations(spec, meta.str("name"), &path, &mut errors);
        }
        errors
    }

    fn validate_constraints(&self, constraints: View<'_>, path: &Path<'_>, errors: &mut Errors) {
        if !constraints.exists() {
            errors.push(Error::required(path, ""));
            return;
        }
        rules::validate_match_resources(constraints, path, errors);
        if constraints.get("resourceRules").is_empty() {
            errors.push(Error::required(&path.child("resourceRules"), ""));
        }
        if self.mutating {
            rules::validate_mutating_operations(constraints, path, errors);
        }
    }
}

fn validate_param_kind(kind: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (version, place) = (kind.str("apiVersion"), path.child("apiVersion"));
    let split = match version.matches('/').count() {
        0 => Some(("", version)),
        1 => version.split_once('/'),
        _ => None,
    };
    match split {
        _ if version.is_empty() => errors.push(Error::required(&place, "")),
        None => errors.push(Error::invalid(&place, version, format!("unexpected GroupVersion string: {version}"))),
        Some((group, name)) => {
            let wrong = is_dns1123_subdomain(group);
            if !group.is_empty() && !wrong.is_empty() {
                errors.push(Error::invalid(&place, group, wrong.join(",")));
            }
            let wrong = is_dns1035_label(name);
            if name.is_empty() {
                errors.push(Error::invalid(&place, version, "version must be specified"));
            } else if !wrong.is_empty() {
                errors.push(Error::invalid(&place, name, wrong.join(",")));
            }
        }
    }
    let (name, place) = (kind.str("kind"), path.child("kind"));
    let wrong = is_dns1035_label(&name.to_lowercase());
    if name.is_empty() {
        errors.push(Error::required(&place, ""));
    } else if !wrong.is_empty() {
        let detail = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
        errors.push(Error::invalid(&place, name, detail));
    }
}

/// What the expressions of a policy may name.
struct Scope {
    compiler: Compiler,
    surroundings: Surroundings,
}

impl Scope {
    fn validate_variable(&mut self, variable: View<'_>, path: &Path<'_>, errors: &mut Errors) {
        let name = variable.str("name");
        if name.trim().is_empty() {
            errors.push(Error::required(&path.child("name"), "name is not specified"));
        } else if !cel::is_identifier(name) {
            errors.push(Error::invalid(&path.child("name"), name, "must be a valid CEL identifier"));
        }
        let (expression, place) = (variable.str("expression"), path.child("expression"));
        if expression.trim().is_empty() {
            errors.push(Error::required(&place, "expression is not specified"));
        } else {
            let compiled = self.compiler.compile_variable(name, expression, self.surroundings);
            expressions::check(compiled, expression, &place, errors);
        }
    }

    fn validate_validations(&self, spec: View<'_>, name: &str, path: &Path<'_>, errors: &mut Errors) {
        let (validations, annotations) = (spec.get("validations"), spec.get("auditAnnotations"));
        let (list, annotation_list) = (path.child("validations"), path.child("auditAnnotations"));
        if validations.is_empty() && annotations.is_empty() {
            let detail = "validations or auditAnnotations must contain at least one item";
            errors.push(Error::required(&list, detail));
            errors.push(Error::required(&annotation_list, detail));
            return;
        }
        for (index, validation) in validations.items().enumerate() {
            self.validate_validation(validation, &list.index(index), errors);
        }
        if annotations.len() > MAX_ANNOTATIONS {
            let detail = "must not have more than 20 auditAnnotations";
            errors.push(Error::invalid_shown(&annotation_list, show_annotations(annotations), detail));
        }
        let mut seen = BTreeSet::new();
        for (index, annotation) in annotations.items().enumerate() {
            let place = annotation_list.index(index);
            self.validate_annotation(annotation, name, &place, errors);
            if !seen.insert(annotation.str("key")) {
                errors.push(Error::duplicate(&place.child("key"), annotation.str("key")));
            }
        }
    }

    fn validate_validation(&self, validation: View<'_>, path: &Path<'_>, errors: &mut Errors) {
        let (expression, place) = (validation.str("expression"), path.child("expression"));
        if expression.trim().is_empty() {
            errors.push(Error::required(&place, "expression is not specified"));
        } else {
            let compiled = self.compiler.compile(expression, self.surroundings, &[Type::Bool]);
            expressions::check(compiled, expression, &place, errors);
        }
        for name in ["messageExpression", "message"] {
            let text = validation.str(name);
            if !text.is_empty() && text.trim().is_empty() {
                errors.push(Error::invalid(&path.child(name), text, "must be non-empty if specified"));
            } else if name == "messageExpression" && !text.is_empty() {
                let surroundings = Surroundings { authorizer: false, ..self.surroundings };
                let compiled = self.compiler.compile(text, surroundings, &[Type::Str]);
                expressions::check(compiled, text, &path.child(name), errors);
            } else if name == "message" && text.trim().contains(['\n', '\r']) {
                errors.push(Error::invalid(&path.child(name), text, "must not contain line breaks"));
            }
        }
        rules::one_of(validation, "reason", &REASONS, path, errors);
    }

    fn validate_annotation(&self, annotation: View<'_>, name: &str, path: &Path<'_>, errors: &mut Errors) {
        let (key, place) = (annotation.str("key"), path.child("key"));
        if name.is_empty() {
            errors.push(Error::invalid(&place, key, "requires metadata.name be non-empty"));
        } else {
            errors.extend(qualified_name(&format!("{name}/{key}"), &place));
        }
        let (expression, place) = (annotation.str("valueExpression").trim(), path.child("valueExpression"));
        if expression.is_empty() {
            errors.push(Error::required(&place, "valueExpression is not specified"));
        } else if expression.len() > MAX_VALUE_EXPRESSION {
            errors.push(Error::required(&place, format!("must not exceed {MAX_VALUE_EXPRESSION} bytes in length")));
        } else {
            let compiled = self.compiler.compile(expression, self.surroundings, &[Type::Str, Type::Null]);
            expressions::check(compiled, annotation.str("valueExpression"), &place, errors);
        }
    }

    fn validate_mutations(&self, spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
        let list = path.child("mutations");
        if spec.get("mutations").is_empty() {
            errors.push(Error::required(&list, "mutations must contain at least one item"));
        }
        for (index, mutation) in spec.list("mutations").enumerate() {
            self.validate_mutation(mutation, &list.index(index), errors);
        }
        if spec.str("reinvocationPolicy").is_empty() {
            errors.push(Error::required(&path.child("reinvocationPolicy"), ""));
        } else {
            rules::one_of(spec, "reinvocationPolicy", &REINVOCATION, path, errors);
        }
    }

    fn validate_mutation(&self, mutation: View<'_>, path: &Path<'_>, errors: &mut Errors) {
        let kind = mutation.str("patchType");
        let (own, other, wanted) = match kind {
            "" => return errors.push(Error::required(&path.child("patchType"), "")),
            "JSONPatch" => ("jsonPatch", "applyConfiguration", Type::list(Type::object("JSONPatch"))),
            "ApplyConfiguration" => ("applyConfiguration", "jsonPatch", Type::object("Object")),
            _ => return errors.push(Error::not_supported(&path.child("patchType"), kind, &PATCH_TYPES)),
        };
        if !mutation.has(own) {
            errors.push(Error::required(&path.child(own), format!("must be specified when patchType is {kind}")));
        } else if mutation.get(own).str("expression").trim().is_empty() {
            errors.push(Error::required(&path.child(own).child("expression"), ""));
        } else {
            let expression = mutation.get(own).str("expression").trim();
            let surroundings = Surroundings { mutations: true, ..self.surroundings };
            let compiled = self.compiler.compile(expression, surroundings, &[wanted]);
            expressions::check(compiled, expression, &path.child(own).child("expression"), errors);
        }
        if mutation.has(other) {
            let detail = format!("must not be specified when patchType is {kind}");
            errors.push(Error::invalid(&path.child(other), format!("{{{other}}}"), detail));
        }
    }
}

/// Annotations with Go's field names.
fn show_annotations(annotations: View<'_>) -> String {
    let all: Vec<String> = annotations
        .items()
        .map(|annotation| {
            let text = |name: &str| Value::from(annotation.str(name)).to_string();
            format!("{{\"Key\":{},\"ValueExpression\":{}}}", text("key"), text("valueExpression"))
        })
        .collect();
    format!("[{}]", all.join(","))
}
