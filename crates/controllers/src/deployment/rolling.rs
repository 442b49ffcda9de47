//! From old to new little by little.

use super::sets::{self, Plan, Sets};
use super::{Controller, scale, status};
use informer::{Next, Object, Shared};

impl Controller {
    /// One step of a rolling update: up with the new, else down with the old.
    pub(super) async fn roll(&self, deployment: Shared, claimed: Vec<Shared>) -> Result<Next, kube::Error> {
        let (deployment, mut sets) = self.revise(deployment, claimed, true).await?;
        let moved = self.grow_new(&deployment, &mut sets).await? || self.shrink_old(&deployment, &mut sets).await?;
        if !moved && status::is_complete(&Plan::of(&deployment), &deployment, deployment.status()) {
            self.clean_up(&deployment, &sets).await?;
        }
        self.write_status(&deployment, &sets).await
    }

    async fn grow_new(&self, deployment: &Object, sets: &mut Sets) -> Result<bool, kube::Error> {
        let plan = Plan::of(deployment);
        let Some(new) = sets.new.clone() else { return Ok(false) };
        let now = sets::replicas(&new);
        if now == plan.replicas {
            return Ok(false);
        }
        let size =
            if now > plan.replicas { plan.replicas } else { scale::size_of_new(&plan, sets.sum(sets::replicas), now) };
        self.resize(deployment, sets, &new, size).await
    }

    async fn shrink_old(&self, deployment: &Object, sets: &mut Sets) -> Result<bool, kube::Error> {
        let plan = Plan::of(deployment);
        if sets.old.iter().all(|set| sets::replicas(set) == 0) {
            return Ok(false);
        }
        let least = plan.replicas - plan.max_unavailable;
        let coming = sets.new.as_ref().map_or(0, |new| sets::replicas(new) - sets::available(new));
        let spare = sets.sum(sets::replicas) - least - coming;
        if spare <= 0 {
            return Ok(false);
        }
        let sick = self.shrink(deployment, sets, spare, |set| sets::replicas(set) - sets::available(set)).await?;
        let healthy = sets.sum(sets::available) - least;
        let down = self.shrink(deployment, sets, healthy, sets::replicas).await?;
        Ok(sick || down)
    }

    /// Takes up to `most` pods from old ReplicaSets, oldest first, and from each no more than `of` tells.
    async fn shrink(
        &self,
        deployment: &Object,
        sets: &mut Sets,
        most: i64,
        of: impl Fn(&Object) -> i64,
    ) -> Result<bool, kube::Error> {
        let mut left = most;
        for set in sets.old.clone() {
            let now = sets::replicas(&set);
            let fewer = of(&set).min(left).min(now);
            if fewer > 0 && self.resize(deployment, sets, &set, now - fewer).await? {
                left -= fewer;
            }
        }
        Ok(left < most)
    }
}
