//! `hakata helm create`

use std::path::{Path, PathBuf};

use super::output::print;

/// Create a new chart with the given name
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The name, or a path that ends with it
    name: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let name = args.name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let directory = args.name.parent().unwrap_or(Path::new(""));
    print(&format!("Creating {}\n", args.name.display()))?;
    helm::create::create(&name, directory)?;
    Ok(())
}
