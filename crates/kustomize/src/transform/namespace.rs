//! `namespace`

use super::Transformer;
use crate::error::{Error, Result};
use crate::fieldspec::{Create, FieldSpec, Paths, gvk_of};
use crate::hash::go_json;
use crate::kustomization::ObjectMeta;
use crate::node::{Kind, Node, Tag};
use crate::resmap::ResMap;
use crate::schema::Schema;

/// Puts resources into a namespace.
#[derive(Debug, Default)]
pub(crate) struct Namespace {
    pub(crate) metadata: ObjectMeta,
    pub(crate) specs: Vec<FieldSpec>,
    /// Leaves namespaces that are there.
    pub(crate) unset_only: bool,
    /// Which subjects of role bindings: `defaultOnly`, `allServiceAccounts` or `none`.
    pub(crate) subjects: String,
}

crate::decode::structure!(Namespace, "NamespaceTransformerPlugin", {
    "metadata" => metadata,
    "fieldSpecs" => specs,
    "unsetOnly" => unset_only,
    "setRoleBindingSubjects" => subjects,
});

/// Where namespaces stand, made ready for many resources.
#[derive(Debug)]
pub(crate) struct Places {
    metadata: Paths,
    /// For those that are a role binding, and those of the core's first version.
    specs: [[Option<Paths>; 2]; 2],
}

impl Default for Places {
    fn default() -> Self {
        Self { metadata: Paths::new(&[FieldSpec::new("metadata/namespace", true)]), specs: Default::default() }
    }
}

impl Places {
    fn paths(&mut self, namespace: &Namespace, is_binding: bool, is_core: bool) -> &mut Paths {
        let skip = |spec: &&FieldSpec| {
            let own = spec.path == "metadata/namespace" || (!is_core && spec.path == "metadata/name");
            let subjects = is_binding
                && matches!(spec.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding")
                && spec.path == "subjects/namespace";
            own || subjects
        };
        let place = &mut self.specs[usize::from(is_binding)][usize::from(is_core)];
        place.get_or_insert_with(|| Paths::new(namespace.specs.iter().filter(|spec| !skip(spec))))
    }
}

const SCALAR: Create = Create { kind: Kind::Scalar, tag: Tag::Str };
/// What `metadata.namespace` is when it has to be made.
const BARE: Create = Create { kind: Kind::Scalar, tag: Tag::None };

impl Namespace {
    /// Refuses modes that do not exist.
    pub(crate) fn check(&self) -> Result<()> {
        match self.subjects.as_str() {
            "" | "defaultOnly" | "allServiceAccounts" | "none" => Ok(()),
            other => Err(Error::new(format!(
                "invalid value {other:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \
                 \"allServiceAccounts\""
            ))
            .at_field("setRoleBindingSubjects")),
        }
    }

    /// Does the work on one resource.
    pub(crate) fn apply(&self, node: &mut Node, places: &mut Places, schema: &Schema) -> Result<()> {
        let gvk = gvk_of(node);
        let namespace = self.metadata.namespace.as_str();
        let mut set = |field: &mut Node| {
            if self.unset_only && !field.is_nil_or_empty() && !field.value().is_empty() {
                return Ok(());
            }
            field.replace_scalar(Node::text(namespace))
        };
        if !schema.is_cluster_scoped(&gvk) {
            places.metadata.apply(node, Some(BARE), &mut set)?;
        }
        let is_binding = matches!(gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
        if is_binding {
            self.apply_to_subjects(node, &mut set)?;
        }
        let paths = places.paths(self, is_binding, gvk.group.is_empty() && gvk.version == "v1");
        paths.apply(node, Some(SCALAR), &mut set).map_err(|e| {
            let wrong_kind = e.to_string().contains("wrong node kind: expected ScalarNode");
            e.wrap(if wrong_kind {
                "namespace field specs must target scalar nodes"
            } else {
                "namespace transformation failed"
            })
        })
    }

    fn apply_to_subjects(&self, node: &mut Node, set: &mut dyn FnMut(&mut Node) -> Result<()>) -> Result<()> {
        let (key, value) = match self.subjects.as_str() {
            "none" => return Ok(()),
            "allServiceAccounts" => ("kind", "ServiceAccount"),
            _ => ("name", "default"),
        };
        let Some(subjects) = node.get_mut("subjects").filter(|subjects| !subjects.is_null()) else { return Ok(()) };
        let wrap = |e: Error| e.wrap("setting namespace on (cluster)role binding subjects").at_field("subjects");
        subjects.expect(Kind::Seq).map_err(wrap)?;
        for subject in subjects.items_mut() {
            subject.expect(Kind::Map).map_err(wrap)?;
            if subject.get(key).is_some_and(|node| node.value() == value) {
                set(subject.get_or_create("namespace", Kind::Scalar).map_err(wrap)?).map_err(wrap)?;
            }
        }
        Ok(())
    }
}

impl Transformer for Namespace {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        if self.metadata.namespace.is_empty() {
            return Ok(());
        }
        // Upstream looks for clashes after every resource, when those behind it still have their old names.
        let total = resources.list().len();
        let mut places = Places::default();
        for at in 0..total {
            let resource = &resources.list()[at];
            if resource.is_gone() || resource.helm_generated {
                continue;
            }
            let namesakes = resources.rename_one(at, schema, |resource| {
                resource.store_id(schema);
                match &mut resource.node {
                    Some(node) => self.apply(node, &mut places, schema),
                    None => Ok(()),
                }
            })?;
            if namesakes != 1 {
                let resource = &resources.list()[at];
                let after = resource.now(schema);
                let before = resource.previous.last().map_or(after, |last| resource.then(last, schema)).to_id();
                let shown: Vec<String> = resources
                    .list()
                    .iter()
                    .filter(|other| after.same(&other.now(schema)))
                    .map(|other| other.with_annotations().to_json().map(|json| go_json(&json)).unwrap_or_default())
                    .collect();
                return Err(Error::new(format!(
                    "namespace transformation produces ID conflict: [{}]",
                    shown.join(" ")
                ))
                .on_resource(before)
                .at_field("namespace")
                .cure("two resources of the same kind and name cannot share one namespace; rename one of them"));
            }
        }
        Ok(())
    }
}
