//! `hakata version`

use std::io::Write;

/// Show the version
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "hakata {}", env!("CARGO_PKG_VERSION"))?;
    Ok(())
}
