//! Carries out a plan: stops what is to be stopped and starts containers one after the other.

use super::{Worker, earlier};
use crate::assemble::{self, Parts};
use crate::context::Context;
use crate::core::model::{
    ContainerState, Place, PodState, as_container, described, ephemerals, inits, is_sidecar, on_host_network, spec,
};
use crate::core::plan::{Plan, Start};
use crate::dial::go_duration;
use crate::events::{Severity, container_path};
use crate::images::{self, NoImage};
use crate::{hooks, observe};
use container::ContainerConfig;
use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How soon a container that could not be put together is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Why a container was not started: reason and message of its waiting state, and when to try again.
struct NotStarted {
    reason: &'static str,
    message: String,
    again: Option<Instant>,
}

impl NotStarted {
    fn new(reason: &'static str, message: String) -> NotStarted {
        NotStarted { reason, message, again: Some(Instant::now() + AGAIN) }
    }
}

impl From<NoImage> for NotStarted {
    fn from(no: NoImage) -> NotStarted {
        NotStarted { reason: no.reason, message: no.message, again: no.again.map(Instant::from_std) }
    }
}

impl Worker {
    /// Carries out a plan; when to look again, if something is to be tried again.
    pub(super) async fn carry_out(
        &mut self,
        pod: &Arc<Pod>,
        state: &PodState,
        plan: Plan,
    ) -> Result<Option<Instant>, ()> {
        if plan.sandbox_changed {
            let message = "Pod sandbox changed, it will be killed and re-created.";
            self.context.events.pod(pod, Severity::Normal, "SandboxChanged", message);
        }
        if plan.kill_pod {
            self.kill_running(pod, state, None).await;
        }
        for kill in &plan.kill {
            self.kill_one(pod, kill).await;
        }
        for reset in &plan.reset {
            self.forget(pod, reset).await?;
        }
        if !plan.reset.is_empty() {
            return Ok(Some(Instant::now()));
        }
        if let Some(attempt) = plan.sandbox {
            self.make_sandbox(pod, attempt).await?;
        }
        if !plan.start.is_empty() {
            self.set_up_volumes(pod).await?;
        }
        let mut again = None;
        for start in plan.start {
            let container = container_of(pod, start);
            let Some(container) = container else { continue };
            match self.start_one(pod, &container).await {
                Ok(()) => drop(self.waiting.remove(&container.name)),
                Err(why) => {
                    again = earlier(again, why.again);
                    self.waiting.insert(container.name.clone(), (why.reason.to_owned(), why.message));
                    if start.place == Place::Init && !is_sidecar(&container) {
                        break;
                    }
                }
            }
        }
        Ok(again)
    }

    /// Starts one container, unless it has failed too often lately.
    async fn start_one(&mut self, pod: &Arc<Pod>, container: &Container) -> Result<(), NotStarted> {
        let state = self.observe();
        let latest = state.latest(&container.name);
        if let Some(latest) = latest {
            self.wait_turn(pod, container, latest)?;
        }
        let attempt = match latest {
            Some(latest) => latest.attempt + 1,
            None => next_log(&self.context, pod, &container.name).await,
        };
        let id = self.create(pod, container, attempt).await?;
        self.launch(pod, container, &id).await?;
        self.remove_old(&container.name).await;
        // Containers before this one may have gone on meanwhile; others need not wait to be told.
        self.post_start(pod, container, &id).await
    }

    /// A container that failed waits before it is started again, each time for longer.
    fn wait_turn(&mut self, pod: &Pod, container: &Container, latest: &ContainerState) -> Result<(), NotStarted> {
        let Some(exit) = latest.exit() else { return Ok(()) };
        let now = std::time::Instant::now();
        let since = exit.finished_at.map(|at| Timestamp::now().duration_since(at)).unwrap_or_default();
        let since = Duration::try_from(since).unwrap_or_default();
        let failed = now.checked_sub(since).unwrap_or(now);
        let key = backoff_key(container);
        let Some(left) = self.backoff.remaining(&key, failed, now) else {
            self.backoff.note(&key, failed);
            return Ok(());
        };
        let name = &container.name;
        let path = container_path(pod, name);
        let message = format!("Back-off restarting failed container {name} in pod {}", described(pod));
        self.context.events.container(pod, &path, Severity::Warning, "BackOff", message);
        let wait = go_duration(self.backoff.wait(&key));
        let message = format!("back-off {wait} restarting failed container={name} pod={}", described(pod));
        Err(NotStarted { reason: "CrashLoopBackOff", message, again: Some(Instant::now() + left) })
    }

    /// Finds the image, puts the container together, and makes it.
    async fn create(&mut self, pod: &Arc<Pod>, container: &Container, attempt: u32) -> Result<String, NotStarted> {
        let context = self.context.clone();
        let fail = |reason: &'static str, message: String| {
            tell_failure(&context, pod, container, &message);
            NotStarted::new(reason, message)
        };
        let image = images::ensure(&context, pod, container, &mut self.pulls).await.map_err(|no| {
            tell_failure(&context, pod, container, no.reason);
            NotStarted::from(no)
        })?;
        let none = std::collections::HashMap::new();
        let parts = Parts {
            pod,
            container,
            attempt,
            image: &image,
            addresses: &self.addresses,
            volumes: self.volumes.as_ref().unwrap_or(&none),
        };
        let config = assemble::assemble(&context, &parts).await;
        let config = config.map_err(|error| fail("CreateContainerConfigError", error.to_string()))?;
        let created = create(&context, config).await;
        let id = created.map_err(|why| fail("CreateContainerError", why))?;
        let path = container_path(pod, &container.name);
        context.events.container(pod, &path, Severity::Normal, "Created", "Container created");
        Ok(id)
    }

    async fn launch(&self, pod: &Pod, container: &Container, id: &str) -> Result<(), NotStarted> {
        let (runtime, of) = (self.context.runtime.clone(), id.to_owned());
        // A start that is given up half-way must not be forgotten by the runtime, so it goes on by itself.
        let started = tokio::spawn(async move { runtime.start(&of).await }).await;
        let why = match started {
            Ok(Ok(())) => {
                let path = container_path(pod, &container.name);
                self.context.events.container(pod, &path, Severity::Normal, "Started", "Container started");
                self.context.metrics.container_started();
                return Ok(());
            }
            Ok(Err(error)) => crate::chain(&error),
            Err(_) => "the work was cut off".to_owned(),
        };
        tell_failure(&self.context, pod, container, &why);
        Err(NotStarted { reason: "RunContainerError", message: why, again: Some(Instant::now()) })
    }

    async fn post_start(&mut self, pod: &Arc<Pod>, container: &Container, id: &str) -> Result<(), NotStarted> {
        let Some(hook) = container.lifecycle.as_ref().and_then(|lifecycle| lifecycle.post_start.as_ref()) else {
            return Ok(());
        };
        let address = self.address(pod);
        let done = hooks::run(&self.context, pod, container, id, &address, hook).await;
        let Err(error) = done else { return Ok(()) };
        let path = container_path(pod, &container.name);
        let warn = Severity::Warning;
        self.context.events.container(pod, &path, warn, "FailedPostStartHook", "PostStartHook failed");
        self.kill_after_hook(pod, container, id).await;
        Err(NotStarted { reason: "PostStartHookError", message: error.to_string(), again: Some(Instant::now()) })
    }

    /// Where hooks and probes find the pod.
    pub(super) fn address(&self, pod: &Pod) -> String {
        let all = if on_host_network(pod) { &self.context.hosts } else { &self.addresses };
        all.first().map(ToString::to_string).unwrap_or_default()
    }

    /// Of dead containers of a name only the newest is kept: it tells how the last run ended.
    async fn remove_old(&self, name: &str) {
        let state = observe::pod(&self.context.runtime, &self.uid, &[]);
        let dead = state.containers.iter().filter(|known| known.name == name && known.exit().is_some());
        for old in dead.skip(1) {
            if let Err(error) = self.context.runtime.remove(&old.id).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    id = old.id,
                    "cannot remove a dead container"
                );
            }
        }
    }
}

async fn create(context: &Arc<Context>, config: ContainerConfig) -> Result<String, String> {
    let runtime = context.runtime.clone();
    let created = tokio::spawn(async move { runtime.create(config).await }).await;
    match created {
        Ok(Ok(id)) => Ok(id),
        Ok(Err(error)) => Err(crate::chain(&error)),
        Err(_) => Err("the work was cut off".to_owned()),
    }
}

fn tell_failure(context: &Context, pod: &Pod, container: &Container, why: &str) {
    let path = container_path(pod, &container.name);
    context.events.container(pod, &path, Severity::Warning, "Failed", format!("Error: {why}"));
}

/// The container that a start means.
fn container_of(pod: &Pod, start: Start) -> Option<Container> {
    let spec = spec(pod);
    match start.place {
        Place::Init => inits(spec).get(start.index).cloned(),
        Place::Regular => spec.containers.get(start.index).cloned(),
        Place::Ephemeral => ephemerals(spec).get(start.index).map(as_container),
    }
}

/// A container with another image or other resources begins anew.
fn backoff_key(container: &Container) -> String {
    let resources = serde_json::to_string(&container.resources).unwrap_or_default();
    format!("{}/{}/{resources}", container.name, container.image.as_deref().unwrap_or_default())
}

/// The number after those of the logs that are there: the runtime may have forgotten containers.
async fn next_log(context: &Context, pod: &Pod, container: &str) -> u32 {
    let folder = assemble::log_folder(context, pod).join(container);
    let found = tokio::task::spawn_blocking(move || {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().split('.').next().and_then(|number| number.parse::<u32>().ok())
        });
        numbers.max().map_or(0, |last| last.saturating_add(1))
    });
    found.await.unwrap_or_default()
}
