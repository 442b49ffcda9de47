//! From the rows of the log to the live map and the window of history.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::engine::{Extent, Row};
use crate::entry::{Attach, Entry};
use crate::event::{Event, EventKind};
use crate::hub::{Hub, Limits, Ring};
use crate::options::Options;
use crate::seal::{self, Seal};
use crate::snapshot::{Map, State};

/// Takes the rows in order.
pub(super) struct Loader<T> {
    map: Map<T>,
    limits: Limits,
    ring: Option<Ring<T>>,
    seal: Arc<dyn Seal>,
    /// Why a value cannot be opened.
    pub(super) sealed: Option<String>,
    /// True if something lies on disk otherwise than it would be written now.
    pub(super) is_stale: bool,
}

impl<T: Attach> Loader<T> {
    pub(super) fn new(options: &Options) -> Self {
        let seal = seal::of(options.seal.as_ref());
        let limits = Limits::from(options);
        Loader { map: Map::new(), limits, ring: None, seal, sealed: None, is_stale: false }
    }

    /// Applies one row. Refuses one that does not follow from the rows before it.
    pub(super) fn take(&mut self, row: Row<'_>, extent: Extent) -> Result<(), String> {
        let previous = self.map.get(row.key).cloned();
        // What a compacted row replaced is gone, and so is what was replaced.
        let replaces = row.replaces.filter(|_| row.id.revision() > extent.floor);
        if replaces != previous.as_ref().map(|previous| previous.row) {
            return Err("does not follow from the rows before it".into());
        }
        let value = self.open(&row)?;
        let entry = Arc::new(Entry {
            key: previous.as_ref().map_or_else(|| row.key.into(), |entry| Arc::clone(&entry.key)),
            create_revision: row.create_revision,
            mod_revision: row.id.revision(),
            attached: T::attach(row.key, &value),
            value,
            row: row.id,
        });
        match row.kind {
            EventKind::Put => self.map.insert(Arc::clone(&entry.key), Arc::clone(&entry)),
            EventKind::Delete => self.map.remove(row.key),
        };
        if row.id.revision() > extent.floor {
            let ring = self.ring(extent);
            ring.push(Arc::new(Event::new(row.kind, entry, previous)));
            ring.trim(Instant::now());
        }
        Ok(())
    }

    /// The value of a row.
    fn open(&mut self, row: &Row<'_>) -> Result<Bytes, String> {
        self.is_stale |= !self.seal.is_current(row.key, &row.value[..row.value.len().min(seal::HEAD)]);
        match self.seal.open(row.key, row.value) {
            Ok(opened) => Ok(opened.map_or_else(|| Bytes::copy_from_slice(row.value), Bytes::from)),
            Err(why) => {
                self.sealed = Some(format!("{}: {why}", row.key));
                Err("cannot be opened".to_owned())
            }
        }
    }

    /// What the rows led to.
    pub(super) fn finish(mut self, extent: Extent) -> Hub<T> {
        let ring = self.ring.take().unwrap_or_else(|| Ring::new(self.limits, extent.floor));
        Hub::new(State { map: self.map, revision: extent.revision }, ring)
    }

    fn ring(&mut self, extent: Extent) -> &mut Ring<T> {
        self.ring.get_or_insert_with(|| Ring::new(self.limits, extent.floor))
    }
}
