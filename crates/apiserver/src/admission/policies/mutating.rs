//! Mutating policies.

use super::compiled::Mutation;
use super::hooks::{Hook, name_of};
use super::{BUDGET, Policies, Shown, forbidden};
use crate::admission::Attributes;
use crate::admission::conditions::{OUT_OF_BUDGET, holds};
use crate::admission::matching::taken_back;
use crate::admission::reinvocation::Reinvocation;
use cel::{Activation, Val, Variables};
use kinds::Resource;
use object::patch::json::Patch;
use object::status::Cause;
use object::{Status, Value, View, apply, json, raw, schema};
use std::sync::Arc;

/// What went wrong with a policy.
struct Failure {
    message: String,
    /// Whether the request is told to be invalid, not forbidden.
    is_invalid: bool,
}

/// A policy with one binding and one parameter, and the resource as which it sees the request.
struct Invocation<'h> {
    hook: &'h Hook,
    binding: &'h Value,
    params: Arc<Value>,
    resource: Arc<Resource>,
}

impl Invocation<'_> {
    fn id(&self) -> String {
        let params = View::from(&*self.params).get("metadata");
        let (namespace, name) = (params.str("namespace"), params.str("name"));
        format!("{}/{}/{namespace}/{name}", self.hook.name(), name_of(self.binding))
    }

    fn failure(&self, why: &str) -> Failure {
        failure(self.hook, Some(self.binding), why, true)
    }
}

fn failure(hook: &Hook, binding: Option<&Value>, why: &str, is_invalid: bool) -> Failure {
    let with = binding.map(|binding| format!(" with binding '{}'", name_of(binding))).unwrap_or_default();
    Failure { message: format!("policy '{}'{with} denied request: {why}", hook.name()), is_invalid }
}

impl Policies {
    /// Lets mutating policies change the object.
    pub(in crate::admission) fn mutate(
        &self,
        attributes: &Attributes<'_>,
        object: &mut Value,
        old: Option<View<'_>>,
        reinvocation: &mut Reinvocation,
    ) -> Result<(), Status> {
        if Policies::is_exempt(attributes) || object.is_null() {
            return Ok(());
        }
        let hooks = self.hooks("mutatingadmissionpolicies", "mutatingadmissionpolicybindings");
        if hooks.is_empty() {
            return Ok(());
        }
        let mut failures = Vec::new();
        let invocations = self.invocations(&hooks, attributes, object, old, &mut failures);
        reinvocation.begin(object);
        for invocation in &invocations {
            self.invoke(invocation, attributes, object, old, reinvocation, &mut failures)?;
        }
        reinvocation.end(object);
        refuse(failures, attributes, object)
    }

    /// The policies that are about a request, with their bindings and parameters.
    fn invocations<'h>(
        &self,
        hooks: &'h [Hook],
        attributes: &Attributes<'_>,
        object: &Value,
        old: Option<View<'_>>,
        failures: &mut Vec<Failure>,
    ) -> Vec<Invocation<'h>> {
        let mut invocations = Vec::new();
        for hook in hooks {
            let mut misconfigured = |binding: Option<&Value>, why: &str| {
                let what = if binding.is_some() { "binding" } else { "policy" };
                let why = format!("failed to configure {what}: {why}");
                failures.extend(hook.fails_closed().then(|| failure(hook, binding, &why, false)));
            };
            let resource = match self.matched(hook.spec().get("matchConstraints"), attributes, object, old) {
                Ok(Some(resource)) => resource,
                Ok(None) => continue,
                Err(status) => {
                    misconfigured(None, &status.message);
                    continue;
                }
            };
            let params_of = match self.param_resource(hook.spec(), attributes) {
                Ok(params_of) => params_of,
                Err(why) => {
                    misconfigured(None, &why);
                    continue;
                }
            };
            for binding in &hook.bindings {
                let view = View::from(&**binding);
                let matched = self.matched(view.get("spec").get("matchResources"), attributes, object, old);
                let params = match matched {
                    Ok(Some(_)) => self.params(params_of.as_deref(), view, attributes),
                    Ok(None) => continue,
                    Err(status) => Err(status.message.clone()),
                };
                match params {
                    Ok(all) => invocations.extend(all.into_iter().map(|params| Invocation {
                        hook,
                        binding,
                        params,
                        resource: resource.clone(),
                    })),
                    Err(why) => misconfigured(Some(binding), &why),
                }
            }
        }
        invocations
    }

    /// Makes all changes of a policy, each to what the one before left.
    fn invoke(
        &self,
        invocation: &Invocation<'_>,
        attributes: &Attributes<'_>,
        object: &mut Value,
        old: Option<View<'_>>,
        reinvocation: &mut Reinvocation,
        failures: &mut Vec<Failure>,
    ) -> Result<(), Status> {
        let hook = invocation.hook;
        let mut failed = |why: &str| failures.extend(hook.fails_closed().then(|| invocation.failure(why)));
        let rights = self.rights(attributes);
        let mut shown = self.shown(attributes, &invocation.resource, object, old)?;
        let conditions = hook.compiled.conditions.iter().map(|condition| (condition.text.as_str(), &condition.program));
        let matches = {
            let values = shown.values(attributes, &invocation.params, &rights);
            let variables = Variables::new(&hook.compiled.variables, &values);
            holds(conditions, Activation { values: &values, variables: Some(&variables) }, hook.fails_closed())
        };
        match matches {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(why) => {
                failed(&why);
                return Ok(());
            }
        }
        let id = invocation.id();
        if reinvocation.skips(&id) {
            return Ok(());
        }
        let mut changed = false;
        for mutation in &hook.compiled.mutations {
            let patched = {
                let values = shown.values(attributes, &invocation.params, &rights);
                let variables = Variables::new(&hook.compiled.variables, &values);
                change(mutation, Activation { values: &values, variables: Some(&variables) }, &shown)
            };
            match patched {
                Ok(patched) if patched != shown.seen.object => {
                    *object = taken_back(attributes, &invocation.resource, patched, object, mutation.is_json_patch)?;
                    if let Some(ty) = attributes.resource.raws.filter(|_| !mutation.is_json_patch) {
                        raw::respell(schema::builtin(), ty, object);
                    }
                    shown = self.shown(attributes, &invocation.resource, object, old)?;
                    changed = true;
                }
                Ok(_) => {}
                Err(why) => failed(&why),
            }
        }
        if changed {
            reinvocation.changed();
        }
        if hook.spec().str("reinvocationPolicy") == "IfNeeded" {
            reinvocation.may_ask_again(&id);
        }
        Ok(())
    }
}

fn refuse(failures: Vec<Failure>, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
    let Some(first) = failures.first() else { return Ok(()) };
    let mut status = forbidden(attributes, object, "admission request denied by policy");
    status.message = first.message.clone();
    if first.is_invalid {
        status.reason = "Invalid".into();
    }
    if let Some(details) = &mut status.details {
        let cause = |failure: Failure| Cause { message: failure.message, ..Cause::default() };
        details.causes.extend(failures.into_iter().map(cause));
    }
    Err(status)
}

/// The object as one mutation makes it.
fn change(mutation: &Mutation, with: Activation<'_, '_>, shown: &Shown) -> Result<Value, String> {
    let expression = &mutation.expression;
    let program = expression.program.as_ref().map_err(|refusal| refusal.text().to_owned())?;
    let evaluated = program.evaluate(with);
    if evaluated.cost > BUDGET {
        return Err(OUT_OF_BUDGET.to_owned());
    }
    let said = |fault| format!("expression '{}' resulted in error: {fault}", expression.text);
    let value = evaluated.value.map_err(said)?;
    if mutation.is_json_patch { patch(&value, &shown.seen.object) } else { configure(&value, shown) }
}

/// Applies a list of `JSONPatch{…}`. Where a test fails, nothing is changed.
fn patch(value: &Val<'_>, object: &Value) -> Result<Value, String> {
    let mismatch = || "type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch".to_owned();
    let Val::List(list) = value else { return Err(mismatch()) };
    let mut operations = Vec::new();
    for item in list.to_vec().map_err(|fault| fault.to_string())? {
        let Val::Map(map) = &item else { return Err(mismatch()) };
        if map.type_name() != Some("JSONPatch") {
            return Err(mismatch());
        }
        if let Some(Ok(Val::Map(value))) = map.field("value")
            && let Some(name) = value.type_name()
        {
            check_names(&Val::Map(value.clone()), name)?;
        }
        let mut operation = item.to_json().map_err(|fault| {
            format!("JSONPath valueExpression evaluated to a type that could not marshal to JSON: {fault}")
        })?;
        if let Some(fields) = operation.as_object_mut() {
            for name in ["op", "path"] {
                fields.entry(name).or_insert_with(|| "".into());
            }
        }
        operations.push(operation);
    }
    let text = json::go_text(&Value::Array(operations));
    let patch = Patch::decode_unchecked(text.as_bytes()).map_err(|why| format!("JSON Patch: {why}"))?;
    match patch.apply_to(object) {
        Ok(patched) => Ok(patched),
        Err(rejected) if rejected.to_string().ends_with("test failed") => Ok(object.clone()),
        Err(rejected) => Err(format!("JSON Patch: {rejected}")),
    }
}

/// Lays an `Object{…}` over the object, as server-side apply does.
fn configure(value: &Val<'_>, shown: &Shown) -> Result<Value, String> {
    check_names(value, "Object")?;
    let object = &shown.seen.object;
    let mut configuration = value.to_json().map_err(|fault| fault.to_string())?;
    if configuration.as_object().is_none() {
        return Err("unsupported return type from ApplyConfiguration expression".to_owned());
    }
    for name in ["apiVersion", "kind"] {
        configuration[name] = object[name].clone();
    }
    let custom = shown.resource.custom.as_ref().map(|custom| custom.own().table());
    let builtin = || Some((schema::builtin(), schema::builtin().find(&shown.resource.type_name)?));
    let Some((schema, ty)) = custom.or_else(builtin) else {
        return Err(format!("error applying patch: no type of {} is known", shown.resource.kind));
    };
    apply::overlay(schema, ty, object, &configuration).map_err(|why| format!("error applying patch: {why}"))
}

/// Objects within must have the names of the fields that they stand in, below the name of the outermost.
fn check_names(value: &Val<'_>, expected: &str) -> Result<(), String> {
    let found = mismatches(value, expected);
    if found.is_empty() { Ok(()) } else { Err(format!("type mismatch: {}", found.join("\n"))) }
}

fn mismatches(value: &Val<'_>, expected: &str) -> Vec<String> {
    let mut found = Vec::new();
    match value {
        Val::Map(map) => {
            let name = map.type_name();
            if let Some(name) = name.filter(|name| *name != expected && name.starts_with("Object")) {
                found.push(format!(
                    "unexpected type name {name:?}, expected {expected:?}, which matches field name path from root Object \
                     type"
                ));
            }
            for (field, value) in map.named() {
                let below = if name.is_some() { format!("{expected}.{field}") } else { expected.to_owned() };
                found.extend(mismatches(&value, &below));
            }
        }
        Val::List(list) => {
            for item in list.to_vec().unwrap_or_default() {
                found.extend(mismatches(&item, expected));
            }
        }
        _ => {}
    }
    found
}
