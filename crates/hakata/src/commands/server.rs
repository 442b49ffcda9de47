//! `hakata server`

mod guard;
mod systemd;

use anyhow::Context as _;
use cluster::config::{Cidr, Config, Settings};
use cluster::server::Server;
use guard::Guard;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Run a server in the foreground
///
/// Prints one line on standard output when it is ready, and ends with exit code 0 on SIGTERM or SIGINT after it has
/// finished what is under way. A second signal ends it at once.
///
/// Every flag can also stand in the config file and in the environment (HAKATA_DATA_DIR, HAKATA_LISTEN and so on);
/// flags win over the file, the file over the environment.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata server --write-kubeconfig ~/.kube/config\n  \
    hakata server --data-dir ./data --listen 127.0.0.1:6443 --write-kubeconfig ./kubeconfig --no-node\n  \
    hakata server --config server.yaml\n  \
    hakata server --print-unit > /etc/systemd/system/hakata.service")]
pub(crate) struct Args {
    /// Read settings from this YAML file; its keys are the names of these flags, without dashes in front
    #[arg(long, value_name = "FILE", env = "HAKATA_CONFIG")]
    config: Option<PathBuf>,

    /// The cluster's name, which tells it apart from others on this machine [default: hakata]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// This server's name as a node [default: the machine's name]
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,

    /// Where everything that outlives the process lies [default: /var/lib/hakata/NAME]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Where the API is served; port 0 takes any free one [default: 127.0.0.1:6443, or the next port that is free]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,

    /// Write the administrator's kubeconfig here
    #[arg(long, value_name = "FILE")]
    write_kubeconfig: Option<PathBuf>,

    /// Addresses of pods [default: 10.42.0.0/16]
    #[arg(long, value_name = "CIDR")]
    cluster_cidr: Option<Cidr>,

    /// Addresses of Services [default: 10.43.0.0/16]
    #[arg(long, value_name = "CIDR")]
    service_cidr: Option<Cidr>,

    /// Accept the tokens of this file, one a line: TOKEN,USER,UID,"GROUP,GROUP"
    #[arg(long, value_name = "FILE")]
    token_auth_file: Option<PathBuf>,

    /// A further host name under which clients know the server (repeatable)
    #[arg(long, value_name = "NAME")]
    tls_san: Vec<String>,

    /// By which of a node's addresses it is reached, the best first [default: InternalIP,ExternalIP,Hostname]
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    kubelet_preferred_address_types: Vec<String>,

    /// Run the control plane alone
    #[arg(long)]
    no_node: bool,

    /// Print a systemd unit that runs the server with these flags, and do nothing else
    #[arg(long)]
    print_unit: bool,

    /// Leave the session of the caller, as `hakata up` wants it
    #[arg(long, hide = true)]
    background: bool,

    #[command(flatten)]
    guard: Guard,

    /// How long requests under way may take when the server is told to stop, in seconds [default: 10]
    #[arg(long, value_name = "SECONDS")]
    shutdown_grace: Option<u64>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.print_unit {
        return print_unit(args);
    }
    crate::telemetry::start();
    if args.background {
        cluster::up::leave_session();
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(serve(args))
}

async fn serve(args: &Args) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    watch_signals(stop.clone())?;
    let server = Server::build(config(args)?).await?;
    writeln!(std::io::stdout(), "hakata {} is ready at {}", env!("CARGO_PKG_VERSION"), server.url())?;
    std::io::stdout().flush()?;
    if let Err(error) = systemd::notify_ready() {
        tracing::warn!(%error, "cannot tell systemd that the server is ready");
    }
    server.run(stop).await;
    Ok(())
}

fn print_unit(args: &Args) -> anyhow::Result<()> {
    // What the server would refuse is refused here.
    config(args)?;
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let folder = std::env::current_dir().context("cannot tell which folder this is")?;
    let arguments: Vec<_> = std::env::args_os().skip(1).filter(|argument| argument != "--print-unit").collect();
    write!(std::io::stdout(), "{}", systemd::unit(&program, &arguments, &folder))?;
    Ok(())
}

/// Flags over the file over the environment.
fn config(args: &Args) -> anyhow::Result<Config> {
    let flags = Settings {
        cluster_cidr: args.cluster_cidr,
        data_dir: args.data_dir.clone(),
        listen: args.listen,
        write_kubeconfig: args.write_kubeconfig.clone(),
        service_cidr: args.service_cidr,
        token_auth_file: args.token_auth_file.clone(),
        tls_san: (!args.tls_san.is_empty()).then(|| args.tls_san.clone()),
        name: args.name.clone(),
        node_name: args.node_name.clone(),
        kubelet_preferred_address_types: (!args.kubelet_preferred_address_types.is_empty())
            .then(|| args.kubelet_preferred_address_types.clone()),
        no_node: args.no_node.then_some(true),
        shutdown_grace: args.shutdown_grace,
        guard: args.guard.0.clone(),
    };
    let file = args.config.as_deref().map(Settings::load).transpose()?.unwrap_or_default();
    let environment = Settings::from_env(|name| std::env::var(name).ok())?;
    Ok(flags.over(file).over(environment).config()?)
}

/// The first signal drains, the second leaves at once.
pub(super) fn watch_signals(stop: CancellationToken) -> anyhow::Result<()> {
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
