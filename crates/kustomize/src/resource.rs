//! A resource: its tree, and what the build remembers about it.
//!
//! Upstream keeps that memory in annotations of the resource and takes them away in the end; here it stands beside the
//! tree. Annotations of those names in an input are taken over on the way in.

mod memory;
mod meta;

pub use memory::Origin;
pub(crate) use memory::{Behavior, ORIGIN, PreviousId, TRANSFORMATIONS, transformations_text};

use crate::error::Result;
use crate::id::{Gvk, IdRef, ResId};
use crate::node::Node;
use crate::schema::Schema;
use std::sync::Arc;

/// A resource on its way through a build.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its tree; none once a patch has deleted the resource.
    pub(crate) node: Option<Node>,
    /// What it was called before, oldest first.
    pub(crate) previous: Vec<PreviousId>,
    pub(crate) prefixes: Vec<Arc<str>>,
    pub(crate) suffixes: Vec<Arc<str>>,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
    pub(crate) behavior: Behavior,
    pub(crate) needs_hash: bool,
    pub(crate) helm_generated: bool,
    /// Most builds do not ask for it, so it takes little room in a resource that has none.
    pub(crate) origin: Option<Box<Origin>>,
    pub(crate) transformations: Vec<Origin>,
    /// Names of vars that read from it.
    pub(crate) vars: Vec<String>,
}

impl Resource {
    /// Takes over what annotations of the build say about the resource.
    pub(crate) fn new(node: Node) -> Self {
        let mut resource = Self {
            node: Some(node),
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            allow_name_change: false,
            allow_kind_change: false,
            behavior: Behavior::Unspecified,
            needs_hash: false,
            helm_generated: false,
            origin: None,
            transformations: Vec::new(),
            vars: Vec::new(),
        };
        resource.absorb_annotations();
        resource
    }

    /// True for a patch that may change names or kinds.
    pub(crate) fn may_rename(&self) -> bool {
        self.allow_name_change || self.allow_kind_change
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.node.as_ref().is_none_or(Node::is_nil_or_empty)
    }

    fn field(&self, name: &str) -> &str {
        self.node.as_ref().and_then(|node| node.get(name)).map_or("", Node::as_text)
    }

    /// `apiVersion`, less a slash that no group stands before.
    pub(crate) fn api_version(&self) -> &str {
        let text = self.field("apiVersion");
        text.strip_prefix('/').unwrap_or(text)
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk::new(self.field("apiVersion"), self.field("kind"))
    }

    /// `kind`
    pub fn kind(&self) -> &str {
        self.field("kind")
    }

    fn meta(&self, name: &str) -> &str {
        let metadata = self.node.as_ref().and_then(|node| node.get("metadata"));
        metadata
            .and_then(|metadata| metadata.get(name))
            .filter(|node| !node.is_nil_or_empty())
            .map_or("", Node::as_text)
    }

    /// `metadata.name`
    pub fn name(&self) -> &str {
        self.meta("name")
    }

    /// `metadata.namespace`, empty if there is none.
    pub fn namespace(&self) -> &str {
        self.meta("namespace")
    }

    /// What it is called now.
    pub(crate) fn id(&self, schema: &Schema) -> ResId {
        self.now(schema).to_id()
    }

    /// What it was called first.
    pub(crate) fn original_id(&self, schema: &Schema) -> ResId {
        self.first(schema).to_id()
    }

    /// As [`Resource::id`], to look at.
    pub(crate) fn now<'a>(&'a self, schema: &'a Schema) -> IdRef<'a> {
        IdRef::new(self.field("apiVersion"), self.kind(), self.name(), self.namespace(), schema)
    }

    /// As [`Resource::original_id`], to look at.
    pub(crate) fn first<'a>(&'a self, schema: &'a Schema) -> IdRef<'a> {
        match self.previous.first() {
            Some(first) => self.then(first, schema),
            None => self.now(schema),
        }
    }

    /// What it was called at that time.
    pub(crate) fn then<'a>(&'a self, previous: &'a PreviousId, schema: &'a Schema) -> IdRef<'a> {
        let (name, namespace) = (previous.name(), previous.namespace());
        IdRef::new(self.field("apiVersion"), previous.kind(), name, namespace, schema)
    }

    /// Everything it was ever called, oldest first, the present name last.
    pub(crate) fn every_id<'a>(&'a self, schema: &'a Schema) -> impl Iterator<Item = IdRef<'a>> {
        let previous = self.previous.iter().map(|previous| self.then(previous, schema));
        previous.chain(std::iter::once_with(|| self.now(schema)))
    }

    /// Every name that it ever had, the present one last.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.previous.iter().map(PreviousId::name).chain([self.name()])
    }

    /// Every kind that it ever was, the present one last.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.previous.iter().map(PreviousId::kind).chain(std::iter::once_with(|| self.kind()))
    }

    /// Remembers the present name before it changes.
    pub(crate) fn store_id(&mut self, schema: &Schema) {
        let id = self.now(schema);
        let previous = PreviousId::new(id.name, id.effective_namespace(), id.kind);
        self.previous.push(previous);
    }

    /// The resource as YAML.
    ///
    /// # Errors
    /// As [`Node::to_json`].
    pub fn to_yaml(&self) -> Result<String> {
        let mut text = String::new();
        self.write_yaml(&mut text)?;
        Ok(text)
    }

    /// As [`Resource::to_yaml`], behind what `text` holds.
    pub(crate) fn write_yaml(&self, text: &mut String) -> Result<()> {
        match &self.node {
            Some(node) => {
                node.check()?;
                yaml::emit_behind(text, node);
            }
            None => text.push_str("{}\n"),
        }
        Ok(())
    }

    /// The resource as YAML for a message.
    pub(crate) fn show(&self) -> String {
        self.node.as_ref().map(Node::show).unwrap_or_default()
    }
}
