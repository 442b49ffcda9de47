//! A resource: its tree, and what the build remembers about it.
//!
//! Upstream keeps that memory in annotations of the resource and takes them away in the end; here it stands beside the
//! tree. Annotations of those names in an input are taken over on the way in.

mod memory;
mod meta;

pub use memory::Origin;
pub(crate) use memory::{Behavior, ORIGIN, PreviousId, TRANSFORMATIONS, transformations_text};

use crate::error::Result;
use crate::id::{Gvk, ResId};
use crate::node::Node;
use crate::schema::Schema;

/// A resource on its way through a build.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its tree; none once a patch has deleted the resource.
    pub(crate) node: Option<Node>,
    /// What it was called before, oldest first.
    pub(crate) previous: Vec<PreviousId>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) suffixes: Vec<String>,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
    pub(crate) behavior: Behavior,
    pub(crate) needs_hash: bool,
    pub(crate) helm_generated: bool,
    pub(crate) origin: Option<Origin>,
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

    pub(crate) fn is_gone(&self) -> bool {
        self.node.as_ref().is_none_or(Node::is_nil_or_empty)
    }

    fn field(&self, name: &str) -> &str {
        self.node.as_ref().and_then(|node| node.get(name)).map_or("", Node::as_text)
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
        ResId::new(self.gvk(), self.name(), self.namespace(), schema)
    }

    /// What it was called first.
    pub(crate) fn original_id(&self, schema: &Schema) -> ResId {
        match self.previous.first() {
            Some(first) => self.previous_id(first, schema),
            None => self.id(schema),
        }
    }

    pub(crate) fn previous_id(&self, previous: &PreviousId, schema: &Schema) -> ResId {
        let gvk = Gvk { kind: previous.kind.clone(), ..self.gvk() };
        ResId::new(gvk, &previous.name, &previous.namespace, schema)
    }

    /// Everything it was ever called, oldest first, the present name last.
    pub(crate) fn all_ids(&self, schema: &Schema) -> Vec<ResId> {
        let previous = self.previous.iter().map(|previous| self.previous_id(previous, schema));
        previous.chain([self.id(schema)]).collect()
    }

    /// Remembers the present name before it changes.
    pub(crate) fn store_id(&mut self, schema: &Schema) {
        let id = self.id(schema);
        let namespace = id.effective_namespace().to_owned();
        self.previous.push(PreviousId { name: id.name, namespace, kind: id.gvk.kind });
    }

    /// The resource as YAML.
    ///
    /// # Errors
    /// As [`Node::to_json`].
    pub fn to_yaml(&self) -> Result<String> {
        match &self.node {
            Some(node) => {
                node.check()?;
                Ok(yaml::emit(node))
            }
            None => Ok("{}\n".to_owned()),
        }
    }

    /// The resource as YAML for a message.
    pub(crate) fn show(&self) -> String {
        self.node.as_ref().map(Node::show).unwrap_or_default()
    }
}
