//! Changing nodes, with upstream's rules about which tag and quotes survive.

use super::{Content, Entry, Kind, Node, Style, Tag, looks_like_other_in_yaml_11};
use crate::error::Result;
use std::sync::Arc;

impl Node {
    /// Puts `value` in this scalar's place: its text and tag, but the quotes that were there.
    pub(crate) fn replace_scalar(&mut self, value: Node) -> Result<()> {
        self.expect(Kind::Scalar)?;
        if value.is_null() {
            return Ok(());
        }
        self.put(value);
        Ok(())
    }

    /// Takes another value's content and tag; the tag is written out if there is one and the old one was.
    fn put(&mut self, value: Node) {
        let style = Style { tagged: self.style.tagged && value.tag != Tag::None, ..self.style };
        *self = Node { style, ..value };
    }

    /// Sets the text under `key`, which may look like something else.
    pub(crate) fn set_scalar(&mut self, key: &str, text: &str) -> Result<()> {
        self.set(key, Node::scalar(text))
    }

    /// Sets `key`: what stands there keeps its quotes; a null takes the key out.
    pub(crate) fn set(&mut self, key: &str, value: Node) -> Result<()> {
        if value.is_null() {
            self.expect(Kind::Map)?;
            self.remove(key);
            return Ok(());
        }
        self.set_kept(key, value)
    }

    /// As [`Node::set`] of a value that is no null, under a key that many maps share.
    pub(crate) fn set_shared(&mut self, key: &Arc<str>, value: Node) -> Result<()> {
        self.expect(Kind::Map)?;
        match self.get_mut(key) {
            Some(field) => field.put(value),
            None => self.push_entry(Arc::clone(key), value.quoted_where_needed()),
        }
        Ok(())
    }

    /// As [`Node::set`], but a null is set like any other value.
    pub(crate) fn set_kept(&mut self, key: &str, value: Node) -> Result<()> {
        self.expect(Kind::Map)?;
        match self.get_mut(key) {
            Some(field) => {
                field.put(value);
            }
            None => self.push_entry(key.into(), value.quoted_where_needed()),
        }
        Ok(())
    }

    /// A new text that an old reader would take for something else gets quotes.
    fn quoted_where_needed(mut self) -> Self {
        if self.is_string() && self.style == Style::default() && looks_like_other_in_yaml_11(self.as_text()) {
            self.style.quoted = true;
        }
        self
    }

    /// Adds a key that is known to be new, without tag; `is_text` as in [`Entry`]. A null adds nothing.
    pub(crate) fn add(&mut self, key: Arc<str>, is_text: bool, value: Node) {
        if !value.is_null()
            && let Content::Map(entries) = &mut self.content
        {
            push(entries, Entry { key, is_text, is_text_untagged: is_text, value: value.quoted_where_needed() });
        }
    }

    /// Adds an entry whose key is written without quotes: it is text only if it looks like text.
    pub(crate) fn push_entry(&mut self, key: Arc<str>, value: Node) {
        if self.kind() != Kind::Map {
            self.content = Content::Map(Vec::new());
            self.tag = Tag::Map;
        }
        if let Content::Map(entries) = &mut self.content {
            let is_text = yaml::resolve(&key, yaml::Dialect::V3).tag() == "!!str";
            push(entries, Entry { key, is_text, is_text_untagged: is_text, value });
        }
    }

    /// Takes the first entry with `key` out.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Node> {
        match &mut self.content {
            Content::Map(entries) => {
                let at = entries.iter().position(|entry| &*entry.key == key)?;
                Some(entries.remove(at).value)
            }
            _ => None,
        }
    }

    /// The node under `key`, made as an empty one of `kind` if it is not there.
    pub(crate) fn get_or_create(&mut self, key: &str, kind: Kind) -> Result<&mut Node> {
        self.expect(Kind::Map)?;
        if self.get(key).is_none() {
            self.push_entry(key.into(), Node::empty(kind));
        }
        Ok(self.get_mut(key).expect("present or just pushed"))
    }

    /// Turns a null into an empty node of `kind`, which is what a field that shall be created becomes.
    pub(crate) fn revive(&mut self, kind: Kind, tag: Tag) {
        if !self.is_null() {
            return;
        }
        self.tag = tag;
        match kind {
            Kind::Map => self.content = Content::Map(Vec::new()),
            Kind::Seq => self.content = Content::Seq(Vec::new()),
            Kind::Scalar => {}
        }
    }

    /// The items of a list, to be changed.
    pub(crate) fn items_mut(&mut self) -> &mut [Node] {
        match &mut self.content {
            Content::Seq(items) => items,
            _ => &mut [],
        }
    }
}

/// Adds an entry with no room for more than as many again: most maps that transformers make get one entry.
fn push(entries: &mut Vec<Entry>, entry: Entry) {
    if entries.len() == entries.capacity() {
        entries.reserve_exact(entries.len().max(1));
    }
    entries.push(entry);
}
