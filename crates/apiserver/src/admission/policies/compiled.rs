//! What policies say, compiled.

use cel::{Program, Type};
use kinds::expressions::{Compiler, Refusal, Surroundings};
use object::{Value, View};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An expression and what it means.
pub(super) struct Expression {
    pub(super) text: String,
    pub(super) program: Result<Program, Refusal>,
}

/// What one policy says.
pub(super) struct Policy {
    pub(super) conditions: Vec<Expression>,
    pub(super) variables: Vec<(String, Program)>,
    pub(super) validations: Vec<Validation>,
    pub(super) annotations: Vec<(String, Expression)>,
    pub(super) mutations: Vec<Mutation>,
}

/// What has to hold.
pub(super) struct Validation {
    pub(super) expression: Expression,
    pub(super) message_expression: Option<Expression>,
    pub(super) message: String,
    pub(super) reason: String,
}

/// What is changed.
pub(super) struct Mutation {
    pub(super) expression: Expression,
    /// Whether it makes a JSON patch, not a configuration to apply.
    pub(super) is_json_patch: bool,
}

/// By resource and name: the object, and what it says.
type Entries = HashMap<(&'static str, String), (Arc<Value>, Arc<Policy>)>;

/// Compiled policies, each for as long as it stands as it stands.
#[derive(Default)]
pub(super) struct Kept(Mutex<Entries>);

impl Kept {
    /// What a policy says. The store gives out the same object until it is written again, so that tells whether it was.
    pub(super) fn get(&self, resource: &'static str, policy: &Arc<Value>) -> Arc<Policy> {
        let name = View::from(&**policy).get("metadata").str("name").to_owned();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((object, compiled)) = kept.get(&(resource, name.clone()))
            && Arc::ptr_eq(object, policy)
        {
            return compiled.clone();
        }
        let compiled = Arc::new(compile(View::from(&**policy).get("spec")));
        kept.insert((resource, name), (policy.clone(), compiled.clone()));
        compiled
    }

    /// Forgets policies that are no more.
    pub(super) fn retain(&self, resource: &'static str, policies: &[Arc<Value>]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_resource = kept.keys().filter(|(known, _)| *known == resource).count();
        if of_resource > policies.len() {
            kept.retain(|(known, _), (object, _)| {
                *known != resource || policies.iter().any(|policy| Arc::ptr_eq(policy, object))
            });
        }
    }
}

fn compile(spec: View<'_>) -> Policy {
    let plain = Surroundings { params: spec.has("paramKind"), authorizer: true, mutations: false };
    let without_rights = Surroundings { authorizer: false, ..plain };
    let mutating = Surroundings { mutations: true, ..plain };
    let mut compiler = Compiler::with_variables();
    let variables = spec.list("variables").filter_map(|variable| {
        let name = variable.str("name");
        let program = compiler.compile_variable(name, variable.str("expression"), plain).ok()?;
        Some((name.to_owned(), program))
    });
    let variables = variables.collect();
    let expression = |text: &str, surroundings, wanted: &[Type]| Expression {
        text: text.to_owned(),
        program: compiler.compile(text, surroundings, wanted),
    };
    let texts = |list| spec.list(list).map(|item| item.str("expression"));
    let validation = |validation: View<'_>| {
        let message = validation.str("messageExpression");
        Validation {
            expression: expression(validation.str("expression"), plain, &[Type::Bool]),
            message_expression: (!message.is_empty()).then(|| expression(message, without_rights, &[Type::Str])),
            message: validation.str("message").trim().to_owned(),
            reason: validation.str("reason").to_owned(),
        }
    };
    let annotation = |annotation: View<'_>| {
        let text = annotation.str("valueExpression").trim();
        (annotation.str("key").to_owned(), expression(text, plain, &[Type::Str, Type::Null]))
    };
    let mutation = |mutation: View<'_>| {
        let is_json_patch = mutation.str("patchType") == "JSONPatch";
        let (field, wanted) = match is_json_patch {
            true => ("jsonPatch", Type::list(Type::object("JSONPatch"))),
            false => ("applyConfiguration", Type::object("Object")),
        };
        let text = mutation.get(field).str("expression").trim();
        Mutation { expression: expression(text, mutating, &[wanted]), is_json_patch }
    };
    Policy {
        conditions: texts("matchConditions").map(|text| expression(text, plain, &[Type::Bool])).collect(),
        validations: spec.list("validations").map(validation).collect(),
        annotations: spec.list("auditAnnotations").map(annotation).collect(),
        mutations: spec.list("mutations").map(mutation).collect(),
        variables,
    }
}
