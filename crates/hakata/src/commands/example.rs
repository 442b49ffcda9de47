//! `hakata example`: what the containers of the demonstration run. Hidden, since it is of no other use.

use cluster::demo::app::{self, Role};

/// Be a part of the demonstration's example application
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which part
    role: Part,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Part {
    Shop,
    Counter,
    Oven,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let role = match args.role {
        Part::Shop => Role::Shop,
        Part::Counter => Role::Counter,
        Part::Oven => Role::Oven,
    };
    Ok(app::run(role, &mut std::io::stdout())?)
}
