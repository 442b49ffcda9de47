//! `hakata kustomize`

mod build;

use clap::Subcommand;
use std::io::Write;

/// Build manifests from a kustomization.yaml
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata kustomize build overlays/production\n  \
    hakata kustomize build https://github.com/owner/repo/deploy?ref=v1.2")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Build(build::Args),
    /// Print the version of kustomize whose output this one gives
    Version,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Build(args) => build::run(args),
        Command::Version => {
            writeln!(std::io::stdout(), "{}", kustomize::KUSTOMIZE_VERSION)?;
            Ok(())
        }
    }
}

/// The places of an error on lines of their own, then the chain.
fn explain(error: kustomize::Error) -> anyhow::Error {
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
