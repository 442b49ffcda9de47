//! One run of a probe: a command in the container, a request, a connection, or a call.

use super::{Job, grpc};
use crate::core::model::Run;
use crate::core::{expand, probe};
use crate::http::{self, Target};
use crate::{dial, exec};
use k8s_openapi::api::core::v1::{ExecAction, HTTPGetAction, TCPSocketAction};

/// What one run found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Success,
    /// Good, but something is to be said about it.
    Warning(String),
    Failure(String),
    /// The probe could not be run.
    Unknown(String),
}

/// Runs the probe of a job once.
pub(super) async fn run(job: &Job) -> Found {
    let Some(spec) = job.kind.of(&job.container) else { return Found::Success };
    if let Some(action) = &spec.exec {
        return command(job, action).await;
    }
    if let Some(action) = &spec.http_get {
        return request(job, action).await;
    }
    if let Some(action) = &spec.tcp_socket {
        return connection(job, action).await;
    }
    if let Some(action) = &spec.grpc {
        let Ok(port) = u16::try_from(action.port) else {
            return Found::Unknown(format!("invalid port number: {}", action.port));
        };
        let service = action.service.as_deref().unwrap_or_default();
        return match grpc::check(&job.address, port, service, job.timing.timeout).await {
            Ok(()) => Found::Success,
            Err(why) => Found::Failure(why),
        };
    }
    Found::Unknown(format!("missing probe handler for {}", job.container.name))
}

async fn command(job: &Job, action: &ExecAction) -> Found {
    let plain = |name: &str| {
        let mut variables = job.container.env.iter().flatten();
        variables.find(|variable| variable.name == name).and_then(|variable| variable.value.as_deref())
    };
    let words = action.command.iter().flatten().map(|word| expand::expand(word, plain)).collect();
    match exec::run(&job.context.runtime, &job.id, words, Some(job.timing.timeout)).await {
        Ok(done) if done.code == 0 => Found::Success,
        Ok(done) => Found::Failure(done.output),
        Err(exec::ExecError::TimedOut { .. } | exec::ExecError::NotThere { .. }) if !is_running(job) => {
            Found::Unknown("the container is not running".to_owned())
        }
        Err(error @ exec::ExecError::TimedOut { .. }) => Found::Failure(error.to_string()),
        Err(error) => Found::Unknown(error.to_string()),
    }
}

fn is_running(job: &Job) -> bool {
    let known = job.context.runtime.status(&job.id).ok().map(|status| crate::observe::run(&status));
    matches!(known, Some(Run::Running { .. }))
}

async fn request(job: &Job, action: &HTTPGetAction) -> Found {
    let target = match Target::of(action, &job.container, &job.address, "probe") {
        Ok(target) => target,
        Err(error) => return Found::Unknown(error.to_string()),
    };
    let timeout = job.timing.timeout;
    let answer = match tokio::time::timeout(timeout, http::get(&target)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Found::Failure(error.to_string()),
        Err(_) => {
            let why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
            return Found::Failure(format!("Get {:?}: {why}", target.url()));
        }
    };
    match answer.status.as_u16() {
        200..300 => Found::Success,
        300..400 => Found::Warning(format!("Probe terminated redirects, Response body: {}", answer.body)),
        status => Found::Failure(format!("HTTP probe failed with statuscode: {status}")),
    }
}

async fn connection(job: &Job, action: &TCPSocketAction) -> Found {
    let port = match probe::port(&action.port, &job.container) {
        Ok(port) => port,
        Err(why) => return Found::Unknown(why),
    };
    let host = action.host.as_deref().filter(|host| !host.is_empty()).unwrap_or(&job.address);
    match dial::connect_within(host, port, job.timing.timeout).await {
        Ok(_) => Found::Success,
        Err(why) => Found::Failure(why),
    }
}
