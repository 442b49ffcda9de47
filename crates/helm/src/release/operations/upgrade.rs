//! Upgrading a release.

use value::{Map, Value};

use super::{Common, check_labels, claim, method, record_failure};
use crate::Error;
use crate::chart::Chart;
use crate::cluster::Cluster;
use crate::engine;
use crate::release::{Info, Release, Storage, apply, chart_json, now, wait};
use crate::render::{Options, render};
use crate::values::{Values, Warnings, coalesce_tables};

/// To what, and how.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are the flags of `helm upgrade`")]
pub struct Upgrade {
    pub common: Common,
    pub name: String,
    pub namespace: String,
    pub reset_values: bool,
    pub reuse_values: bool,
    pub reset_then_reuse_values: bool,
    pub sub_notes: bool,
    pub skip_schema: bool,
    pub enable_dns: bool,
    pub dry_run: bool,
    pub cleanup_on_fail: bool,
    pub rollback_on_failure: bool,
    pub labels: Map,
}

/// Upgrades a release to a chart and values.
///
/// # Errors
/// Where there is no release to upgrade, another operation is at it, or the new revision fails.
pub async fn upgrade(
    cluster: &Cluster,
    mut chart: Chart,
    values: Values,
    options: &Upgrade,
    progress: &mut wait::Progress<'_>,
) -> Result<Release, Error> {
    let storage = Storage::new(cluster, &options.namespace);
    let history = storage.select(&format!(",name={}", options.name)).await?;
    let missing = || Error::Release(format!("{:?} has no deployed releases", options.name));
    let mut last = history.iter().max_by_key(|release| release.version).cloned().ok_or_else(missing)?;
    claim(&storage, &mut last, options.common.timeout).await?;
    let deployed =
        history.iter().filter(|release| release.info.status == "deployed").max_by_key(|release| release.version);
    let current = match deployed {
        Some(current) => current.clone(),
        None if matches!(last.info.status.as_str(), "failed" | "superseded") => last.clone(),
        None => return Err(missing()),
    };
    let values = reuse(&mut chart, &current, values, options);
    let mut release = prepare(cluster, &mut chart, values, options, (&current, &last)).await?;
    let (old, new) = (apply::objects(&current.manifest)?, apply::objects(&release.manifest)?);
    if !options.common.applying.take_ownership {
        let added = added(cluster, &old, &new, &release.namespace).await?;
        apply::check_ownership(cluster, &added, &release.name, &release.namespace, "update").await?;
    }
    if options.dry_run {
        release.info.description = options.common.described("Dry run complete");
        return Ok(release);
    }
    storage.create(&release).await?;
    let mut created = Vec::new();
    let applying = options.common.applying.after(&release.apply_method);
    // What the client merged goes over to the server with the first revision that the server merges.
    let applying = applying.handing_over(current.apply_method != "ssa" && applying.server_side);
    let common = Common { applying, ..options.common.clone() };
    let done = perform(cluster, &mut release, (&old, &new), &common, &mut created, progress).await;
    if let Err(error) = done {
        if let Some(warn) = options.common.warn {
            let why = gotemplate::format::quote(&error.to_string().into());
            warn(&format!("level=WARN msg=\"upgrade failed\" name={} error={why}", release.name));
        }
        return Err(fail(cluster, &storage, release, options, created, error).await);
    }
    supersede(&storage, &history).await?;
    release.info.status = "deployed".to_owned();
    release.info.description = options.common.described("Upgrade complete");
    storage.update(&release).await?;
    storage.prune(&release.name, options.common.max_history).await?;
    Ok(release)
}

/// A custom resource definition that a chart would change.
#[derive(Clone, Debug)]
pub struct CrdChange {
    /// Its name.
    pub name: String,
    /// What is there; null where nothing is.
    pub live: Value,
    /// What would be there.
    pub merged: Value,
}

/// What bringing a chart's definitions of custom resources up to date changes; with `dry_run` nothing is changed yet.
///
/// # Errors
/// What the cluster says.
pub async fn upgrade_crds(cluster: &Cluster, chart: &Chart, dry_run: bool) -> Result<Vec<CrdChange>, Error> {
    let mut changes = Vec::new();
    for crd in chart.crds() {
        for object in apply::objects(&crd.file.text())? {
            let path = cluster.path_of(&object, "").await?;
            let live = cluster.get(&path).await?.unwrap_or_default();
            let merged = cluster.apply(&object, "", true, dry_run).await?;
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            changes.push(CrdChange { name, live, merged });
        }
    }
    Ok(changes)
}

/// What was deployed is not any more.
pub(super) async fn supersede(storage: &Storage<'_>, history: &[Release]) -> Result<(), Error> {
    for release in history.iter().filter(|release| release.info.status == "deployed") {
        let mut release = release.clone();
        release.info.status = "superseded".to_owned();
        storage.update(&release).await?;
    }
    Ok(())
}

/// The values of the new revision: with those of the current one, where the flags ask for them.
fn reuse(chart: &mut Chart, current: &Release, values: Values, options: &Upgrade) -> Values {
    let mut warnings = Warnings::new();
    let values = reused(chart, current, values, options, &mut warnings);
    crate::values::tell(&warnings, options.common.warn);
    values
}

fn reused(
    chart: &mut Chart,
    current: &Release,
    mut values: Values,
    options: &Upgrade,
    warnings: &mut Warnings,
) -> Values {
    if options.reset_values {
        return values;
    }
    if options.reuse_values {
        let own = crate::json::with_floats(current.chart["values"].clone());
        let mut old = current.config.clone();
        coalesce_tables(&mut old, own.as_object().cloned().unwrap_or_default(), warnings);
        coalesce_tables(&mut values, current.config.clone(), warnings);
        chart.values = old;
        return values;
    }
    if options.reset_then_reuse_values {
        coalesce_tables(&mut values, current.config.clone(), warnings);
        return values;
    }
    if values.is_empty() { current.config.clone() } else { values }
}

async fn prepare(
    cluster: &Cluster,
    chart: &mut Chart,
    values: Values,
    options: &Upgrade,
    (current, last): (&Release, &Release),
) -> Result<Release, Error> {
    check_labels(&options.labels)?;
    let revision = last.version + 1;
    let capabilities = cluster.capabilities().await?;
    let release = engine::Release {
        name: options.name.clone(),
        namespace: current.namespace.clone(),
        revision,
        is_upgrade: true,
    };
    let how = Options {
        engine: engine::Options {
            enable_dns: options.enable_dns,
            lookup: options.common.lookup.as_ref(),
            ..engine::Options::default()
        },
        sub_notes: options.sub_notes,
        skip_schema: options.skip_schema,
        warn: options.common.warn,
        ..Options::default()
    };
    let rendered = render(chart, &values, &release, &capabilities, how)?;
    let rendered = options.common.rendered(rendered)?;
    let mut labels = last.labels.clone();
    labels.extend(options.labels.clone());
    labels.retain(|_, value| value != "null");
    Ok(Release {
        name: release.name,
        namespace: release.namespace,
        version: revision,
        info: Info {
            first_deployed: current.info.first_deployed.clone(),
            last_deployed: now(),
            description: options.common.underway("Preparing upgrade"),
            status: "pending-upgrade".to_owned(),
            notes: rendered.notes,
            ..Info::default()
        },
        chart: chart_json(chart),
        config: values,
        manifest: rendered.manifest,
        hooks: rendered.hooks,
        apply_method: method(options.common.applying.after(&last.apply_method).server_side),
        labels,
        stored: Map::new(),
    })
}

/// The objects that the old manifest has not.
async fn added(cluster: &Cluster, old: &[Value], new: &[Value], namespace: &str) -> Result<Vec<Value>, Error> {
    let mut known = std::collections::HashSet::new();
    for object in old {
        // A kind that is gone knows no objects.
        known.extend(cluster.path_of(object, namespace).await);
    }
    let mut added = Vec::new();
    for object in new {
        if !known.contains(&cluster.path_of(object, namespace).await?) {
            added.push(object.clone());
        }
    }
    Ok(added)
}

async fn perform(
    cluster: &Cluster,
    release: &mut Release,
    (old, new): (&[Value], &[Value]),
    common: &Common,
    created: &mut Vec<String>,
    progress: &mut wait::Progress<'_>,
) -> Result<(), Error> {
    let failed = |when: &str, error: Error| Error::Release(format!("{when} hooks failed: {error}"));
    common.hooks(cluster, release, "pre-upgrade").await.map_err(|error| failed("pre-upgrade", error))?;
    let place = (release.name.as_str(), release.namespace.as_str());
    apply::apply(cluster, (old, new), place, common.applying, created).await?;
    apply::prune(cluster, old, new, &release.namespace).await?;
    common.wait_for(cluster, release, progress).await?;
    common.hooks(cluster, release, "post-upgrade").await.map_err(|error| failed("post-upgrade", error))
}

async fn fail(
    cluster: &Cluster,
    storage: &Storage<'_>,
    mut release: Release,
    options: &Upgrade,
    created: Vec<String>,
    error: Error,
) -> Error {
    record_failure(storage, &mut release, "Upgrade", &error).await;
    if options.cleanup_on_fail {
        for path in created {
            // What cannot be deleted now is in the failed revision's manifest.
            let _ = cluster.delete(&path).await;
        }
    }
    if !options.rollback_on_failure {
        return error;
    }
    let history = match storage.history(&release.name).await {
        Ok(history) => history,
        Err(again) => {
            return Error::Release(format!(
                "an error occurred while finding last successful release. original upgrade error: {error}: {again}"
            ));
        }
    };
    let good = |release: &&Release| matches!(release.info.status.as_str(), "superseded" | "deployed");
    let Some(good) = history.iter().rev().find(good) else {
        return Error::Release(format!(
            "unable to find a previously successful release when attempting to rollback. original upgrade error: {error}"
        ));
    };
    let how = super::Rollback { common: options.common.clone(), revision: good.version, ..super::Rollback::default() };
    match super::rollback(cluster, &release.namespace, &release.name, &how, &mut |_| {}).await {
        Ok(_) => Error::Release(format!(
            "release {} failed, and has been rolled back due to rollback-on-failure being set: {error}",
            release.name
        )),
        Err(again) => Error::Release(format!(
            "an error occurred while rolling back the release. original upgrade error: {error}: {again}"
        )),
    }
}
