//! Prefixes, suffixes, hashes of names, and numbers of replicas.

use super::Transformer;
use crate::error::{Error, Result};
use crate::fieldspec::{Create, FieldSpec, Path};
use crate::hash;
use crate::id::Gvk;
use crate::kustomization::Replica;
use crate::node::{Kind, Node, Tag};
use crate::resmap::ResMap;
use crate::schema::Schema;

/// `namePrefix` or `nameSuffix`.
#[derive(Debug, Default)]
pub(crate) struct NamePart {
    pub(crate) prefix: String,
    pub(crate) suffix: String,
    pub(crate) is_suffix: bool,
    pub(crate) specs: Vec<FieldSpec>,
}

crate::decode::structure!(NamePart, "PrefixTransformerPlugin", {
    "prefix" => prefix, "suffix" => suffix, "fieldSpecs" => specs,
});

/// Kinds whose names mean something to others.
fn keeps_name(gvk: &Gvk) -> bool {
    gvk.kind == "CustomResourceDefinition"
        || gvk.kind == "Namespace"
        || (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io")
}

impl NamePart {
    fn part(&self) -> &str {
        if self.is_suffix { &self.suffix } else { &self.prefix }
    }
}

impl Transformer for NamePart {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        let part = self.part();
        let create = Some(Create { kind: Kind::Scalar, tag: Tag::Str });
        for resource in resources.list_renaming() {
            let id = resource.original_id(schema);
            if keeps_name(&id.gvk) {
                continue;
            }
            for spec in self.specs.iter().filter(|spec| id.gvk.is_selected(&spec.gvk)) {
                if spec.path == "metadata/name" && !part.is_empty() {
                    let parts = if self.is_suffix { &mut resource.suffixes } else { &mut resource.prefixes };
                    parts.push(part.to_owned());
                    resource.store_id(schema);
                }
                if !resource.gvk().is_selected(&spec.gvk) {
                    continue;
                }
                let Some(node) = &mut resource.node else { continue };
                Path::new(spec).apply(node, create, &mut |field| {
                    let old = field.as_text();
                    let new = if self.is_suffix { format!("{old}{part}") } else { format!("{part}{old}") };
                    field.replace_scalar(Node::scalar(new))
                })?;
            }
        }
        Ok(())
    }
}

/// Puts a hash of its content behind the name of what was generated.
#[derive(Debug, Default)]
pub(crate) struct Hash;

impl Transformer for Hash {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        for resource in resources.list_renaming() {
            if resource.needs_hash {
                let Some(node) = &resource.node else { continue };
                let hash = hash::of_resource(node)?;
                resource.store_id(schema);
                let name = format!("{}-{hash}", resource.name());
                resource.set_name(&name)?;
            }
        }
        Ok(())
    }
}

/// One entry of `replicas`.
#[derive(Debug, Default)]
pub(crate) struct Replicas {
    pub(crate) replica: Replica,
    pub(crate) specs: Vec<FieldSpec>,
}

crate::decode::structure!(Replicas, "ReplicaCountTransformerPlugin", { "replica" => replica, "fieldSpecs" => specs });

impl Transformer for Replicas {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        let create = Some(Create { kind: Kind::Scalar, tag: Tag::Int });
        let mut found = false;
        for spec in &self.specs {
            let name = &self.replica.name;
            let places = resources.matching(name, schema, |id| id.name == *name && id.gvk.is_selected(&spec.gvk));
            found |= !places.is_empty();
            let path = Path::new(spec);
            for at in places {
                let resource = &mut resources.list_mut()[at];
                if !resource.gvk().is_selected(&spec.gvk) {
                    continue;
                }
                let Some(node) = &mut resource.node else { continue };
                let count = self.replica.count.to_string();
                path.apply(node, create, &mut |field| field.replace_scalar(Node::tagged(count.as_str(), Tag::Int)))?;
            }
        }
        if found {
            return Ok(());
        }
        let kinds: Vec<String> = self.specs.iter().map(|spec| spec.gvk.to_string()).collect();
        Err(Error::new(format!(
            "resource with name {} does not match a config with the following GVK [{}]",
            self.replica.name,
            kinds.join(" ")
        ))
        .at_field("replicas")
        .cure("replicas takes the name that the resource has in its own file"))
    }
}
