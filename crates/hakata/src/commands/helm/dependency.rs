//! `hakata helm dependency`

use std::path::PathBuf;

use clap::Subcommand;

use super::output::print;

/// Manage a chart's dependencies
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// list the dependencies for the given chart
    #[command(visible_alias = "ls")]
    List(Chart),
    /// update charts/ based on the contents of Chart.yaml
    #[command(visible_alias = "up")]
    Update(Chart),
    /// rebuild the charts/ directory based on the Chart.lock file
    Build(Chart),
}

#[derive(clap::Args)]
struct Chart {
    /// The chart's directory
    #[arg(default_value = ".")]
    chart: PathBuf,
    /// do not refresh the local repository cache
    #[arg(long)]
    skip_refresh: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut told = Vec::new();
    let mut tell = |line: &str| told.push(format!("{line}\n"));
    let done = match &args.action {
        Action::List(list) => return print(&helm::repository::list(&list.chart)?),
        Action::Update(update) => helm::repository::update(&update.chart, &mut tell),
        Action::Build(build) => helm::repository::build(&build.chart, &mut tell),
    };
    print(&told.concat())?;
    Ok(done?)
}
