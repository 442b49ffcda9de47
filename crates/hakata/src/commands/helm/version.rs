//! `hakata helm version`

use super::output::print;

/// Print the helm version information
#[derive(clap::Args)]
pub(crate) struct Args {
    /// print the version number
    #[arg(long)]
    short: bool,
    /// does nothing: there is no server part
    #[arg(short = 'c', long = "client", hide = true)]
    _client: bool,
    /// template for version string format
    #[arg(long)]
    template: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if let Some(template) = &args.template {
        return print(&helm::version::by_template(template)?);
    }
    print(&format!("{}\n", if args.short { helm::version::short() } else { helm::version::text() }))
}
