//! `hakata helm install`

use helm::release::Install;

use super::chart::{load_installable, locate, name_and_chart};
use super::cluster::{self, OperationFlags};
use super::flags::{Global, RenderFlags};
use super::output::print;
use super::printing::{Format, status};

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
    #[arg(long, num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: Option<String>,
    /// Labels that would be added to release metadata. Should be divided by comma.
    #[arg(long, short = 'l', value_delimiter = ',')]
    labels: Vec<String>,
    /// prints the output in the specified format
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

/// `key=value` pairs.
pub(crate) fn labels(pairs: &[String]) -> serde_json::Map<String, serde_json::Value> {
    let split = |pair: &String| pair.split_once('=').map(|(key, value)| (key.to_owned(), value.into()));
    pairs.iter().filter_map(split).collect()
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let (name, reference) = name_and_chart(&args.args, &args.render, None)?;
    let chart = load_installable(&locate(&reference, &args.render.chart)?)?;
    let values = args.render.values.options().merge()?;
    let mut common = args.operation.common(args.render.no_hooks, 0);
    common.wait |= args.rollback_on_failure;
    common.lookup = (args.dry_run.as_deref() != Some("client")).then(|| cluster::lookup(global));
    let mut options = Install {
        common,
        name,
        create_namespace: args.create_namespace,
        replace: args.replace,
        skip_crds: args.render.skip_crds,
        sub_notes: args.render.render_subchart_notes,
        skip_schema: args.render.skip_schema_validation,
        enable_dns: args.render.enable_dns,
        dry_run: args.dry_run.as_deref().is_some_and(|run| run != "none" && run != "false"),
        rollback_on_failure: args.rollback_on_failure,
        labels: labels(&args.labels),
        ..Install::default()
    };
    let dry = options.dry_run;
    let installed = cluster::run(global, |cluster, namespace| async move {
        options.namespace = namespace;
        helm::release::install(&cluster, chart, values, &options, &mut cluster::progress).await
    });
    let release = installed.map_err(|error| anyhow::anyhow!("INSTALLATION FAILED: {error}"))?;
    print(&args.output.text(&release.to_json(), || {
        let mut text = status(&release, args.hide_notes);
        if dry {
            text.push_str(&format!("HOOKS:\nMANIFEST:\n{}\n", release.manifest));
        }
        text
    }))
}
