//! Revisions of a template, kept as ControllerRevisions.

use super::hash;
use super::pods::controller_reference;
use informer::{Informers, Kind, Object, Shared, kinds, request};
use object::{Value, View, json};

/// The label that tells revisions from each other.
pub(crate) const HASH: &str = "controller-revision-hash";

/// The history of an owner's template.
pub(crate) struct History<'a> {
    /// Where revisions are written.
    pub(crate) informers: &'a Informers,
    /// What kind the owner is.
    pub(crate) kind: &'static Kind,
    /// The owner.
    pub(crate) owner: &'a Object,
}

/// The number of a revision.
pub(crate) fn number(revision: &Object) -> i64 {
    revision.get("revision").as_int()
}

/// The template that a revision keeps.
pub(crate) fn template(revision: &Object) -> Value {
    let mut template = revision.view().at(&["data", "spec", "template"]).to_value();
    if let Some(template) = template.as_object_mut() {
        template.remove("$patch");
    }
    template
}

/// What a revision of the owner's template keeps.
fn data(owner: &Object) -> Value {
    let mut template = owner.spec().get("template").to_value();
    template["$patch"] = "replace".into();
    json!({"spec": {"template": template}})
}

impl History<'_> {
    /// The revision of the current template, with the highest number; it is made or renumbered if need be. `revisions`
    /// are those of the owner; they come back in the order of their numbers, the current one among them.
    pub(crate) async fn current(&self, mut revisions: Vec<Shared>) -> Result<(Shared, Vec<Shared>), kube::Error> {
        revisions.sort_by_key(|revision| (number(revision), revision.created(), revision.name().to_owned()));
        let data = data(self.owner);
        let next = revisions.last().map_or(0, |last| number(last)) + 1;
        let same = revisions.iter().rposition(|revision| revision.get("data").same(View::from(&data)));
        let current = match same {
            Some(at) if at + 1 == revisions.len() => return Ok((revisions[at].clone(), revisions)),
            Some(at) => {
                let mut renumbered = revisions.remove(at).to_value();
                renumbered["revision"] = next.into();
                self.informers.replace(&kinds::CONTROLLER_REVISIONS, &renumbered).await?
            }
            None => self.make(data, next).await?,
        };
        revisions.push(current.clone());
        Ok((current, revisions))
    }

    async fn make(&self, data: Value, number: i64) -> Result<Shared, kube::Error> {
        let first = self.owner.status().opt_int("collisionCount").unwrap_or_default();
        for collisions in first.. {
            let revision = self.revision(&data, number, collisions);
            let name = View::from(&revision).get("metadata").str("name").to_owned();
            match self.informers.create(&kinds::CONTROLLER_REVISIONS, self.owner.namespace(), &revision).await {
                Err(error) if request::code(&error) == 409 => {
                    let there =
                        self.informers.live(&kinds::CONTROLLER_REVISIONS, self.owner.namespace(), &name).await?;
                    match there {
                        Some(there) if there.get("data").same(View::from(&data)) => return Ok(there),
                        // Another template with the same hash.
                        _ => {}
                    }
                }
                done => return done,
            }
        }
        unreachable!("numbers do not end")
    }

    fn revision(&self, data: &Value, number: i64, collisions: i64) -> Value {
        let hash = hash::of(data, Some(collisions));
        let mut labels = self.owner.spec().at(&["template", "metadata", "labels"]).to_value();
        labels[HASH] = hash.as_str().into();
        let stem = self.owner.name();
        let stem = stem.get(..223).unwrap_or(stem);
        let mut revision = json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision",
            "metadata": {
                "name": format!("{stem}-{hash}"), "namespace": self.owner.namespace(), "labels": labels,
                "ownerReferences": [controller_reference(self.kind, self.owner)],
            },
            "data": data, "revision": number,
        });
        let notes = self.owner.meta().get("annotations");
        if !notes.is_empty() {
            revision["metadata"]["annotations"] = notes.to_value();
        }
        revision
    }

    /// Deletes the oldest revisions that nobody uses and the limit has no room for.
    pub(crate) async fn clean_up(
        &self,
        revisions: &[Shared],
        is_used: impl Fn(&Object) -> bool,
    ) -> Result<(), kube::Error> {
        let limit = self.owner.spec().opt_int("revisionHistoryLimit").unwrap_or(10);
        let unused: Vec<&Shared> = revisions.iter().filter(|revision| !is_used(revision)).collect();
        let excess = unused.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
        for revision in unused.into_iter().take(excess) {
            self.informers.delete(&kinds::CONTROLLER_REVISIONS, revision, Value::Null).await?;
        }
        Ok(())
    }
}
