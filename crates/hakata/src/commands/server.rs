//! `hakata server`

use anyhow::Context as _;
use cluster::config::Config;
use cluster::server::Server;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Run a server in the foreground
///
/// Prints one line on standard output when it is ready, and ends with exit code 0 on SIGTERM or SIGINT after it has
/// finished what is under way. A second signal ends it at once.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata server --data-dir /var/lib/hakata/default --write-kubeconfig ~/.kube/config\n  \
    hakata server --data-dir ./data --listen 127.0.0.1:6443 --write-kubeconfig ./kubeconfig --no-node\n  \
    hakata server --config server.yaml")]
pub(crate) struct Args {
    /// Where everything that outlives the process lies
    #[arg(long, value_name = "DIR", default_value = "/var/lib/hakata/default", env = "HAKATA_DATA_DIR")]
    data_dir: PathBuf,

    /// Where the API is served; port 0 takes any free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:6443", env = "HAKATA_LISTEN")]
    listen: SocketAddr,

    /// Write the administrator's kubeconfig here
    #[arg(long, value_name = "FILE")]
    write_kubeconfig: Option<PathBuf>,

    /// A further host name under which clients know the server (repeatable)
    #[arg(long, value_name = "NAME")]
    tls_san: Vec<String>,

    /// Run the control plane alone
    #[arg(long)]
    no_node: bool,

    /// How long requests under way may take when the server is told to stop, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    shutdown_grace: u64,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    crate::telemetry::start();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(serve(args))
}

async fn serve(args: &Args) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    watch_signals(stop.clone())?;
    let server = Server::build(config(args)).await?;
    writeln!(std::io::stdout(), "hakata {} is ready at {}", env!("CARGO_PKG_VERSION"), server.url())?;
    std::io::stdout().flush()?;
    server.run(stop).await;
    Ok(())
}

fn config(args: &Args) -> Config {
    // The node comes with its own issue; until then every server is a control plane alone.
    let _ = args.no_node;
    Config {
        listen: args.listen,
        write_kubeconfig: args.write_kubeconfig.clone(),
        tls_names: args.tls_san.clone(),
        grace: Duration::from_secs(args.shutdown_grace),
        ..Config::new(args.data_dir.clone())
    }
}

/// The first signal drains, the second leaves at once.
fn watch_signals(stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stop.is_cancelled() {
                std::process::exit(130);
            }
            stop.cancel();
        }
    });
    Ok(())
}
