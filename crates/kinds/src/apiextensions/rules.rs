//! Rules in CEL in a schema: that they mean something, speak of the old value only where there is one, and are not too
//! dear. What else they may say is told in `open_api`.

use cel::{Decl, DeclKind, escape};
use object::field::{Error, Errors, Path};
use object::{Value, View};
use structural::rules::{self, Compiled, declare};
use structural::{Additional, Kind, Node};

/// Most that one expression may be estimated to cost, for all values that it is evaluated for.
const LIMIT: u64 = 10_000_000;
/// The same for all expressions of a schema.
const TOTAL_LIMIT: u64 = 100_000_000;
/// How many of the dearest are told of.
const MOST_TOLD: usize = 4;

/// Validates the rules of a schema that is fine otherwise. `place` is where the schema stands.
pub(super) fn validate(schema: View<'_>, place: &Path<'_>, errors: &mut Errors) {
    let root = Node::parse(schema);
    if !root.has_rules {
        return;
    }
    let mut total = Total::default();
    let around = Around { is_root: true, decl: None, count: Some(1), apart: None };
    Walk { errors, total: &mut total }.node(&root, schema, around, place);
    total.report(place, errors);
}

/// Where a schema stands.
#[derive(Clone, Copy)]
struct Around<'a> {
    is_root: bool,
    /// What is declared here, if something above has rules.
    decl: Option<&'a Decl>,
    /// How many such values an object can have; `None` if that has no bound.
    count: Option<u64>,
    /// Where old and new values can no longer be told to belong together.
    apart: Option<&'a Path<'a>>,
}

/// What all expressions cost together.
#[derive(Default)]
struct Total {
    cost: u64,
    dearest: Vec<(String, u64)>,
}

impl Total {
    fn observe(&mut self, path: &Path<'_>, cost: u64) {
        self.cost = self.cost.saturating_add(cost);
        if cost >= TOTAL_LIMIT / 100 {
            self.dearest.push((path.to_string(), cost));
            self.dearest.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
            self.dearest.truncate(MOST_TOLD);
        }
    }

    fn report(&self, place: &Path<'_>, errors: &mut Errors) {
        if self.cost <= TOTAL_LIMIT {
            return;
        }
        for (path, _) in &self.dearest {
            let why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            errors.push(Error::forbidden(&Path::new(path), why));
        }
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        errors.push(Error::forbidden(place, too_dear(what, self.cost, TOTAL_LIMIT)));
    }
}

struct Walk<'w> {
    errors: &'w mut Errors,
    total: &'w mut Total,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node, schema: View<'_>, around: Around<'_>, path: &Path<'_>) {
        if !node.has_rules {
            return;
        }
        let declared = (around.decl.is_none() && !node.rules.is_empty())
            .then(|| declare(node, around.is_root || node.embedded))
            .flatten();
        let decl = around.decl.or(declared.as_ref());
        let inner = Around { is_root: false, decl: None, count: times(around.count, node), apart: around.apart };
        if let Additional::Schema(values) = &node.additional {
            let decl = decl.and_then(|decl| if let DeclKind::Map(of) = &decl.kind { Some(&**of) } else { None });
            let place = path.child("additionalProperties");
            self.node(values, schema.get("additionalProperties"), Around { decl, ..inner }, &place);
        }
        let properties = path.child("properties");
        for (name, property) in &node.properties {
            let around = Around { decl: decl.and_then(|decl| field(decl, name)), ..inner };
            self.node(property, schema.get("properties").get(name), around, &properties.key(name));
        }
        if let Some(items) = &node.items {
            let decl = decl.and_then(|decl| if let DeclKind::List(of, _) = &decl.kind { Some(&**of) } else { None });
            let correlates = schema.str("x-kubernetes-list-type") == "map";
            let apart = around.apart.or((!correlates).then_some(path));
            self.node(items, schema.get("items"), Around { decl, apart, ..inner }, &path.child("items"));
        }
        if !node.rules.is_empty() {
            self.own(node, schema, around, decl, path);
        }
    }

    fn own(&mut self, node: &Node, schema: View<'_>, around: Around<'_>, decl: Option<&Decl>, path: &Path<'_>) {
        let list = path.child("x-kubernetes-validations");
        let Some(decl) = decl else {
            let why = "internal error: failed to construct type information for x-kubernetes-validations rules: unable to \
                       convert structural schema to CEL declarations";
            self.errors.push(Error::internal(&list, why));
            return;
        };
        let mut decl = decl.clone();
        decl.assign_names("selfType");
        let count = around.count.unwrap_or_else(|| cel::MAX_REQUEST / (decl.min_size + 1));
        let compiled = rules::compile(&node.rules, &decl);
        let rules = schema.list("x-kubernetes-validations").zip(&compiled);
        for (index, (rule, compiled)) in rules.enumerate() {
            self.rule(rule, compiled, count, around.apart, &list.index(index));
        }
    }

    fn rule(&mut self, rule: View<'_>, compiled: &Compiled, count: u64, apart: Option<&Path<'_>>, path: &Path<'_>) {
        let place = path.child("rule");
        match &compiled.rule {
            Some(Ok(expression)) => {
                let cost = expression.max_cost.saturating_mul(count);
                self.cost("estimated rule cost", cost, &place);
            }
            Some(Err(why)) => self.errors.push(Error::invalid_shown(&place, shown(rule), why)),
            None => {}
        }
        let place = path.child("messageExpression");
        match &compiled.message {
            Some(Ok(expression)) => self.cost("estimated messageExpression cost", expression.max_cost, &place),
            Some(Err(why)) => self.errors.push(Error::invalid_shown(&place, shown(rule), why)),
            None => {}
        }
        if let Some(apart) = apart.filter(|_| compiled.uses_old_self) {
            let detail = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {apart}");
            self.errors.push(Error::invalid(&path.child("rule"), rule.str("rule"), detail));
        }
        if let (false, Some(optional)) = (compiled.uses_old_self, rule.opt_bool("optionalOldSelf")) {
            let detail = "may not be set if oldSelf is not used in rule";
            self.errors.push(Error::invalid(&path.child("optionalOldSelf"), optional, detail));
        }
    }

    fn cost(&mut self, what: &str, cost: u64, path: &Path<'_>) {
        if cost > LIMIT {
            self.errors.push(Error::forbidden(path, too_dear(what, cost, LIMIT)));
        }
        self.total.observe(path, cost);
    }
}

fn field<'d>(decl: &'d Decl, name: &str) -> Option<&'d Decl> {
    let DeclKind::Object(object) = &decl.kind else { return None };
    object.fields.get(&escape(name)?).map(|(_, decl)| decl)
}

/// How many values there can be below, if there can be so many here.
fn times(count: Option<u64>, node: &Node) -> Option<u64> {
    let each = match node.kind {
        Kind::Object if !matches!(node.additional, Additional::Absent) => node.max_properties()?,
        Kind::Array => node.max_items()?,
        _ => 1,
    };
    Some(count?.saturating_mul(each))
}

#[allow(clippy::cast_precision_loss, reason = "a factor for people")]
fn too_dear(what: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let shown = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{what} exceeds budget by factor of {shown} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}

/// A rule as upstream's internal form writes it.
fn shown(rule: View<'_>) -> String {
    let text = |name: &str| json(&rule.str(name).into());
    let or_null = |name: &str| json(&rule.get(name).to_value());
    format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        text("rule"),
        text("message"),
        text("messageExpression"),
        or_null("reason"),
        text("fieldPath"),
        or_null("optionalOldSelf"),
    )
}

/// JSON as Go writes it by default: safe within HTML.
fn json(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
