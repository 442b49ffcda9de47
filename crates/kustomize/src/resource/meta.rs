//! Labels, annotations, data and names of a resource.

use super::{Behavior, Resource};
use crate::error::Result;
use crate::node::{Content, Entry, Kind, Node, Tag};
use std::collections::BTreeMap;

/// Texts by name.
pub(crate) type Texts = BTreeMap<String, String>;

impl Resource {
    fn meta_map(&self, field: &str) -> Texts {
        let map = self.node.as_ref().and_then(|node| node.at(&["metadata", field]));
        let entries = map.map(Node::entries).unwrap_or_default();
        entries.iter().map(|entry| (entry.key.to_string(), entry.value.as_text().to_owned())).collect()
    }

    pub(crate) fn labels(&self) -> Texts {
        self.meta_map("labels")
    }

    pub(crate) fn annotations(&self) -> Texts {
        self.meta_map("annotations")
    }

    /// The text of one annotation.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        let map = self.node.as_ref()?.at(&["metadata", "annotations"])?;
        map.entries().iter().rfind(|entry| &*entry.key == key).map(|entry| entry.value.as_text())
    }

    /// True if [`Resource::set_annotations`] with the annotations that are there would change nothing in the output.
    pub(crate) fn has_settled_annotations(&self) -> bool {
        let Some(metadata) = self.node.as_ref().and_then(|node| node.get("metadata")) else { return false };
        let Content::Map(_) = metadata.content else { return false };
        let Some(annotations) = metadata.get("annotations") else { return true };
        let entries = annotations.entries();
        let settled = |at: usize| {
            let Entry { key, is_text, value, .. } = &entries[at];
            *is_text
                && value.tag == Tag::Str
                && !value.style.folded
                && matches!(value.content, Content::Scalar(_))
                && yaml::resolve(key, yaml::Dialect::V3).tag() == "!!str"
                && entries[..at].iter().all(|before| before.key != *key)
        };
        (1..=16).contains(&entries.len()) && (0..entries.len()).all(settled)
    }

    /// Replaces a map in the metadata; an empty one is taken out.
    fn set_meta_map(&mut self, field: &str, texts: &Texts) {
        let Some(node) = &mut self.node else { return };
        let Ok(metadata) = node.get_or_create("metadata", Kind::Map) else { return };
        metadata.remove(field);
        if texts.is_empty() {
            return;
        }
        let mut map = Node::map();
        for (key, value) in texts {
            map.push_entry(key.as_str().into(), Node::text(value.as_str()));
        }
        metadata.push_entry(field.into(), map);
    }

    pub(crate) fn set_labels(&mut self, texts: &Texts) {
        self.set_meta_map("labels", texts);
    }

    pub(crate) fn set_annotations(&mut self, texts: &Texts) {
        self.set_meta_map("annotations", texts);
    }

    pub(crate) fn set_kind(&mut self, kind: &str) -> Result<()> {
        self.node.as_mut().map_or(Ok(()), |node| node.set_scalar("kind", kind))
    }

    pub(crate) fn set_api_version(&mut self, api_version: &str) -> Result<()> {
        self.node.as_mut().map_or(Ok(()), |node| node.set_scalar("apiVersion", api_version))
    }

    pub(crate) fn set_name(&mut self, name: &str) -> Result<()> {
        let Some(node) = &mut self.node else { return Ok(()) };
        node.get_or_create("metadata", Kind::Map)?.set_scalar("name", name)
    }

    pub(crate) fn set_namespace(&mut self, namespace: &str) -> Result<()> {
        let Some(node) = &mut self.node else { return Ok(()) };
        if namespace.is_empty() {
            if let Some(metadata) = node.get_mut("metadata") {
                metadata.remove("namespace");
            }
            return Ok(());
        }
        node.get_or_create("metadata", Kind::Map)?.set_scalar("namespace", namespace)
    }

    /// Takes name, labels, annotations and memory over from the resource that this one replaces or is merged into; own
    /// labels and annotations count more.
    pub(crate) fn take_metadata(&mut self, other: &Resource) -> Result<()> {
        let mut labels = other.labels();
        labels.extend(self.labels());
        self.set_labels(&labels);
        let mut annotations = other.annotations();
        annotations.extend(self.annotations());
        self.set_annotations(&annotations);
        self.previous.clone_from(&other.previous);
        self.prefixes.clone_from(&other.prefixes);
        self.suffixes.clone_from(&other.suffixes);
        self.allow_name_change = other.allow_name_change;
        self.allow_kind_change = other.allow_kind_change;
        self.behavior = other.behavior;
        self.needs_hash &= other.needs_hash;
        self.helm_generated = other.helm_generated;
        if self.origin.is_none() {
            self.origin.clone_from(&other.origin);
        }
        if self.transformations.is_empty() {
            self.transformations.clone_from(&other.transformations);
        }
        self.set_name(other.name())?;
        self.set_namespace(other.namespace())?;
        self.vars.clone_from(&other.vars);
        Ok(())
    }

    /// Adds the data of `other` where this resource has none of that name.
    pub(crate) fn merge_data(&mut self, other: &Resource) {
        for field in ["data", "binaryData"] {
            let texts = |resource: &Resource| -> Texts {
                let map = resource.node.as_ref().and_then(|node| node.get(field));
                let entries = map.map(Node::entries).unwrap_or_default();
                entries.iter().map(|entry| (entry.key.to_string(), entry.value.value().to_owned())).collect()
            };
            let mut merged = texts(other);
            merged.extend(texts(self));
            let Some(node) = &mut self.node else { continue };
            node.remove(field);
            if merged.is_empty() {
                continue;
            }
            let mut map = Node::map();
            for (key, value) in merged {
                map.push_entry(key.into(), Node::tagged(value, Tag::Str));
            }
            node.push_entry(field.into(), map);
        }
    }

    pub(crate) fn set_behavior(&mut self, behavior: Behavior) {
        self.behavior = behavior;
    }
}
