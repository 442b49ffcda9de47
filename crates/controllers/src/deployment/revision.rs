//! The ReplicaSet of the current template: found, or made, and numbered.

use super::sets::{self, HASH, HISTORY, Plan, REVISION, Sets};
use super::{Controller, PROGRESSING, scale, set_condition};
use crate::workload::hash;
use crate::workload::pods::controller_reference;
use informer::{Object, Shared, kinds, request};
use object::{Value, View, json};

/// How long the list of earlier numbers may become.
const MAX_HISTORY: usize = 2000;
/// How long a name may be.
const MAX_NAME: usize = 253;
/// Annotations that belong to the Deployment alone.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    sets::DESIRED,
    sets::MAXIMUM,
    "deprecated.deployment.rollback.to",
];

impl Controller {
    /// Tells new from old, brings numbers and annotations up to date, and makes the new one if `make` says so. The
    /// Deployment comes back as it is afterwards.
    pub(super) async fn revise(
        &self,
        deployment: Shared,
        claimed: Vec<Shared>,
        make: bool,
    ) -> Result<(Shared, Sets), kube::Error> {
        let mut sets = Sets::new(&deployment, claimed);
        let next = sets.old.iter().map(|set| sets::revision(set)).max().unwrap_or_default() + 1;
        let Some(new) = sets.new.clone() else {
            if !make {
                return Ok((deployment, sets));
            }
            let (deployment, new) = self.make(deployment, &sets, next).await?;
            sets.new = Some(new);
            return Ok((deployment, sets));
        };
        let mut changed = new.to_value();
        annotate(&mut changed, &deployment, next);
        let min_ready = deployment.spec().int("minReadySeconds");
        if new.spec().int("minReadySeconds") != min_ready {
            changed["spec"]["minReadySeconds"] = min_ready.into();
        }
        if View::from(&changed) != new.view() {
            sets.new = Some(self.informers.replace(&kinds::REPLICA_SETS, &changed).await?);
        }
        let revision = sets.new.as_ref().map_or(0, |new| sets::revision(new));
        let message = format!("Found new replica set {:?}", new.name());
        let deployment = self.number(deployment, revision, Some(("FoundNewReplicaSet", message))).await?;
        Ok((deployment, sets))
    }

    /// Writes the number of the current ReplicaSet into the Deployment, and why it goes on if that is not known yet.
    async fn number(
        &self,
        deployment: Shared,
        revision: i64,
        progress: Option<(&str, String)>,
    ) -> Result<Shared, kube::Error> {
        let mut current = deployment;
        let revision = revision.to_string();
        if current.annotation(REVISION) != revision {
            // Written with the status: that is no new generation.
            let mut changed = current.to_value();
            changed["metadata"]["annotations"][REVISION] = revision.into();
            current = self.informers.replace_status(&kinds::DEPLOYMENTS, &changed).await?;
        }
        let Some((reason, message)) = progress else { return Ok(current) };
        let is_known = current.condition(PROGRESSING).exists() && reason == "FoundNewReplicaSet";
        if Plan::of(&current).deadline.is_none() || is_known {
            return Ok(current);
        }
        self.note_progress(&current, "True", reason, message).await
    }

    async fn note_progress(
        &self,
        deployment: &Object,
        status: &str,
        reason: &str,
        message: String,
    ) -> Result<Shared, kube::Error> {
        let mut changed = deployment.to_value();
        set_condition(&mut changed["status"], PROGRESSING, status, reason, message);
        self.informers.replace_status(&kinds::DEPLOYMENTS, &changed).await
    }

    async fn make(&self, deployment: Shared, sets: &Sets, revision: i64) -> Result<(Shared, Shared), kube::Error> {
        let plan = Plan::of(&deployment);
        let replicas = scale::size_of_new(&plan, sets.sum(sets::replicas), 0);
        let set = new_set(&deployment, replicas, revision);
        let name = View::from(&set).get("metadata").str("name").to_owned();
        let (made, is_ours) = match self.informers.create(&kinds::REPLICA_SETS, deployment.namespace(), &set).await {
            Ok(made) => (made, true),
            Err(error) if request::code(&error) == 409 => match self.settle_collision(&deployment, &name).await? {
                Some(found) => (found, false),
                None => return Err(error),
            },
            Err(error) => {
                if !request::is_namespace_going(&error) {
                    self.tell_failure(&deployment, &plan, &name, &error).await;
                }
                return Err(error);
            }
        };
        if is_ours && replicas > 0 {
            let message = format!("Scaled up replica set {name} from 0 to {replicas}");
            self.recorder.normal(&kinds::DEPLOYMENTS, &deployment, "ScalingReplicaSet", message);
        }
        let progress = is_ours.then(|| ("NewReplicaSetCreated", format!("Created new replica set {name:?}")));
        let deployment = self.number(deployment, revision, progress).await?;
        Ok((deployment, made))
    }

    /// The ReplicaSet that has the name already, if it is the one that was to be made. If it is another, the hash is
    /// to be another next time.
    async fn settle_collision(&self, deployment: &Object, name: &str) -> Result<Option<Shared>, kube::Error> {
        let Some(found) = self.informers.live(&kinds::REPLICA_SETS, deployment.namespace(), name).await? else {
            return Ok(None);
        };
        let template = deployment.spec().get("template");
        if found.is_controlled_by(deployment.uid()) && sets::same_template(template, found.spec().get("template")) {
            return Ok(Some(found));
        }
        let mut changed = deployment.to_value();
        changed["status"]["collisionCount"] = (deployment.status().int("collisionCount") + 1).into();
        self.informers.replace_status(&kinds::DEPLOYMENTS, &changed).await?;
        Ok(None)
    }

    async fn tell_failure(&self, deployment: &Object, plan: &Plan, name: &str, error: &kube::Error) {
        let message = format!("Failed to create new replica set {name:?}: {}", request::message(error));
        self.recorder.warning(&kinds::DEPLOYMENTS, deployment, "ReplicaSetCreateError", &*message);
        if plan.deadline.is_some()
            && let Err(error) = self.note_progress(deployment, "False", "ReplicaSetCreateError", message).await
        {
            tracing::debug!(%error, "cannot note that a ReplicaSet could not be made");
        }
    }
}

fn new_set(deployment: &Object, replicas: i64, revision: i64) -> Value {
    let mut template = deployment.spec().get("template").to_value();
    let hash = hash::of(&template, deployment.status().opt_int("collisionCount"));
    template["metadata"]["labels"][HASH] = hash.as_str().into();
    let mut selector = deployment.spec().get("selector").to_value();
    selector["matchLabels"][HASH] = hash.as_str().into();
    let mut stem = deployment.name();
    if let Some(short) = stem.get(..MAX_NAME - 1 - hash.len()) {
        stem = short;
    }
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{stem}-{hash}"), "namespace": deployment.namespace(),
            "labels": template["metadata"]["labels"],
            "ownerReferences": [controller_reference(&kinds::DEPLOYMENTS, deployment)],
        },
        "spec": {
            "replicas": replicas, "minReadySeconds": deployment.spec().int("minReadySeconds"),
            "selector": selector, "template": template,
        },
    });
    annotate(&mut set, deployment, revision);
    scale::annotate(&mut set, &Plan::of(deployment));
    set
}

/// Copies the Deployment's annotations, and raises the number of the ReplicaSet.
fn annotate(set: &mut Value, deployment: &Object, revision: i64) {
    let metadata = &mut set["metadata"];
    for (name, value) in deployment.meta().get("annotations").entries() {
        if !OWN.contains(&name) {
            metadata["annotations"][name] = value.to_value();
        }
    }
    let old = View::from(&*metadata).get("annotations").str(REVISION).to_owned();
    let Ok(old_number) = (if old.is_empty() { Ok(0) } else { old.parse::<i64>() }) else { return };
    if old_number >= revision {
        return;
    }
    metadata["annotations"][REVISION] = revision.to_string().into();
    if !old.is_empty() {
        let history = View::from(&*metadata).get("annotations").str(HISTORY).to_owned();
        metadata["annotations"][HISTORY] = lengthen(&history, &old).into();
    }
}

/// A list of earlier numbers with one more; the oldest go when it becomes too long.
fn lengthen(history: &str, revision: &str) -> String {
    let mut numbers: Vec<&str> = history.split(',').filter(|number| !number.is_empty()).collect();
    numbers.push(revision);
    let mut text = numbers.join(",");
    while text.len() > MAX_HISTORY {
        numbers.remove(0);
        text = numbers.join(",");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_keeps_the_earlier_numbers() {
        let deployment = Object::new(json!({"metadata": {"annotations": {"note": "n", REVISION: "2"}}}));
        let mut set = json!({"metadata": {"annotations": {REVISION: "1"}}});
        annotate(&mut set, &deployment, 3);
        assert_eq!(set, json!({"metadata": {"annotations": {REVISION: "3", HISTORY: "1", "note": "n"}}}));
        annotate(&mut set, &deployment, 5);
        assert_eq!(set["metadata"]["annotations"][HISTORY], "1,3");
        annotate(&mut set, &deployment, 4);
        assert_eq!(set["metadata"]["annotations"][REVISION], "5");
    }

    #[test]
    fn names_and_selectors_carry_the_hash() {
        let deployment = Object::new(json!({
            "metadata": {"name": "web", "namespace": "ns", "uid": "1"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {}}},
        }));
        let set = new_set(&deployment, 2, 1);
        let hash = set["metadata"]["labels"][HASH].as_str().unwrap();
        assert_eq!(set["metadata"]["name"], format!("web-{hash}"));
        assert_eq!(set["spec"]["selector"]["matchLabels"], json!({"app": "web", HASH: hash}));
        assert_eq!(set["spec"]["template"]["metadata"]["labels"], json!({"app": "web", HASH: hash}));
    }
}
