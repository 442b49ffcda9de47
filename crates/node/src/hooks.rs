//! postStart and preStop.

use crate::context::Context;
use crate::core::model::described;
use crate::events::Severity;
use crate::exec;
use crate::http::{self, Target};
use k8s_openapi::api::core::v1::{Container, LifecycleHandler, Pod};
use std::time::Duration;

/// A hook that failed, in the words of the container's waiting state.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct HookError(String);

/// Runs a hook to its end.
pub(crate) async fn run(
    context: &Context,
    pod: &Pod,
    container: &Container,
    id: &str,
    address: &str,
    hook: &LifecycleHandler,
) -> Result<(), HookError> {
    let place = format!("for Container {:?} in Pod {:?} failed", container.name, described(pod));
    if let Some(action) = &hook.exec {
        let words = action.command.clone().unwrap_or_default();
        let shown = words.join(" ");
        let fail = |why: String, output: &str| {
            HookError(format!("Exec lifecycle hook ([{shown}]) {place} - error: {why}, message: {output:?}"))
        };
        return match exec::run(&context.runtime, id, words, None).await {
            Ok(done) if done.code == 0 => Ok(()),
            Ok(done) => Err(fail(format!("command '{shown}' exited with {}", done.code), &done.output)),
            Err(error) => Err(fail(error.to_string(), "")),
        };
    }
    if let Some(action) = &hook.http_get {
        let path = action.path.as_deref().unwrap_or_default();
        let fail = |why: String| HookError(format!("HTTP lifecycle hook ({path}) {place} - error: {why}"));
        let target = Target::of(action, container, address, "lifecycle").map_err(|error| fail(error.to_string()))?;
        return request(context, pod, &target).await.map_err(fail);
    }
    if let Some(action) = &hook.sleep {
        tokio::time::sleep(Duration::from_secs(u64::try_from(action.seconds).unwrap_or_default())).await;
        return Ok(());
    }
    Err(HookError("Cannot run handler: invalid handler".to_owned()))
}

/// Any answer is a good one; one in plain text where TLS was asked for is asked for again in plain text.
async fn request(context: &Context, pod: &Pod, target: &Target) -> Result<(), String> {
    let error = match http::get(target).await {
        Ok(_) => return Ok(()),
        Err(error) => error.to_string(),
    };
    if !error.contains(http::PLAIN) || http::get(&target.plain()).await.is_err() {
        return Err(error);
    }
    let message =
        format!("request to HTTPS lifecycle hook {} got HTTP response, retry with HTTP succeeded", target.authority());
    context.events.pod(pod, Severity::Warning, "LifecycleHTTPFallback", message);
    Ok(())
}
