//! `hakata helm package`

use std::path::PathBuf;

use helm::chart::load_directory;
use helm::provenance;
use helm::repository::Reach;

use super::flags::Global;
use super::output::print;
use super::signing::SigningFlags;

/// Package a chart directory into a chart archive
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Args {
    /// Directories of charts
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
    /// use a PGP private key to sign this package
    #[arg(long)]
    sign: bool,
    #[command(flatten)]
    signing: SigningFlags,
    /// use insecure HTTP connections for the chart download
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    access: super::repo::AccessFlags,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    if args.paths.is_empty() {
        anyhow::bail!("need at least one argument, the path to the chart");
    }
    if args.sign && args.signing.key.is_empty() {
        anyhow::bail!("--key is required for signing a package");
    }
    let access = super::pull::access(args.plain_http, &args.access)?;
    let mut passphrase = args.signing.passphrase();
    for path in &args.paths {
        std::fs::metadata(path).map_err(|error| {
            let why = error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase();
            anyhow::anyhow!("stat {}: {why}", path.display())
        })?;
        if args.dependency_update {
            let reach = Reach { places: global.places(), access: access.clone(), ..Reach::default() };
            // Of all that goes on, Helm tells here what registries gave.
            let mut told = Ok(());
            helm::repository::update(path, &reach, &mut |line| {
                if line.starts_with("Pulled: ") && told.is_ok() {
                    told = print(&format!("{line}\n"));
                }
            })?;
            told?;
        }
        let mut chart = load_directory(path)?;
        chart.notices.iter().for_each(|notice| super::output::warn(notice));
        if let Some(version) = &args.version {
            chart.metadata.version.clone_from(version);
        }
        helm::package::check_version(&chart.metadata.version)?;
        if let Some(version) = &args.app_version {
            chart.metadata.app_version.clone_from(version);
        }
        helm::dependencies::check(&chart)?;
        let destination =
            if args.destination.as_os_str() == "." { std::env::current_dir()? } else { args.destination.clone() };
        let written = helm::package::save(&mut chart, &destination)?;
        if args.sign {
            provenance::sign(&written, &args.signing.signing(), &mut |owner| passphrase.get(owner))?;
        }
        print(&format!("Successfully packaged chart and saved it to: {}\n", written.display()))?;
    }
    Ok(())
}
