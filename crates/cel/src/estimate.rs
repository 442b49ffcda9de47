//! How much an expression can cost, before any value is known: the reference implementation's estimate, to the unit,
//! because it decides which rules a definition may have.

mod call;
mod range;

use crate::check::Checked;
use crate::decl::Decl;
use crate::syntax::ast::{ACCUMULATOR, Expr, Fold, Id, Kind, Literal};
use crate::types::Type;
use call::Argument;
use range::Range;
use std::collections::HashMap;

impl Checked {
    /// The most that the expression can cost, where its variables are as declared.
    pub fn estimate(&self, root: &Decl) -> u64 {
        self.estimate_with(&|path: &[String]| root.elements_at(path.get(1..)?))
    }

    /// The same, where `size` tells how many characters, items or entries there can be at most at a path: a variable,
    /// and from there the names of fields, `@items`, `@values` and `@keys`.
    pub fn estimate_with(&self, size: &dyn Fn(&[String]) -> Option<u64>) -> u64 {
        let mut estimator = Estimator {
            checked: self,
            declared: size,
            paths: HashMap::new(),
            sizes: HashMap::new(),
            entries: HashMap::new(),
            locals: Vec::new(),
        };
        estimator.cost(&self.root).max
    }
}

/// Sizes of what is in a list or map.
#[derive(Clone, Copy, Debug)]
struct Entries {
    is_list: bool,
    key: Range,
    value: Range,
}

#[derive(Debug)]
struct Local {
    name: String,
    path: Vec<String>,
    size: Option<Range>,
    entries: Option<Entries>,
}

struct Estimator<'c> {
    checked: &'c Checked,
    /// The most that can be at a path.
    declared: &'c dyn Fn(&[String]) -> Option<u64>,
    /// From the root to where the value of a node is declared.
    paths: HashMap<Id, Vec<String>>,
    sizes: HashMap<Id, Range>,
    entries: HashMap<Id, Entries>,
    locals: Vec<Local>,
}

const SELECT: Range = Range::exactly(1);

// === costs ===

impl Estimator<'_> {
    fn cost(&mut self, expr: &Expr) -> Range {
        match &expr.kind {
            Kind::Literal(_) => Range::exactly(0),
            Kind::Ident(name) => {
                let path = self.local(name).map_or_else(|| vec![name.clone()], |local| local.path.clone());
                self.paths.insert(expr.id, path);
                SELECT
            }
            Kind::Select(select) => {
                let operand = self.cost(&select.operand);
                if select.test {
                    return operand;
                }
                let path = self.path_then(&select.operand, &select.field);
                self.paths.insert(expr.id, path);
                match self.checked.type_of(&select.operand) {
                    Type::Map(_) | Type::Object(_) => operand.plus(SELECT),
                    _ => operand,
                }
            }
            Kind::Call(call) if call.function == "dyn" => self.dyn_call(expr, &call.args),
            Kind::Call(_) => self.call(expr),
            Kind::List(items) => {
                let costs = items.iter().map(|item| self.cost(&item.value)).fold(Range::exactly(10), Range::plus);
                let value = self.union_of(items.iter().map(|item| &item.value));
                self.entries.insert(expr.id, Entries { is_list: true, key: Range::exactly(1), value });
                costs
            }
            Kind::Map(entries) => {
                let costs = entries.iter().flat_map(|entry| [&entry.key, &entry.value]);
                let costs = costs.map(|node| self.cost(node)).fold(Range::exactly(30), Range::plus);
                let key = self.union_of(entries.iter().map(|entry| &entry.key));
                let value = self.union_of(entries.iter().map(|entry| &entry.value));
                self.entries.insert(expr.id, Entries { is_list: false, key, value });
                costs
            }
            Kind::Struct { fields, .. } => {
                fields.iter().map(|field| self.cost(&field.value)).fold(Range::exactly(40), Range::plus)
            }
            Kind::Fold(fold) if fold.is_bind() => self.bind(expr, fold),
            Kind::Fold(fold) => self.fold(expr, fold),
        }
    }

    fn dyn_call(&mut self, expr: &Expr, args: &[Expr]) -> Range {
        let Some(arg) = args.first() else { return SELECT };
        let cost = self.cost(arg);
        self.copy_sizes(expr, arg);
        cost.plus(SELECT)
    }

    fn call(&mut self, expr: &Expr) -> Range {
        let Kind::Call(call) = &expr.kind else { return Range::exactly(0) };
        let arg_costs: Vec<Range> = call.args.iter().map(|arg| self.cost(arg)).collect();
        let args: Vec<Argument<'_>> = call.args.iter().map(|arg| self.argument(arg)).collect();
        let checked = self.checked;
        let overloads = &checked.overloads[expr.id as usize];
        if overloads.is_empty() {
            return Range::exactly(0);
        }
        let target = call.target.as_ref().map(|target| (self.cost(target), self.argument(target)));
        let (target_cost, target) = target.map_or((Range::exactly(0), None), |(cost, target)| (cost, Some(target)));
        let (mut cost, mut size) = (Range { min: u64::MAX, max: 0 }, None);
        for overload in overloads {
            let estimated = self.overload(expr, overload.id, &call.function, target.as_ref(), &args, &arg_costs);
            cost = cost.union(estimated.cost);
            size = match (size, estimated.size) {
                (Some(known), Some(more)) => Some(Range::union(known, more)),
                (known, more) => known.or(more),
            };
            let step = match overload.id {
                "index_list" => Some("@items"),
                "index_map" => Some("@values"),
                _ => None,
            };
            if let (Some(step), Some(of)) = (step, call.args.first()) {
                size = self.entries_of(of).map(|entries| entries.value);
                let path = self.path_then(of, step);
                self.paths.insert(expr.id, path);
            }
            size = size.or_else(|| self.size(expr));
        }
        self.sizes.extend(size.map(|size| (expr.id, size)));
        target_cost.plus(cost)
    }

    fn fold(&mut self, expr: &Expr, fold: &Fold) -> Range {
        let mut sum = self.cost(&fold.range).plus(self.cost(&fold.init));
        let base = self.locals.len();
        self.push_bound(&fold.accumulator, &fold.init);
        match &fold.second {
            Some(second) => {
                self.push_item(&fold.variable, &fold.range, true);
                self.push_item(second, &fold.range, false);
            }
            None => {
                let over_list = self.is_list(&fold.range);
                self.push_item(&fold.variable, &fold.range, !over_list);
            }
        }
        let (condition, step) = (self.cost(&fold.condition), self.cost(&fold.step));
        self.locals.truncate(base + 1);
        sum = sum.plus(self.cost(&fold.result));
        self.locals.truncate(base);
        let count = self.size_or_unknown(&fold.range);
        sum = sum.plus(count.times(step.plus(condition)));
        match fold.init.kind {
            Kind::Literal(_) => {
                let size = self.size(&fold.init);
                self.sizes.extend(size.map(|size| (expr.id, size)));
            }
            Kind::List(_) | Kind::Map(_) => {
                self.sizes.insert(expr.id, count);
                let entries = self.entries_of(&fold.step);
                self.entries.extend(entries.map(|entries| (expr.id, entries)));
            }
            _ => {}
        }
        sum
    }

    fn bind(&mut self, expr: &Expr, fold: &Fold) -> Range {
        let sum = self.cost(&fold.range).plus(self.cost(&fold.init));
        self.push_bound(&fold.accumulator, &fold.init);
        let sum = sum.plus(self.cost(&fold.result));
        self.locals.pop();
        self.copy_sizes(expr, &fold.result);
        sum
    }
}

// === paths and sizes ===

impl Estimator<'_> {
    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn path(&self, expr: &Expr) -> Vec<String> {
        if let Kind::Ident(name) = &expr.kind
            && let Some(local) = self.local(name)
        {
            return local.path.clone();
        }
        self.paths.get(&expr.id).cloned().unwrap_or_default()
    }

    fn path_then(&self, expr: &Expr, step: &str) -> Vec<String> {
        let mut path = self.path(expr);
        path.push(step.to_owned());
        path
    }

    fn is_list(&self, range: &Expr) -> bool {
        let known = self.entries_of(range).map(|entries| entries.is_list);
        known.unwrap_or_else(|| matches!(self.checked.type_of(range), Type::List(_)))
    }

    fn push_bound(&mut self, name: &str, value: &Expr) {
        let (path, size, entries) = (self.path(value), self.size(value), self.entries_of(value));
        self.locals.push(Local { name: name.to_owned(), path, size, entries });
    }

    /// A variable that is the key (or index), or the value of each entry.
    fn push_item(&mut self, name: &str, range: &Expr, key: bool) {
        let step = match (key, self.is_list(range)) {
            (true, true) => "@indices",
            (true, false) => "@keys",
            (false, true) => "@items",
            (false, false) => "@values",
        };
        let entries = self.entries_of(range);
        let size = entries.map(|entries| if key { entries.key } else { entries.value });
        let path = self.path_then(range, step);
        self.locals.push(Local { name: name.to_owned(), path, size, entries: None });
    }

    fn argument<'e>(&mut self, expr: &'e Expr) -> Argument<'e> {
        let path = Some(self.path(expr)).filter(|path| path.first().is_some_and(|first| first != ACCUMULATOR));
        Argument { path, of: self.checked.type_of(expr).clone(), size: self.size(expr), expr: Some(expr) }
    }

    /// The size of what is declared at a path; the first step is the variable's name.
    fn declared(&self, path: &[String]) -> Option<Range> {
        (self.declared)(path).map(|max| Range { min: 0, max })
    }

    fn size(&mut self, expr: &Expr) -> Option<Range> {
        if let Some(size) = self.sizes.get(&expr.id) {
            return Some(*size);
        }
        if let Some(size) = written_size(expr) {
            return Some(Range::exactly(size));
        }
        if let Some(size) = self.declared(&self.path(expr)) {
            self.sizes.insert(expr.id, size);
            return Some(size);
        }
        if is_scalar(self.checked.type_of(expr)) {
            return Some(Range::exactly(1));
        }
        match &expr.kind {
            Kind::Ident(name) => self.local(name).and_then(|local| local.size),
            _ => None,
        }
    }

    fn size_or_unknown(&mut self, expr: &Expr) -> Range {
        self.size(expr).unwrap_or(Range::UNKNOWN)
    }

    fn union_of<'e>(&mut self, nodes: impl ExactSizeIterator<Item = &'e Expr>) -> Range {
        let none = Range { min: if nodes.len() == 0 { 0 } else { u64::MAX }, max: 0 };
        nodes.map(|node| self.size_or_unknown(node)).fold(none, Range::union)
    }

    fn entries_of(&self, expr: &Expr) -> Option<Entries> {
        if let Some(entries) = self.entries.get(&expr.id) {
            return Some(*entries);
        }
        match &expr.kind {
            Kind::Ident(name) => self.local(name).and_then(|local| local.entries),
            _ => None,
        }
    }

    fn copy_sizes(&mut self, to: &Expr, from: &Expr) {
        let (size, entries) = (self.size(from), self.entries_of(from));
        self.sizes.extend(size.map(|size| (to.id, size)));
        self.entries.extend(entries.map(|entries| (to.id, entries)));
    }
}

/// The size that an expression has as it is written.
fn written_size(expr: &Expr) -> Option<u64> {
    Some(match &expr.kind {
        Kind::Literal(Literal::Str(text)) => text.chars().count() as u64,
        Kind::Literal(Literal::Bytes(bytes)) => bytes.len() as u64,
        Kind::Literal(_) => 1,
        Kind::List(items) => items.len() as u64,
        Kind::Map(entries) => entries.len() as u64,
        _ => return None,
    })
}

fn is_scalar(of: &Type) -> bool {
    matches!(of, Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint)
        || of.unwrapped().is_some_and(is_scalar)
}
