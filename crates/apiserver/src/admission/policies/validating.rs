//! Validating policies.

use super::compiled::{Expression, Policy, Validation};
use super::hooks::{Hook, name_of};
use super::{BUDGET, Policies, Shown, forbidden};
use crate::admission::Attributes;
use crate::admission::conditions::{OUT_OF_BUDGET, holds};
use cel::{Activation, Val, Variables};
use object::status::Cause;
use object::{Status, Value, View, json};
use std::sync::Arc;

/// The longest message that an expression may make.
const MAX_MESSAGE: usize = 5 * 1024;
/// The longest value of an annotation.
const MAX_ANNOTATION: usize = 10 * 1024;
const FAILURE: &str = "validation.policy.admission.k8s.io/validation_failure";

/// Why a policy refuses a request.
struct Denial {
    message: String,
    /// Empty where something went wrong.
    reason: String,
}

/// What a policy says of a request with one parameter.
#[derive(Default)]
struct Judgement {
    /// Denials, each with the number of its validation.
    denials: Vec<(usize, Denial)>,
    annotations: Vec<(String, String)>,
    /// What went wrong with annotations.
    failed_annotations: Vec<String>,
}

/// The first denial of a request, as it is told.
struct First {
    message: String,
    reason: String,
}

impl First {
    fn new(policy: &str, binding: Option<&str>, denial: &Denial) -> First {
        let with = binding.map(|binding| format!(" with binding '{binding}'")).unwrap_or_default();
        let message = format!("ValidatingAdmissionPolicy '{policy}'{with} denied request: {}", denial.message);
        First { message, reason: denial.reason.clone() }
    }

    fn into_status(self, attributes: &Attributes<'_>, object: &Value) -> Status {
        let mut status = forbidden(attributes, object, &self.message);
        let (reason, code) = match self.reason.as_str() {
            "Unauthorized" => ("Unauthorized", 401),
            "Forbidden" => ("Forbidden", 403),
            "RequestEntityTooLarge" => ("RequestEntityTooLarge", 413),
            _ => ("Invalid", 422),
        };
        (status.reason, status.code) = (reason.into(), code);
        if let Some(details) = &mut status.details {
            details.causes.push(Cause { message: self.message, ..Cause::default() });
        }
        status
    }
}

impl Policies {
    /// Lets validating policies refuse the object.
    pub(in crate::admission) fn validate(
        &self,
        attributes: &Attributes<'_>,
        object: &Value,
        old: Option<View<'_>>,
    ) -> Result<(), Status> {
        if Policies::is_exempt(attributes) {
            return Ok(());
        }
        let mut first = None;
        let mut shown: Vec<Arc<Shown>> = Vec::new();
        for hook in self.hooks("validatingadmissionpolicies", "validatingadmissionpolicybindings") {
            let asked = Asked { hook: &hook, attributes, object, old };
            let denied = self.ask(&asked, &mut shown)?;
            first = first.or(denied);
        }
        match first {
            Some(first) => {
                let named = if object.is_null() { old.map(View::to_value).unwrap_or_default() } else { Value::Null };
                Err(first.into_status(attributes, if named.is_null() { object } else { &named }))
            }
            None => Ok(()),
        }
    }

    /// Asks one policy for all of its bindings; its first denial, if there is one.
    fn ask(&self, asked: &Asked<'_>, shown: &mut Vec<Arc<Shown>>) -> Result<Option<First>, Status> {
        let Asked { hook, attributes, object, old } = *asked;
        let misconfigured = |binding: Option<&str>, why: &str| {
            let what = if binding.is_some() { "binding" } else { "policy" };
            let denial = Denial { message: format!("failed to configure {what}: {why}"), reason: String::new() };
            hook.fails_closed().then(|| First::new(hook.name(), binding, &denial))
        };
        let resource = match self.matched(hook.spec().get("matchConstraints"), attributes, object, old) {
            Ok(Some(resource)) => resource,
            Ok(None) => return Ok(None),
            Err(status) => return Ok(misconfigured(None, &status.message)),
        };
        let params_of = match self.param_resource(hook.spec(), attributes) {
            Ok(params_of) => params_of,
            Err(why) => return Ok(misconfigured(None, &why)),
        };
        let (mut first, mut annotations) = (None, Annotations::default());
        for binding in &hook.bindings {
            let view = View::from(&**binding);
            match self.matched(view.get("spec").get("matchResources"), attributes, object, old) {
                Ok(Some(_)) => {}
                Ok(None) => continue,
                Err(status) => {
                    first = first.or(misconfigured(Some(name_of(binding)), &status.message));
                    continue;
                }
            }
            let params = match self.params(params_of.as_deref(), view, attributes) {
                Ok(params) => params,
                Err(why) => {
                    first = first.or(misconfigured(Some(name_of(binding)), &why));
                    continue;
                }
            };
            if params.is_empty() {
                continue;
            }
            let seen = self.seen(asked, &resource, shown)?;
            for params in &params {
                let judgement = self.judge(hook, attributes, &seen, params);
                first = first.or(act(&judgement, hook, binding, attributes));
                annotations.add(judgement.annotations);
            }
        }
        annotations.publish(hook.name(), attributes);
        Ok(first)
    }

    /// The request as the resource that a policy is about, made once for all policies.
    fn seen(
        &self,
        asked: &Asked<'_>,
        resource: &Arc<kinds::Resource>,
        shown: &mut Vec<Arc<Shown>>,
    ) -> Result<Arc<Shown>, Status> {
        if let Some(known) = shown.iter().find(|known| Arc::ptr_eq(&known.resource, resource)) {
            return Ok(known.clone());
        }
        let new = Arc::new(self.shown(asked.attributes, resource, asked.object, asked.old)?);
        shown.push(new.clone());
        Ok(new)
    }

    fn judge(&self, hook: &Hook, attributes: &Attributes<'_>, shown: &Shown, params: &Value) -> Judgement {
        let rights = self.rights(attributes);
        let values = shown.values(attributes, params, &rights);
        let variables = Variables::new(&hook.compiled.variables, &values);
        let with = Activation { values: &values, variables: Some(&variables) };
        let conditions = hook.compiled.conditions.iter().map(|condition| (condition.text.as_str(), &condition.program));
        match holds(conditions, with, hook.fails_closed()) {
            Ok(true) => evaluate(&hook.compiled, with, hook.fails_closed()),
            Ok(false) => Judgement::default(),
            Err(why) => failed(why, hook.fails_closed()),
        }
    }
}

/// A policy and what it is asked about.
#[derive(Clone, Copy)]
struct Asked<'a> {
    hook: &'a Hook,
    attributes: &'a Attributes<'a>,
    object: &'a Value,
    old: Option<View<'a>>,
}

fn failed(why: String, fails_closed: bool) -> Judgement {
    let denial = Denial { message: why, reason: String::new() };
    Judgement { denials: fails_closed.then_some((0, denial)).into_iter().collect(), ..Judgement::default() }
}

/// Evaluates an expression within what is left of a budget.
fn run<'a>(expression: &Expression, with: Activation<'a, '_>, left: &mut u64) -> Result<Result<Val<'a>, String>, ()> {
    let program = match &expression.program {
        Ok(program) => program,
        Err(refusal) => return Ok(Err(format!("compilation error: {}", refusal.text()))),
    };
    let evaluated = program.evaluate(with);
    if evaluated.cost > *left {
        return Err(());
    }
    *left -= evaluated.cost;
    let said = |fault| format!("expression '{}' resulted in error: {fault}", expression.text);
    Ok(evaluated.value.map_err(said))
}

fn evaluate(policy: &Policy, with: Activation<'_, '_>, fails_closed: bool) -> Judgement {
    let (mut judgement, mut left) = (Judgement::default(), BUDGET);
    for (index, validation) in policy.validations.iter().enumerate() {
        let denial = match run(&validation.expression, with, &mut left) {
            Err(()) => return failed(OUT_OF_BUDGET.to_owned(), fails_closed),
            Ok(Ok(Val::Bool(true))) => continue,
            Ok(Ok(_)) => match message(validation, with, &mut left) {
                Ok(message) => Some(Denial { message, reason: reason(validation) }),
                Err(why) => fails_closed.then_some(Denial { message: why, reason: String::new() }),
            },
            Ok(Err(why)) => fails_closed.then_some(Denial { message: why, reason: String::new() }),
        };
        judgement.denials.extend(denial.map(|denial| (index, denial)));
    }
    let mut left = BUDGET;
    for (key, expression) in &policy.annotations {
        match run(expression, with, &mut left) {
            Err(()) => return failed(OUT_OF_BUDGET.to_owned(), fails_closed),
            Ok(Ok(value)) => {
                let text = value.as_str().map(str::trim).filter(|text| !text.is_empty());
                judgement.annotations.extend(text.map(|text| (key.clone(), text.to_owned())));
            }
            Ok(Err(why)) => judgement.failed_annotations.extend(fails_closed.then_some(why)),
        }
    }
    judgement
}

fn reason(validation: &Validation) -> String {
    if validation.reason.is_empty() { "Invalid".to_owned() } else { validation.reason.clone() }
}

/// What is said of a validation that does not hold.
fn message(validation: &Validation, with: Activation<'_, '_>, left: &mut u64) -> Result<String, String> {
    let made = match &validation.message_expression {
        None => None,
        Some(expression) => {
            run(expression, with, left).map_err(|()| format!("failed messageExpression: {OUT_OF_BUDGET}"))?.ok()
        }
    };
    let made = made.as_ref().and_then(Val::as_str).map(str::trim);
    let made = made.filter(|text| !text.is_empty() && text.len() <= MAX_MESSAGE && !text.contains('\n'));
    Ok(match made {
        Some(text) => text.to_owned(),
        None if !validation.message.is_empty() => validation.message.clone(),
        None => format!("failed expression: {}", validation.expression.text.trim()),
    })
}

/// Does what a binding wants to be done about denials; the first that refuses the request.
fn act(judgement: &Judgement, hook: &Hook, binding: &Arc<Value>, attributes: &Attributes<'_>) -> Option<First> {
    let mut first = None;
    let spec = View::from(&**binding).get("spec");
    for (index, denial) in &judgement.denials {
        for action in spec.strings("validationActions") {
            match action {
                "Deny" if first.is_none() => first = Some(First::new(hook.name(), Some(name_of(binding)), denial)),
                "Warn" => attributes.warn(format!(
                    "Validation failed for ValidatingAdmissionPolicy '{}' with binding '{}': {}",
                    hook.name(),
                    name_of(binding),
                    denial.message
                )),
                "Audit" => {
                    let failure = json!([{
                        "message": denial.message,
                        "policy": spec.str("policyName"),
                        "binding": name_of(binding),
                        "expressionIndex": index,
                        "validationActions": spec.get("validationActions").to_value(),
                    }]);
                    attributes.annotate(FAILURE, failure.to_string());
                }
                _ => {}
            }
        }
    }
    let failed = judgement.failed_annotations.first().map(|why| Denial { message: why.clone(), reason: String::new() });
    first.or_else(|| failed.map(|denial| First::new(hook.name(), Some(name_of(binding)), &denial)))
}

/// Annotations of one policy, each value once.
#[derive(Default)]
struct Annotations(Vec<(String, Vec<String>)>);

impl Annotations {
    fn add(&mut self, annotations: Vec<(String, String)>) {
        for (key, value) in annotations {
            let end = (0..=MAX_ANNOTATION.min(value.len())).rev().find(|end| value.is_char_boundary(*end)).unwrap_or(0);
            let value = value[..end].to_owned();
            match self.0.iter_mut().find(|(known, _)| *known == key) {
                Some((_, values)) if values.contains(&value) => {}
                Some((_, values)) => values.push(value),
                None => self.0.push((key, vec![value])),
            }
        }
    }

    fn publish(self, policy: &str, attributes: &Attributes<'_>) {
        for (key, values) in self.0 {
            attributes.annotate(format!("{policy}/{key}"), values.join(", "));
        }
    }
}
