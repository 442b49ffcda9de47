//! Macros: calls that are written as folds over a range.

use super::ast::{ACCUMULATOR, Expr, Fold, Kind, Literal, Select};
use super::parse::{Nodes, Place};

/// What came of looking for a macro.
pub(super) enum Expanded {
    /// What the macro stands for.
    Expr(Expr),
    /// There is no such macro.
    Not { target: Option<Expr>, args: Vec<Expr> },
    /// There is, but it was called wrongly.
    Wrong { at: Place, message: String },
}

type Made = Result<Expr, (Place, String)>;

/// The name behind which `sortBy` keeps its list.
const SORTED: &str = "@__sortBy_input__";

/// Expands a call, if it is one of a macro.
pub(super) fn expand(
    nodes: &mut Nodes,
    offset: usize,
    function: &str,
    target: Option<Expr>,
    args: Vec<Expr>,
) -> Expanded {
    let mut at = At { nodes, offset };
    let is_bind = function == "bind" && at.nodes.bindings;
    let made = match (target, args.len()) {
        (Some(Expr { kind: Kind::Ident(name), .. }), 3) if is_bind && name == "cel" => at.bind(args),
        (None, 1) if function == "has" => at.has(args),
        (Some(target), count) if is_receiver_macro(function, count) => at.receiver(function, target, args),
        (target, _) => return Expanded::Not { target, args },
    };
    match made {
        Ok(expr) => Expanded::Expr(expr),
        Err((at, message)) => Expanded::Wrong { at, message },
    }
}

fn is_receiver_macro(function: &str, count: usize) -> bool {
    match function {
        "all" | "exists" | "exists_one" | "existsOne" | "map" => matches!(count, 2 | 3),
        "filter" | "optMap" | "optFlatMap" | "sortBy" => count == 2,
        "transformList" | "transformMap" | "transformMapEntry" => matches!(count, 3 | 4),
        _ => false,
    }
}

/// A macro at its place in the source.
struct At<'n> {
    nodes: &'n mut Nodes,
    offset: usize,
}

/// The variables of a fold.
struct Variables {
    first: String,
    second: Option<String>,
}

impl At<'_> {
    fn has(&mut self, args: Vec<Expr>) -> Made {
        let Some(arg) = args.into_iter().next() else { return Err((0, String::new())) };
        match arg.kind {
            Kind::Select(select) => {
                let test = Select { test: true, ..*select };
                Ok(self.nodes.make(self.offset, Kind::Select(Box::new(test))))
            }
            _ => Err((arg.id, "invalid argument to has() macro".to_owned())),
        }
    }

    fn bind(&mut self, mut args: Vec<Expr>) -> Made {
        let (within, value) = (args.pop(), args.pop());
        let (Some(name), Some(value), Some(within)) = (args.pop(), value, within) else {
            return Err((0, String::new()));
        };
        match &name.kind {
            Kind::Ident(variable) => Ok(self.nodes.bind(self.offset, variable, value, within)),
            _ => Err((name.id, "cel.bind() variable names must be simple identifiers".to_owned())),
        }
    }

    fn receiver(&mut self, function: &str, target: Expr, args: Vec<Expr>) -> Made {
        match function {
            "map" => self.map(target, args),
            "filter" => self.filter(target, args),
            "optMap" | "optFlatMap" => self.optional(function, target, args),
            "sortBy" => self.sort_by(target, args),
            "transformList" | "transformMap" | "transformMapEntry" => self.transform(function, target, args),
            _ => self.quantifier(function, target, args),
        }
    }

    fn quantifier(&mut self, function: &str, range: Expr, mut args: Vec<Expr>) -> Made {
        let Some(predicate) = args.pop() else { return Err((range.id, String::new())) };
        let variables = variables(&args, "argument must be a simple name")?;
        let (init, condition, step, result) = match function {
            "all" => {
                let accumulator = self.accumulator();
                let condition = self.call("@not_strictly_false", vec![accumulator]);
                let accumulator = self.accumulator();
                let step = self.call("_&&_", vec![accumulator, predicate]);
                (self.literal(Literal::Bool(true)), condition, step, self.accumulator())
            }
            "exists" => {
                let accumulator = self.accumulator();
                let not = self.call("!_", vec![accumulator]);
                let condition = self.call("@not_strictly_false", vec![not]);
                let accumulator = self.accumulator();
                let step = self.call("_||_", vec![accumulator, predicate]);
                (self.literal(Literal::Bool(false)), condition, step, self.accumulator())
            }
            _ => {
                let (accumulator, one) = (self.accumulator(), self.literal(Literal::Int(1)));
                let more = self.call("_+_", vec![accumulator, one]);
                let same = self.accumulator();
                let step = self.call("_?_:_", vec![predicate, more, same]);
                let (accumulator, one) = (self.accumulator(), self.literal(Literal::Int(1)));
                let result = self.call("_==_", vec![accumulator, one]);
                (self.literal(Literal::Int(0)), self.literal(Literal::Bool(true)), step, result)
            }
        };
        Ok(self.fold(range, variables, init, condition, step, result))
    }

    fn map(&mut self, range: Expr, mut args: Vec<Expr>) -> Made {
        let transform = args.pop();
        let filter = if args.len() == 2 { args.pop() } else { None };
        let variables = variables(&args, "argument is not an identifier")?;
        let Some(transform) = transform else { return Err((range.id, String::new())) };
        let step = self.appending(transform);
        let step = self.filtered(filter, step);
        Ok(self.collecting(range, variables, step))
    }

    fn filter(&mut self, range: Expr, mut args: Vec<Expr>) -> Made {
        let predicate = args.pop();
        let variables = variables(&args, "argument is not an identifier")?;
        let item = self.nodes.ident(self.offset, &variables.first);
        let step = self.appending(item);
        let step = self.filtered(predicate, step);
        Ok(self.collecting(range, variables, step))
    }

    fn transform(&mut self, function: &str, range: Expr, mut args: Vec<Expr>) -> Made {
        let transform = args.pop();
        let filter = if args.len() == 3 { args.pop() } else { None };
        let variables = variables(&args, "argument must be a simple name")?;
        let Some(transform) = transform else { return Err((range.id, String::new())) };
        let step = match function {
            "transformList" => self.appending(transform),
            "transformMap" => {
                let (accumulator, key) = (self.accumulator(), self.nodes.ident(self.offset, &variables.first));
                self.call("cel.@mapInsert", vec![accumulator, key, transform])
            }
            _ => {
                let accumulator = self.accumulator();
                self.call("cel.@mapInsert", vec![accumulator, transform])
            }
        };
        let step = self.filtered(filter, step);
        if function == "transformList" {
            return Ok(self.collecting(range, variables, step));
        }
        let init = self.nodes.make(self.offset, Kind::Map(Vec::new()));
        let (condition, result) = (self.literal(Literal::Bool(true)), self.accumulator());
        Ok(self.fold(range, variables, init, condition, step, result))
    }

    fn optional(&mut self, function: &str, target: Expr, mut args: Vec<Expr>) -> Made {
        let within = args.pop();
        let (Some(name), Some(within)) = (args.pop(), within) else { return Err((target.id, String::new())) };
        let Kind::Ident(variable) = &name.kind else {
            return Err((name.id, format!("{function}() variable name must be a simple identifier")));
        };
        let same = self.nodes.copy(&target);
        let present = self.nodes.member_call(self.offset, "hasValue", target, Vec::new());
        let value = self.nodes.member_call(self.offset, "value", same, Vec::new());
        let bound = self.nodes.bind(self.offset, variable, value, within);
        let bound = if function == "optMap" { self.call("optional.of", vec![bound]) } else { bound };
        let none = self.call("optional.none", Vec::new());
        Ok(self.call("_?_:_", vec![present, bound, none]))
    }

    fn sort_by(&mut self, target: Expr, args: Vec<Expr>) -> Made {
        if matches!(target.kind, Kind::Literal(_) | Kind::Map(_) | Kind::Struct { .. }) {
            let why = "sortBy can only be applied to a list, identifier, comprehension, call or select expression";
            return Err((target.id, why.to_owned()));
        }
        let (list, same) = (self.nodes.ident(self.offset, SORTED), self.nodes.ident(self.offset, SORTED));
        let keys = self.map(same, args)?;
        let sorted = self.nodes.member_call(self.offset, "@sortByAssociatedKeys", list, vec![keys]);
        Ok(self.nodes.bind(self.offset, SORTED, target, sorted))
    }

    /// A fold that makes a list.
    fn collecting(&mut self, range: Expr, variables: Variables, step: Expr) -> Expr {
        let init = self.nodes.list(self.offset, Vec::new());
        let (condition, result) = (self.literal(Literal::Bool(true)), self.accumulator());
        self.fold(range, variables, init, condition, step, result)
    }

    fn appending(&mut self, item: Expr) -> Expr {
        let (accumulator, list) = (self.accumulator(), self.nodes.list(self.offset, vec![item]));
        self.call("_+_", vec![accumulator, list])
    }

    /// A step that is taken only where the filter holds.
    fn filtered(&mut self, filter: Option<Expr>, step: Expr) -> Expr {
        let Some(filter) = filter else { return step };
        let same = self.accumulator();
        self.call("_?_:_", vec![filter, step, same])
    }

    fn fold(
        &mut self,
        range: Expr,
        variables: Variables,
        init: Expr,
        condition: Expr,
        step: Expr,
        result: Expr,
    ) -> Expr {
        let (variable, second) = (variables.first, variables.second);
        let accumulator = ACCUMULATOR.to_owned();
        let fold = Fold { range, variable, second, accumulator, init, condition, step, result };
        self.nodes.make(self.offset, Kind::Fold(Box::new(fold)))
    }

    fn call(&mut self, function: &str, args: Vec<Expr>) -> Expr {
        self.nodes.call(self.offset, function, args)
    }

    fn literal(&mut self, literal: Literal) -> Expr {
        self.nodes.literal(self.offset, literal)
    }

    fn accumulator(&mut self) -> Expr {
        self.nodes.accumulator(self.offset)
    }
}

/// The names of one or two variables.
fn variables(args: &[Expr], refusal: &str) -> Result<Variables, (Place, String)> {
    let refusal = if args.len() > 1 { "argument must be a simple name" } else { refusal };
    let name = |arg: &Expr| match &arg.kind {
        Kind::Ident(name) if name == "__result__" => {
            Err((arg.id, "iteration variable overwrites accumulator variable".to_owned()))
        }
        Kind::Ident(name) => Ok(name.clone()),
        _ => Err((arg.id, refusal.to_owned())),
    };
    let Some(first) = args.first() else { return Err((0, refusal.to_owned())) };
    let (first, second) = (name(first)?, args.get(1).map(name).transpose()?);
    if let (Some(arg), true) = (args.get(1), second.as_ref() == Some(&first)) {
        return Err((arg.id, format!("duplicate variable name: {first}")));
    }
    Ok(Variables { first, second })
}
