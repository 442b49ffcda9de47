//! Labels and annotations.

use super::Transformer;
use crate::error::Result;
use crate::fieldspec::{Create, FieldSpec, apply_all};
use crate::kustomization::Texts;
use crate::node::{Kind, Node, Tag};
use crate::resmap::ResMap;
use crate::schema::Schema;

const MAPS: Create = Create { kind: Kind::Map, tag: Tag::Map };

/// Adds entries to maps, whatever the maps are.
fn add_entries(resources: &mut ResMap, entries: &Texts, specs: &[FieldSpec]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    for resource in resources.list_mut() {
        let Some(node) = &mut resource.node else { continue };
        for (key, value) in entries {
            apply_all(specs, node, Some(MAPS), &mut |map| map.set(key, Node::text(value.as_str())))?;
        }
    }
    resources.drop_gone();
    Ok(())
}

/// `labels`, `commonLabels`, and the plug-in LabelTransformer.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    pub(crate) labels: Texts,
    pub(crate) specs: Vec<FieldSpec>,
}

crate::decode::structure!(Labels, "LabelTransformerPlugin", { "labels" => labels, "fieldSpecs" => specs });

impl Transformer for Labels {
    fn transform(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        add_entries(resources, &self.labels, &self.specs)
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
    fn transform(&self, resources: &mut ResMap, _: &Schema) -> Result<()> {
        add_entries(resources, &self.annotations, &self.specs)
    }
}
