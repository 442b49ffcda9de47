//! Trees of values whose tables are shared, not copied.
//!
//! Helm hands the tables within globals down to subcharts as they are, so what one chart adds to them all others see; to
//! come to the same values, so do we. Everywhere else values are plain trees.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use value::Value;

use super::tables::{join, show};
use super::{Values, Warnings};

/// A table that several trees may hold.
#[derive(Clone, Default)]
pub(super) struct Table(Rc<RefCell<BTreeMap<String, Node>>>);

/// A table, or anything else.
#[derive(Clone)]
pub(super) enum Node {
    Table(Table),
    Plain(Value),
}

impl Node {
    pub(super) fn new(value: &Value) -> Self {
        match value {
            Value::Object(map) => Self::Table(Table::new(map)),
            other => Self::Plain(other.clone()),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Plain(Value::Null))
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Table(table) => Value::Object(table.values()),
            Self::Plain(value) => value.clone(),
        }
    }
}

impl Table {
    pub(super) fn new(values: &Values) -> Self {
        let entries = values.iter().map(|(key, value)| (key.to_string(), Node::new(value)));
        Self(Rc::new(RefCell::new(entries.collect())))
    }

    pub(super) fn values(&self) -> Values {
        self.0.borrow().iter().map(|(key, node)| (key.as_str(), node.value())).collect()
    }

    pub(super) fn get(&self, key: &str) -> Option<Node> {
        self.0.borrow().get(key).cloned()
    }

    pub(super) fn insert(&self, key: String, node: Node) {
        self.0.borrow_mut().insert(key, node);
    }

    pub(super) fn remove(&self, key: &str) {
        self.0.borrow_mut().remove(key);
    }

    /// The entries as they are now.
    pub(super) fn entries(&self) -> Vec<(String, Node)> {
        self.0.borrow().iter().map(|(key, node)| (key.clone(), node.clone())).collect()
    }

    /// Another table of the same entries; tables within stay shared.
    pub(super) fn copy(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    /// Takes the nulls out, at every depth.
    pub(super) fn clean_nulls(&self) {
        self.0.borrow_mut().retain(|_, node| !node.is_null());
        for (_, node) in self.entries() {
            if let Node::Table(inner) = node {
                inner.clean_nulls();
            }
        }
    }

    /// Adds what is missing here; a null here takes the key away where the other has a value for it, unless nulls are
    /// to stay.
    pub(super) fn add(&self, from: &Self, prefix: &str, merge: bool, warnings: &mut Warnings) {
        if Rc::ptr_eq(&self.0, &from.0) {
            return;
        }
        for (key, value) in from.entries() {
            match (self.get(&key), value) {
                (None, value) => self.insert(key, value),
                (Some(known), value) if known.is_null() => {
                    if !merge && !value.is_null() {
                        self.remove(&key);
                    }
                }
                (Some(Node::Table(old)), Node::Table(new)) => old.add(&new, &join(prefix, &key), merge, warnings),
                (Some(_), Node::Table(new)) => {
                    let (key, shown) = (join(prefix, &key), show(&Value::Object(new.values())));
                    warnings.push(format!("warning: cannot overwrite table with non table for {key} ({shown})"));
                }
                (Some(Node::Table(_)), Node::Plain(new)) if !new.is_null() => {
                    let (key, shown) = (join(prefix, &key), show(&new));
                    warnings
                        .push(format!("warning: destination for {key} is a table. Ignoring non-table value ({shown})"));
                }
                (Some(_), _) => {}
            }
        }
    }
}
