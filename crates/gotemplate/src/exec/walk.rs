//! Walks the nodes of a template.

use std::rc::Rc;

use super::state::{At, Executed, Slot, State};
use crate::parse::{Branch, BranchKind, Node, Pipe};
use crate::value::{Kind, Value};

/// How a node ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'t> State<'_, '_, 't> {
    pub(super) fn walk_list(&mut self, dot: &Slot, list: &'t [Node]) -> Executed<Flow> {
        for node in list {
            let flow = self.walk(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn walk(&mut self, dot: &Slot, node: &'t Node) -> Executed<Flow> {
        self.at = At::Node(node);
        self.step()?;
        match node {
            Node::Text { pos, end } => self.write_text(*pos, *end)?,
            Node::Action(pipe) => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.decl.is_empty() {
                    self.at = At::Node(node);
                    self.print(&value.value)?;
                }
            }
            Node::Branch(branch) if branch.kind == BranchKind::Range => return self.range(dot, branch),
            Node::Branch(branch) => return self.condition(dot, branch),
            Node::Template { name, pipe, .. } => self.template(dot, name, pipe.as_ref())?,
            Node::Break(_) => return Ok(Flow::Break),
            Node::Continue(_) => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn write_text(&mut self, pos: usize, end: usize) -> Executed<()> {
        let text = self.tree.source.text.as_bytes().get(pos..end).unwrap_or_default();
        self.scope.out.extend_from_slice(text);
        self.count_output(text.len())
    }

    /// Counts bytes that were written or made against the limits.
    pub(super) fn count_output(&mut self, written: usize) -> Executed<()> {
        self.scope.written = self.scope.written.saturating_add(written);
        if self.scope.written > self.scope.limits.output {
            return Err(self.error("exceeded maximum output"));
        }
        Ok(())
    }

    fn print(&mut self, value: &Value) -> Executed<()> {
        let before = self.scope.out.len();
        match value {
            Value::Nil => self.scope.out.extend_from_slice(b"<no value>"),
            value => crate::format::write_printed(&mut self.scope.out, value),
        }
        self.count_output(self.scope.out.len() - before)
    }

    fn condition(&mut self, dot: &Slot, branch: &'t Branch) -> Executed<Flow> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.value.truth() {
            let inner = if branch.kind == BranchKind::With { &value } else { dot };
            self.walk_list(inner, &branch.list)
        } else {
            branch.other.as_ref().map_or(Ok(Flow::Next), |other| self.walk_list(dot, other))
        };
        self.variables.truncate(mark);
        flow
    }

    fn template(&mut self, dot: &Slot, name: &Rc<str>, pipe: Option<&'t Pipe>) -> Executed<()> {
        let Some(tree) = self.scope.set.find(name).map(Rc::clone) else {
            let name = crate::format::quote(&(&**name).into());
            return Err(self.error(format!("template {name} not defined")));
        };
        if self.scope.depth >= self.scope.limits.depth {
            let limit = self.scope.limits.depth;
            return Err(self.error(format!("exceeded maximum template depth ({limit})")));
        }
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Slot::default(),
        };
        self.scope.depth += 1;
        let done = State::with_slot(self.scope, &tree, dot).run();
        self.scope.depth -= 1;
        done
    }

    fn range(&mut self, dot: &Slot, branch: &'t Branch) -> Executed<Flow> {
        self.at = At::Branch(branch);
        let outer = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?.value;
        let ran = self.iterate(branch, &value);
        let flow = match ran {
            Ok(None) => match &branch.other {
                Some(other) => self.walk_list(dot, other),
                None => Ok(Flow::Next),
            },
            Ok(Some(_)) => Ok(Flow::Next),
            Err(error) => Err(error),
        };
        self.variables.truncate(outer);
        flow
    }

    /// Runs the body for every element; none says that there was no element.
    fn iterate(&mut self, branch: &'t Branch, value: &Value) -> Executed<Option<()>> {
        match value {
            Value::Nil => Ok(None),
            Value::Int(count) => self.count(branch, *count, value, Value::Int),
            Value::Int64(count) => self.count(branch, *count, value, Value::Int64),
            Value::Uint8(count) => {
                let number = |number| Value::Uint8(u8::try_from(number).unwrap_or(u8::MAX));
                self.count(branch, i64::from(*count), value, number)
            }
            Value::Uint64(count) => {
                let number = |number: i64| Value::Uint64(number.cast_unsigned());
                self.count(branch, i64::try_from(*count).unwrap_or(i64::MAX), value, number)
            }
            Value::List(list) => {
                let boxed = list.ty == crate::value::ListType::Any;
                let items = list.items.iter().enumerate().map(|(index, item)| (index_value(index), item.clone()));
                self.each(branch, items, boxed)
            }
            Value::Map(map) => {
                let boxed = !map.holds_text();
                let entries =
                    map.snapshot().into_iter().map(|(key, value)| (Value::from(crate::Str::Text(key)), value));
                self.each(branch, entries, boxed)
            }
            Value::Object(object) if object.kind() == Kind::Map => match object.plain() {
                Some(Value::Map(map)) => {
                    let entries = map.snapshot().into_iter();
                    self.each(branch, entries.map(|(key, value)| (Value::from(crate::Str::Text(key)), value)), false)
                }
                _ => Ok(None),
            },
            Value::Object(object) if object.kind() == Kind::Slice => match object.plain() {
                Some(Value::List(list)) => {
                    let items = list.items.iter().enumerate();
                    self.each(branch, items.map(|(index, item)| (index_value(index), item.clone())), false)
                }
                _ => Ok(None),
            },
            Value::Object(object) if object.kind() == Kind::Int64 => {
                self.count(branch, object.integer().unwrap_or(0), value, Value::Int64)
            }
            other => {
                let mut text = Vec::new();
                crate::format::write_printed(&mut text, other);
                let text = String::from_utf8_lossy(&text);
                Err(self.error(format!("range can't iterate over {text}")))
            }
        }
    }

    fn count(
        &mut self,
        branch: &'t Branch,
        count: i64,
        value: &Value,
        number: impl Fn(i64) -> Value,
    ) -> Executed<Option<()>> {
        if branch.pipe.decl.len() > 1 {
            let text = crate::format::any(value);
            return Err(self.error(format!("can't use {} to iterate over more than one variable", text.text())));
        }
        self.each(branch, (0..count).map(|index| (Value::Nil, number(index))), false)
    }

    fn each(
        &mut self,
        branch: &'t Branch,
        items: impl Iterator<Item = (Value, Value)>,
        boxed: bool,
    ) -> Executed<Option<()>> {
        let mark = self.variables.len();
        let mut ran = None;
        for (index, item) in items {
            ran = Some(());
            let element = Slot { value: item, boxed };
            self.set_loop_variables(&branch.pipe, index, &element, mark)?;
            let flow = self.walk_list(&element, &branch.list)?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(ran)
    }

    /// With two variables the index comes first; with one, it is the element.
    fn set_loop_variables(&mut self, pipe: &Pipe, index: Value, element: &Slot, mark: usize) -> Executed<()> {
        match (pipe.decl.as_slice(), pipe.assign) {
            ([], _) => {}
            ([only], true) => self.assign(only, element.clone())?,
            ([first, second, ..], true) => {
                self.assign(first, Slot::plain(index))?;
                self.assign(second, element.clone())?;
            }
            ([_], false) => self.variables[mark - 1].1 = element.clone(),
            ([_, _, ..], false) => {
                self.variables[mark - 1].1 = element.clone();
                self.variables[mark - 2].1 = Slot::plain(index);
            }
        }
        Ok(())
    }
}

fn index_value(index: usize) -> Value {
    Value::Int(i64::try_from(index).unwrap_or(i64::MAX))
}
