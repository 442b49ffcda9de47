//! `hakata demo`

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

/// Show what a server does, with a throw-away one and example objects
///
/// Starts a server in this process with a temporary folder and a free port, applies the objects of `examples/`, prints
/// what became of them, stops, and removes what it made. Needs no network and leaves nothing behind.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata demo\n  hakata demo --keep")]
pub(crate) struct Args {
    /// Go on running until Ctrl-C, so that kubectl can have a look
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    crate::telemetry::start_quiet();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        super::server::watch_signals(stop.clone())?;
        Ok(cluster::demo::run(&mut std::io::stdout(), args.keep, stop).await?)
    })
}
