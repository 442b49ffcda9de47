//! The resources of a build, in order, each name once.

mod index;

use crate::error::{Error, Result};
use crate::id::{IdRef, ResId};
use crate::resource::{Behavior, Resource};
use crate::schema::Schema;
use crate::selector::Matcher;
pub(crate) use index::Index;

/// The resources of a build.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResMap {
    list: Vec<Resource>,
    /// By present kind, name and effective namespace; none when they may have changed since.
    present: Option<Index>,
    /// By each name, present or previous; none when names may have changed since.
    named: Option<Index>,
}

/// Two resources must not have the same one.
fn key<'a>(id: &IdRef<'a>) -> [&'a str; 5] {
    [id.name, id.kind, id.group, id.version, id.effective_namespace()]
}

impl ResMap {
    /// A map with `resources`.
    pub(crate) fn from_list(resources: Vec<Resource>, schema: &Schema) -> Result<Self> {
        let present = Some(Index::with_capacity(resources.len()));
        let mut map = Self { list: Vec::with_capacity(resources.len()), present, named: None };
        resources.into_iter().try_for_each(|resource| map.append(resource, schema))?;
        Ok(map)
    }

    pub(crate) fn list(&self) -> &[Resource] {
        &self.list
    }

    /// The resources, to be changed in everything but their names.
    pub(crate) fn list_mut(&mut self) -> &mut [Resource] {
        &mut self.list
    }

    /// The resources, to be changed in any way.
    pub(crate) fn list_renaming(&mut self) -> &mut Vec<Resource> {
        self.forget();
        &mut self.list
    }

    pub(crate) fn into_list(self) -> Vec<Resource> {
        self.list
    }

    /// To be said after names may have changed.
    pub(crate) fn forget(&mut self) {
        self.present = None;
        self.named = None;
    }

    /// The resources, to be changed in any way but for their present names.
    pub(crate) fn list_keeping_names(&mut self) -> &mut [Resource] {
        self.named = None;
        &mut self.list
    }

    fn present(&mut self, schema: &Schema) -> &mut Index {
        let list = &self.list;
        self.present.get_or_insert_with(|| {
            let mut present = Index::with_capacity(list.len());
            list.iter().enumerate().for_each(|(at, resource)| present.insert(key(&resource.now(schema)), at));
            present
        })
    }

    /// How many resources have this present name.
    fn count(&mut self, id: &IdRef<'_>, schema: &Schema) -> usize {
        self.present(schema);
        let Self { list, present, .. } = self;
        let candidates = present.iter().flat_map(|present| present.candidates(key(id)));
        candidates.filter(|at| list[*at].now(schema).same(id)).count()
    }

    /// Adds a resource whose name must be new.
    pub(crate) fn append(&mut self, resource: Resource, schema: &Schema) -> Result<()> {
        let id = resource.now(schema);
        if self.count(&id, schema) > 0 {
            let id = id.to_id();
            return Err(Error::new(format!("may not add resource with an already registered id: {id}"))
                .on_resource(&id)
                .cure("rename one of the two, or list the file that holds it once"));
        }
        let at = self.list.len();
        self.present(schema).insert(key(&id), at);
        if let Some(named) = &mut self.named {
            resource.names().for_each(|name| named.insert(name, at));
        }
        self.list.push(resource);
        Ok(())
    }

    pub(crate) fn append_all(&mut self, other: Self, schema: &Schema) -> Result<()> {
        if self.list.is_empty() {
            *self = other;
            return Ok(());
        }
        other.list.into_iter().try_for_each(|resource| self.append(resource, schema))
    }

    /// Takes out what patches deleted.
    pub(crate) fn drop_gone(&mut self) {
        if self.list.iter().any(Resource::is_gone) {
            self.list.retain(|resource| !resource.is_gone());
            self.forget();
        }
    }

    /// Keeps what `keep` says.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&mut Resource) -> bool) {
        self.list.retain_mut(keep);
        self.forget();
    }

    /// Changes one resource, its name included; returns how many have its new name.
    pub(crate) fn rename_one(
        &mut self,
        at: usize,
        schema: &Schema,
        change: impl FnOnce(&mut Resource) -> Result<()>,
    ) -> Result<usize> {
        self.named = None;
        self.present(schema);
        if let Some(present) = &mut self.present {
            present.remove(key(&self.list[at].now(schema)), at);
            let changed = change(&mut self.list[at]);
            present.insert(key(&self.list[at].now(schema)), at);
            changed?;
        }
        let Self { list, present, .. } = self;
        let id = list[at].now(schema);
        let candidates = present.iter().flat_map(|present| present.candidates(key(&id)));
        Ok(candidates.filter(|other| *other == at || list[*other].now(schema).same(&id)).count())
    }

    /// Where resources stand of which any name, present or previous, satisfies `fits`.
    pub(crate) fn matching(&mut self, name: &str, schema: &Schema, fits: impl Fn(&IdRef<'_>) -> bool) -> Vec<usize> {
        let list = &self.list;
        let named = self.named.get_or_insert_with(|| {
            let mut named = Index::with_capacity(list.len());
            for (at, resource) in list.iter().enumerate() {
                resource.names().for_each(|name| named.insert(name, at));
            }
            named
        });
        let matches = |at: &usize| !list[*at].is_gone() && list[*at].every_id(schema).any(|id| fits(&id));
        let mut found: Vec<usize> = named.candidates(name).filter(matches).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The one resource that is, or was, called `id`.
    pub(crate) fn find(&mut self, id: &ResId, schema: &Schema) -> Result<usize> {
        let wanted = id.as_ref();
        let found = self.matching(&id.name, schema, |known| wanted.same(known));
        let problem = match found.as_slice() {
            [one] => return Ok(*one),
            [] => "no matches",
            _ => "multiple matches",
        };
        Err(Error::new(format!("{problem} for Id {id}; failed to find unique target for patch {id}"))
            .on_resource(id)
            .cure("name, namespace, kind and apiVersion of a patch must be those of exactly one resource"))
    }

    /// Adds generated resources: new ones, or into those of the same name.
    pub(crate) fn absorb(&mut self, other: Self, schema: &Schema) -> Result<()> {
        other.list.into_iter().try_for_each(|resource| self.absorb_one(resource, schema))
    }

    fn absorb_one(&mut self, mut resource: Resource, schema: &Schema) -> Result<()> {
        let id = resource.id(schema);
        let wanted = id.as_ref();
        let found = self.matching(&id.name, schema, |known| wanted.same(known));
        match (found.as_slice(), resource.behavior) {
            ([], Behavior::Merge | Behavior::Replace) => {
                Err(Error::new(format!("id {} does not exist; cannot merge or replace", go_id(&id)))
                    .on_resource(&id)
                    .at_field("behavior")
                    .cure("use behavior: create, or correct the name and namespace"))
            }
            ([], _) => self.append(resource, schema),
            ([at], Behavior::Replace) => {
                resource.take_metadata(&self.list[*at])?;
                self.replace(*at, resource);
                Ok(())
            }
            ([at], Behavior::Merge) => {
                let origin = self.list[*at].origin.clone();
                resource.take_metadata(&self.list[*at])?;
                resource.merge_data(&self.list[*at]);
                if origin.is_some() {
                    resource.origin = origin;
                }
                self.replace(*at, resource);
                Ok(())
            }
            ([_], behavior) => Err(Error::new(format!(
                "id {} exists; can not use behavior: '{}', behavior must be merge or replace",
                go_id(&id),
                behavior.name()
            ))
            .on_resource(&id)
            .at_field("behavior")
            .cure("set behavior: merge or behavior: replace in the generator")),
            (several, _) => {
                let shown: Vec<String> = several.iter().map(|at| self.list[*at].show()).collect();
                Err(Error::new(format!("found multiple objects {shown:?} that could accept merge of {id}"))
                    .on_resource(id))
            }
        }
    }

    fn replace(&mut self, at: usize, resource: Resource) {
        self.list[at] = resource;
        self.forget();
    }

    /// Where the resources stand that a selector means.
    pub(crate) fn select(&self, matcher: &Matcher, schema: &Schema) -> Vec<usize> {
        (0..self.list.len()).filter(|&at| matcher.selects(&self.list[at], schema)).collect()
    }

    /// Sorts by one key for each resource, in order.
    pub(crate) fn sort_by_keys<K: Ord>(&mut self, keys: impl Iterator<Item = K>) {
        // The places behind the keys keep equals in order.
        let mut keyed: Vec<(K, usize)> = keys.zip(0..self.list.len()).collect();
        keyed.sort_unstable();
        let mut wanted: Vec<usize> = keyed.into_iter().map(|(_, place)| place).collect();
        for start in 0..wanted.len() {
            // Each swap brings what belongs at `at`; the last place of the circle has what was at its start.
            let mut at = start;
            while wanted[at] != start {
                let next = std::mem::replace(&mut wanted[at], at);
                self.list.swap(at, next);
                at = next;
            }
            wanted[at] = at;
        }
        self.forget();
    }
}

/// As Go prints the structure.
fn go_id(id: &ResId) -> String {
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{}}}, Name:{:?}, Namespace:{:?}}}",
        id.gvk.group, id.gvk.version, id.gvk.kind, id.cluster_scoped, id.name, id.namespace
    )
}
