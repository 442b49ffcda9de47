//! The resources of a build, in order, each name once.

use crate::error::{Error, Result};
use crate::id::{Gvk, ResId};
use crate::resource::{Behavior, Resource};
use crate::schema::Schema;
use crate::selector::Matcher;
use std::cmp::Ordering;
use std::collections::HashMap;

/// Kind, name and effective namespace.
type Key = (Gvk, String, String);

/// The resources of a build.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResMap {
    list: Vec<Resource>,
    /// How often each present name occurs; none when names may have changed since.
    present: Option<HashMap<Key, usize>>,
    /// Where each name, present or previous, occurs; none when names may have changed since.
    named: Option<HashMap<String, Vec<usize>>>,
}

fn key(id: ResId) -> Key {
    let namespace = id.effective_namespace().to_owned();
    (id.gvk, id.name, namespace)
}

impl ResMap {
    /// A map with `resources`.
    pub(crate) fn from_list(resources: Vec<Resource>, schema: &Schema) -> Result<Self> {
        let mut map = Self::default();
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

    fn forget(&mut self) {
        self.present = None;
        self.named = None;
    }

    fn present(&mut self, schema: &Schema) -> &mut HashMap<Key, usize> {
        let list = &self.list;
        self.present.get_or_insert_with(|| {
            let mut present = HashMap::with_capacity(list.len());
            for resource in list {
                *present.entry(key(resource.id(schema))).or_default() += 1;
            }
            present
        })
    }

    /// Adds a resource whose name must be new.
    pub(crate) fn append(&mut self, resource: Resource, schema: &Schema) -> Result<()> {
        let id = resource.id(schema);
        let count = self.present(schema).entry(key(id.clone())).or_default();
        if *count > 0 {
            return Err(Error::new(format!("may not add resource with an already registered id: {id}"))
                .on_resource(&id)
                .cure("rename one of the two, or list the file that holds it once"));
        }
        *count += 1;
        if let Some(named) = &mut self.named {
            let at = self.list.len();
            for name in names(&resource) {
                let places = named.entry(name).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
            }
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
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Resource) -> bool) {
        self.list.retain(keep);
        self.forget();
    }

    /// Changes one resource, its name included; returns the name before and after.
    pub(crate) fn rename_one(
        &mut self,
        at: usize,
        schema: &Schema,
        change: impl FnOnce(&mut Resource) -> Result<()>,
    ) -> Result<(ResId, ResId)> {
        self.named = None;
        let before = self.list[at].id(schema);
        self.present(schema);
        change(&mut self.list[at])?;
        let after = self.list[at].id(schema);
        let present = self.present(schema);
        if let Some(count) = present.get_mut(&key(before.clone())) {
            *count = count.saturating_sub(1);
        }
        *present.entry(key(after.clone())).or_default() += 1;
        Ok((before, after))
    }

    /// How many resources have this present name.
    pub(crate) fn count(&mut self, id: &ResId, schema: &Schema) -> usize {
        self.present(schema).get(&key(id.clone())).copied().unwrap_or(0)
    }

    /// Where resources stand that are, or ever were, called `name`.
    pub(crate) fn places(&mut self, name: &str) -> Vec<usize> {
        let list = &self.list;
        let named = self.named.get_or_insert_with(|| {
            let mut named: HashMap<String, Vec<usize>> = HashMap::with_capacity(list.len());
            for (at, resource) in list.iter().enumerate() {
                for name in names(resource) {
                    let places = named.entry(name).or_default();
                    if places.last() != Some(&at) {
                        places.push(at);
                    }
                }
            }
            named
        });
        named.get(name).cloned().unwrap_or_default()
    }

    /// Where resources stand of which any name, present or previous, satisfies `fits`.
    pub(crate) fn matching(&mut self, name: &str, schema: &Schema, fits: impl Fn(&ResId) -> bool) -> Vec<usize> {
        let places = self.places(name);
        let matches = |at: &usize| {
            let resource = &self.list[*at];
            !resource.is_gone() && resource.all_ids(schema).iter().any(&fits)
        };
        places.into_iter().filter(matches).collect()
    }

    /// The one resource that is, or was, called `id`.
    pub(crate) fn find(&mut self, id: &ResId, schema: &Schema) -> Result<usize> {
        let found = self.matching(&id.name, schema, |known| id.same(known));
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
        let found = self.matching(&id.name, schema, |known| id.same(known));
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

    /// Sorts by keys that are made once for each resource.
    pub(crate) fn sort_by_cached<K>(&mut self, key: impl Fn(&Resource) -> K, compare: impl Fn(&K, &K) -> Ordering) {
        let mut keyed: Vec<(K, Resource)> =
            std::mem::take(&mut self.list).into_iter().map(|resource| (key(&resource), resource)).collect();
        keyed.sort_by(|(a, _), (b, _)| compare(a, b));
        self.list = keyed.into_iter().map(|(_, resource)| resource).collect();
        self.forget();
    }
}

fn names(resource: &Resource) -> impl Iterator<Item = String> + '_ {
    resource.previous.iter().map(|previous| previous.name.clone()).chain([resource.name().to_owned()])
}

/// As Go prints the structure.
fn go_id(id: &ResId) -> String {
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{}}}, Name:{:?}, Namespace:{:?}}}",
        id.gvk.group, id.gvk.version, id.gvk.kind, id.cluster_scoped, id.name, id.namespace
    )
}
