//! Labels and annotations.

use super::{Each, Transformer};
use crate::error::Result;
use crate::fieldspec::{Create, FieldSpec, Paths};
use crate::kustomization::Texts;
use crate::node::{Kind, Node, Tag};
use crate::resource::Resource;
use crate::schema::Schema;
use std::sync::Arc;

const MAPS: Create = Create { kind: Kind::Map, tag: Tag::Map };

/// Adds entries to maps, whatever the maps are.
struct AddEntries {
    entries: Vec<(Arc<str>, Node)>,
    paths: Paths,
}

impl AddEntries {
    fn new(entries: &Texts, specs: &[FieldSpec]) -> Self {
        let entries = entries.iter().map(|(key, value)| (key.as_str().into(), Node::text(value.as_str()))).collect();
        Self { entries, paths: Paths::new(specs) }
    }
}

impl Each for AddEntries {
    fn apply(&mut self, resource: &mut Resource, _: &Schema) -> Result<()> {
        let Some(node) = &mut resource.node else { return Ok(()) };
        for (key, value) in &self.entries {
            self.paths.apply(node, Some(MAPS), &mut |map| map.set_shared(key, value.clone()))?;
        }
        Ok(())
    }
}

/// `labels`, `commonLabels`, and the plug-in LabelTransformer.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    pub(crate) labels: Texts,
    pub(crate) specs: Vec<FieldSpec>,
}

crate::decode::structure!(Labels, "LabelTransformerPlugin", { "labels" => labels, "fieldSpecs" => specs });

impl Transformer for Labels {
    fn each(&self) -> Option<Result<Box<dyn Each + '_>>> {
        Some(Ok(Box::new(AddEntries::new(&self.labels, &self.specs))))
    }
}

/// `commonAnnotations`, and the plug-in AnnotationsTransformer.
#[derive(Debug, Default)]
pub(crate) struct Annotations {
    pub(crate) annotations: Texts,
    pub(crate) specs: Vec<FieldSpec>,
}

crate::decode::structure!(Annotations, "AnnotationsTransformerPlugin", {
    "annotations" => annotations, "fieldSpecs" => specs,
});

impl Transformer for Annotations {
    fn each(&self) -> Option<Result<Box<dyn Each + '_>>> {
        Some(Ok(Box::new(AddEntries::new(&self.annotations, &self.specs))))
    }
}
