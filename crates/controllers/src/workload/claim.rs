//! Which objects an owner controls: taking in those that nobody has, letting go those that do not fit any more.

use super::pods::controller_reference;
use informer::{Cache, Change, Index, Informers, Kind, Object, Queue, Shared, request};
use object::selector::labels::Selector;
use object::{View, json};

/// An owner that claims.
pub(crate) struct Claimer<'a> {
    /// Where dependents are changed.
    pub(crate) informers: &'a Informers,
    /// What kind the owner is.
    pub(crate) kind: &'static Kind,
    /// The owner.
    pub(crate) owner: &'a Object,
    /// What it claims.
    pub(crate) selector: &'a Selector,
}

impl Claimer<'_> {
    /// The objects of a kind that the owner controls, after taking in and letting go.
    pub(crate) async fn claim(&self, kind: &'static Kind, dependents: &Cache) -> Result<Vec<Shared>, kube::Error> {
        let mut claimed = Vec::new();
        for object in dependents.by(Index::Controller, self.owner.uid()) {
            if self.selector.matches(&object.labels()) {
                claimed.push(object);
            } else if !self.owner.is_going() {
                self.release(kind, &object).await?;
            }
        }
        if self.owner.is_going() {
            return Ok(claimed);
        }
        for object in dependents.by(Index::Orphan, self.owner.namespace()) {
            if !object.is_going() && self.selector.matches(&object.labels()) {
                claimed.extend(self.adopt(kind, &object).await?);
            }
        }
        Ok(claimed)
    }

    async fn adopt(&self, kind: &Kind, object: &Object) -> Result<Option<Shared>, kube::Error> {
        let owner = self.informers.live(self.kind, self.owner.namespace(), self.owner.name()).await?;
        if owner.is_none_or(|live| live.uid() != self.owner.uid() || live.is_going()) {
            return Ok(None);
        }
        let patch = json!({"metadata": {
            "uid": object.uid(), "ownerReferences": [controller_reference(self.kind, self.owner)],
        }});
        match self.informers.strategic(kind, object, "", &patch).await {
            Ok(adopted) => Ok(Some(adopted)),
            // It is gone, or another one took it in.
            Err(error) if matches!(request::code(&error), 404 | 409 | 422) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn release(&self, kind: &Kind, object: &Object) -> Result<(), kube::Error> {
        let patch = json!({"metadata": {
            "uid": object.uid(), "ownerReferences": [{"$patch": "delete", "uid": self.owner.uid()}],
        }});
        match self.informers.strategic(kind, object, "", &patch).await {
            Err(error) if matches!(request::code(&error), 404 | 409 | 422) => Ok(()),
            done => done.map(drop),
        }
    }
}

/// Wakes the owners of a kind that a change of a dependent concerns: those that control it or did, or, if nobody does,
/// those that would claim it.
pub(crate) fn wake_owners(
    queue: &Queue,
    owners: &Cache,
    kind: &'static Kind,
    change: &Change,
    selector: fn(View<'_>) -> Option<Selector>,
) {
    for object in change.old.iter().chain(&change.new) {
        if let Some(key) = owner_key(object, kind) {
            queue.add(key);
        }
    }
    let Some(orphan) = change.new.as_ref().filter(|object| !object.controller().exists() && !object.is_going()) else {
        return;
    };
    let was_alike =
        change.old.as_ref().is_some_and(|old| !old.controller().exists() && old.labels().same(orphan.labels()));
    if was_alike {
        return;
    }
    for owner in owners.in_namespace(orphan.namespace()) {
        if selector(owner.view()).is_some_and(|selector| selector.matches(&orphan.labels())) {
            queue.add(owner.key());
        }
    }
}

/// The key of the owner that controls an object, if it is of this kind.
pub(crate) fn owner_key(object: &Object, kind: &Kind) -> Option<String> {
    let owner = object.controller();
    let (group, _) = owner.str("apiVersion").rsplit_once('/').unwrap_or_default();
    let is_kind = owner.str("kind") == kind.kind && group == kind.group;
    is_kind.then(|| format!("{}/{}", object.namespace(), owner.str("name")))
}

/// The selector of a workload, if it selects anything.
pub(crate) fn selector_of(owner: View<'_>) -> Option<Selector> {
    let selector = owner.get("spec").get("selector");
    Selector::from_object(selector).ok().filter(|selector| !selector.is_everything() && !selector.is_nothing())
}
