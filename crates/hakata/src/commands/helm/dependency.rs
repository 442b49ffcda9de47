//! `hakata helm dependency`

use std::path::PathBuf;

use clap::Subcommand;
use helm::provenance::default_keyring;
use helm::repository::{Reach, Verifying};

use super::flags::Global;
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
    List(List),
    /// update charts/ based on the contents of Chart.yaml
    #[command(visible_alias = "up")]
    Update(Chart),
    /// rebuild the charts/ directory based on the Chart.lock file
    Build(Chart),
}

#[derive(clap::Args)]
struct List {
    /// The chart
    #[arg(default_value = ".")]
    chart: PathBuf,
    /// maximum column width for output table
    #[arg(long, default_value_t = 80)]
    max_col_width: usize,
}

#[derive(clap::Args)]
struct Chart {
    /// The chart's directory
    #[arg(default_value = ".")]
    chart: PathBuf,
    /// do not refresh the local repository cache
    #[arg(long)]
    skip_refresh: bool,
    /// use insecure HTTP connections for the chart download
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    verify: super::verify::VerifyFlags,
    #[command(flatten)]
    access: super::repo::AccessFlags,
}

impl Chart {
    /// How the dependencies are reached. Updating wants all of them signed where it verifies, building those that are.
    fn reach(&self, global: &Global, verifying: fn(PathBuf) -> Verifying) -> anyhow::Result<Reach> {
        let keyring = || self.verify.keyring.clone().unwrap_or_else(default_keyring);
        Ok(Reach {
            verifying: if self.verify.verify { verifying(keyring()) } else { Verifying::Never },
            places: global.places(),
            skip_refresh: self.skip_refresh,
            access: super::pull::access(self.plain_http, &self.access)?,
        })
    }
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let mut told = Ok(());
    // Each line as it comes: downloads take their time.
    let mut tell = |line: &str| {
        if told.is_ok() {
            told = print(&format!("{line}\n"));
        }
    };
    let done = match &args.action {
        Action::List(list) => return print(&helm::repository::list(&list.chart, list.max_col_width)?),
        Action::Update(update) => {
            helm::repository::update(&update.chart, &update.reach(global, Verifying::Always)?, &mut tell)
        }
        Action::Build(build) => {
            helm::repository::build(&build.chart, &build.reach(global, Verifying::Possible)?, &mut tell)
        }
    };
    told?;
    Ok(done?)
}
