//! The states of containers: waiting, running, terminated, and what each was before.

use super::phase::{RESTARTING_ALL, find};
use super::{Seen, restarts_all, whole_seconds};
use crate::core::model::{ContainerState, Run, as_container, ephemerals, inits, spec};
use crate::core::restart;
use k8s_openapi::api::core::v1::{
    Container, ContainerState as ApiState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, ContainerUser, LinuxContainerUser, PodStatus, VolumeMountStatus,
};

/// The reason of containers of which nothing is known any more.
pub(super) const STATUS_UNKNOWN: &str = "ContainerStatusUnknown";
/// The exit code that such containers are given.
pub(crate) const LOST: i32 = 137;

/// Fills the three lists.
pub(super) fn fill(seen: &Seen<'_>, status: &mut PodStatus) {
    let spec = spec(seen.pod);
    let has_init = !inits(spec).is_empty();
    let restarting = restarts_all(seen);
    let lists = |containers: &[Container], old: Option<&Vec<ContainerStatus>>, init: bool| {
        let old = old.map(Vec::as_slice).unwrap_or_default();
        let list = List { seen, old, has_init, init, restarting };
        containers.iter().map(|container| list.status(container)).collect::<Vec<_>>()
    };
    let mut regular = lists(&spec.containers, seen.old.container_statuses.as_ref(), false);
    regular.sort_by(|a, b| a.name.cmp(&b.name));
    let init = lists(inits(spec), seen.old.init_container_statuses.as_ref(), true);
    let added: Vec<Container> = ephemerals(spec).iter().map(as_container).collect();
    let mut added = lists(&added, seen.old.ephemeral_container_statuses.as_ref(), false);
    added.sort_by(|a, b| a.name.cmp(&b.name));
    status.container_statuses = Some(regular).filter(|list| !list.is_empty());
    status.init_container_statuses = Some(init).filter(|list| !list.is_empty());
    status.ephemeral_container_statuses = Some(added).filter(|list| !list.is_empty());
}

/// What the containers of one list have in common.
struct List<'a> {
    seen: &'a Seen<'a>,
    old: &'a [ContainerStatus],
    has_init: bool,
    init: bool,
    restarting: bool,
}

impl List<'_> {
    fn status(&self, container: &Container) -> ContainerStatus {
        let old = find(self.old, &container.name);
        let mut known = self.seen.state.containers.iter().filter(|known| known.name == container.name);
        let mut status = match known.next() {
            Some(latest) => {
                let mut status = self.seen_in_runtime(container, latest, old);
                if let Some(previous) = known.next() {
                    status.last_state = Some(state_of(previous, None));
                }
                status
            }
            None => self.absent(container, old),
        };
        self.explain_waiting(container, &mut status);
        status
    }

    /// The runtime has it.
    fn seen_in_runtime(
        &self,
        container: &Container,
        latest: &ContainerState,
        old: Option<&ContainerStatus>,
    ) -> ContainerStatus {
        let id = latest.api_id();
        let mut status = ContainerStatus {
            name: container.name.clone(),
            restart_count: i32::try_from(latest.attempt).unwrap_or(i32::MAX),
            image: latest.image.clone(),
            image_id: latest.image_ref.clone(),
            state: Some(state_of(latest, old)),
            volume_mounts: mounts(container),
            resources: container.resources.clone(),
            allocated_resources: container.resources.as_ref().and_then(|all| all.requests.clone()),
            user: latest.user.as_ref().map(|user| ContainerUser {
                linux: Some(LinuxContainerUser {
                    uid: user.uid,
                    gid: user.gid,
                    supplemental_groups: Some(user.groups.clone()).filter(|groups| !groups.is_empty()),
                }),
            }),
            ..ContainerStatus::default()
        };
        if let Some(old) = old {
            let terminated = |state: &Option<ApiState>| state.as_ref().and_then(|state| state.terminated.clone());
            let before = match terminated(&old.state) {
                Some(ended) if old.container_id.as_ref() != Some(&id) => Some(ended),
                _ => terminated(&old.last_state),
            };
            status.last_state = before.map(|ended| ApiState { terminated: Some(ended), ..ApiState::default() });
            status.restart_count = status.restart_count.max(old.restart_count);
            if latest.run == Run::Unknown && old.state.as_ref().is_some_and(|state| state.running.is_some()) {
                status.restart_count = old.restart_count + 1;
            }
        }
        status.container_id = Some(id);
        status
    }

    /// The runtime does not have it: it was never there, or it is gone.
    fn absent(&self, container: &Container, old: Option<&ContainerStatus>) -> ContainerStatus {
        let mut status = ContainerStatus {
            name: container.name.clone(),
            image: container.image.clone().unwrap_or_default(),
            state: Some(waiting(if self.has_init { "PodInitializing" } else { "ContainerCreating" }, None)),
            volume_mounts: mounts(container),
            ..ContainerStatus::default()
        };
        let Some(old) = old else { return status };
        let is = |pick: fn(&ApiState) -> bool| old.state.as_ref().is_some_and(pick);
        let (ended, ran) = (is(|state| state.terminated.is_some()), is(|state| state.running.is_some()));
        if self.restarting && (ended || ran) {
            let message = "The container is removed because RestartAllContainers in place";
            status.state = Some(waiting(RESTARTING_ALL, Some(message)));
            status.last_state = Some(lost(RESTARTING_ALL, message));
            status.restart_count = old.restart_count + 1;
            return status;
        }
        if ended {
            return old.clone();
        }
        status.restart_count = old.restart_count;
        status.last_state = old.last_state.clone();
        let has_last = old.last_state.as_ref().is_some_and(|state| state.terminated.is_some());
        if ran && !has_last {
            let message =
                "The container could not be located when the pod was deleted.  The container used to be Running";
            status.last_state = Some(lost(STATUS_UNKNOWN, message));
            if self.seen.pod.metadata.deletion_timestamp.is_none() {
                status.restart_count += 1;
            }
        }
        status
    }

    /// A container that is to be started and could not be waits, and says why.
    fn explain_waiting(&self, container: &Container, status: &mut ContainerStatus) {
        let Some((reason, message)) = self.seen.waiting.get(&container.name) else { return };
        let latest = self.seen.state.latest(&container.name);
        let done = self.init && latest.and_then(ContainerState::exit).is_some_and(|exit| exit.code == 0);
        if done || !restart::is_due(container, self.seen.pod, self.seen.state) {
            return;
        }
        if status.state.as_ref().is_some_and(|state| state.terminated.is_some()) {
            status.last_state = status.state.take();
        }
        status.state = Some(waiting(reason, Some(message)));
    }
}

fn waiting(reason: &str, message: Option<&str>) -> ApiState {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let waiting = ContainerStateWaiting { reason: text(reason), message: message.and_then(text) };
    ApiState { waiting: Some(waiting), ..ApiState::default() }
}

/// A state that stands for an end that nobody saw.
pub(super) fn lost(reason: &str, message: &str) -> ApiState {
    let terminated = ContainerStateTerminated {
        exit_code: LOST,
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        ..ContainerStateTerminated::default()
    };
    ApiState { terminated: Some(terminated), ..ApiState::default() }
}

fn state_of(container: &ContainerState, old: Option<&ContainerStatus>) -> ApiState {
    match &container.run {
        Run::Created => waiting("", None),
        Run::Running { started_at } => ApiState {
            running: Some(ContainerStateRunning { started_at: Some(whole_seconds(*started_at)) }),
            ..ApiState::default()
        },
        Run::Exited(exit) => {
            let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
            let terminated = ContainerStateTerminated {
                container_id: Some(container.api_id()),
                exit_code: exit.code,
                reason: text(&exit.reason),
                message: text(&exit.message),
                started_at: exit.started_at.map(whole_seconds),
                finished_at: exit.finished_at.map(whole_seconds),
                signal: None,
            };
            ApiState { terminated: Some(terminated), ..ApiState::default() }
        }
        Run::Unknown if old.is_some_and(|old| old.state.as_ref().is_some_and(|state| state.running.is_some())) => {
            lost(STATUS_UNKNOWN, super::end::NOT_LOCATED)
        }
        Run::Unknown => waiting("", None),
    }
}

fn mounts(container: &Container) -> Option<Vec<VolumeMountStatus>> {
    let mounts = container.volume_mounts.as_deref().unwrap_or_default().iter().map(|mount| {
        let read_only = mount.read_only == Some(true);
        let recursive = matches!(mount.recursive_read_only.as_deref(), Some("Enabled" | "IfPossible"));
        VolumeMountStatus {
            name: mount.name.clone(),
            mount_path: mount.mount_path.clone(),
            read_only: read_only.then_some(true),
            recursive_read_only: read_only.then(|| if recursive { "Enabled" } else { "Disabled" }.to_owned()),
            volume_status: None,
        }
    });
    Some(mounts.collect::<Vec<_>>()).filter(|list| !list.is_empty())
}
