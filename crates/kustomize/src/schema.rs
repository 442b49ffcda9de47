//! What kustomize knows about kinds: which lists a strategic merge merges and by which keys, and which kinds have no
//! namespace.
//!
//! Kustomize 5.8 carries the API of Kubernetes 1.21 for this, whatever the cluster is, so the table here says what that
//! one said: a list that came later is replaced as a whole, in upstream's output and in ours. A kustomization can bring
//! an OpenAPI document of its own, which takes the table's place.

mod builtin;
mod openapi;

use crate::error::Result;
use crate::id::Gvk;
use std::collections::HashMap;
use std::sync::Arc;

/// Kinds, their fields and scopes.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    types: Vec<Type>,
    roots: HashMap<(String, String), TypeId>,
    /// The built-in types that OpenAPI documents refer to, by the last part of their names.
    shapes: HashMap<&'static str, TypeId>,
    scopes: Scopes,
}

/// Which kinds have namespaces. Every resource is asked for at every turn, so a look must not cost memory.
#[derive(Debug, Default)]
struct Scopes {
    /// By kind: its API versions, and false for those without namespace.
    by_kind: HashMap<String, Vec<(String, bool)>>,
}

impl Scopes {
    fn get(&self, api_version: &str, kind: &str) -> Option<bool> {
        let versions = self.by_kind.get(kind)?;
        versions.iter().find(|(known, _)| known == api_version).map(|(_, namespaced)| *namespaced)
    }

    fn insert(&mut self, (api_version, kind): (String, String), namespaced: bool) {
        let versions = self.by_kind.entry(kind).or_default();
        match versions.iter_mut().find(|(known, _)| *known == api_version) {
            Some((_, known)) => *known = namespaced,
            None => versions.push((api_version, namespaced)),
        }
    }

    /// As [`Scopes::insert`], unless the kind is known.
    fn insert_new(&mut self, key: (String, String), namespaced: bool) {
        if self.get(&key.0, &key.1).is_none() {
            self.insert(key, namespaced);
        }
    }
}

/// A type in its [`Schema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TypeId(usize);

#[derive(Debug, Default, Clone)]
struct Type {
    fields: HashMap<String, Field>,
}

/// What is known about a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// The keys by which the items of a list are told apart; empty for lists of scalars. None: replaced as a whole.
    pub(crate) merge_keys: Option<Vec<String>>,
    /// Type of the value, or of the items of a list.
    pub(crate) ty: Option<TypeId>,
    /// False if `ty` belongs to the items.
    pub(crate) is_object: bool,
}

impl Schema {
    /// What stands in for a missing `openapi` field.
    pub(crate) fn builtin() -> Arc<Self> {
        Arc::new(builtin::schema())
    }

    /// An OpenAPI document in JSON or YAML. The scopes of the built-in kinds stay known; `beside_builtin` keeps their
    /// fields too.
    pub(crate) fn custom(text: &str, beside_builtin: bool) -> Result<Arc<Self>> {
        let mut schema = if beside_builtin {
            builtin::schema()
        } else {
            let mut schema = Self { scopes: builtin::scopes(), ..Self::default() };
            builtin::add_kustomization(&mut schema);
            schema
        };
        openapi::add(&mut schema, text, beside_builtin)?;
        Ok(Arc::new(schema))
    }

    /// True if it is known whether the kind has namespaces.
    pub(crate) fn knows_scope(&self, api_version: &str, kind: &str) -> bool {
        self.scopes.get(api_version, kind).is_some()
    }

    /// The type of a kind.
    pub(crate) fn root(&self, api_version: &str, kind: &str) -> Option<TypeId> {
        if api_version.is_empty() || kind.is_empty() {
            return None;
        }
        self.roots.get(&(api_version.to_owned(), kind.to_owned())).copied()
    }

    pub(crate) fn field(&self, ty: TypeId, name: &str) -> Option<&Field> {
        self.types[ty.0].fields.get(name)
    }

    /// True if the kind is known to have no namespace.
    pub(crate) fn is_cluster_scoped(&self, gvk: &Gvk) -> bool {
        self.is_scoped_to_cluster(&gvk.api_version(), &gvk.kind)
    }

    /// As [`Schema::is_cluster_scoped`].
    pub(crate) fn is_scoped_to_cluster(&self, api_version: &str, kind: &str) -> bool {
        self.scopes.get(api_version, kind) == Some(false)
    }
}
