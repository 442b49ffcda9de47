//! `hakata helm create`

use std::path::{Path, PathBuf};

use super::flags::Global;
use super::output::print;

/// Create a new chart with the given name
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The name, or a path that ends with it
    name: PathBuf,
    /// the name or absolute path to Helm starter scaffold
    #[arg(long, short = 'p')]
    starter: Option<PathBuf>,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let name = args.name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let directory = args.name.parent().unwrap_or(Path::new(""));
    print(&format!("Creating {}\n", args.name.display()))?;
    match args.starter.as_ref().filter(|starter| !starter.as_os_str().is_empty()) {
        // An absolute path stays as it is.
        Some(starter) => {
            helm::create::create_from(&name, directory, &global.places().data_home.join("starters").join(starter))?
        }
        None => helm::create::create(&name, directory)?,
    };
    Ok(())
}
