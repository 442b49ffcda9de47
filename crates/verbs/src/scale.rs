//! `scale`: how many there shall be.

use crate::api::Api;
use crate::apply::DryRun;
use crate::error::{Error, Result};
use crate::select::{Selection, with_query};
use std::io::Write;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use value::{Value, json};

/// What to scale, and to how many.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are the flags of `kubectl scale`")]
pub struct Scale {
    pub selection: Selection,
    pub replicas: i64,
    pub current_replicas: Option<i64>,
    pub resource_version: String,
    pub timeout: Option<Duration>,
    pub dry_run: DryRun,
}

/// Scales all that is selected.
///
/// # Errors
/// Where something cannot be scaled, or is not as it was expected to be.
pub async fn run(api: &Api, scale: &Scale, out: &mut (dyn Write + Send)) -> Result<()> {
    let objects = scale.selection.objects(api).await?;
    if objects.is_empty() {
        return Err(Error::usage("no objects passed to scale"));
    }
    for (target, _) in objects {
        let path = format!("{}/scale", target.path());
        let mut patch = json!({ "spec": { "replicas": scale.replicas } });
        if scale.current_replicas.is_some() || !scale.resource_version.is_empty() {
            let current = api.get(&path).await?;
            check(scale, &current)?;
            patch["metadata"] = json!({ "resourceVersion": current["metadata"]["resourceVersion"] });
        }
        let query = if scale.dry_run == DryRun::Server { "dryRun=All" } else { "" };
        if scale.dry_run != DryRun::Client {
            api.patch(&with_query(&path, query), "application/merge-patch+json", &patch).await?;
        }
        if let (Some(timeout), DryRun::None) = (scale.timeout, scale.dry_run) {
            until_scaled(api, &path, scale.replicas, timeout).await?;
        }
        writeln!(out, "{} scaled{}", target.shown(), scale.dry_run.suffix())?;
    }
    Ok(())
}

fn check(scale: &Scale, current: &Value) -> Result<()> {
    let replicas = current["spec"]["replicas"].as_i64().unwrap_or(0);
    if let Some(wanted) = scale.current_replicas.filter(|wanted| *wanted != replicas) {
        return Err(Error::usage(format!("Expected replicas to be {wanted}, was {replicas}")));
    }
    let version = current["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if !scale.resource_version.is_empty() && scale.resource_version != version {
        let wanted = &scale.resource_version;
        return Err(Error::usage(format!("Expected resource version to be {wanted}, was {version}")));
    }
    Ok(())
}

async fn until_scaled(api: &Api, path: &str, replicas: i64, timeout: Duration) -> Result<()> {
    let end = Instant::now() + timeout;
    while api.get(path).await?["status"]["replicas"].as_i64().unwrap_or(0) != replicas {
        if Instant::now() >= end {
            return Err(Error::usage("timed out waiting for the condition"));
        }
        sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}
