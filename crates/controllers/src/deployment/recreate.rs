//! Away with the old, then the new.

use super::sets::{self, Plan};
use super::{Controller, status};
use crate::workload::pods;
use informer::{Next, Shared};

impl Controller {
    /// One step: the old are scaled to nothing; when their pods are gone, the new is made.
    pub(super) async fn recreate(&self, deployment: Shared, claimed: Vec<Shared>) -> Result<Next, kube::Error> {
        let (deployment, mut sets) = self.revise(deployment, claimed, false).await?;
        let mut moved = false;
        for old in sets.old.clone() {
            moved |= self.resize(&deployment, &mut sets, &old, 0).await?;
        }
        let some_run = sets.old.iter().any(|set| sets::actual(set) > 0)
            || self.pods_of_others(&sets).iter().any(|pod| !pods::is_terminal(pod));
        if moved || some_run {
            return self.write_status(&deployment, &sets).await;
        }
        let (deployment, mut sets) = self.revise(deployment, sets.all(), true).await?;
        let plan = Plan::of(&deployment);
        if let Some(new) = sets.new.clone() {
            self.resize(&deployment, &mut sets, &new, plan.replicas).await?;
        }
        if status::is_complete(&plan, &deployment, deployment.status()) {
            self.clean_up(&deployment, &sets).await?;
        }
        self.write_status(&deployment, &sets).await
    }
}
