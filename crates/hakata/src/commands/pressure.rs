//! `hakata pressure`

mod watch;

use super::target::{TargetFlags, duration};
use anyhow::{Context as _, bail};
use pressure::{By, Filter, Monitor, Report, RuntimeFiles, Settings, Sort, Style, Wanted, afar};
use std::io::{self, Write};
use std::time::Duration;

/// Show what is really overloaded: who loses how much time waiting for CPU, memory and I/O, and why
///
/// Each share is the part of the time in which at least one task waited, and after the slash, in which all waited.
/// With a cluster, its nodes are asked: a node of hakata tells from its history with causes, any other kubelet from 1.34
/// on tells averages. Without a kubeconfig, or with --host, this machine's kernel is measured for a moment; that needs
/// no cluster, and shows containers of any runtime, systemd units and plain control groups.
#[derive(Clone, clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata pressure                        every node of the cluster, the worst first\n  \
    hakata pressure -n shop -l app=cart    some pods\n  \
    hakata pressure --since 30m --sort io  half an hour, by waiting for I/O\n  \
    hakata pressure --node n1 -o yaml      one node, with causes and numbers\n  \
    hakata pressure --host                 this machine alone, by its kernel\n  \
    hakata pressure --watch                live, until q is pressed\n  \
    hakata pressure --definitions | hakata apply -f -\n  \
                                           lets pods have PressureAlerts, and nodes NodePressurePolicies\n\n\
    Exit codes: 0 it was told; 1 nobody told, or the words are wrong.")]
pub(crate) struct Args {
    /// Only the node of this name
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// This machine by its kernel, without asking any cluster
    #[arg(long, conflicts_with = "node")]
    host: bool,
    /// Only pods with these labels
    #[arg(long, short = 'l', value_name = "SELECTOR")]
    selector: Option<String>,
    /// By what to sort
    #[arg(long, value_name = "WHAT", default_value = "worst")]
    sort: SortBy,
    /// Over this much of the past (10s, 30m, 24h); this machine alone is measured that long instead
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    since: Option<Duration>,
    /// How to print it
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    output: Output,
    /// Also those that do not wait, and control groups that have no name of their own
    #[arg(long, short)]
    all: bool,
    /// A line for each pod instead of each container
    #[arg(long)]
    pods: bool,
    /// Without titles
    #[arg(long)]
    no_headers: bool,
    /// Live on the terminal, to sort, filter and look into
    #[arg(long, short, conflicts_with = "output")]
    watch: bool,
    /// Print the definitions of our custom resources, and what nodes may do with them
    #[arg(long, exclusive = true)]
    definitions: bool,
    #[command(flatten)]
    target: TargetFlags,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SortBy {
    Worst,
    Cpu,
    Memory,
    Io,
    Name,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Table,
    Json,
    Yaml,
}

/// How long this machine is measured if nobody says.
const MOMENT: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    crate::telemetry::start_quiet();
    if args.definitions {
        io::stdout().write_all(pressure::alert::DEFINITIONS.as_bytes())?;
        return Ok(());
    }
    if args.watch {
        return watch::run(args);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut reports = runtime.block_on(reports(args))?;
    for report in &mut reports {
        report.sort(args.sort.into());
    }
    print(args, &reports)
}

async fn reports(args: &Args) -> anyhow::Result<Vec<Report>> {
    let client = if args.host { None } else { client(args).await? };
    let filter = filter(args, client.as_ref(), false).await?;
    let wanted = Wanted { over: args.since, all_groups: args.all, series: None };
    let mut reports = match &client {
        None => vec![measure(args)?],
        Some(client) => ask(args, client, &wanted, true).await?,
    };
    reports.iter_mut().for_each(|report| report.retain(&filter));
    Ok(reports)
}

/// Whom to show; `whole` is for a view that looks into pods by itself.
async fn filter(args: &Args, client: Option<&kube::Client>, whole: bool) -> anyhow::Result<Filter> {
    let namespace = args.target.namespace.clone();
    let sorts = match (args.pods, args.all || whole) {
        (true, _) => vec![Sort::Pod, Sort::Machine],
        (false, true) => Vec::new(),
        (false, false) => vec![Sort::Machine, Sort::Container, Sort::Unit, Sort::Group],
    };
    let pods = match (&args.selector, client) {
        (None, _) => None,
        (Some(selector), Some(client)) => Some(afar::pods(client, namespace.as_deref(), selector).await?),
        (Some(_), None) => bail!("labels are known to a cluster alone; leave -l out, or name a kubeconfig"),
    };
    Ok(Filter { namespace, pods, sorts })
}

/// A client, if there is a kubeconfig at all or one was asked for.
async fn client(args: &Args) -> anyhow::Result<Option<kube::Client>> {
    match connect::connect(&args.target.options()).await {
        Ok(connection) => Ok(Some(connection.client)),
        Err(connect::Error::Nothing) if args.node.is_none() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Asks the nodes. `warn` says that a node that does not answer is told of on standard error.
async fn ask(args: &Args, client: &kube::Client, wanted: &Wanted, warn: bool) -> anyhow::Result<Vec<Report>> {
    let nodes = match &args.node {
        Some(node) => vec![node.clone()],
        None => afar::nodes(client).await?,
    };
    let (mut reports, mut failed) = (Vec::new(), None);
    for node in &nodes {
        match afar::fetch(client, node, wanted).await {
            Ok(report) => reports.push(report),
            Err(error) => {
                let error = anyhow::Error::from(error);
                if warn && nodes.len() > 1 {
                    writeln!(io::stderr(), "warning: {error:#}")?;
                }
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) if reports.is_empty() => return Err(error),
        _ if nodes.is_empty() => bail!("the cluster has no nodes; --host shows this machine alone"),
        _ => {}
    }
    afar::resolve_workloads(client, &mut reports).await;
    Ok(reports)
}

/// Measures this machine.
fn measure(args: &Args) -> anyhow::Result<Report> {
    let step = args.since.unwrap_or(MOMENT);
    let mut monitor = Monitor::open(Settings { step, ..Settings::default() }).context("cannot measure this machine")?;
    monitor.meter_all();
    std::thread::sleep(step);
    monitor.step();
    let wanted = Wanted { over: None, all_groups: args.all, series: None };
    Ok(monitor.report(&pressure::host_name(), wanted, &RuntimeFiles::default()))
}

fn print(args: &Args, reports: &[Report]) -> anyhow::Result<()> {
    let mut out = io::stdout();
    let value = || match reports {
        [one] => value::to_value(one),
        many => value::to_value(many),
    };
    match args.output {
        Output::Table => {
            let style = Style { no_headers: args.no_headers, all: args.all, sort: args.sort.into() };
            write!(out, "{}", pressure::render(reports, style))?;
        }
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&value()?)?)?,
        Output::Yaml => write!(out, "{}", yaml::from_json(&value()?))?,
    }
    Ok(())
}

impl From<SortBy> for By {
    fn from(sort: SortBy) -> By {
        match sort {
            SortBy::Worst => By::Worst,
            SortBy::Cpu => By::Cpu,
            SortBy::Memory => By::Memory,
            SortBy::Io => By::Io,
            SortBy::Name => By::Name,
        }
    }
}
