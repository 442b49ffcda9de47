//! Deciding transactions in memory, before the disk knows of them.
//!
//! A group works on its own copy of the live map (persistent, so the copy costs nothing): a transaction sees what the
//! ones before it in the group did. If the disk then refuses the group, the copy is thrown away.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::{EngineError, Row};
use crate::entry::{Attach, Entry, RowId};
use crate::event::{Event, EventKind};
use crate::seal::Seal;
use crate::snapshot::{Map, Snapshot, State};
use crate::txn::{CommitError, Committed, Guard, InvalidTxn, MAX_OPS, Op, Template, Txn};

/// A transaction whose form is right and whose facts are made.
pub(crate) struct Prepared<T> {
    guards: Vec<Guard>,
    ops: Vec<Change<T>>,
}

struct Change<T> {
    key: String,
    kind: EventKind,
    /// The new value or, for a deletion, the one to show; `None` shows what was live.
    value: Option<(Template, T)>,
}

/// The answer to a transaction.
pub(crate) type Outcome<T> = Result<Committed<T>, CommitError<T>>;

/// Checks the form of a transaction and makes the facts that are missing, on the caller's time.
pub(crate) fn prepare<T: Attach>(txn: Txn<T>) -> Result<Prepared<T>, InvalidTxn> {
    check_form(&txn)?;
    let attach = |key: &str, template: Template, facts: Option<T>| {
        let facts = facts.unwrap_or_else(|| T::attach(key, &template.json));
        Some((template, facts))
    };
    let prepare = |op| match op {
        Op::Put { key, value, attached } => {
            let value = attach(&key, value, attached);
            Change { key, kind: EventKind::Put, value }
        }
        Op::Delete { key, last } => {
            let value = last.and_then(|last| attach(&key, last, None));
            Change { key, kind: EventKind::Delete, value }
        }
    };
    Ok(Prepared { guards: txn.guards, ops: txn.ops.into_iter().map(prepare).collect() })
}

fn check_form<T>(txn: &Txn<T>) -> Result<(), InvalidTxn> {
    if txn.ops.len() > MAX_OPS {
        return Err(InvalidTxn::TooManyOps(txn.ops.len()));
    }
    let mut seen = HashSet::new();
    for op in &txn.ops {
        let key = op.key();
        if key.is_empty() {
            return Err(InvalidTxn::EmptyKey);
        }
        if txn.ops.len() > 1 && !seen.insert(key) {
            return Err(InvalidTxn::DuplicateKey(key.to_owned()));
        }
        if let Some(Template { json, revision_at: Some(at) }) = op.template()
            && *at > json.len()
        {
            return Err(InvalidTxn::RevisionPlace { key: key.to_owned(), at: *at, len: json.len() });
        }
    }
    Ok(())
}

/// Transactions that will share one disk transaction.
pub(crate) struct Group<T> {
    map: Map<T>,
    revision: u64,
    events: Vec<Arc<Event<T>>>,
    bytes: usize,
}

impl<T: Attach> Group<T> {
    /// A group on top of `live`.
    pub(crate) fn new(live: &Snapshot<T>) -> Self {
        Group { map: live.map().clone(), revision: live.revision(), events: Vec::new(), bytes: 0 }
    }

    /// Bytes of the values that the group writes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The state that the group leads to, and how; the group is empty afterwards.
    pub(crate) fn finish(&mut self) -> (State<T>, Vec<Arc<Event<T>>>) {
        let state = State { map: std::mem::take(&mut self.map), revision: self.revision };
        (state, std::mem::take(&mut self.events))
    }

    /// Applies `txn` if its guards hold. The outcome counts once the group is on disk.
    pub(crate) fn decide(&mut self, txn: Prepared<T>) -> Outcome<T> {
        self.check(txn.guards)?;
        let revision = self.revision + 1;
        let first = self.events.len();
        let mut entries = Vec::with_capacity(txn.ops.len());
        for op in txn.ops {
            let row = RowId::new(revision, self.events.len() - first);
            let event = match op.kind {
                EventKind::Put => self.put(op, row),
                EventKind::Delete => self.delete(op, row),
            };
            entries.push(event.as_ref().map(|event| Arc::clone(&event.entry)));
            self.events.extend(event);
        }
        if self.events.len() > first {
            self.revision = revision;
        }
        Ok(Committed { revision: self.revision, entries })
    }

    fn check(&self, guards: Vec<Guard>) -> Result<(), CommitError<T>> {
        for Guard { key, expect } in guards {
            let current = self.map.get(key.as_str());
            if !expect.holds(current.map(|entry| &**entry)) {
                return Err(CommitError::Conflict { expect, current: current.cloned(), key });
            }
        }
        Ok(())
    }

    fn put(&mut self, op: Change<T>, row: RowId) -> Option<Arc<Event<T>>> {
        let (template, attached) = op.value?;
        let previous = self.map.get(op.key.as_str()).cloned();
        let entry = Arc::new(Entry {
            key: previous.as_ref().map_or_else(|| op.key.into(), |entry| Arc::clone(&entry.key)),
            value: Bytes::from(template.fill(row.revision())),
            create_revision: previous.as_ref().map_or(row.revision(), |entry| entry.create_revision),
            mod_revision: row.revision(),
            attached,
            row,
        });
        self.bytes += entry.value.len();
        self.map.insert(Arc::clone(&entry.key), Arc::clone(&entry));
        Some(Arc::new(Event::new(EventKind::Put, entry, previous)))
    }

    fn delete(&mut self, op: Change<T>, row: RowId) -> Option<Arc<Event<T>>> {
        let previous = self.map.remove(op.key.as_str())?;
        let (value, attached) = match op.value {
            Some((template, attached)) => (Bytes::from(template.fill(row.revision())), attached),
            None => (previous.value.clone(), T::attach(&previous.key, &previous.value)),
        };
        let entry = Arc::new(Entry {
            key: Arc::clone(&previous.key),
            value,
            create_revision: previous.create_revision,
            mod_revision: row.revision(),
            attached,
            row,
        });
        self.bytes += entry.value.len();
        Some(Arc::new(Event::new(EventKind::Delete, entry, Some(previous))))
    }
}

/// The values of `events` as they have to lie on disk, where they do not lie there as they are.
pub(crate) fn seal<T>(events: &[Arc<Event<T>>], seal: &dyn Seal) -> Result<Vec<Option<Vec<u8>>>, EngineError> {
    let each = events.iter().map(|event| seal.seal(&event.entry.key, &event.entry.value));
    each.collect::<Result<_, _>>().map_err(|source| EngineError::new("sealing a value", false, source))
}

/// The rows that the log has to take for `events`, whose values are `sealed` where they are.
pub(crate) fn rows<'a, T>(events: &'a [Arc<Event<T>>], sealed: &'a [Option<Vec<u8>>]) -> impl Iterator<Item = Row<'a>> {
    events.iter().enumerate().map(|(place, event)| Row {
        id: event.entry.row,
        kind: event.kind,
        last: events.get(place + 1).is_none_or(|next| next.revision() != event.revision()),
        key: &event.entry.key,
        create_revision: event.entry.create_revision,
        replaces: event.previous.as_ref().map(|previous| previous.row),
        value: sealed.get(place).and_then(Option::as_deref).unwrap_or(&event.entry.value),
    })
}

#[cfg(test)]
mod tests;
