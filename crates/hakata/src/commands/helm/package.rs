//! `hakata helm package`

use std::path::PathBuf;

use helm::chart::load_directory;

use super::output::print;

/// Package a chart directory into a chart archive
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Args {
    /// Directories of charts
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// location to write the chart.
    #[arg(long, short, default_value = ".")]
    destination: PathBuf,
    /// set the version on the chart to this semver version
    #[arg(long)]
    version: Option<String>,
    /// set the appVersion on the chart to this version
    #[arg(long)]
    app_version: Option<String>,
    /// update dependencies from "Chart.yaml" to dir "charts/" before packaging
    #[arg(long, short = 'u')]
    dependency_update: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    for path in &args.paths {
        if args.dependency_update {
            helm::repository::update(path, &helm::repository::Reach::default(), &mut |line| super::output::warn(line))?;
        }
        let mut chart = load_directory(path)?;
        if let Some(version) = &args.version {
            chart.metadata.version.clone_from(version);
        }
        if let Some(version) = &args.app_version {
            chart.metadata.app_version.clone_from(version);
        }
        helm::dependencies::check(&chart)?;
        let destination =
            if args.destination.as_os_str() == "." { std::env::current_dir()? } else { args.destination.clone() };
        let written = helm::package::save(&mut chart, &destination)?;
        print(&format!("Successfully packaged chart and saved it to: {}\n", written.display()))?;
    }
    Ok(())
}
