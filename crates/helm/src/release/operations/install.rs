//! Installing a chart.

use value::{Map, Value, json};

use super::{Common, check_labels, method, record_failure};
use crate::Error;
use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::cluster::Cluster;
use crate::engine;
use crate::release::{Info, Release, Storage, apply, chart_json, now, wait};
use crate::render::{Options, render};
use crate::values::Values;

/// What to install, and how.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are the flags of `helm install`")]
pub struct Install {
    pub common: Common,
    pub name: String,
    pub namespace: String,
    pub create_namespace: bool,
    pub replace: bool,
    pub skip_crds: bool,
    pub sub_notes: bool,
    pub skip_schema: bool,
    pub enable_dns: bool,
    pub dry_run: bool,
    pub rollback_on_failure: bool,
    pub labels: Map,
}

/// Installs a chart.
///
/// # Errors
/// Where the name is taken, the chart does not render, or the cluster does not take it.
pub async fn install(
    cluster: &Cluster,
    mut chart: Chart,
    values: Values,
    options: &Install,
    progress: &mut wait::Progress<'_>,
) -> Result<Release, Error> {
    crate::render::check_name(&options.name)
        .map_err(|error| Error::Release(format!("release name check failed: {error}")))?;
    let storage = Storage::new(cluster, &options.namespace);
    let history = storage.select(&format!(",name={}", options.name)).await?;
    if !options.dry_run {
        check_free(&history, options)?;
    }
    if !options.dry_run && !options.skip_crds {
        install_crds(cluster, &chart, options.common.applying.server_side).await?;
    }
    let capabilities = cluster.capabilities().await?;
    let mut release = prepare(&capabilities, &mut chart, values, options)?;
    let objects = apply::objects(&release.manifest)?;
    if !options.common.applying.take_ownership {
        apply::check_ownership(cluster, &objects, &release.name, &release.namespace, "install").await?;
    }
    if options.dry_run {
        release.info.description = "Dry run complete".to_owned();
        return Ok(release);
    }
    if options.create_namespace {
        create_namespace(cluster, &options.namespace).await?;
    }
    if let Some(last) = history.iter().max_by_key(|release| release.version) {
        release.version = last.version + 1;
        replace(&storage, last).await?;
    }
    storage.create(&release).await?;
    let mut created = Vec::new();
    let done = perform(cluster, &mut release, &objects, options, &mut created, progress).await;
    if let Err(error) = done {
        return Err(fail(cluster, &storage, release, options, error).await);
    }
    release.info.status = "deployed".to_owned();
    release.info.description = options.common.described("Install complete");
    storage.update(&release).await?;
    Ok(release)
}

fn check_free(history: &[Release], options: &Install) -> Result<(), Error> {
    let Some(last) = history.iter().max_by_key(|release| release.version) else { return Ok(()) };
    let gone = matches!(last.info.status.as_str(), "uninstalled" | "failed");
    if options.replace && gone {
        return Ok(());
    }
    Err(Error::Release("release name check failed: cannot reuse a name that is still in use".to_owned()))
}

/// What a release would be, without asking any cluster.
///
/// # Errors
/// Where the chart does not render.
pub fn preview(mut chart: Chart, values: Values, options: &Install) -> Result<Release, Error> {
    crate::render::check_name(&options.name)
        .map_err(|error| Error::Release(format!("release name check failed: {error}")))?;
    let mut release = prepare(&Capabilities::default(), &mut chart, values, options)?;
    release.info.description = "Dry run complete".to_owned();
    Ok(release)
}

/// The release whose name is used again is not the newest any more.
async fn replace(storage: &Storage<'_>, last: &Release) -> Result<(), Error> {
    if last.info.status == "failed" {
        return Ok(());
    }
    let mut last = last.clone();
    last.info.status = "superseded".to_owned();
    last.info.description = "superseded by new release".to_owned();
    storage.update(&last).await
}

async fn install_crds(cluster: &Cluster, chart: &Chart, server_side: bool) -> Result<(), Error> {
    for crd in chart.crds() {
        for object in apply::objects(&crd.file.text())? {
            let path = cluster.path_of(&object, "").await?;
            if cluster.get(&path).await?.is_none() {
                let failed = |error| Error::Release(format!("failed to install CRD {}: {error}", crd.path));
                apply::create(cluster, &object, "", server_side).await.map_err(failed)?;
                let mut quiet = |_: &[wait::Waiting]| {};
                let timeout = std::time::Duration::from_secs(60);
                wait::ready(cluster, &[object], "", false, timeout, &mut quiet).await?;
            }
        }
    }
    Ok(())
}

fn prepare(
    capabilities: &Capabilities,
    chart: &mut Chart,
    values: Values,
    options: &Install,
) -> Result<Release, Error> {
    check_labels(&options.labels)?;
    let release = engine::Release {
        name: options.name.clone(),
        namespace: options.namespace.clone(),
        revision: 1,
        is_upgrade: false,
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
    let rendered = options.common.rendered(render(chart, &values, &release, capabilities, how)?)?;
    let moment = now();
    Ok(Release {
        name: release.name,
        namespace: release.namespace,
        version: 1,
        info: Info {
            first_deployed: moment.clone(),
            last_deployed: moment,
            description: options.common.underway("Initial install underway"),
            status: "pending-install".to_owned(),
            notes: rendered.notes,
            ..Info::default()
        },
        chart: chart_json(chart),
        config: values,
        manifest: rendered.manifest,
        hooks: rendered.hooks,
        apply_method: method(options.common.applying.server_side),
        labels: options.labels.clone(),
        stored: Map::new(),
    })
}

async fn create_namespace(cluster: &Cluster, name: &str) -> Result<(), Error> {
    if cluster.get(&format!("/api/v1/namespaces/{name}")).await?.is_some() {
        return Ok(());
    }
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": { "name": name } } });
    cluster.post("/api/v1/namespaces", &namespace).await.map(|_| ())
}

async fn perform(
    cluster: &Cluster,
    release: &mut Release,
    objects: &[Value],
    options: &Install,
    created: &mut Vec<String>,
    progress: &mut wait::Progress<'_>,
) -> Result<(), Error> {
    let common = &options.common;
    let failed = |when: &str, error: Error| Error::Release(format!("failed {when}: {error}"));
    common.hooks(cluster, release, "pre-install").await.map_err(|error| failed("pre-install", error))?;
    let place = (release.name.as_str(), release.namespace.as_str());
    apply::apply(cluster, (&[], objects), place, common.applying.handing_over(true), created).await?;
    common.wait_for(cluster, release, progress).await?;
    common.hooks(cluster, release, "post-install").await.map_err(|error| failed("post-install", error))
}

/// Keeps the failure; with `--rollback-on-failure` nothing of the release stays.
async fn fail(
    cluster: &Cluster,
    storage: &Storage<'_>,
    mut release: Release,
    options: &Install,
    error: Error,
) -> Error {
    record_failure(storage, &mut release, "Release", &error).await;
    if !options.rollback_on_failure {
        return error;
    }
    let how = super::Uninstall { common: options.common.clone(), ..super::Uninstall::default() };
    match super::uninstall(cluster, &release.namespace, &release.name, &how).await {
        Ok(_) => Error::Release(format!(
            "release {} failed, and has been uninstalled due to rollback-on-failure being set: {error}",
            release.name
        )),
        Err(cleanup) => Error::Release(format!(
            "an error occurred while uninstalling the release. original install error: {error}: {cleanup}"
        )),
    }
}
