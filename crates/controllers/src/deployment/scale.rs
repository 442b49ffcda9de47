//! Sizes of ReplicaSets.

use super::Controller;
use super::sets::{self, DESIRED, MAXIMUM, Plan, Sets};
use informer::{Object, Shared, kinds};
use object::{Value, View, json};

/// How many pods the new ReplicaSet may have now, when it has `now` and all together have `total`.
pub(super) fn size_of_new(plan: &Plan, total: i64, now: i64) -> i64 {
    if !plan.is_rolling {
        return plan.replicas;
    }
    let room = plan.maximum() - total;
    if room <= 0 { now } else { now + room.min(plan.replicas - now) }
}

/// Notes for which size of the Deployment a ReplicaSet is scaled.
pub(super) fn annotate(set: &mut Value, plan: &Plan) {
    set["metadata"]["annotations"][DESIRED] = plan.replicas.to_string().into();
    set["metadata"]["annotations"][MAXIMUM] = plan.maximum().to_string().into();
}

/// Sizes for ReplicaSets that share what a Deployment gained or lost in proportion to what they have.
pub(super) fn in_proportion(plan: &Plan, actual: i64, sets: &[Shared]) -> Vec<(Shared, i64)> {
    let total: i64 = sets.iter().map(|set| sets::replicas(set)).sum();
    let allowed = if plan.replicas > 0 { plan.maximum() } else { 0 };
    let to_add = allowed - total;
    let mut sorted = sets.to_vec();
    sorted.sort_by(|a, b| {
        let by_size = sets::replicas(b).cmp(&sets::replicas(a));
        let by_age = a.created().cmp(&b.created()).then_with(|| a.name().cmp(b.name()));
        by_size.then(if to_add > 0 { by_age.reverse() } else { by_age })
    });
    let mut added = 0;
    let mut sizes: Vec<(Shared, i64)> = Vec::with_capacity(sorted.len());
    for set in sorted {
        let now = sets::replicas(&set);
        let share = if to_add == 0 || to_add == added { 0 } else { share(plan, actual, &set) };
        let rest = to_add - added;
        let share = if to_add > 0 { share.min(rest) } else { share.max(rest) };
        added += share;
        sizes.push((set, now + share));
    }
    if let Some((_, first)) = sizes.first_mut() {
        *first = (*first + to_add - added).max(0);
    }
    sizes
}

/// What a ReplicaSet gains or loses.
fn share(plan: &Plan, actual: i64, set: &Object) -> i64 {
    let now = sets::replicas(set);
    if plan.replicas == 0 {
        return -now;
    }
    let before = sets::annotated(set, MAXIMUM).filter(|maximum| *maximum > 0).unwrap_or(actual);
    if before == 0 {
        return 0;
    }
    // Rounded half away from zero; sizes are not negative.
    (2 * now * plan.maximum() + before).div_euclid(2 * before) - now
}

impl Controller {
    /// Gives the ReplicaSets the sizes that the Deployment's size asks for, without going on from old to new.
    pub(super) async fn scale_all(&self, deployment: &Object, sets: &mut Sets) -> Result<(), kube::Error> {
        let plan = Plan::of(deployment);
        if let Some(only) = sets.active_or_latest() {
            return self.resize(deployment, sets, &only, plan.replicas).await.map(drop);
        }
        if is_saturated(&plan, sets.new.as_deref()) {
            for old in sets.old.clone() {
                self.resize(deployment, sets, &old, 0).await?;
            }
            return Ok(());
        }
        if plan.is_rolling {
            for (set, size) in in_proportion(&plan, deployment.status().int("replicas"), &sets.active()) {
                self.resize_noting(deployment, sets, &set, size, true).await?;
            }
        }
        Ok(())
    }

    /// Gives a ReplicaSet a size; true if it had another.
    pub(super) async fn resize(
        &self,
        deployment: &Object,
        sets: &mut Sets,
        set: &Object,
        size: i64,
    ) -> Result<bool, kube::Error> {
        self.resize_noting(deployment, sets, set, size, false).await
    }

    async fn resize_noting(
        &self,
        deployment: &Object,
        sets: &mut Sets,
        set: &Object,
        size: i64,
        note: bool,
    ) -> Result<bool, kube::Error> {
        let old = sets::replicas(set);
        if old == size && !note {
            return Ok(false);
        }
        let mut changed = set.to_value();
        annotate(&mut changed, &Plan::of(deployment));
        changed["spec"]["replicas"] = size.into();
        if View::from(&changed) == set.view() {
            return Ok(false);
        }
        sets.update(self.informers.replace(&kinds::REPLICA_SETS, &changed).await?);
        if old == size {
            return Ok(false);
        }
        let direction = if old < size { "up" } else { "down" };
        let message = format!("Scaled {direction} replica set {} from {old} to {size}", set.name());
        self.recorder.normal(&kinds::DEPLOYMENTS, deployment, "ScalingReplicaSet", message);
        Ok(true)
    }

    /// Deletes old ReplicaSets without pods that the history has no room for.
    pub(super) async fn clean_up(&self, deployment: &Object, sets: &Sets) -> Result<(), kube::Error> {
        let Some(limit) = Plan::of(deployment).history else { return Ok(()) };
        let mut old: Vec<&Shared> = sets.old.iter().filter(|set| !set.is_going()).collect();
        let excess = old.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
        old.sort_by_key(|set| (sets::revision(set), set.created()));
        for set in old.into_iter().take(excess) {
            let is_behind = set.meta().int("generation") > set.status().int("observedGeneration");
            if sets::replicas(set) == 0 && sets::actual(set) == 0 && !is_behind {
                self.informers.delete(&kinds::REPLICA_SETS, set, json!({"propagationPolicy": "Background"})).await?;
            }
        }
        Ok(())
    }
}

/// True if the new ReplicaSet has all that the Deployment asks for.
fn is_saturated(plan: &Plan, new: Option<&Object>) -> bool {
    new.is_some_and(|new| {
        sets::replicas(new) == plan.replicas
            && new.meta().get("annotations").str(DESIRED) == plan.replicas.to_string()
            && sets::available(new) == plan.replicas
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(replicas: i64, max_surge: i64) -> Plan {
        Plan { replicas, is_rolling: true, max_surge, max_unavailable: 0, deadline: None, history: None }
    }

    /// `replicas before` for each ReplicaSet, oldest first → their sizes in the same order.
    fn check(plan: &Plan, before: i64, sizes: &[i64], want: &[i64]) {
        let sets: Vec<Shared> = sizes
            .iter()
            .enumerate()
            .map(|(at, size)| {
                Shared::new(Object::new(json!({
                    "metadata": {
                        "name": at.to_string(), "uid": at.to_string(),
                        "creationTimestamp": format!("2020-01-01T00:00:0{at}Z"),
                        "annotations": {MAXIMUM: before.to_string()},
                    },
                    "spec": {"replicas": size},
                })))
            })
            .collect();
        let mut got = in_proportion(plan, 0, &sets);
        got.sort_by(|a, b| a.0.name().cmp(b.0.name()));
        assert_eq!(got.iter().map(|(_, size)| *size).collect::<Vec<_>>(), want);
    }

    #[test]
    fn what_is_gained_or_lost_is_shared() {
        check(&plan(10, 0), 5, &[5], &[10]);
        check(&plan(12, 0), 10, &[5, 5], &[6, 6]);
        check(&plan(11, 0), 10, &[5, 5], &[5, 6]);
        check(&plan(5, 0), 10, &[5, 5], &[2, 3]);
        check(&plan(0, 0), 10, &[5, 5], &[0, 0]);
        check(&plan(15, 2), 12, &[9, 3], &[13, 4]);
    }

    #[test]
    fn the_new_one_grows_as_far_as_there_is_room() {
        assert_eq!(size_of_new(&plan(10, 3), 10, 0), 3);
        assert_eq!(size_of_new(&plan(10, 3), 13, 3), 3);
        assert_eq!(size_of_new(&plan(10, 3), 0, 0), 10);
    }
}
