//! Making nodes, and what is kept of each beside the tree.

use crate::syntax::ast::{ACCUMULATOR, Call, Expr, Fold, Id, Item, Kind, Literal};

/// Where nodes stand and how deep the trees below them are.
#[derive(Debug, Default)]
pub(in crate::syntax) struct Nodes {
    pub(in crate::syntax) offsets: Vec<usize>,
    depths: Vec<usize>,
    /// Whether `cel.bind` is a macro.
    pub(in crate::syntax) bindings: bool,
}

impl Nodes {
    pub(in crate::syntax) fn new(bindings: bool) -> Nodes {
        Nodes { bindings, ..Nodes::default() }
    }

    /// A place that can be spoken of.
    pub(in crate::syntax) fn id(&mut self, offset: usize) -> Id {
        self.offsets.push(offset);
        self.depths.push(0);
        u32::try_from(self.offsets.len() - 1).unwrap_or(Id::MAX)
    }

    pub(in crate::syntax) fn make(&mut self, offset: usize, kind: Kind) -> Expr {
        let id = self.id(offset);
        let expr = Expr { id, kind };
        let below = expr.children().into_iter().map(|child| self.depth(child)).max();
        self.depths[id as usize] = below.map_or(0, |depth| depth + 1);
        expr
    }

    pub(in crate::syntax) fn depth(&self, expr: &Expr) -> usize {
        self.depths.get(expr.id as usize).copied().unwrap_or(0)
    }

    pub(in crate::syntax) fn offset(&self, expr: &Expr) -> usize {
        self.offsets.get(expr.id as usize).copied().unwrap_or(0)
    }

    // Short hands for macros.

    pub(in crate::syntax) fn ident(&mut self, offset: usize, name: &str) -> Expr {
        self.make(offset, Kind::Ident(name.to_owned()))
    }

    pub(in crate::syntax) fn accumulator(&mut self, offset: usize) -> Expr {
        self.ident(offset, ACCUMULATOR)
    }

    pub(in crate::syntax) fn literal(&mut self, offset: usize, literal: Literal) -> Expr {
        self.make(offset, Kind::Literal(literal))
    }

    pub(in crate::syntax) fn call(&mut self, offset: usize, function: &str, args: Vec<Expr>) -> Expr {
        self.make(offset, Kind::Call(Box::new(Call { function: function.to_owned(), target: None, args })))
    }

    pub(in crate::syntax) fn member_call(
        &mut self,
        offset: usize,
        function: &str,
        target: Expr,
        args: Vec<Expr>,
    ) -> Expr {
        self.make(offset, Kind::Call(Box::new(Call { function: function.to_owned(), target: Some(target), args })))
    }

    pub(in crate::syntax) fn list(&mut self, offset: usize, values: Vec<Expr>) -> Expr {
        let items = values.into_iter().map(|value| Item { value, optional: false }).collect();
        self.make(offset, Kind::List(items))
    }

    /// A name for a value within another expression.
    pub(in crate::syntax) fn bind(&mut self, offset: usize, name: &str, value: Expr, within: Expr) -> Expr {
        let fold = Fold {
            range: self.list(offset, Vec::new()),
            variable: "#unused".to_owned(),
            second: None,
            accumulator: name.to_owned(),
            init: value,
            condition: self.literal(offset, Literal::Bool(false)),
            step: self.ident(offset, name),
            result: within,
        };
        self.make(offset, Kind::Fold(Box::new(fold)))
    }

    /// The same tree once more, with nodes of its own.
    pub(in crate::syntax) fn copy(&mut self, expr: &Expr) -> Expr {
        let mut copy = expr.clone();
        self.renumber(&mut copy);
        copy
    }

    fn renumber(&mut self, expr: &mut Expr) {
        let (offset, depth) = (self.offset(expr), self.depth(expr));
        expr.id = self.id(offset);
        self.depths[expr.id as usize] = depth;
        match &mut expr.kind {
            Kind::Literal(_) | Kind::Ident(_) => {}
            Kind::Select(select) => self.renumber(&mut select.operand),
            Kind::Call(call) => call.target.iter_mut().chain(&mut call.args).for_each(|child| self.renumber(child)),
            Kind::List(items) => items.iter_mut().for_each(|item| self.renumber(&mut item.value)),
            Kind::Map(entries) => entries.iter_mut().for_each(|entry| {
                self.renumber(&mut entry.key);
                self.renumber(&mut entry.value);
            }),
            Kind::Struct { fields, .. } => fields.iter_mut().for_each(|field| self.renumber(&mut field.value)),
            Kind::Fold(fold) => {
                let Fold { range, init, condition, step, result, .. } = &mut **fold;
                [range, init, condition, step, result].into_iter().for_each(|child| self.renumber(child));
            }
        }
    }
}
