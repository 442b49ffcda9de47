//! Holding objects against the rules of their schema, within a budget.

use super::{Compiled, Expression, Rule, compile, declare};
use crate::correlate::Pair;
use crate::node::{Additional, ListType, Node};
use cel::{Activation, Decl, DeclKind, Evaluated, Fault, Val};
use object::Value;
use object::field::{Error, Errors, Path};
use std::collections::BTreeMap;

/// Most that all rules of an object may cost together.
const BUDGET: u64 = 10_000_000;
/// The longest message that an expression may make.
const MAX_MESSAGE: usize = 5 * 1024;

/// The rules of a schema, compiled.
#[derive(Debug)]
pub struct Rules(Rung);

/// One node of the schema at which, or below which, there are rules.
#[derive(Debug, Default)]
struct Rung {
    kind: &'static str,
    /// What is declared here, if there are rules here.
    decl: Option<Decl>,
    rules: Vec<Own>,
    map_keys: Option<Vec<String>>,
    properties: BTreeMap<String, Rung>,
    additional: Option<Box<Rung>>,
    items: Option<Box<Rung>>,
}

/// A rule that stands at a node.
#[derive(Debug)]
struct Own {
    rule: Rule,
    compiled: Compiled,
    /// Where its error is said to be, from here.
    field: String,
}

impl Rules {
    /// Compiles all rules of a custom resource's schema; `None` if there are none.
    pub fn compile(root: &Node) -> Option<Rules> {
        if !root.has_rules {
            return None;
        }
        rung(root, declare(root, true).as_ref()).map(Rules)
    }

    /// Compiles the rules of a part of a schema, whose values are held against them alone.
    pub(crate) fn compile_part(part: &Node, is_resource: bool) -> Option<Rules> {
        rung(part, declare(part, is_resource).as_ref()).map(Rules)
    }

    /// Holds a new object against all rules.
    pub fn evaluate(&self, object: &Value) -> Errors {
        self.walk(object, None, None, &Path::root()).errors
    }

    /// Holds a changed object of this schema against all rules.
    pub fn evaluate_update(&self, node: &Node, object: &Value, old: &Value) -> Errors {
        self.walk_update(node, object, old).errors
    }

    /// What does not hold, but is forgiven: it stood so before.
    pub fn forgiven(&self, node: &Node, object: &Value, old: &Value) -> Errors {
        self.walk_update(node, object, old).forgiven
    }

    /// Holds a default against the rules that stand where it stands, as its own old value and without one.
    pub(crate) fn evaluate_default(&self, default: &Value, path: &Path<'_>) -> Errors {
        let errors = self.walk(default, Some(default), None, path).errors;
        if errors.is_empty() { self.walk(default, None, None, path).errors } else { errors }
    }

    fn walk_update(&self, node: &Node, object: &Value, old: &Value) -> Walk {
        self.walk(object, Some(old), Some(Pair { node, new: object, old }), &Path::root())
    }

    fn walk(&self, value: &Value, old: Option<&Value>, pair: Option<Pair<'_>>, path: &Path<'_>) -> Walk {
        let mut walk = Walk { left: BUDGET, errors: Errors::new(), forgiven: Errors::new() };
        let ratchet = Ratchet { here: pair, around: None };
        // Running out of the budget is among the errors.
        let _ = walk.rung(&self.0, value, old, ratchet, path);
        walk
    }
}

fn rung(node: &Node, decl: Option<&Decl>) -> Option<Rung> {
    let decl = decl.filter(|_| node.has_rules)?;
    let inner = |node: &Node, decl: Option<&Decl>| rung(node, decl).map(Box::new);
    let (items_decl, values_decl) = match &decl.kind {
        DeclKind::List(items, _) => (Some(&**items), None),
        DeclKind::Map(values) => (None, Some(&**values)),
        _ => (None, None),
    };
    let properties = node.properties.iter().filter(|(_, property)| property.has_rules);
    let properties = properties.filter_map(|(name, property)| Some((name.clone(), field(name, property, decl)?)));
    Some(Rung {
        kind: node.types().first().copied().unwrap_or(""),
        properties: properties.collect(),
        additional: match &node.additional {
            Additional::Schema(values) => inner(values, values_decl),
            _ => None,
        },
        items: node.items.as_deref().and_then(|items| inner(items, items_decl)),
        map_keys: (node.list_type == ListType::Map).then(|| node.map_keys.clone()),
        ..own_rules(node, decl)
    })
}

fn field(name: &str, property: &Node, decl: &Decl) -> Option<Rung> {
    let DeclKind::Object(object) = &decl.kind else { return None };
    match cel::escape(name) {
        Some(escaped) => rung(property, object.fields.get(&escaped).map(|(_, decl)| decl)),
        // Nothing above can speak of it, but its own rules can.
        None => rung(property, declare(property, property.embedded).as_ref()),
    }
}

fn own_rules(node: &Node, decl: &Decl) -> Rung {
    if node.rules.is_empty() {
        return Rung::default();
    }
    let mut decl = decl.clone();
    decl.assign_names("selfType");
    let compiled = compile(&node.rules, &decl);
    let own = node.rules.iter().zip(compiled);
    let own =
        own.map(|(rule, compiled)| Own { rule: rule.clone(), compiled, field: plain_path(&rule.field_path, node) });
    Rung { rules: own.collect(), decl: Some(decl), ..Rung::default() }
}

/// A path into a schema as errors write it: `.a['b']` as `a.b`, and in brackets what is no named field.
fn plain_path(path: &str, node: &Node) -> String {
    let (mut out, mut at, mut rest) = (String::new(), Some(node), path);
    while !rest.is_empty() {
        let (name, behind) = match rest.strip_prefix("['").and_then(|rest| rest.split_once("']")) {
            Some((name, behind)) => (name.replace("\\'", "'"), behind),
            None => {
                let bare = rest.strip_prefix('.').unwrap_or(rest);
                let end = bare.find(['.', '[']).unwrap_or(bare.len());
                (bare[..end].to_owned(), &bare[end..])
            }
        };
        let named = at.is_none_or(|node| node.properties.contains_key(&name));
        if named {
            out.push_str(if out.is_empty() { "" } else { "." });
            out.push_str(&name);
        } else {
            out.push_str(&format!("[{name}]"));
        }
        at = at.and_then(|node| node.field(&name));
        rest = if behind.len() < rest.len() { behind } else { "" };
    }
    out
}

/// What errors are forgiven for: values that stand as they stood before.
#[derive(Clone, Copy)]
struct Ratchet<'v> {
    /// The value here and the old one that it belongs to.
    here: Option<Pair<'v>>,
    /// The same of the nearest value around, which counts where nothing belongs to the value here.
    around: Option<Pair<'v>>,
}

impl<'v> Ratchet<'v> {
    fn forgives(self) -> bool {
        self.here.or(self.around).is_some_and(Pair::is_same)
    }

    fn into(self, child: impl FnOnce(Pair<'v>) -> Option<Pair<'v>>) -> Ratchet<'v> {
        match self.here {
            None => self,
            Some(pair) => Ratchet { here: child(pair), around: self.here },
        }
    }

    fn field(self, name: &str) -> Ratchet<'v> {
        if self.around.is_none() && matches!(name, "apiVersion" | "kind") {
            return Ratchet { here: None, around: None };
        }
        self.into(|pair| pair.field(name))
    }

    fn item(self, index: usize) -> Ratchet<'v> {
        self.into(|pair| pair.item(index))
    }
}

/// No further rules are evaluated.
struct Stop;

struct Walk {
    /// What is left of the budget.
    left: u64,
    errors: Errors,
    forgiven: Errors,
}

impl Walk {
    fn rung(
        &mut self,
        rung: &Rung,
        value: &Value,
        old: Option<&Value>,
        ratchet: Ratchet<'_>,
        path: &Path<'_>,
    ) -> Result<(), Stop> {
        if value.is_null() {
            return Ok(());
        }
        let old = old.filter(|old| !old.is_null());
        self.own(rung, value, old, ratchet, path)?;
        match value {
            Value::Array(values) => {
                let Some(items) = &rung.items else { return Ok(()) };
                let old_items = old.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                for (index, value) in values.iter().enumerate() {
                    let old = rung.map_keys.as_ref().and_then(|keys| same_item(old_items, value, keys));
                    self.rung(items, value, old, ratchet.item(index), &path.index(index))?;
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    let (old, ratchet) = (old.and_then(|old| old.get(name)), ratchet.field(name));
                    if let Some(property) = rung.properties.get(name.as_str()) {
                        self.rung(property, value, old, ratchet, &path.child(name))?;
                    } else if let Some(additional) = &rung.additional {
                        self.rung(additional, value, old, ratchet, &path.key(name))?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The rules that stand here.
    fn own(
        &mut self,
        rung: &Rung,
        value: &Value,
        old: Option<&Value>,
        ratchet: Ratchet<'_>,
        path: &Path<'_>,
    ) -> Result<(), Stop> {
        let Some(decl) = &rung.decl else { return Ok(()) };
        if self.left == 0 {
            return self.exhausted(rung, path);
        }
        let this = match Val::of_declared(value, decl) {
            Ok(this) => this,
            Err(fault) => {
                let told = |own: &Own| format!("{fault} evaluating rule: {}", own.rule.shown());
                self.errors.extend(rung.rules.iter().map(|own| Error::invalid(path, rung.kind, told(own))));
                return Ok(());
            }
        };
        let old_this = old.and_then(|old| Val::of_declared(old, decl).ok());
        for Own { rule, compiled, field } in &rung.rules {
            let optional = rule.optional_old_self == Some(true);
            if compiled.uses_old_self && old_this.is_none() && !optional {
                continue;
            }
            let old_self = match &old_this {
                old if optional => Val::Optional(old.clone().map(Into::into)),
                Some(old) => old.clone(),
                None => Val::Null,
            };
            let values = [this.clone(), old_self];
            // For messages, an old value is itself, also where rules see it as optional.
            let told: Vec<Val<'_>> = std::iter::once(this.clone()).chain(old_this.clone()).collect();
            let judged = Judged { rung, rule, compiled, field, value, path, told: &told, forgiven: ratchet.forgives() };
            self.rule(&judged, &values)?;
        }
        Ok(())
    }

    fn exhausted(&mut self, rung: &Rung, path: &Path<'_>) -> Result<(), Stop> {
        let why = "validation failed due to running out of cost budget, no further validation rules will be run";
        self.errors.push(Error::invalid(path, rung.kind, why));
        Err(Stop)
    }

    fn rule(&mut self, judged: &Judged<'_>, values: &[Val<'_>]) -> Result<(), Stop> {
        let Judged { rung, rule, path, .. } = *judged;
        let expression = match &judged.compiled.rule {
            None => return Ok(()),
            Some(Err(why)) => {
                self.errors.push(Error::invalid(path, rung.kind, format!("rule compile error: {why}")));
                return Ok(());
            }
            Some(Ok(expression)) => expression,
        };
        let Evaluated { value, cost } = expression.program.evaluate(Activation { values, variables: None });
        if cost > self.left {
            return self.exhausted(rung, path);
        }
        self.left -= cost;
        let shown = rule.shown();
        match value {
            Ok(Val::Bool(true)) => Ok(()),
            Ok(_) => self.broken(judged),
            Err(fault @ Fault::CostLimit) => {
                let why = "no further validation rules will be run due to call cost exceeds limit for rule";
                self.errors.push(Error::invalid(path, rung.kind, format!("'{fault}': {why}: {shown}")));
                Err(Stop)
            }
            Err(fault) if fault.is_no_overload() => {
                let why = "call arguments did not match a supported operator, function or macro signature for rule";
                self.errors.push(Error::invalid(path, rung.kind, format!("'{fault}': {why}: {shown}")));
                Ok(())
            }
            Err(fault) => {
                self.errors.push(Error::invalid(path, rung.kind, format!("{fault} evaluating rule: {shown}")));
                Ok(())
            }
        }
    }

    /// The error of a rule that does not hold.
    fn broken(&mut self, judged: &Judged<'_>) -> Result<(), Stop> {
        let Judged { rung, rule, compiled, value, path, told, forgiven, .. } = *judged;
        let place = if judged.field.is_empty() { *path } else { path.child(judged.field) };
        let forgiven = forgiven && !compiled.uses_old_self;
        let made = match &compiled.message {
            Some(Ok(expression)) => self.message(expression, rule, told),
            _ => Ok(None),
        };
        let detail = match made {
            Ok(message) => message.unwrap_or_else(|| rule.message_or_default()),
            Err(why) => {
                self.add(Error::invalid(&place, rung.kind, why), forgiven);
                return Err(Stop);
            }
        };
        let hidden = matches!(rung.kind, "object" | "array");
        let error = match rule.reason.as_deref() {
            Some("FieldValueForbidden") => Error::forbidden(&place, detail),
            Some("FieldValueRequired") => Error::required(&place, detail),
            Some("FieldValueDuplicate") if hidden => Error::duplicate_hidden(&place),
            Some("FieldValueDuplicate") => Error::duplicate(&place, value.clone()),
            _ if hidden => Error::invalid_hidden(&place, detail),
            _ => Error::invalid(&place, value.clone(), detail),
        };
        self.add(error, forgiven);
        Ok(())
    }

    fn add(&mut self, error: Error, forgiven: bool) {
        if forgiven { self.forgiven.push(error) } else { self.errors.push(error) }
    }

    /// The message that an expression makes, if it makes a good one; an error if rules end here.
    fn message(&mut self, expression: &Expression, rule: &Rule, values: &[Val<'_>]) -> Result<Option<String>, String> {
        let Evaluated { value, cost } = expression.program.evaluate(Activation { values, variables: None });
        if cost > self.left {
            let why = "messageExpression evaluation failed due to running out of cost budget, no further validation rules \
                       will be run";
            return Err(why.to_owned());
        }
        if value.as_ref().err() == Some(&Fault::CostLimit) {
            let source = &rule.message_expression;
            let why = "no further validation rules will be run due to call cost exceeds limit for messageExpression";
            return Err(format!("{why}: {source:?}"));
        }
        self.left -= cost;
        let text = value.ok().and_then(|value| value.as_str().map(|text| text.trim().to_owned()));
        Ok(text.filter(|text| !text.is_empty() && text.len() <= MAX_MESSAGE && !text.contains('\n')))
    }
}

/// A rule and what it is about.
#[derive(Clone, Copy)]
struct Judged<'j> {
    rung: &'j Rung,
    rule: &'j Rule,
    compiled: &'j Compiled,
    field: &'j str,
    value: &'j Value,
    path: &'j Path<'j>,
    /// What messages are made from.
    told: &'j [Val<'j>],
    forgiven: bool,
}

/// The item of a list with the same keys.
fn same_item<'v>(items: &'v [Value], value: &Value, keys: &[String]) -> Option<&'v Value> {
    items.iter().find(|item| keys.iter().all(|key| item.get(key) == value.get(key)))
}
