//! `hakata helm show`

use clap::Subcommand;
use helm::show::{Part, show};

use super::flags::{ChartFlags, Global};
use super::output::print;

/// Show information of a chart
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Wanted,
}

#[derive(Subcommand)]
enum Wanted {
    /// show all information of the chart
    All(Chart),
    /// show the chart's definition
    Chart(Chart),
    /// show the chart's CRDs
    Crds(Chart),
    /// show the chart's README
    Readme(Chart),
    /// show the chart's values
    Values(Chart),
}

#[derive(clap::Args)]
#[command(disable_version_flag = true)]
struct Chart {
    /// The chart: a directory, an archive, or a name in a repository
    chart: String,
    #[command(flatten)]
    flags: ChartFlags,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let (part, wanted) = match &args.part {
        Wanted::All(chart) => (Part::All, chart),
        Wanted::Chart(chart) => (Part::Chart, chart),
        Wanted::Crds(chart) => (Part::Crds, chart),
        Wanted::Readme(chart) => (Part::Readme, chart),
        Wanted::Values(chart) => (Part::Values, chart),
    };
    let path = super::chart::locate(global, &wanted.chart, &wanted.flags)?;
    print(&show(&helm::chart::load(&path)?, part))
}
