//! `hakata helm upgrade`

use helm::release::{Install, Storage, Upgrade, Waiting};

use super::chart::load_installable;
use super::cluster::{self, DryRun, OperationFlags, dry_run};
use super::flags::{Global, RenderFlags};
use super::output::print;
use super::printing::{Format, status};
use super::waiting::Table;

/// Upgrade a release
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Args {
    /// The release
    release: String,
    /// The chart
    chart: String,
    #[command(flatten)]
    render: RenderFlags,
    #[command(flatten)]
    operation: OperationFlags,
    /// if a release by this name doesn't already exist, run an install
    #[arg(long, short)]
    install: bool,
    /// if --install is set, create the release namespace if not present
    #[arg(long)]
    create_namespace: bool,
    /// when upgrading, reset the values to the ones built into the chart
    #[arg(long)]
    reset_values: bool,
    /// when upgrading, reuse the last release's values and merge in any overrides
    #[arg(long)]
    reuse_values: bool,
    /// when upgrading, reset the values to the ones built into the chart, apply the last release's values and merge in any overrides
    #[arg(long)]
    reset_then_reuse_values: bool,
    /// limit the maximum number of revisions saved per release. Use 0 for no limit
    #[arg(long, default_value_t = 10, env = "HELM_MAX_HISTORY")]
    history_max: usize,
    /// allow deletion of new resources created in this upgrade when upgrade fails
    #[arg(long)]
    cleanup_on_fail: bool,
    /// if set, Helm will rollback the upgrade to previous success release upon failure
    #[arg(long, visible_alias = "atomic")]
    rollback_on_failure: bool,
    /// if set, do not show notes in upgrade output
    #[arg(long)]
    hide_notes: bool,
    /// simulates the operation: "client" or "server"
    #[arg(long, num_args = 0..=1, default_missing_value = "unset", require_equals = true, value_parser = dry_run)]
    dry_run: Option<DryRun>,
    /// hide Kubernetes Secrets when also using the --dry-run flag
    #[arg(long)]
    hide_secret: bool,
    /// Labels that would be added to release metadata. Should be separated by comma.
    #[arg(long, short = 'l', value_delimiter = ',')]
    labels: Vec<String>,
    /// bring the chart's custom resource definitions up to date before the upgrade, after showing what changes
    #[arg(long)]
    upgrade_crds: bool,
    /// prints the output in the specified format
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let chart = load_installable(global, &args.chart, &args.render)?;
    let values = args.render.values.options().merge(&global.places())?;
    let mut common = args.operation.common(args.render.no_hooks, args.history_max);
    common.wait |= args.rollback_on_failure;
    let dry_run = args.dry_run.unwrap_or_default();
    if args.hide_secret && dry_run == DryRun::None {
        anyhow::bail!("UPGRADE FAILED: hiding Kubernetes secrets requires a dry-run mode");
    }
    common.lookup = (dry_run != DryRun::Client).then(|| cluster::lookup(global));
    common.post_render = super::postrender::of(global, &args.render, args.hide_secret)?;
    if args.upgrade_crds {
        show_crd_changes(global, &chart, dry_run == DryRun::None)?;
    }
    let dry_run = dry_run != DryRun::None;
    let labels = super::install::labels(&args.labels);
    let done = cluster::run(global, |cluster, namespace| async move {
        let mut table = Table::new();
        let mut progress = |waiting: &[Waiting]| table.show(waiting);
        let known = Storage::new(&cluster, &namespace).select(&format!(",name={}", args.release)).await?;
        let gone =
            known.iter().max_by_key(|release| release.version).is_none_or(|last| last.info.status == "uninstalled");
        if args.install && gone {
            let options = Install {
                common,
                name: args.release.clone(),
                namespace,
                create_namespace: args.create_namespace,
                replace: true,
                skip_crds: args.render.skip_crds,
                sub_notes: args.render.render_subchart_notes,
                skip_schema: args.render.skip_schema_validation,
                enable_dns: args.render.enable_dns,
                dry_run,
                rollback_on_failure: args.rollback_on_failure,
                labels,
            };
            let installed = helm::release::install(&cluster, chart, values, &options, &mut progress).await;
            return installed.map(|release| (release, true));
        }
        let options = Upgrade {
            common,
            name: args.release.clone(),
            namespace,
            reset_values: args.reset_values,
            reuse_values: args.reuse_values,
            reset_then_reuse_values: args.reset_then_reuse_values,
            sub_notes: args.render.render_subchart_notes,
            skip_schema: args.render.skip_schema_validation,
            enable_dns: args.render.enable_dns,
            dry_run,
            cleanup_on_fail: args.cleanup_on_fail,
            rollback_on_failure: args.rollback_on_failure,
            labels,
        };
        let upgraded = helm::release::upgrade(&cluster, chart, values, &options, &mut progress).await;
        upgraded.map(|release| (release, false))
    });
    let failed = |error: anyhow::Error| {
        let error = cluster::explained(&error);
        if args.install {
            super::install::log(&error);
        }
        anyhow::anyhow!("UPGRADE FAILED: {error}")
    };
    let (release, new) = done.map_err(failed)?;
    print(&args.output.release(&release.to_json(), || {
        let first = match new {
            true => format!("Release {:?} does not exist. Installing it now.\n", args.release),
            false => format!("Release {:?} has been upgraded. Happy Helming!\n", args.release),
        };
        format!("{first}{}", status(&release, args.hide_notes))
    }))
}

/// Shows what changes of the chart's custom resource definitions, and changes it.
fn show_crd_changes(global: &Global, chart: &helm::chart::Chart, really: bool) -> anyhow::Result<()> {
    let changes = cluster::run(global, |cluster, _| async move {
        let changes = helm::release::upgrade_crds(&cluster, chart, true).await?;
        if really {
            helm::release::upgrade_crds(&cluster, chart, false).await?;
        }
        Ok(changes)
    })?;
    for change in changes {
        let text = |object: &value::Value| {
            let mut object = object.clone();
            if let Some(metadata) = object.get_mut("metadata").and_then(value::Value::as_object_mut) {
                metadata.remove("managedFields");
            }
            if object.is_null() { String::new() } else { helm::to_yaml(&object) }
        };
        super::output::warn(verbs::diff::unified(&change.name, &text(&change.live), &text(&change.merged)).trim_end());
    }
    Ok(())
}
