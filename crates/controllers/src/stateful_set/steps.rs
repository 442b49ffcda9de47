//! What is next: a pod to make, to mend, to take away, or to replace. In order, one after another, unless the set may do
//! all at once.

use super::identity::{self, is_rolling, ordinal_of, partition, start};
use super::{Controller, SETS, Target};
use crate::workload::numbers::{count, scaled};
use crate::workload::pods;
use informer::{Object, Shared, clock, kinds, request};
use object::Value;

/// Whether to go on with the next pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Go {
    On,
    /// This one has to be settled first.
    Wait,
}

impl Controller {
    /// Does what is next.
    pub(super) async fn step(&self, target: &Target<'_>, owned: Vec<Shared>) -> Result<(), kube::Error> {
        let set = target.set;
        let (first, end) = (start(set), start(set) + set.spec().int("replicas"));
        let is_member = |pod: &Shared| ordinal_of(pod.name()).is_some_and(|ordinal| (first..end).contains(&ordinal));
        let (members, mut condemned): (Vec<Shared>, Vec<Shared>) = owned.into_iter().partition(is_member);
        condemned.sort_by_key(|pod| std::cmp::Reverse(ordinal_of(pod.name())));
        let one_by_one = set.spec().str("podManagementPolicy") != "Parallel";
        let mut replicas: Vec<Option<Shared>> = Vec::new();
        for ordinal in first..end {
            let there = members.iter().find(|pod| ordinal_of(pod.name()) == Some(ordinal)).cloned();
            let (go, pod) = self.settle(target, ordinal, there, one_by_one).await?;
            replicas.push(pod);
            if go == Go::Wait && one_by_one {
                return Ok(());
            }
        }
        let unhealthy = first_unhealthy(set, &replicas, &condemned);
        for pod in &condemned {
            self.keep_claims(set, pod, true).await?;
        }
        for pod in &condemned {
            let may_wait = one_by_one && unhealthy.as_ref().is_none_or(|first| first.uid() != pod.uid());
            if self.condemn(set, pod, one_by_one, may_wait).await? == Go::Wait && one_by_one {
                return Ok(());
            }
        }
        if is_rolling(set) { self.replace_old(target, &replicas).await } else { Ok(()) }
    }

    /// Makes or mends the pod of a number; whether the next may be looked at, and the pod as it is.
    async fn settle(
        &self,
        target: &Target<'_>,
        ordinal: i64,
        there: Option<Shared>,
        one_by_one: bool,
    ) -> Result<(Go, Option<Shared>), kube::Error> {
        let set = target.set;
        let Some(pod) = there else {
            if self.has_stale_claim(set, ordinal) {
                return Ok((Go::Wait, None));
            }
            self.make_claims(set, ordinal).await?;
            let made = self.make(target, ordinal).await?;
            return Ok((Go::Wait, made));
        };
        if pods::is_terminal(&pod) {
            if !pod.is_going() {
                self.remove(set, &pod).await?;
            }
            return Ok((Go::Wait, Some(pod)));
        }
        if pods::phase(&pod) == "Pending" {
            self.make_claims(set, ordinal).await?;
        }
        let is_up = is_available(set, &pod) && pods::phase(&pod) == "Running";
        if one_by_one && (pod.is_going() || !is_up) {
            return Ok((Go::Wait, Some(pod)));
        }
        self.keep_claims(set, &pod, false).await?;
        if !identity::is_itself(set, &pod, ordinal) && !pod.is_going() {
            let mended = self.informers.replace(&kinds::PODS, &identity::restored(set, &pod, ordinal)).await;
            self.tell("Update", set, pod.name(), mended.as_ref().err());
            return Ok((Go::On, Some(mended?)));
        }
        Ok((Go::On, Some(pod)))
    }

    async fn make(&self, target: &Target<'_>, ordinal: i64) -> Result<Option<Shared>, kube::Error> {
        let set = target.set;
        let made = self.informers.create(&kinds::PODS, set.namespace(), &identity::pod(target, ordinal)).await;
        match &made {
            // The pod before is still on its way out.
            Err(error) if request::code(error) == 409 => return Ok(None),
            Err(error) if request::is_namespace_going(error) => {}
            done => self.tell("Create", set, &identity::pod_name(set, ordinal), done.as_ref().err()),
        }
        let made = made?;
        self.keep_claims(set, &made, false).await?;
        Ok(Some(made))
    }

    async fn remove(&self, set: &Object, pod: &Object) -> Result<(), kube::Error> {
        let removed = self.informers.delete(&kinds::PODS, pod, Value::Null).await;
        self.tell("Delete", set, pod.name(), removed.as_ref().err());
        removed
    }

    async fn condemn(&self, set: &Object, pod: &Object, one_by_one: bool, may_wait: bool) -> Result<Go, kube::Error> {
        if pod.is_going() {
            return Ok(if one_by_one { Go::Wait } else { Go::On });
        }
        if may_wait && !is_available(set, pod) {
            return Ok(Go::Wait);
        }
        self.remove(set, pod).await?;
        Ok(Go::Wait)
    }

    /// Deletes pods of older revisions, the last first, as many as may be unavailable.
    async fn replace_old(&self, target: &Target<'_>, replicas: &[Option<Shared>]) -> Result<(), kube::Error> {
        let set = target.set;
        let total = count(replicas.len());
        let rolling = set.spec().at(&["updateStrategy", "rollingUpdate"]);
        let allowed = match rolling.has("maxUnavailable") {
            true => scaled(rolling.get("maxUnavailable"), total, false).max(1),
            false => 1,
        };
        let is_unavailable =
            |pod: &Option<Shared>| pod.as_ref().is_none_or(|pod| pod.is_going() || !is_available(set, pod));
        let unavailable = count(replicas.iter().filter(|pod| is_unavailable(pod)).count());
        let keep = usize::try_from(partition(set)).unwrap_or_default();
        let old = replicas.iter().skip(keep).rev().flatten();
        let old = old.filter(|pod| identity::revision_of(pod) != target.update.name() && !pod.is_going());
        for pod in old.take(usize::try_from(allowed - unavailable).unwrap_or_default()) {
            self.remove(set, pod).await?;
        }
        Ok(())
    }

    fn tell(&self, what: &str, set: &Object, pod: &str, error: Option<&kube::Error>) {
        let subject = format!("{what} Pod {pod} in StatefulSet {}", set.name());
        match error {
            None => {
                let reason = match what {
                    "Create" => "SuccessfulCreate",
                    "Delete" => "SuccessfulDelete",
                    _ => "SuccessfulUpdate",
                };
                self.recorder.normal(SETS, set, reason, format!("{subject} successful"));
            }
            Some(error) => {
                let reason = match what {
                    "Create" => "FailedCreate",
                    "Delete" => "FailedDelete",
                    _ => "FailedUpdate",
                };
                let message = format!("{subject} failed error: {}", request::message(error));
                self.recorder.warning(SETS, set, reason, message);
            }
        }
    }
}

fn is_available(set: &Object, pod: &Object) -> bool {
    pods::is_available(pod, set.spec().int("minReadySeconds"), clock::now())
}

/// The first pod that is not well: it may go even if others wait for it.
fn first_unhealthy(set: &Object, replicas: &[Option<Shared>], condemned: &[Shared]) -> Option<Shared> {
    let all = replicas.iter().flatten().chain(condemned.iter().rev());
    all.into_iter().find(|pod| pod.is_going() || !is_available(set, pod)).cloned()
}
