//! JSON text that is read no further than somebody looks. What nobody looked at is handed on as it was written; maps that
//! were looked at have each key once, sorted.
//!
//! This is how upstream applies patches, and it shows: in what `test` holds for the same, in how the numbers stand that a
//! patch brings, and in the text that errors tell.

use super::{DEPTH_MAX, Rejected, reject};
use crate::json::{self, compact};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A value that was read as far as it was looked at.
pub(super) enum Lazy<'t> {
    /// `null`; also what stands where nothing stands.
    Null,
    /// What was not looked at, without white space around it.
    Text(Cow<'t, [u8]>),
    /// A map, and how many maps and lists within each other it holds that were looked at.
    Map(Entries<'t>, usize),
    /// A list, likewise.
    List(Items<'t>, usize),
}

pub(super) type Entries<'t> = BTreeMap<Cow<'t, str>, Lazy<'t>>;
pub(super) type Items<'t> = Vec<Lazy<'t>>;

impl<'t> Lazy<'t> {
    /// A value of well-formed JSON.
    pub(super) fn new(text: &'t [u8]) -> Lazy<'t> {
        Lazy::text(Cow::Borrowed(text.trim_ascii()))
    }

    fn text(text: Cow<'t, [u8]>) -> Lazy<'t> {
        if *text == *b"null" { Lazy::Null } else { Lazy::Text(text) }
    }

    /// A copy of the text that it would be written as.
    pub(super) fn copied(&self) -> Lazy<'t> {
        match self {
            Lazy::Null => Lazy::Null,
            other => Lazy::Text(Cow::Owned(other.to_text())),
        }
    }

    /// The entries, if it is a map.
    pub(super) fn map(&mut self) -> Option<&mut Entries<'t>> {
        if let Lazy::Text(text) = self {
            *self = Lazy::Map(entries(text)?, 0);
        }
        if let Lazy::Map(entries, _) = self { Some(entries) } else { None }
    }

    /// The items, if it is a list.
    pub(super) fn list(&mut self) -> Option<&mut Items<'t>> {
        if let Lazy::Text(text) = self {
            *self = Lazy::List(items(text)?, 0);
        }
        if let Lazy::List(items, _) = self { Some(items) } else { None }
    }

    /// How long the text of what was copied is.
    pub(super) fn length(&self) -> usize {
        if let Lazy::Text(text) = self { text.len() } else { 0 }
    }

    /// Reads what it is, if it is a map or list.
    pub(super) fn look(&mut self) {
        if self.map().is_none() {
            self.list();
        }
    }

    /// How many maps and lists within each other were looked at, with itself.
    pub(super) fn height(&self) -> usize {
        match self {
            Lazy::Null | Lazy::Text(_) => 0,
            Lazy::Map(_, inner) | Lazy::List(_, inner) => inner + 1,
        }
    }

    /// Notes that it holds something of that height.
    pub(super) fn holds(&mut self, height: usize) -> Result<(), Rejected> {
        if height >= DEPTH_MAX {
            return reject(format!("the object would be nested deeper than {DEPTH_MAX} levels"));
        }
        if let Lazy::Map(_, inner) | Lazy::List(_, inner) = self {
            *inner = height.max(*inner);
        }
        Ok(())
    }

    /// Whether it is the same as another value; looks at both. Numbers and texts are the same if they are written alike.
    pub(super) fn equals(&mut self, other: &mut Lazy<'t>) -> bool {
        self.look();
        match self {
            Lazy::Null => matches!(other, Lazy::Null),
            Lazy::Text(text) => matches!(other, Lazy::Text(other) if other == text),
            Lazy::Map(entries, _) => other.map().is_some_and(|others| {
                let mut pairs = entries.iter_mut().zip(others.iter_mut());
                let same = pairs.all(|((key, value), (other_key, other))| key == other_key && value.equals(other));
                same && entries.len() == others.len()
            }),
            Lazy::List(items, _) => other.list().is_some_and(|others| {
                items.len() == others.len() && items.iter_mut().zip(others).all(|(item, other)| item.equals(other))
            }),
        }
    }

    /// As Go's encoder writes it.
    pub(super) fn to_text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Lazy::Null => out.extend_from_slice(b"null"),
            Lazy::Text(text) => out.extend_from_slice(&compact(text)),
            Lazy::Map(entries, _) => {
                out.push(b'{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_key(out, key);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
            Lazy::List(items, _) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
        }
    }
}

fn write_key(out: &mut Vec<u8>, key: &str) {
    let start = out.len();
    json::write_text(out, key);
    if let Cow::Owned(escaped) = compact(&out[start..]) {
        out.truncate(start);
        out.extend_from_slice(&escaped);
    }
}

/// What a text has if it is that of a map. What comes of a borrowed text borrows it, too.
fn entries<'t>(text: &Cow<'t, [u8]>) -> Option<Entries<'t>> {
    if !text.starts_with(b"{") {
        return None;
    }
    Some(match text {
        Cow::Borrowed(text) => {
            let found = json::raw_entries(text).ok()?.into_iter();
            found.map(|(key, value)| (key, Lazy::text(Cow::Borrowed(value)))).collect()
        }
        Cow::Owned(text) => {
            let found = json::raw_entries(text).ok()?.into_iter();
            found.map(|(key, value)| (key.into_owned().into(), Lazy::text(value.to_vec().into()))).collect()
        }
    })
}

/// What a text has if it is that of a list.
fn items<'t>(text: &Cow<'t, [u8]>) -> Option<Items<'t>> {
    if !text.starts_with(b"[") {
        return None;
    }
    Some(match text {
        Cow::Borrowed(text) => {
            json::raw_items(text).ok()?.into_iter().map(|item| Lazy::text(Cow::Borrowed(item))).collect()
        }
        Cow::Owned(text) => {
            json::raw_items(text).ok()?.into_iter().map(|item| Lazy::text(item.to_vec().into())).collect()
        }
    })
}
