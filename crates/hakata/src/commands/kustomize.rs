//! `hakata kustomize`

mod build;
mod create;
mod edit;
mod own_helm;

use clap::Subcommand;
use std::io::Write;

/// Build manifests from a kustomization.yaml, and change it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata kustomize build overlays/production\n  \
    hakata kustomize build https://github.com/owner/repo/deploy?ref=v1.2\n  \
    hakata kustomize create --autodetect\n  \
    hakata kustomize edit set image web=registry.example.com/web:2")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Build(Box<build::Args>),
    #[command(alias = "init")]
    Create(create::Args),
    Edit(edit::Args),
    /// Print the version of kustomize whose output this one gives
    Version,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Build(args) => build::run(args),
        Command::Create(args) => create::run(args),
        Command::Edit(args) => edit::run(args),
        Command::Version => {
            writeln!(std::io::stdout(), "{}", kustomize::KUSTOMIZE_VERSION)?;
            Ok(())
        }
    }
}

/// The places of an error on lines of their own, then the chain.
fn explain(error: kustomize::Error) -> anyhow::Error {
    for warning in error.warnings() {
        // A closed standard error changes nothing about the failure.
        let _ = writeln!(std::io::stderr(), "{warning}");
    }
    let report = error.report();
    match report.rsplit_once(&error.to_string()).map(|(places, _)| places) {
        Some(places) if !places.is_empty() => {
            // A closed standard error changes nothing about the failure.
            let _ = std::io::stderr().write_all(places.as_bytes());
            anyhow::Error::new(error)
        }
        _ => anyhow::Error::new(error),
    }
}

/// The directory whose kustomization file is meant.
fn present_dir() -> anyhow::Result<String> {
    Ok(std::env::current_dir()?.to_string_lossy().into_owned())
}

/// Writes the file, and what was passed over to standard error.
fn save(edit: &kustomize::edit::Edit<'_>) -> anyhow::Result<()> {
    for note in edit.notes() {
        writeln!(std::io::stderr(), "{note}")?;
    }
    edit.save().map_err(explain)
}
