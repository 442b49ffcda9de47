//! `hakata helm completion`: what a shell has to know to complete our command lines.

use clap_complete::Shell;
use clap_complete::aot::generate;

use super::output::print;

/// Generate autocompletion scripts for the specified shell
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    shell: For,
}

#[derive(clap::Subcommand, Clone, Copy)]
enum For {
    /// generate autocompletion script for bash
    Bash(Script),
    /// generate autocompletion script for fish
    Fish(Script),
    /// generate autocompletion script for powershell
    Powershell(Script),
    /// generate autocompletion script for zsh
    Zsh(Script),
}

#[derive(clap::Args, Clone, Copy)]
struct Script {
    /// accepted for scripts: descriptions are where the shell has a place for them
    #[arg(long, hide = true)]
    no_descriptions: bool,
}

/// Writes the script for the whole program, since that is what the shell completes.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let shell = match args.shell {
        For::Bash(_) => Shell::Bash,
        For::Fish(_) => Shell::Fish,
        For::Powershell(_) => Shell::PowerShell,
        For::Zsh(_) => Shell::Zsh,
    };
    let mut script = Vec::new();
    generate(shell, &mut super::usage::command(), "hakata", &mut script);
    print(&String::from_utf8_lossy(&script))
}
