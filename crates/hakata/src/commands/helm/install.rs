//! `hakata helm install`

use helm::chart::Chart;
use helm::release::{Install, Release};
use helm::values::Values;

use super::chart::{load_installable, name_and_chart};
use super::cluster::{self, DryRun, OperationFlags, dry_run};
use super::flags::{Global, RenderFlags};
use super::output::{print, warn};
use super::printing::{Format, status};
use super::waiting::Table;

/// Install a chart
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Args {
    /// [NAME] [CHART]
    #[arg(required = true)]
    args: Vec<String>,
    #[command(flatten)]
    render: RenderFlags,
    #[command(flatten)]
    operation: OperationFlags,
    /// create the release namespace if not present
    #[arg(long)]
    create_namespace: bool,
    /// reuse the given name, only if that name is a deleted release which remains in the history
    #[arg(long)]
    replace: bool,
    /// if set, Helm will uninstall the installation upon failure
    #[arg(long, visible_alias = "atomic")]
    rollback_on_failure: bool,
    /// if set, do not show notes in install output
    #[arg(long)]
    hide_notes: bool,
    /// simulates the operation: "client" or "server"
    #[arg(long, num_args = 0..=1, default_missing_value = "unset", require_equals = true, value_parser = dry_run)]
    dry_run: Option<DryRun>,
    /// hide Kubernetes Secrets when also using the --dry-run flag
    #[arg(long)]
    hide_secret: bool,
    /// Labels that would be added to release metadata. Should be divided by comma.
    #[arg(long, short = 'l', value_delimiter = ',')]
    labels: Vec<String>,
    /// prints the output in the specified format
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

/// `key=value` pairs.
pub(crate) fn labels(pairs: &[String]) -> value::Map {
    let split = |pair: &String| pair.split_once('=').map(|(key, value)| (key.to_owned(), value.into()));
    pairs.iter().filter_map(split).collect()
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let failed = |error: anyhow::Error| {
        let error = cluster::checked(cluster::explained(&error));
        log(&error);
        anyhow::anyhow!("INSTALLATION FAILED: {error}")
    };
    // The files of certificates come before all else.
    super::pull::access(args.render.chart.plain_http, &args.render.chart.access)?;
    let release = install(global, args).map_err(failed)?;
    print(&args.output.release(&release.to_json(), || status(&release, args.hide_notes)))
}

/// Some failures are logged before they are told of.
pub(crate) fn log(error: &str) {
    const STEPS: [&str; 2] = ["release name check failed", "chart dependencies processing failed"];
    let step = STEPS.iter().find_map(|step| Some((step, error.strip_prefix(step)?.strip_prefix(": ")?)));
    if let Some((step, why)) = step {
        warn(&format!("level=ERROR msg={step:?} error={}", helm::quoted(why)));
    } else if error.starts_with("hiding Kubernetes secrets") || error.starts_with("cluster reachability check failed") {
        warn(&format!("level=ERROR msg={}", helm::quoted(error)));
    }
}

fn install(global: &Global, args: &Args) -> anyhow::Result<Release> {
    let (name, reference) = name_and_chart(&args.args, &args.render, None)?;
    let chart = load_installable(global, &reference, &args.render)?;
    let values = args.render.values.options().merge(&global.places())?;
    let dry_run = args.dry_run.unwrap_or_default();
    if args.hide_secret && dry_run == DryRun::None {
        anyhow::bail!("hiding Kubernetes secrets requires a dry-run mode");
    }
    let mut common = args.operation.common(args.render.no_hooks, 0);
    common.wait |= args.rollback_on_failure;
    common.lookup = (dry_run != DryRun::Client).then(|| cluster::lookup(global));
    common.post_render = super::postrender::of(global, &args.render, args.hide_secret)?;
    let options = Install {
        common,
        name,
        namespace: global.namespace(),
        create_namespace: args.create_namespace,
        replace: args.replace,
        skip_crds: args.render.skip_crds,
        sub_notes: args.render.render_subchart_notes,
        skip_schema: args.render.skip_schema_validation,
        enable_dns: args.render.enable_dns,
        dry_run: dry_run != DryRun::None,
        rollback_on_failure: args.rollback_on_failure,
        labels: labels(&args.labels),
    };
    match dry_run {
        DryRun::Client => Ok(helm::release::preview(chart, values, &options)?),
        _ => perform(global, chart, values, options),
    }
}

fn perform(global: &Global, chart: Chart, values: Values, mut options: Install) -> anyhow::Result<Release> {
    cluster::run(global, |cluster, namespace| async move {
        options.namespace = namespace;
        let mut table = Table::new();
        helm::release::install(&cluster, chart, values, &options, &mut |waiting| table.show(waiting)).await
    })
}
