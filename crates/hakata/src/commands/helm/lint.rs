//! `hakata helm lint`

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use helm::capabilities::Capabilities;
use helm::lint::{Finding, Options, Severity, lint};
use helm::values::Values;

use super::flags::{Global, ValueFlags};
use super::output::print;

/// Examine a chart for possible issues
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directories of charts
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// fail on lint warnings
    #[arg(long)]
    strict: bool,
    /// lint dependent charts
    #[arg(long)]
    with_subcharts: bool,
    /// print only warnings and errors
    #[arg(long)]
    quiet: bool,
    /// if set, disables JSON schema validation
    #[arg(long)]
    skip_schema_validation: bool,
    /// Kubernetes version used for capabilities and deprecation checks
    #[arg(long)]
    kube_version: Option<String>,
    #[command(flatten)]
    values: ValueFlags,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = &args.kube_version {
        let set = capabilities.set_version(version);
        set.map_err(|error| anyhow!("invalid kube version '{version}': {error}"))?;
    }
    let options = Options {
        namespace: global.namespace(),
        skip_schema: args.skip_schema_validation,
        capabilities,
        warn: Some(super::output::warn),
    };
    let values = args.values.options().merge(&global.places())?;
    let mut paths = args.paths.clone();
    if args.with_subcharts {
        args.paths.iter().for_each(|path| add_subcharts(&path.join("charts"), &mut paths));
    }
    let tolerated = if args.strict { Severity::Warning } else { Severity::Error };
    let (mut failed, mut noted) = (0, 0);
    for path in &paths {
        let found = examine(path, &values, &options);
        let worst = found.as_ref().map_or(Some(Severity::Error), |all| all.iter().map(|one| one.severity).max());
        failed += usize::from(worst >= Some(tolerated));
        noted += usize::from(worst >= Some(Severity::Warning));
        if !args.quiet || worst >= Some(Severity::Warning) {
            tell(path, &found, args.quiet)?;
        }
    }
    let summary = format!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
    if failed > 0 {
        bail!(summary);
    }
    if !args.quiet || noted > 0 {
        print(&format!("{summary}\n"))?;
    }
    Ok(())
}

/// The findings on a chart; an archive is unpacked for that.
fn examine(path: &Path, values: &Values, options: &Options) -> Result<Vec<Finding>, String> {
    let name = path.to_string_lossy();
    if !name.ends_with(".tgz") && !name.ends_with(".tar.gz") {
        return lint(path, values, options);
    }
    let data = std::fs::read(path).map_err(|error| {
        let why = error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase();
        format!("unable to open tarball: open {name}: {why}")
    })?;
    let unpacked = |error: &dyn std::fmt::Display| format!("unable to extract tarball: {error}");
    let folder =
        tempfile::tempdir().map_err(|error| format!("unable to create temp dir to extract tarball: {error}"))?;
    let root = super::pull::expand(&data, folder.path()).map_err(|error| unpacked(&error))?;
    lint(&root, values, options)
}

fn tell(path: &Path, found: &Result<Vec<Finding>, String>, quiet: bool) -> anyhow::Result<()> {
    let mut text = format!("==> Linting {}\n", path.display());
    match found {
        Err(error) => text.push_str(&format!("Error {error}\n")),
        Ok(findings) => {
            for finding in findings.iter().filter(|finding| !quiet || finding.severity > Severity::Info) {
                text.push_str(&format!("{finding}\n"));
            }
        }
    }
    text.push('\n');
    print(&text)
}

/// Directories below that hold charts.
fn add_subcharts(directory: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let mut entries: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    entries.sort();
    for entry in entries.into_iter().filter(|entry| entry.join("Chart.yaml").is_file()) {
        let inner = entry.join("charts");
        paths.push(entry);
        add_subcharts(&inner, paths);
    }
}
