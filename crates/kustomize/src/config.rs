//! Which fields the transformers work on: the built-in lists, and what `configurations` and `crds` add.

mod crd;
mod fields;
mod references;

pub(crate) use crd::from_crds;

use crate::decode::{Decode, structure};
use crate::error::{Error, Result};
use crate::fieldspec::{FieldSpec, merge_all};
use crate::id::Gvk;
use crate::kustomization::parse_config;
use std::cmp::Ordering;

/// The fields of every transformer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TransformerConfig {
    pub(crate) name_prefix: Vec<FieldSpec>,
    pub(crate) name_suffix: Vec<FieldSpec>,
    pub(crate) namespace: Vec<FieldSpec>,
    pub(crate) common_labels: Vec<FieldSpec>,
    pub(crate) labels: Vec<FieldSpec>,
    pub(crate) template_labels: Vec<FieldSpec>,
    pub(crate) common_annotations: Vec<FieldSpec>,
    pub(crate) name_reference: Vec<NameReference>,
    pub(crate) var_reference: Vec<FieldSpec>,
    pub(crate) images: Vec<FieldSpec>,
    pub(crate) replicas: Vec<FieldSpec>,
}

structure!(TransformerConfig, "TransformerConfig", {
    "namePrefix" => name_prefix,
    "nameSuffix" => name_suffix,
    "namespace" => namespace,
    "commonLabels" => common_labels,
    "labels" => labels,
    "templateLabels" => template_labels,
    "commonAnnotations" => common_annotations,
    "nameReference" => name_reference,
    "varReference" => var_reference,
    "images" => images,
    "replicas" => replicas,
});

/// The fields that hold the name of a resource of the kind `gvk`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NameReference {
    pub(crate) gvk: Gvk,
    pub(crate) referrers: Vec<FieldSpec>,
}

structure!(NameReference, "NameBackReferences", {
    "group" => gvk.group, "version" => gvk.version, "kind" => gvk.kind, "fieldSpecs" => referrers,
});

impl TransformerConfig {
    /// What kustomize brings.
    pub(crate) fn builtin() -> Self {
        let mut config = fields::builtin();
        config.name_reference = references::builtin();
        config.sort();
        config
    }

    /// This as it is after it was merged into nothing: what an earlier entry covers is left out.
    pub(crate) fn reduced(&self) -> Result<Self> {
        let mut reduced = Self::default();
        reduced.merge(self)?;
        Ok(reduced)
    }

    /// A file of `configurations`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let invalid = |e: String| Error::new(e);
        let value = yaml::to_json_strict(text).map_err(|e| invalid(format!("error converting YAML to JSON: {e}")))?;
        let strict = crate::decode::At::root(true);
        let mut config = Self::decode(&value, &strict)
            .or_else(|e| if e.to_string().contains("unknown field") { Err(e) } else { parse_config(&value) })
            .map_err(|e| e.wrap("error unmarshaling JSON: while decoding JSON"))?;
        config.sort();
        Ok(config)
    }

    /// Adds what `other` has and this has not.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        let lists = [
            (&mut self.name_prefix, &other.name_prefix, "NamePrefix"),
            (&mut self.name_suffix, &other.name_suffix, "NameSuffix"),
            (&mut self.namespace, &other.namespace, "NameSpace"),
            (&mut self.common_annotations, &other.common_annotations, "CommonAnnotations"),
            (&mut self.common_labels, &other.common_labels, "CommonLabels"),
            (&mut self.labels, &other.labels, "Labels"),
            (&mut self.template_labels, &other.template_labels, "TemplateLabels"),
            (&mut self.var_reference, &other.var_reference, "VarReference"),
            (&mut self.images, &other.images, "Images"),
            (&mut self.replicas, &other.replicas, "Replicas"),
        ];
        for (mine, theirs, name) in lists {
            merge_all(mine, theirs).map_err(|e| e.wrap(format!("failed to merge {name} fieldSpec")))?;
        }
        for reference in &other.name_reference {
            self.merge_reference(reference).map_err(|e| e.wrap("failed to merge NameReference fieldSpec"))?;
        }
        self.sort();
        Ok(())
    }

    pub(crate) fn merge_reference(&mut self, reference: &NameReference) -> Result<()> {
        match self.name_reference.iter_mut().find(|known| known.gvk == reference.gvk) {
            Some(known) => merge_all(&mut known.referrers, &reference.referrers),
            None => {
                self.name_reference.push(reference.clone());
                Ok(())
            }
        }
    }

    fn sort(&mut self) {
        let lists = [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ];
        for list in lists {
            list.sort_by(|a, b| compare(&a.gvk, &b.gvk));
        }
        self.name_reference.sort_by(|a, b| compare(&a.gvk, &b.gvk));
    }
}

fn compare(a: &Gvk, b: &Gvk) -> Ordering {
    let rank = |gvk: &Gvk| crate::order::rank(&gvk.kind, crate::order::FIRST, crate::order::LAST);
    rank(a).cmp(&rank(b)).then_with(|| crate::order::sort_text(a).cmp(&crate::order::sort_text(b)))
}
