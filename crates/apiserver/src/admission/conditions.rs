//! `matchConditions`: whether somebody wants to see a request, said in CEL.

use super::matching::{Seen, request};
use super::{Attributes, Operation};
use crate::authz::{self, Authorize};
use cel::{Activation, Program, Resource as Asking, Type, Val};
use kinds::Resource;
use kinds::expressions::{Compiler, PLACES, Refusal, Surroundings};
use object::{Value, View};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most that all conditions of one webhook or policy may cost together.
const BUDGET: u64 = 2_500_000;
/// How many expressions are kept compiled.
const MOST_KEPT: usize = 4096;

/// What conditions are about.
pub(super) struct Asked<'a> {
    /// The request.
    pub(super) attributes: &'a Attributes<'a>,
    /// The resource as which it is seen.
    pub(super) resource: &'a Resource,
    /// The objects, as those of that resource.
    pub(super) seen: &'a Seen,
    /// Who answers questions about rights.
    pub(super) authorizer: &'a dyn Authorize,
}

/// Conditions of webhooks, compiled when they are first evaluated.
#[derive(Default)]
pub(super) struct Conditions(Mutex<HashMap<String, Compiled>>);

type Compiled = Arc<Result<Program, Refusal>>;

impl Conditions {
    /// Whether all conditions of a webhook hold.
    ///
    /// # Errors
    /// If one cannot be evaluated, none is false, and the failure policy is `Fail`.
    pub(super) fn hold(&self, hook: View<'_>, asked: &Asked<'_>) -> Result<bool, String> {
        let compiled: Vec<(&str, Compiled)> = hook
            .list("matchConditions")
            .map(|condition| (condition.str("expression"), self.compiled(condition.str("expression"))))
            .collect();
        let request = request::of(asked.attributes, asked.resource);
        let rights = Rights { authorizer: asked.authorizer, user: asked.attributes.user };
        let values = values(asked.attributes, asked.seen, &request, &Value::Null, &Value::Null, &rights);
        let all = compiled.iter().map(|(text, compiled)| (*text, &**compiled));
        holds(all, Activation { values: &values, variables: None }, hook.str("failurePolicy") != "Ignore")
    }

    fn compiled(&self, expression: &str) -> Compiled {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(expression) {
            return known.clone();
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        let surroundings = Surroundings { authorizer: true, ..Surroundings::default() };
        let compiled = Arc::new(Compiler::default().compile(expression.trim(), surroundings, &[Type::Bool]));
        kept.insert(expression.to_owned(), compiled.clone());
        compiled
    }
}

/// Whether all conditions hold. One that is false decides, whatever became of others; if none is, a failure counts as the
/// failure policy says.
pub(super) fn holds<'c>(
    conditions: impl Iterator<Item = (&'c str, &'c Result<Program, Refusal>)>,
    with: Activation<'_, '_>,
    fails_closed: bool,
) -> Result<bool, String> {
    let (mut left, mut failures) = (BUDGET, Vec::new());
    for (text, compiled) in conditions {
        let program = match compiled {
            Ok(program) => program,
            Err(refusal) => {
                failures.push(format!("compilation error: {}", refusal.text()));
                continue;
            }
        };
        let evaluated = program.evaluate(with);
        if evaluated.cost > left {
            return if fails_closed { Err(OUT_OF_BUDGET.to_owned()) } else { Ok(false) };
        }
        left -= evaluated.cost;
        match evaluated.value {
            Ok(Val::Bool(false)) => return Ok(false),
            Ok(_) => {}
            Err(fault) => failures.push(format!("expression '{text}' resulted in error: {fault}")),
        }
    }
    match failures.as_slice() {
        [] => Ok(true),
        _ if !fails_closed => Ok(false),
        [only] => Err(only.clone()),
        many => Err(format!("[{}]", many.join(", "))),
    }
}

/// What is said when expressions cost more than they may.
pub(super) const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

/// The values of the variables, in the order of [`kinds::expressions::Place`].
pub(super) fn values<'a>(
    attributes: &Attributes<'_>,
    seen: &'a Seen,
    request: &'a Value,
    namespace: &'a Value,
    params: &'a Value,
    rights: &'a Rights<'a>,
) -> [Val<'a>; PLACES] {
    let is_delete = attributes.operation == Operation::Delete;
    let (object, old) = match is_delete {
        true if seen.old.is_null() => (&Value::Null, &seen.object),
        true => (&Value::Null, &seen.old),
        false => (&seen.object, &seen.old),
    };
    let asking = Asking {
        group: attributes.resource.group.to_string(),
        resource: attributes.resource.plural.to_string(),
        subresource: attributes.subresource.to_owned(),
        namespace: attributes.namespace.to_owned(),
        name: attributes.name.to_owned(),
        ..Asking::default()
    };
    [
        Val::of_json(object),
        Val::of_json(old),
        Val::of_json(request),
        Val::of_json(namespace),
        Val::of_json(params),
        Val::authorizer(rights),
        Val::request_resource(rights, asking),
    ]
}

/// Answers what expressions ask about rights.
pub(super) struct Rights<'a> {
    pub(super) authorizer: &'a dyn Authorize,
    pub(super) user: &'a kinds::UserInfo,
}

impl std::fmt::Debug for Rights<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rights").field("user", &self.user.name).finish_non_exhaustive()
    }
}

impl cel::Authorizer for Rights<'_> {
    fn authorize(&self, question: &cel::Question<'_>) -> cel::Decision {
        let account = question.account.map(|(namespace, name)| kinds::UserInfo {
            name: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".to_owned(),
            ],
            ..kinds::UserInfo::default()
        });
        let user = account.as_ref().unwrap_or(self.user);
        let attributes = match question.path {
            Some(path) => authz::Attributes::path(user, question.verb, path),
            None => authz::Attributes {
                subresource: question.subresource,
                namespace: question.namespace,
                name: question.name,
                ..authz::Attributes::resource(user, question.verb, question.group, question.resource)
            },
        };
        let verdict = self.authorizer.authorize(&attributes);
        cel::Decision { allowed: verdict.is_allowed(), reason: verdict.reason.to_string(), error: None }
    }
}
