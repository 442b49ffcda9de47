//! Prefixes, suffixes, hashes of names, and numbers of replicas.

use super::{Each, Transformer};
use crate::error::{Error, Result};
use crate::fieldspec::{Create, FieldSpec, Path};
use crate::hash;
use crate::id::IdRef;
use crate::kustomization::Replica;
use crate::node::{Kind, Node, Tag};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use std::sync::Arc;

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
fn keeps_name(id: &IdRef<'_>) -> bool {
    id.kind == "CustomResourceDefinition"
        || id.kind == "Namespace"
        || (id.kind == "APIService" && id.group == "apiregistration.k8s.io")
}

impl NamePart {
    fn part(&self) -> &str {
        if self.is_suffix { &self.suffix } else { &self.prefix }
    }
}

impl Transformer for NamePart {
    fn each(&self) -> Option<Result<Box<dyn Each + '_>>> {
        let paths = self.specs.iter().map(|spec| (spec, Path::new(spec))).collect();
        Some(Ok(Box::new(AddPart { part: self.part().into(), is_suffix: self.is_suffix, paths })))
    }
}

/// [`NamePart`] made ready.
struct AddPart<'a> {
    part: Arc<str>,
    is_suffix: bool,
    paths: Vec<(&'a FieldSpec, Path)>,
}

impl Each for AddPart<'_> {
    fn has_renamed(&self) -> bool {
        true
    }

    fn apply(&mut self, resource: &mut Resource, schema: &Schema) -> Result<()> {
        const CREATE: Option<Create> = Some(Create { kind: Kind::Scalar, tag: Tag::Str });
        let first = resource.first(schema);
        if keeps_name(&first) {
            return Ok(());
        }
        let selected: Vec<usize> =
            (0..self.paths.len()).filter(|at| first.is_selected(&self.paths[*at].0.gvk)).collect();
        for (spec, path) in selected.into_iter().map(|at| &self.paths[at]) {
            if spec.path == "metadata/name" && !self.part.is_empty() {
                let parts = if self.is_suffix { &mut resource.suffixes } else { &mut resource.prefixes };
                // Few bases are nested, so few parts come together.
                parts.reserve_exact(1);
                parts.push(Arc::clone(&self.part));
                resource.store_id(schema);
            }
            if !resource.now(schema).is_selected(&spec.gvk) {
                continue;
            }
            let Some(node) = &mut resource.node else { continue };
            path.apply(node, CREATE, &mut |field| {
                let old = field.as_text();
                let new = if self.is_suffix { [old, &self.part].concat() } else { [&self.part, old].concat() };
                field.replace_scalar(Node::scalar(new))
            })?;
        }
        Ok(())
    }
}

/// Puts a hash of its content behind the name of what was generated.
#[derive(Debug, Default)]
pub(crate) struct Hash;

impl Transformer for Hash {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        if !resources.list().iter().any(|resource| resource.needs_hash) {
            return Ok(());
        }
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
    /// By name, for many entries.
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        let mut found = false;
        for spec in &self.specs {
            let name = &self.replica.name;
            let places = resources.matching(name, schema, |id| id.name == *name && id.is_selected(&spec.gvk));
            found |= !places.is_empty();
            let path = Path::new(spec);
            for at in places {
                let resource = &mut resources.list_mut()[at];
                self.set(resource, spec, &path, schema)?;
            }
        }
        if found { Ok(()) } else { Err(self.missed()) }
    }

    fn each(&self) -> Option<Result<Box<dyn Each + '_>>> {
        let paths = self.specs.iter().map(|spec| (spec, Path::new(spec))).collect();
        Some(Ok(Box::new(SetReplicas { replicas: self, paths, found: false })))
    }
}

impl Replicas {
    fn set(&self, resource: &mut Resource, spec: &FieldSpec, path: &Path, schema: &Schema) -> Result<()> {
        const CREATE: Option<Create> = Some(Create { kind: Kind::Scalar, tag: Tag::Int });
        if !resource.now(schema).is_selected(&spec.gvk) {
            return Ok(());
        }
        let Some(node) = &mut resource.node else { return Ok(()) };
        let count = self.replica.count.to_string();
        path.apply(node, CREATE, &mut |field| field.replace_scalar(Node::tagged(count.as_str(), Tag::Int)))
    }

    fn missed(&self) -> Error {
        let kinds: Vec<String> = self.specs.iter().map(|spec| spec.gvk.to_string()).collect();
        Error::new(format!(
            "resource with name {} does not match a config with the following GVK [{}]",
            self.replica.name,
            kinds.join(" ")
        ))
        .at_field("replicas")
        .cure("replicas takes the name that the resource has in its own file")
    }
}

/// [`Replicas`] made ready.
struct SetReplicas<'a> {
    replicas: &'a Replicas,
    paths: Vec<(&'a FieldSpec, Path)>,
    found: bool,
}

impl Each for SetReplicas<'_> {
    fn apply(&mut self, resource: &mut Resource, schema: &Schema) -> Result<()> {
        let name = self.replicas.replica.name.as_str();
        if resource.is_gone() || !resource.names().any(|known| known == name) {
            return Ok(());
        }
        for (spec, path) in &self.paths {
            if resource.every_id(schema).any(|id| id.name == name && id.is_selected(&spec.gvk)) {
                self.found = true;
                self.replicas.set(resource, spec, path, schema)?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if self.found { Ok(()) } else { Err(self.replicas.missed()) }
    }
}
