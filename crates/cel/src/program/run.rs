//! Evaluating, with a bound on what it may cost.

use super::overload::no_overload;
use super::{Call, Fold, Node, PER_CALL_LIMIT, Program, cost, list, map, structure};
use crate::value::{Fault, List, Map, Val, Valued};
use std::cell::{Cell, RefCell};

/// What an expression is evaluated with.
#[derive(Clone, Copy, Debug)]
pub struct Activation<'a, 'v> {
    /// The variables' values, in the environment's order.
    pub values: &'v [Val<'a>],
    /// What `variables` gives.
    pub variables: Option<&'v Variables<'a, 'v>>,
}

/// What came of an evaluation.
#[derive(Debug)]
pub struct Evaluated<'a> {
    /// The value, or why there is none.
    pub value: Valued<'a>,
    /// What it cost.
    pub cost: u64,
}

/// Expressions that others name, each evaluated at most once, when it is first needed.
#[derive(Debug)]
pub struct Variables<'a, 'v> {
    programs: &'v [(String, Program)],
    values: &'v [Val<'a>],
    known: RefCell<Vec<Option<Valued<'a>>>>,
    cost: Cell<u64>,
}

impl<'a, 'v> Variables<'a, 'v> {
    /// Nothing of them is evaluated yet.
    pub fn new(programs: &'v [(String, Program)], values: &'v [Val<'a>]) -> Variables<'a, 'v> {
        Variables { programs, values, known: RefCell::new(vec![None; programs.len()]), cost: Cell::new(0) }
    }

    /// The last one of a name among the first few.
    fn get(&self, name: &str, among: usize) -> Valued<'a> {
        let programs = self.programs.get(..among).unwrap_or(self.programs);
        let Some(at) = programs.iter().rposition(|(known, _)| known == name) else { return Err(no_such_key(name)) };
        if let Some(known) = self.known.borrow().get(at).cloned().flatten() {
            return known;
        }
        let mut machine =
            Machine { values: self.values, variables: Some(self), among: at, locals: Vec::new(), cost: 0 };
        let value = machine.eval(&self.programs[at].1.root).map_err(|fault| match fault {
            Fault::CostLimit => fault,
            other => Fault::new(format!("composited variable {name:?} fails to evaluate: {other}")),
        });
        self.cost.set(self.cost.get().saturating_add(machine.cost));
        if let Some(slot) = self.known.borrow_mut().get_mut(at) {
            *slot = Some(value.clone());
        }
        value
    }
}

impl Program {
    /// Evaluates the expression.
    pub fn evaluate<'a>(&self, with: Activation<'a, '_>) -> Evaluated<'a> {
        let Activation { values, variables } = with;
        let among = variables.map_or(0, |variables| variables.programs.len());
        let mut machine = Machine { values, variables, among, locals: Vec::new(), cost: 0 };
        let value = machine.eval(&self.root);
        let of_variables = variables.map_or(0, |variables| variables.cost.take());
        Evaluated { value, cost: machine.cost.saturating_add(of_variables) }
    }
}

struct Machine<'a, 'v> {
    values: &'v [Val<'a>],
    variables: Option<&'v Variables<'a, 'v>>,
    /// How many of the variables may be named.
    among: usize,
    /// Local variables, by their places. An accumulator may be a failure that later items absorb.
    locals: Vec<Valued<'a>>,
    cost: u64,
}

impl<'a> Machine<'a, '_> {
    fn pay(&mut self, cost: u64) -> Result<(), Fault> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > PER_CALL_LIMIT { Err(Fault::CostLimit) } else { Ok(()) }
    }

    fn eval(&mut self, node: &Node) -> Valued<'a> {
        match node {
            Node::Const(value) => Ok(value.clone()),
            Node::Global(at) => {
                self.pay(cost::SELECT)?;
                self.values.get(*at).cloned().ok_or(Fault::NoOverload)
            }
            Node::Local(at) => {
                self.pay(cost::SELECT)?;
                self.locals.get(*at).cloned().unwrap_or(Err(Fault::NoOverload))
            }
            Node::Variable(name) => self.variable(name),
            Node::Select(operand, field) => self.select(operand, field),
            Node::Has(operand, field) => {
                let operand = self.eval(operand)?;
                has(&operand, field).map(Val::Bool)
            }
            Node::OptionalSelect(operand, field) => {
                let operand = self.eval(operand)?;
                self.pay(cost::SELECT)?;
                optional_field(&operand, field)
            }
            Node::And(sides) => self.logical(sides, false),
            Node::Or(sides) => self.logical(sides, true),
            Node::Condition(parts) => self.condition(parts),
            Node::NotStrictlyFalse(of) => self.not_strictly_false(of),
            Node::Matches(text, regex, pattern) => {
                let text = self.eval(text)?;
                self.pay(cost::regex(text.size(), *pattern))?;
                text.as_str().map(|text| Val::Bool(regex.is_match(text))).ok_or(Fault::NoOverload)
            }
            Node::Call(call) => self.call(call),
            Node::Append(at, item) => self.append(*at, item),
            Node::List(items) => {
                let value = list(items.iter().map(|(node, optional)| Ok((self.eval(node)?, *optional))))?;
                self.pay(cost::LIST)?;
                Ok(value)
            }
            Node::Map(entries) => {
                let value = map(entries
                    .iter()
                    .map(|(key, value, optional)| Ok((self.eval(key)?, self.eval(value)?, *optional))))?;
                self.pay(cost::MAP)?;
                Ok(value)
            }
            Node::Struct(name, fields) => {
                let value = structure(
                    name,
                    fields.iter().map(|(field, value, optional)| Ok((field.clone(), self.eval(value)?, *optional))),
                )?;
                self.pay(cost::STRUCT)?;
                Ok(value)
            }
            Node::Fold(fold) => self.fold(fold),
        }
    }

    fn variable(&mut self, name: &str) -> Valued<'a> {
        self.pay(2 * cost::SELECT)?;
        self.variables.map_or_else(|| Err(no_such_key(name)), |variables| variables.get(name, self.among))
    }

    fn select(&mut self, operand: &Node, field: &str) -> Valued<'a> {
        let operand = self.eval(operand)?;
        self.pay(cost::SELECT)?;
        match &operand {
            Val::Optional(_) => optional_field(&operand, field),
            Val::Map(map) => map.field(field).unwrap_or_else(|| Err(no_such_key(field))),
            _ => Err(no_such_key(field)),
        }
    }

    fn call(&mut self, call: &Call) -> Valued<'a> {
        match call.args.as_slice() {
            [] => self.apply(call, &[]),
            [one] => {
                let args = [self.eval(one)?];
                self.apply(call, &args)
            }
            [one, two] => {
                let args = [self.eval(one)?, self.eval(two)?];
                self.apply(call, &args)
            }
            more => {
                let args = more.iter().map(|arg| self.eval(arg)).collect::<Result<Vec<_>, Fault>>()?;
                self.apply(call, &args)
            }
        }
    }

    /// What follows from arguments alone is paid first, so that nothing is done that is too dear.
    fn apply(&mut self, call: &Call, args: &[Val<'a>]) -> Valued<'a> {
        let before = call.cost.actual(args, None);
        self.pay(before)?;
        let result = (call.function)(args).map_err(|fault| match fault {
            Fault::NoOverload if !call.name.is_empty() => no_overload(&call.name, args),
            other => other,
        })?;
        if matches!(call.cost, cost::Cost::Result | cost::Cost::NewList) {
            let after = call.cost.actual(args, Some(&result));
            self.pay(after.saturating_sub(before))?;
        }
        Ok(result)
    }

    /// `&&` and `||`: the side that decides counts, even if the other fails.
    fn logical(&mut self, sides: &[Node; 2], decisive: bool) -> Valued<'a> {
        let left = self.eval(&sides[0]);
        match &left {
            Ok(Val::Bool(value)) if *value == decisive => return left,
            Err(Fault::CostLimit) => return left,
            _ => {}
        }
        let right = self.eval(&sides[1]);
        match (left, right) {
            (_, Ok(Val::Bool(value))) if value == decisive => Ok(Val::Bool(decisive)),
            (_, Err(Fault::CostLimit)) => Err(Fault::CostLimit),
            (Err(fault), _) | (Ok(Val::Bool(_)), Err(fault)) => Err(fault),
            (Ok(Val::Bool(_)), Ok(Val::Bool(_))) => Ok(Val::Bool(!decisive)),
            _ => Err(Fault::NoOverload),
        }
    }

    fn condition(&mut self, parts: &[Node; 3]) -> Valued<'a> {
        match self.eval(&parts[0])? {
            Val::Bool(true) => self.eval(&parts[1]),
            Val::Bool(false) => self.eval(&parts[2]),
            _ => Err(Fault::NoOverload),
        }
    }

    fn not_strictly_false(&mut self, of: &Node) -> Valued<'a> {
        let value = self.eval(of);
        self.pay(1)?;
        match value {
            Err(Fault::CostLimit) => Err(Fault::CostLimit),
            Ok(Val::Bool(value)) => Ok(Val::Bool(value)),
            _ => Ok(Val::Bool(true)),
        }
    }

    fn append(&mut self, at: usize, item: &Node) -> Valued<'a> {
        let item = self.eval(item)?;
        self.pay(cost::SELECT + cost::LIST + 1)?;
        let slot = self.locals.get_mut(at).ok_or(Fault::NoOverload)?;
        match std::mem::replace(slot, Err(Fault::NoOverload))? {
            Val::List(list) => {
                let mut items = List::into_vec(list)?;
                items.push(item);
                Ok(Val::list(items))
            }
            _ => Err(Fault::NoOverload),
        }
    }

    fn fold(&mut self, fold: &Fold) -> Valued<'a> {
        let range = self.eval(&fold.range)?;
        let base = self.locals.len();
        let init = self.eval(&fold.init)?;
        self.locals.push(Ok(init));
        let looped = if fold.bind { Ok(()) } else { self.turns(fold, &range, base) };
        self.locals.truncate(base + 1);
        let result = looped.and_then(|()| self.eval(&fold.result));
        self.locals.truncate(base);
        result
    }

    fn turns(&mut self, fold: &Fold, range: &Val<'a>, base: usize) -> Result<(), Fault> {
        match range {
            Val::List(list) => self.list_turns(fold, list, base),
            Val::Map(map) => self.map_turns(fold, map, base),
            other => Err(not_iterable(other)),
        }
    }

    fn list_turns(&mut self, fold: &Fold, list: &List<'a>, base: usize) -> Result<(), Fault> {
        for at in 0..list.len() {
            let Some(item) = list.get(at) else { break };
            let index = Ok(Val::Int(i64::try_from(at).unwrap_or(i64::MAX)));
            let (first, second) = if fold.two { (index, Some(item)) } else { (item, None) };
            if !self.turn(fold, base, first, second)? {
                break;
            }
        }
        Ok(())
    }

    fn map_turns(&mut self, fold: &Fold, map: &Map<'a>, base: usize) -> Result<(), Fault> {
        for key in map.keys() {
            let value = if fold.two { map.get(&key) } else { None };
            if !self.turn(fold, base, Ok(key), value)? {
                break;
            }
        }
        Ok(())
    }

    /// One turn; false if no other is to follow. A failure of the step stays in the accumulator, since what comes
    /// later may decide without it.
    fn turn(&mut self, fold: &Fold, base: usize, first: Valued<'a>, second: Option<Valued<'a>>) -> Result<bool, Fault> {
        self.locals.truncate(base + 1);
        self.locals.push(first);
        self.locals.extend(second);
        if !matches!(self.eval(&fold.condition)?, Val::Bool(true)) {
            return Ok(false);
        }
        let value = self.eval(&fold.step);
        let final_fault = matches!(value, Err(Fault::CostLimit)) || matches!(fold.condition, Node::Const(_));
        if let (Err(fault), true) = (&value, final_fault) {
            return Err(fault.clone());
        }
        if let Some(slot) = self.locals.get_mut(base) {
            *slot = value;
        }
        Ok(true)
    }
}

fn not_iterable(of: &Val<'_>) -> Fault {
    let of = match of {
        Val::Null => "Null",
        Val::Bool(_) => "Bool",
        Val::Int(_) => "Int",
        Val::Uint(_) => "Uint",
        Val::Double(_) => "Double",
        Val::Str(_) => "String",
        Val::Bytes(_) => "Bytes",
        Val::Timestamp(_) => "Timestamp",
        Val::Duration(_) => "Duration",
        _ => return Fault::NoOverload,
    };
    Fault::new(format!("got 'types.{of}', expected iterable type"))
}

fn no_such_key(field: &str) -> Fault {
    Fault::new(format!("no such key: {field}"))
}

fn has(of: &Val<'_>, field: &str) -> Result<bool, Fault> {
    Ok(match of {
        Val::Map(map) => map.field(field).is_some(),
        Val::Optional(Some(of)) => has(of, field)?,
        Val::Optional(None) | Val::Null | Val::Bool(_) | Val::Int(_) | Val::Uint(_) | Val::Double(_) | Val::Str(_) => {
            false
        }
        _ => return Err(no_such_key(field)),
    })
}

fn optional_field<'a>(of: &Val<'a>, field: &str) -> Valued<'a> {
    match of {
        Val::Optional(Some(of)) => optional_field(of, field),
        Val::Map(map) => Ok(map.field(field).transpose()?.map_or(Val::Optional(None), Val::some)),
        _ => Ok(Val::Optional(None)),
    }
}
